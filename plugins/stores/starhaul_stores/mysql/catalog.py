"""What the server knows of tables and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starhaul import ConfigError
from starhaul_stores.mysql.connection import Connection, quoted
from starhaul_stores.mysql.types import Declared, declared
from starhaul_stores.relational.names import name_parts, range_hint, suggestion

NAME_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, as `information_schema` tells it."""

    name: str
    type: Declared
    charset: str
    """Of its texts; empty if it holds none."""
    not_null: bool
    generated: bool
    invisible: bool
    automatic: bool
    """Whether it is AUTO_INCREMENT."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view."""

    schema: str
    name: str
    kind: str
    """`BASE TABLE`, `VIEW` …"""
    engine: str
    rows: int
    """The server's own estimate."""
    columns: tuple[Column, ...]
    unique_keys: tuple[tuple[str, ...], ...]
    """The column sets that the table holds unique over all rows, the primary key first."""
    has_key: bool
    """Whether the first of `unique_keys` is the primary key."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of its primary key, in the key's order."""
        return self.unique_keys[0] if self.has_key else ()

    @property
    def place(self) -> tuple[str, str]:
        """Its database and name."""
        return self.schema, self.name

    @property
    def sql(self) -> str:
        """Its full name as SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def column(self, text: str) -> Column | None:
        """The column that a job means: of this name in any case, perhaps quoted as in SQL."""
        name = text[1:-1].replace("``", "`") if len(text) > 1 and text[0] == text[-1] == "`" else text
        return next((each for each in self.columns if each.name.casefold() == name.casefold()), None)


def full_name(db: Connection, text: str) -> tuple[str, str]:
    """Database and name of the table that a name in a job means."""
    parts = name_parts(text, '`"', str)
    if len(parts) > 2:
        raise ConfigError("table", f"{text!r} is not a name", "write NAME or DATABASE.NAME")
    if len(parts) == 2:
        return parts[0], parts[1]
    database = db.database
    if not database:
        raise ConfigError("url", "names no database", "write mysql://HOST:PORT/DATABASE, or DATABASE.TABLE")
    return database, parts[0]


def find_table(db: Connection, text: str) -> Table | None:
    """The table that a name in a job means; None if there is none."""
    schema, name = full_name(db, text)
    found = db.execute(
        "SELECT table_schema, table_name, table_type, engine, table_rows FROM information_schema.tables "
        "WHERE table_schema = %s AND table_name = %s",
        [schema, name],
    )
    if not found:
        return None
    schema, name, kind, engine, rows = found[0]
    rows_of_columns = db.execute(
        "SELECT column_name, column_type, character_set_name, is_nullable, extra FROM information_schema.columns "
        "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        [schema, name],
    )
    columns = tuple(
        Column(
            str(column),
            declared(str(told)),
            str(charset or ""),
            nullable == "NO",
            "GENERATED" in extra.upper() or "VIRTUAL" in extra.upper() or "PERSISTENT" in extra.upper(),
            "INVISIBLE" in extra.upper(),
            "auto_increment" in extra.lower(),
        )
        for column, told, charset, nullable, extra in rows_of_columns
    )
    keys = _unique_keys(db, schema, name)
    unique = tuple(dict.fromkeys(keys.values()))
    return Table(
        str(schema), str(name), str(kind), str(engine or ""), int(rows or 0), columns, unique, "PRIMARY" in keys
    )


def partitions_of(db: Connection, table: Table) -> list[str]:
    """Names of the table's partitions, or of their subpartitions where there are any; empty if it has none."""
    rows = db.execute(
        "SELECT coalesce(subpartition_name, partition_name) FROM information_schema.partitions "
        "WHERE table_schema = %s AND table_name = %s AND partition_name IS NOT NULL "
        "ORDER BY partition_ordinal_position, subpartition_ordinal_position",
        table.place,
    )
    return [str(name) for (name,) in rows]


def _unique_keys(db: Connection, schema: str, name: str) -> dict[str, tuple[str, ...]]:
    found = db.execute(
        "SELECT index_name, column_name, sub_part FROM information_schema.statistics "
        "WHERE table_schema = %s AND table_name = %s AND non_unique = 0 "
        "ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index",
        [schema, name],
    )
    keys: dict[str, list[str]] = {}
    partial = {str(index) for index, column, length in found if column is None or length is not None}
    for index, column, _ in found:
        if index not in partial:
            keys.setdefault(str(index), []).append(str(column))
    return {index: tuple(columns) for index, columns in keys.items()}


def index_names(db: Connection, table: Table) -> set[str]:
    """The names of a table's indexes, case folded."""
    sql = "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = %s AND table_name = %s"
    return {str(name).casefold() for (name,) in db.execute(sql, [table.schema, table.name])}


def no_such_table(db: Connection, text: str, hint: str = "") -> ConfigError:
    """The error to raise for a table that the job names and the database does not have."""
    schema, name = full_name(db, text)
    rows = db.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1 LIMIT 5000", [schema]
    )
    close = suggestion(name, [str(table) for (table,) in rows])
    return ConfigError(
        "table", f"{db.where} has no table {text!r}", "; ".join(filter(None, [range_hint(name), close, hint]))
    )


def to_create(db: Connection, text: str) -> str:
    """The full name, as SQL, that a table which is not there yet will have."""
    schema, name = full_name(db, text)
    if len(name) > NAME_CHARACTERS:
        raise ConfigError("table", f"{name!r} is longer than {NAME_CHARACTERS} characters")
    return f"{quoted(schema)}.{quoted(name)}"


def column_list(names: Sequence[str]) -> str:
    """Names as SQL, with commas."""
    return ", ".join(map(quoted, names))
