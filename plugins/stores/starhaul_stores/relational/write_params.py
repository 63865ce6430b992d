"""What to write: parameters that all relational writers have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from starhaul import EmptyAsNull, native_type, with_empty_as_null
from starhaul_stores.relational.names import expanded
from starhaul_stores.relational.params import RelationalParams, Texts
from starhaul_stores.relational.url import DatabaseUrl

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 131_072
"""What a bulk load is best sent in: pieces of fewer rows cost several times the work."""


class RelationalWriterParams(RelationalParams):
    """Parameters that all relational writers have: `url` and `table`, or DataX's `connection` list with one table."""

    column: Texts = Field(default=("*",), min_length=1)
    """The target's columns, in the order of the source's. `["*"]` is every column of the table, or, where the table is
    created, the source's."""
    write_mode: Literal["insert", "ignore", "replace", "update", "overwrite"] = "insert"
    """`insert`: a row with a key that is there already is rejected. `ignore` (`insert ignore`): it is skipped.
    `replace`: it replaces the old row, whose other columns take their defaults. `update`: it updates the old row.
    `overwrite`: the rows replace the whole table when all have arrived; until then others see the old ones."""
    keys: Texts = ()
    """For `update` and `replace`: the columns that tell whether a row is there already, those of a primary key or
    unique index; the primary key by default. They become the primary key of a table that is created."""
    update_columns: Texts = ()
    """For `update`: the columns to set in a row that is there already. By default all of `column` but the keys."""
    create_table: Literal["never", "ifMissing"] = "never"
    """`ifMissing` creates the table from the source's columns and types if it is not there."""
    pre_sql: Texts = ()
    """Statements to run before, once per run. `@table` stands for the table."""
    post_sql: Texts = ()
    """Statements to run when all rows have arrived. `@table` stands for the table."""
    batch_size: int = Field(default=_ROWS_AT_ONCE, ge=1)
    """Most rows to send at once, and to look through again if one of them is refused. Less than the default changes
    nothing: DataX's 256 or 2048 are rows of a JDBC batch, and would cost a bulk load most of its speed.
    `batchByteSize` makes the pieces smaller."""
    batch_byte_size: int = Field(default=16 << 20, ge=1)
    """Most bytes to send at once. They are held in memory until the database has taken them."""
    empty_as_null: bool | None = None
    """Whether an empty text becomes NULL in a column of numbers. By default only with `conversion: datax`; otherwise it
    is no number, and its row is rejected. Texts stay what they are."""
    ledger_table: str = Field(default="_starhaul_ledger", min_length=1)
    """The table that holds, while a run lasts, which of its tasks went through. A user who may not create tables needs
    it made beforehand, with the right to select, insert, update and delete; then it stays."""

    @field_validator("write_mode", mode="before")
    @classmethod
    def _datax_spellings(cls, value: object) -> object:
        return write_mode_in(value)

    @model_validator(mode="after")
    def _one_target(self) -> RelationalWriterParams:
        if any(place.query_sql for place in self.places):
            raise ValueError("querySql belongs to readers")
        if len(self.places) > 1 or len(expanded(*self.places[0].table)) != 1:
            raise ValueError("one writer writes one table; give the job one content for each table")
        if self.write_mode != "update" and self.update_columns:
            raise ValueError("updateColumns belongs to writeMode update")
        return self

    def accepted(self, fields: pa.Schema) -> pa.Schema:
        """What a writer accepts, with what the parameters say of empty texts in columns of numbers."""
        when: EmptyAsNull = "datax" if self.empty_as_null is None else "always" if self.empty_as_null else "never"
        if when == "never":
            return fields
        import pyarrow as pa

        marked = [with_empty_as_null(field, when) if _is_number(field) else field for field in fields]
        return pa.schema(marked, fields.metadata)

    @property
    def rows_at_once(self) -> int:
        """`batch_size`, or what a bulk load needs."""
        return max(self.batch_size, _ROWS_AT_ONCE)

    @property
    def target(self) -> str:
        """The table to write as the job writes it, perhaps quoted, perhaps with a schema."""
        return expanded(*self.places[0].table)[0]

    @property
    def target_addresses(self) -> list[DatabaseUrl]:
        """Where the target is: the first that can be connected to."""
        return self.addresses(self.places[0])


def write_mode_in(value: object) -> object:
    """A write mode as DataX's jobs spell it: `INSERT INTO`, `insert ignore`, `REPLACE into`, `update` in any case."""
    words = [word for word in value.lower().split() if word not in ("into", "or")] if isinstance(value, str) else []
    if words in (["insert", "ignore"], ["insert", "replace"]):
        return words[1]
    return " ".join(words) if words else value


def statements_for(scripts: Sequence[str], table: str) -> list[str]:
    """`preSql` or `postSql` with the quoted name of the target in place of `@table`; empty ones left out."""
    return [script.replace("@table", table) for script in scripts if script.strip()]


def _is_number(field: pa.Field) -> bool:
    """Whether a column holds numbers; those without a limit to their digits travel as text."""
    from pyarrow import types

    kind, told = field.type, (native_type(field) or "").lower()
    return (
        types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        or told.startswith(("numeric", "decimal", "number"))
    )  # fmt: skip
