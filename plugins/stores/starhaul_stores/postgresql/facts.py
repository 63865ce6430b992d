"""What the server knows of a table beyond its columns' types, as `starhaul.TableFacts`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from starhaul import ColumnFacts, Default, IndexFacts, TableFacts, native_type, with_column_facts, with_table_facts
from starhaul_stores.postgresql.catalog import Table
from starhaul_stores.postgresql.connection import Connection, quoted

DIALECT = "postgresql"

_SERIAL = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
_CONSTANT = re.compile(r"""'((?:[^']|'')*)'(?:::[\w ()",.\[\]]+)?""")
_NUMBER = re.compile(r"\(?(-?\d+(?:\.\d+)?)\)?(?:::[\w ()]+)?")
_NOW = re.compile(r"\(?(now\(\)|CURRENT_TIMESTAMP|CURRENT_DATE|CURRENT_TIME|LOCALTIMESTAMP|LOCALTIME)(\(\d\))?\)?")


def with_facts(db: Connection, table: Table, schema: pa.Schema, numbers: Sequence[int]) -> pa.Schema:
    """A schema of some columns of a table with all that is known of them and of the table. `numbers` tells which column
    of the table each field is, 0 for an expression."""
    found = {int(row[0]): row for row in db.execute(_columns(db, table))}
    fields = []
    for field, number in zip(schema, numbers, strict=True):
        facts = _column(found[number], native_type(field) or "") if number in found else None
        fields.append(field if facts is None else with_column_facts(field, facts))
    schema = pa.schema(fields)
    if table.kind not in ("r", "p") or not all(number in found for number in numbers):
        return schema
    return with_table_facts(schema, _table(db, table, schema, [found[number] for number in numbers]))


def _columns(db: Connection, table: Table) -> str:
    identity = "a.attidentity::text" if db.version >= 100000 else "''"
    generated = "a.attgenerated::text" if db.version >= 120000 else "''"
    return (
        "SELECT a.attnum::int8, a.attname::text, a.attnotnull, pg_get_expr(d.adbin, d.adrelid), "
        f"{identity}, {generated}, coalesce(col_description(a.attrelid, a.attnum), ''), "
        "CASE WHEN a.attcollation <> t.typcollation THEN (SELECT format('%I.%I', n.nspname, c.collname) "
        "FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = a.attcollation) END, "
        f"coalesce(pg_get_serial_sequence('{_escaped(table.sql)}', a.attname), '') "
        "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
        "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
        f"WHERE a.attrelid = {table.oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    )


def _escaped(text: str) -> str:
    return text.replace("'", "''")


def _is_serial(row: Sequence[Any]) -> bool:
    return bool(row[8]) and not row[4] and str(row[3] or "").startswith("nextval(")


def _column(row: Sequence[Any], kind: str) -> ColumnFacts:
    _, name, _, expression, identity, generated, comment, collation, _ = row
    numbered = {"a": "always", "d": "default"}.get(str(identity), "default" if _is_serial(row) else "")
    default = None
    if expression and not generated and not numbered and not str(expression).startswith(("NULL::", "nextval(")):
        default = _default(str(expression))
    return ColumnFacts(
        str(name), DIALECT, kind, default, str(comment), numbered,  # type: ignore[arg-type]  # one of the three
        str(expression) if generated else "", str(collation or ""),
    )  # fmt: skip


def _default(text: str) -> Default:
    if _NOW.fullmatch(text):
        return Default(text, now=True)
    if matched := _CONSTANT.fullmatch(text):
        return Default(text, matched[1].replace("''", "'"))
    if matched := _NUMBER.fullmatch(text):
        return Default(text, matched[1])
    return Default(text, text if text in ("true", "false") else None)


def _table(db: Connection, table: Table, schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> TableFacts:
    oid = table.oid
    checks = [
        f"CONSTRAINT {quoted(name)} {definition}"
        for name, definition in db.execute(
            "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint "
            f"WHERE conrelid = {oid} AND contype = 'c' ORDER BY oid"
        )
    ]
    options = db.value(f"SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = {oid}")
    primary, indexes = _indexes(db, table)
    names = [str(row[1]) for row in rows]
    whole = names == [column.name for column in table.columns] and table.kind == "r"
    native = ""
    if whole and not any(column.generated for column in table.columns):
        items = [_native(row, field) for row, field in zip(rows, schema, strict=True)] + checks
        separator = ",\n  "
        native = f" (\n  {separator.join(items)}\n)" + (f" WITH ({options})" if options else "")
    comment = str(db.value(f"SELECT obj_description({oid}, 'pg_class')") or "")
    left = tuple(_left(db, table))
    return TableFacts(DIALECT, tuple(names), primary, indexes, comment, native, tuple(checks), left)


def _native(row: Sequence[Any], field: pa.Field) -> str:
    """A column's definition."""
    _, name, required, expression, identity, _, _, collation, _ = row
    told = native_type(field) or ""
    if _is_serial(row) and told in _SERIAL:
        return f"{quoted(str(name))} {_SERIAL[told]}{' NOT NULL' if required else ''}"
    parts = [quoted(str(name)), told]
    if collation:
        parts.append(f"COLLATE {collation}")
    if identity:
        parts.append(f"GENERATED {'ALWAYS' if identity == 'a' else 'BY DEFAULT'} AS IDENTITY")
    elif expression and not str(expression).startswith("nextval("):  # of a sequence that nobody copies
        parts.append(f"DEFAULT {expression}")
    return " ".join([*parts, *(["NOT NULL"] if required else [])])


def _indexes(db: Connection, table: Table) -> tuple[IndexFacts | None, tuple[IndexFacts, ...]]:
    count = "i.indnkeyatts" if db.version >= 110000 else "i.indnatts"
    rows = db.execute(
        "SELECT c.relname::text, i.indisunique, k.contype::text, pg_get_constraintdef(k.oid), "
        "pg_get_indexdef(i.indexrelid), string_to_array(i.indkey::text, ' ')::int8[], "
        f"{count}::int8, i.indnatts::int8, "
        "i.indpred IS NULL AND i.indexprs IS NULL AND m.amname = 'btree' AND i.indoption::text !~ '[1-9]' "
        "AND NOT coalesce(k.condeferrable, false) AND k.contype IS DISTINCT FROM 'x' "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam "
        "LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid "
        f"AND k.contype IN ('p', 'u', 'x') WHERE i.indrelid = {table.oid} AND i.indisvalid ORDER BY i.indexrelid"
    )
    names = {column.number: column.name for column in table.columns}
    primary, indexes = None, []
    for name, unique, kind, constraint, definition, numbers, keys, every, plain in rows:
        columns = tuple(names[number] for number in numbers[:keys] if number in names)
        native = constraint if kind else definition[definition.index(" USING ", len(name)) + 1 :]
        facts = IndexFacts(columns, name, bool(unique), str(native), bool(plain) and keys == every and bool(columns))
        if kind == "p":
            primary = facts
        else:
            indexes.append(facts)
    return primary, tuple(indexes)


def _left(db: Connection, table: Table) -> list[str]:
    """What no copy gets."""
    oid = table.oid
    policies = f"UNION ALL SELECT 'policy ' || polname FROM pg_policy WHERE polrelid = {oid} "
    found = db.execute(
        "SELECT 'foreign key ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE conrelid = {oid} AND contype = 'f' UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger "
        f"WHERE tgrelid = {oid} AND NOT tgisinternal {policies if db.version >= 90500 else ''}"
        f"UNION ALL SELECT 'partitioning' FROM pg_class WHERE oid = {oid} AND relkind = 'p' "
        f"UNION ALL SELECT 'being unlogged' FROM pg_class WHERE oid = {oid} AND relpersistence = 'u' "
        f"UNION ALL SELECT 'inheritance' FROM pg_inherits WHERE inhrelid = {oid}"
    )
    return [str(told) for (told,) in found]
