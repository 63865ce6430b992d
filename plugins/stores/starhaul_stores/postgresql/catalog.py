"""What the server knows of tables and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starhaul import ConfigError
from starhaul_stores.postgresql.connection import Connection, quoted
from starhaul_stores.postgresql.types import FLOAT4, FLOAT8, NUMERIC
from starhaul_stores.relational.names import name_parts, suggestion

_FIRST_OF_USERS = 16384
"""The first oid of what is not the server's own: extensions and types that users made."""
NAME_BYTES = 63
"""Longer names are cut by the server, in silence."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, as `pg_attribute` tells it."""

    name: str
    number: int
    type: int
    """The oid of its type; of the type underneath for a domain."""
    modifier: int
    """The type's modifier, -1 for none."""
    told: str
    """The type as SQL (`numeric(12,2)`); for a domain that of the type underneath."""
    not_null: bool
    generated: bool
    always_identity: bool
    loose: bool
    """Whether its collation takes texts for equal that are not the same."""

    @property
    def is_spelled_in_several_ways(self) -> bool:
        """Whether values of it may be equal and not the same: `A` and `a`, 1.0 and 1.00, 0 and -0."""
        plain = self.type < _FIRST_OF_USERS and self.type not in (FLOAT4, FLOAT8)
        return self.loose or not plain or (self.type == NUMERIC and self.modifier < 0)


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view, or whatever else can be selected from."""

    oid: int
    schema: str
    name: str
    kind: str
    """`r` table, `p` partitioned table, `v` view, `m` materialized view, `f` foreign table."""
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The columns of its primary key, in the key's order."""

    @property
    def sql(self) -> str:
        """Its full name as SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def is_temporary(self) -> bool:
        """Whether only the connection that made it sees it."""
        return self.schema.startswith("pg_temp_")

    def column(self, text: str) -> Column | None:
        """The column that a job means: of exactly this name, or quoted as in SQL, or in another case if that is
        clear."""
        names = {column.name: column for column in self.columns}
        if text in names:
            return names[text]
        if len(text) > 1 and text[0] == text[-1] == '"':
            return names.get(text[1:-1].replace('""', '"'))
        similar = [column for name, column in names.items() if name.lower() == text.lower()]
        return similar[0] if len(similar) == 1 else None


def find_table(db: Connection, text: str) -> Table | None:
    """The table that a name in a job means, found as the server would find it in SQL; None if there is none."""
    generated = "a.attgenerated <> ''" if db.version >= 120000 else "false"
    identity = "a.attidentity = 'a'" if db.version >= 100000 else "false"
    loose = "SELECT 1 FROM pg_collation k WHERE k.oid = a.attcollation AND NOT k.collisdeterministic"
    loose = f"EXISTS ({loose})" if db.version >= 120000 else "false"
    rows = db.execute(
        "SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text, "
        "(SELECT conkey FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p'), "
        "a.attname::text, a.attnum::int8, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END::int8, "
        "CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END::int8, "
        "CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) "
        "ELSE format_type(a.atttypid, a.atttypmod) END, "
        f"a.attnotnull OR (t.typtype = 'd' AND t.typnotnull), {generated}, {identity}, {loose}, t.typtype = 'd' "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "LEFT JOIN pg_type t ON t.oid = a.atttypid WHERE c.oid = to_regclass(%s) ORDER BY a.attnum",
        [_name_in_sql(text)],
    )
    if not rows:
        return None
    oid, schema, name, kind, key = rows[0][:5]
    columns = tuple(
        _without_domains(db, Column(*row[5:-1])) if row[-1] else Column(*row[5:-1])
        for row in rows
        if row[5] is not None
    )
    by_number = {column.number: column.name for column in columns}
    return Table(int(oid), schema, name, kind, columns, tuple(by_number[number] for number in key or ()))


def _without_domains(db: Connection, column: Column) -> Column:
    """A column of a domain, whose type may be a domain itself: by the type underneath them all."""
    while True:
        found = db.execute(
            "SELECT typbasetype::int8, typtypmod::int8, format_type(typbasetype, typtypmod), typnotnull FROM pg_type "
            f"WHERE oid = {column.type} AND typtype = 'd'"
        )
        if not found:
            return column
        kind, modifier, told, not_null = found[0]
        column = replace(column, type=kind, modifier=modifier, told=told, not_null=column.not_null or not_null)


def find_name(db: Connection, text: str) -> str | None:
    """The full name as SQL of the same table; None if there is none. Costs the server less than `find_table`."""
    rows = db.execute(
        "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.oid = to_regclass(%s)",
        [_name_in_sql(text)],
    )
    return ".".join(map(quoted, rows[0])) if rows else None


def _name_in_sql(text: str) -> str:
    parts = name_parts(text, '"', folded)
    if len(parts) > 3:
        raise ConfigError("table", f"{text!r} is not a name", "write NAME or SCHEMA.NAME")
    return ".".join(map(quoted, parts[-2:]))


def no_such_table(db: Connection, text: str, hint: str = "") -> ConfigError:
    """The error to raise for a table that the job names and the database does not have."""
    name = name_parts(text, '"', folded)[-1]
    rows = db.execute(
        "SELECT c.relname::text, pg_table_is_visible(c.oid), n.nspname::text FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') "
        "AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 2 DESC, 1 LIMIT 5000"
    )
    known = [quoted_if_needed(table) if visible else f"{schema}.{table}" for table, visible, schema in rows]
    close = suggestion(name, known)
    return ConfigError("table", f"{db.where} has no table {text!r}", "; ".join(filter(None, [close, hint])))


def to_create(db: Connection, text: str) -> str:
    """The full name, as SQL, that a table which is not there yet will have."""
    parts = name_parts(text, '"', folded)[-2:]
    if len(parts) == 1:
        schema = db.value("SELECT current_schema()::text")
        if schema is None:
            raise ConfigError("table", "there is no schema to create it in", "write SCHEMA.TABLE")
        parts = [str(schema), *parts]
    if len(parts[1].encode()) > NAME_BYTES:
        raise ConfigError("table", f"{parts[1]!r} is longer than {NAME_BYTES} bytes")
    return ".".join(map(quoted, parts))


def unique_keys(db: Connection, table: Table) -> list[tuple[str, ...]]:
    """The column sets that the table holds unique over all rows: primary key and full unique indexes on columns."""
    count = "indnkeyatts" if db.version >= 110000 else "indnatts"
    rows = db.execute(
        f"SELECT string_to_array(indkey::text, ' ')::int8[], {count}::int8 FROM pg_index WHERE indrelid = {table.oid} "
        "AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL ORDER BY NOT indisprimary, indexrelid"
    )
    names = {column.number: column.name for column in table.columns}
    return list(dict.fromkeys(tuple(names[number] for number in numbers[:n]) for numbers, n in rows))


def folded(name: str) -> str:
    """A name that is not quoted, as the server takes it."""
    return "".join(chr(ord(each) + 32) if "A" <= each <= "Z" else each for each in name)


def quoted_if_needed(name: str) -> str:
    """A name as one would write it in SQL, reserved words aside."""
    plain = name.replace("_", "a").isalnum() and name == folded(name) and name.isascii() and not name[0].isdigit()
    return name if plain else quoted(name)


def column_list(names: Sequence[str]) -> str:
    """Names as SQL, with commas."""
    return ", ".join(map(quoted, names))
