"""What to read: parameters that all relational readers have, and the tables and queries that they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field, field_validator, model_validator

from starhaul import PermanentError
from starhaul_stores.relational.names import expanded
from starhaul_stores.relational.params import RelationalParams, Texts
from starhaul_stores.relational.queries import without_effect
from starhaul_stores.relational.slices import closes_too_much


class RelationalReaderParams(RelationalParams):
    """Parameters that all relational readers have."""

    column: Texts = Field(default=("*",), min_length=1)
    """Column names, or SQL expressions and literals (`"now()"`, `"'x'"`, `"1"`), put into the SELECT as they are.
    `["*"]` is every column. A table is not cut where one of them looks at many rows (`count(*)`, `DISTINCT a`, a
    window). Does not apply to `querySql`."""
    where: str = ""
    """An SQL condition that the rows must meet. Does not apply to `querySql`."""
    split_pk: str | None = None
    """The column to cut a table by, compared by the database itself. By default the primary key, with all its columns
    if it has several (so, too, if its first is named). Empty: do not cut."""
    split_factor: int = Field(default=5, ge=1)
    """Slices for each channel, at least, where a single table is read. Slices hold a million rows at most."""
    fetch_size: int | None = Field(default=None, ge=1)
    """Most rows in a batch. By default as many as make about 2 MiB."""
    pre_sql: Texts = ()
    """Queries that each must give a single 0; a URL where one does not is passed over. A health check, for a list of
    URLs."""

    mandatory_encoding: str = ""
    """Of DataX, which reads texts anew in this encoding. Here texts arrive as the database declares them, so nothing
    but UTF-8 is taken. Where a declaration is wrong, convert in `column`."""

    @field_validator("mandatory_encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        if not is_utf8(value):
            raise ValueError(
                "texts arrive as the database declares them; where it declares them wrongly, convert them in `column`"
            )
        return value

    @model_validator(mode="after")
    def _tables_or_queries(self) -> RelationalReaderParams:
        if any(bool(place.table) == bool(place.query_sql) for place in self.places):
            raise ValueError("give either table or querySql, in every connection")
        if closes_too_much(self.where):
            raise ValueError("where closes a bracket that it has not opened")
        return self

    @property
    def idle(self) -> tuple[str, ...]:
        """For the user: parameters that do nothing, as queries are read."""
        queries = any(place.query_sql for place in self.places)
        return without_effect(queries, self.column, self.where, self.split_pk)

    @property
    def condition(self) -> str:
        """`where` without what a statement would end in."""
        return self.where.strip().rstrip(";").strip()

    def sources(self) -> list[Source]:
        """Every table and query, in the order of the job. Their numbers in this list are good for `Split.args`."""
        found = []
        for number, place in enumerate(self.places):
            found += [Source(number, table, None) for text in place.table for table in expanded(text)]
            found += [Source(number, None, query.strip().rstrip(";").strip()) for query in place.query_sql]
        return found


@dataclass(frozen=True, slots=True)
class Source:
    """One table or query to read."""

    place: int
    """Index into `RelationalParams.places`."""
    table: str | None
    """As the job writes it, perhaps quoted, perhaps with a schema."""
    query: str | None

    @property
    def name(self) -> str:
        """For the user."""
        return self.table or "query"

    def changed(self) -> PermanentError:
        """The error to raise where its columns are not what the run was planned with."""
        return PermanentError(self.name, "its columns have changed since the run began", "run the job anew")


def offered_by_all(encodings: Sequence[Sequence[str]]) -> Sequence[str]:
    """The names that each source has, in the order of the first."""
    return tuple(name for name in encodings[0] if all(name in each for each in encodings))


def is_utf8(encoding: str) -> bool:
    """Whether it is UTF-8 by one of its names, MySQL's and Java's among them, or none at all."""
    return encoding.strip().lower().replace("_", "-") in ("", "utf-8", "utf8", "utf8mb4")
