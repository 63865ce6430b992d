"""How a job names databases, tables and queries: parameters that all relational readers and writers have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from starhaul import ConfigError, EmptyAsNull, Params, PermanentError, native_type, with_empty_as_null
from starhaul_stores.relational.names import expanded
from starhaul_stores.relational.url import DatabaseUrl, parse_url

if TYPE_CHECKING:
    import pyarrow as pa

_IS_A_PASSWORD = re.compile(r"(?:password|passwd|pwd|passphrase)\Z", re.IGNORECASE)
"""Of the name of an option."""
_ROWS_AT_ONCE = 131_072
"""What a bulk load is best sent in: pieces of fewer rows cost several times the work."""


class Place(Params):
    """One element of DataX's `connection` list."""

    jdbc_url: tuple[str, ...] = ()
    """The database, `jdbc:KIND://HOST:PORT/DATABASE?OPTIONS` or the same without `jdbc:`. Of a list, the first that can
    be connected to."""
    url: tuple[str, ...] = ()
    """Another name of `jdbcUrl`."""
    table: tuple[str, ...] = ()
    """Names of tables. One text may hold several, separated by commas; `t[00-31]` stands for `t00` to `t31`."""
    query_sql: tuple[str, ...] = ()
    """SELECT statements to read in place of tables."""

    @field_validator("jdbc_url", "url", "table", "query_sql", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs as the job gives them, at least one. Raises `ConfigError` if there is none, or two names for it."""
        if bool(self.jdbc_url) == bool(self.url):
            raise ConfigError("url", "every connection needs one of url and jdbcUrl")
        return self.jdbc_url or self.url


class RelationalParams(Place):
    """Where the database is and who asks. The base of the parameters of relational readers and writers.

    The database and what to read or write there stand either flat (`url`, `table`) or in DataX's `connection` list.
    """

    connection: tuple[Place, ...] = ()
    """DataX's form of `url`, `table` and `querySql`: a list of `{"jdbcUrl": …, "table": […]}`."""
    username: str | None = None
    """The user. What the URL says otherwise."""
    password: SecretStr | None = None
    """The user's password. May be empty."""
    session: tuple[str, ...] = ()
    """Statements to run first on every connection (`SET lock_timeout = '5s'`)."""
    connect_timeout: float = Field(default=15.0, gt=0)
    """Seconds to wait for a connection to be made."""

    @field_validator("session", mode="before")
    @classmethod
    def _one_session_statement_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _flat_or_listed(self) -> RelationalParams:
        repeated = self.table and self.table == tuple(name for place in self.connection for name in place.table)
        flat = bool(self.jdbc_url or self.url or (self.table and not repeated) or self.query_sql)
        if flat == bool(self.connection):
            raise ValueError("give either url and table, or connection with both")
        for place in self.places:
            if bool(place.jdbc_url) == bool(place.url):
                raise ValueError("every connection needs one of url and jdbcUrl")
            for url in place.urls:
                self._require_understood(url)
            for table in place.table:
                _understood_table(table)
        return self

    @property
    def places(self) -> tuple[Place, ...]:
        """The elements of `connection`; the flat form as its only element."""
        if self.connection:
            return self.connection
        return (Place(jdbc_url=self.jdbc_url, url=self.url, table=self.table, query_sql=self.query_sql),)

    @classmethod
    def parse_address(cls, url: str) -> DatabaseUrl:
        """A URL taken apart. Stores whose URLs look different override it. Raises `ConfigError`."""
        return parse_url(url)

    def address(self, url: str) -> DatabaseUrl:
        """A URL of one of `places` with the user and password of the parameters, which go before its own."""
        password = self.password.get_secret_value() if self.password is not None else None
        return self.parse_address(url).for_user(self.username, password)

    def _require_understood(self, url: str) -> None:
        try:
            self.parse_address(url)
        except ConfigError as error:
            raise ValueError(str(error)) from error

    def addresses(self, place: Place) -> list[DatabaseUrl]:
        """`address` of each URL of a place."""
        return [self.address(url) for url in place.urls]

    @property
    def every_address(self) -> list[DatabaseUrl]:
        """`address` of each URL of all places."""
        return [address for place in self.places for address in self.addresses(place)]

    def secrets(self) -> frozenset[str]:
        """The password, also where a URL holds it, and those among a URL's options (`sslpassword`)."""
        addresses = self.every_address
        found = [address.password for address in addresses]
        for address in addresses:
            found += [value for name, value in address.options.items() if _IS_A_PASSWORD.search(name)]
        return super().secrets() | {password for password in found if password}


def is_utf8(encoding: str) -> bool:
    """Whether it is UTF-8 by one of its names, MySQL's and Java's among them, or none at all."""
    return encoding.strip().lower().replace("_", "-") in ("", "utf-8", "utf8", "utf8mb4")


class RelationalReaderParams(RelationalParams):
    """Parameters that all relational readers have."""

    column: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Column names, or SQL expressions and literals (`"now()"`, `"'x'"`, `"1"`), put into the SELECT as they are.
    `["*"]` is every column. Does not apply to `querySql`."""
    where: str = ""
    """An SQL condition that the rows must meet. Does not apply to `querySql`."""
    split_pk: str | None = None
    """The column to cut a table by, compared by the database itself. By default the primary key, with all its columns
    if it has several (so, too, if its first is named). Empty: do not cut."""
    split_factor: int = Field(default=5, ge=1)
    """Slices for each channel, at least, where a single table is read. Slices hold a million rows at most."""
    fetch_size: int | None = Field(default=None, ge=1)
    """Most rows in a batch. By default as many as make about 2 MiB."""
    pre_sql: tuple[str, ...] = ()
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

    @field_validator("column", "pre_sql", mode="before")
    @classmethod
    def _one_column_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _tables_or_queries(self) -> RelationalReaderParams:
        if any(bool(place.table) == bool(place.query_sql) for place in self.places):
            raise ValueError("give either table or querySql, in every connection")
        return self

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


class RelationalWriterParams(RelationalParams):
    """Parameters that all relational writers have: `url` and `table`, or DataX's `connection` list with one table."""

    column: tuple[str, ...] = Field(default=("*",), min_length=1)
    """The target's columns, in the order of the source's. `["*"]` is every column of the table, or, where the table is
    created, the source's."""
    write_mode: Literal["insert", "ignore", "replace", "update", "overwrite"] = "insert"
    """`insert`: a row with a key that is there already is rejected. `ignore` (`insert ignore`): it is skipped.
    `replace`: it replaces the old row, whose other columns take their defaults. `update`: it updates the old row.
    `overwrite`: the rows replace the whole table when all have arrived; until then others see the old ones."""
    keys: tuple[str, ...] = ()
    """For `update` and `replace`: the columns that tell whether a row is there already, those of a primary key or
    unique index; the primary key by default. They become the primary key of a table that is created."""
    update_columns: tuple[str, ...] = ()
    """For `update`: the columns to set in a row that is there already. By default all of `column` but the keys."""
    create_table: Literal["never", "ifMissing"] = "never"
    """`ifMissing` creates the table from the source's columns and types if it is not there."""
    pre_sql: tuple[str, ...] = ()
    """Statements to run before, once per run. `@table` stands for the table."""
    post_sql: tuple[str, ...] = ()
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
    """The table that holds, while a run lasts, which of its tasks went through."""

    @field_validator("column", "keys", "update_columns", "pre_sql", "post_sql", mode="before")
    @classmethod
    def _one_statement_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

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


def options_of(url: DatabaseUrl, known: Mapping[str, str]) -> dict[str, str]:
    """The options of a URL under the driver's names (`known`: lower-case name in the URL → driver's name; an empty one
    means that the option does not matter here). Raises `ConfigError` for others."""
    found = {}
    for name, value in url.options.items():
        driver = known.get(name.lower())
        if driver is None:
            raise ConfigError("url", f"unknown option {name!r}", f"known are {', '.join(sorted(known))}")
        if driver:
            found[driver] = value
    return found


def _understood_table(text: str) -> None:
    try:
        expanded(text)
    except ConfigError as error:
        raise ValueError(str(error)) from error


def _is_number(field: pa.Field) -> bool:
    """Whether a column holds numbers; those without a limit to their digits travel as text."""
    from pyarrow import types

    kind, told = field.type, (native_type(field) or "").lower()
    return (
        types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        or told.startswith(("numeric", "decimal", "number"))
    )  # fmt: skip
