"""What the server knows of a table beyond its columns' types, as `starhaul.TableFacts`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from starhaul import (
    ColumnFacts,
    ConfigError,
    Default,
    IndexFacts,
    PermanentError,
    TableFacts,
    native_type,
    with_column_facts,
    with_table_facts,
)
from starhaul_stores.mysql.catalog import Table
from starhaul_stores.mysql.connection import Connection
from starhaul_stores.relational.ddl import body, words

DIALECT = "mysql"

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?", re.IGNORECASE)
_BITS = re.compile(r"b'([01]{1,64})'")
_NOW = re.compile(r"(current_timestamp|now|localtimestamp|localtime|curdate|curtime)(\(\d*\))?|\(?curdate\(\)\)?", re.I)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "Z": "\x1a", "b": "\b"}
_KEYS = ("KEY", "UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR")
_COLUMNS = (
    "SELECT column_name, column_default, extra, column_comment, collation_name, generation_expression "
    "FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
)
_INDEXES = (
    "SELECT index_name, non_unique, column_name, sub_part, collation, index_type FROM information_schema.statistics "
    "WHERE table_schema = %s AND table_name = %s ORDER BY index_name, seq_in_index"
)


def with_facts(db: Connection, table: Table, fields: Sequence[tuple[pa.Field, str]]) -> pa.Schema:
    """The schema of some columns of a table with all that is known of them and of the table. With each field goes the
    name of the table's own column that it is, empty for an expression."""
    try:
        rows = db.execute(_COLUMNS, [table.schema, table.name])
    except (ConfigError, PermanentError):  # MySQL 5.6 and older have no computed columns
        rows = db.execute(_COLUMNS.replace("generation_expression", "''"), [table.schema, table.name])
    found = {str(name): rest for name, *rest in rows}
    options = db.execute(
        "SELECT table_collation, table_comment FROM information_schema.tables "
        "WHERE table_schema = %s AND table_name = %s", [table.schema, table.name],
    )  # fmt: skip
    collation, comment = (str(each or "") for each in options[0]) if options else ("", "")
    strict = "MariaDB" not in db.version  # which writes a default as it is, where MariaDB writes SQL
    told = []
    for field, name in fields:
        if name not in found:
            told.append(field)
            continue
        facts = _column(name, native_type(field) or "", found[name], collation, strict=strict)
        told.append(with_column_facts(field, facts))
    schema = pa.schema(told)
    if table.kind not in ("BASE TABLE", "SYSTEM VERSIONED") or any(not name for _, name in fields):
        return schema
    try:
        return with_table_facts(schema, _table(db, table, [name for _, name in fields], comment))
    except (ConfigError, PermanentError, ValueError):  # SHOW CREATE TABLE is not for who may read some columns only
        return schema


def _column(name: str, kind: str, row: Sequence[Any], table_collation: str, *, strict: bool) -> ColumnFacts:
    value, extra, comment, collation, expression = row
    generated = str(expression or "")
    default = None
    if value is not None and not generated and not (str(value) == "NULL" and not strict):
        default = _default(str(value), str(extra), strict=strict)
    return ColumnFacts(
        name,
        DIALECT,
        kind,
        default,
        str(comment or ""),
        "default" if "auto_increment" in str(extra).lower() else "",
        generated,
        str(collation) if collation and str(collation) != table_collation else "",
    )


def _default(text: str, extra: str, *, strict: bool) -> Default:
    if _NOW.fullmatch(text):
        return Default(text, now=True)
    if bits := _BITS.fullmatch(text):
        return Default(text, str(int(bits[1], 2)))
    if strict and "DEFAULT_GENERATED" not in extra:
        literal = text
        native = text if _NUMBER.fullmatch(text) or text.startswith("x'") else _quoted(text)
        return Default(native, literal if not native.startswith("x'") else None)
    if len(text) > 1 and text[0] == text[-1] == "'":
        return Default(text, _unquoted(text))
    return Default(text, text if _NUMBER.fullmatch(text) else None)


def _table(db: Connection, table: Table, names: Sequence[str], comment: str) -> TableFacts:
    create = str(db.execute(f"SHOW CREATE TABLE {table.sql}")[0][1])
    _, items, options = body(create, backslashes=True)
    kept, keys, left, constraints = [], dict[str, str](), list[str](), list[str]()
    for item in items:
        told = [word.upper() if word[0] != "`" else word for word in words(item, backslashes=True)]
        if "FOREIGN" in told[:4] and "KEY" in told[:5]:
            left.append(f"foreign key {item}")
        elif told[0] in _KEYS:
            keys[_name(told)] = item
        else:
            kept.append(item)
            if told[0] in ("CONSTRAINT", "CHECK"):
                constraints.append(item)
    for (name,) in db.execute(
        "SELECT trigger_name FROM information_schema.triggers "
        "WHERE event_object_schema = %s AND event_object_table = %s", [table.schema, table.name],
    ):  # fmt: skip
        left.append(f"trigger {name}")
    own = [column.name for column in table.columns]
    hidden = [column.name for column in table.columns if column.invisible and column.name not in names]
    left += [f"column {name}, which is invisible" for name in hidden]
    computed = any(column.generated for column in table.columns)
    separator = ",\n  "
    native = "" if computed or [*names] != own else f" (\n  {separator.join(kept)}\n){options}"
    primary, indexes = _indexes(db, table, keys)
    return TableFacts(DIALECT, tuple(names), primary, indexes, comment, native, tuple(constraints), tuple(left))


def _indexes(db: Connection, table: Table, keys: dict[str, str]) -> tuple[IndexFacts | None, tuple[IndexFacts, ...]]:
    found: dict[str, list[Any]] = {}
    for name, *rest in db.execute(_INDEXES, [table.schema, table.name]):
        found.setdefault(str(name), []).append(rest)
    primary, indexes = None, []
    for name, parts in found.items():
        columns = tuple(str(column) for _, column, *_ in parts if column is not None)
        plain = all(
            column is not None and length is None and order != "D" and str(kind) in ("BTREE", "HASH")
            for _, column, length, order, kind in parts
        )
        facts = IndexFacts(columns, name, not int(parts[0][0]), keys.get(name, ""), plain)
        if name == "PRIMARY":
            primary = facts
        else:
            indexes.append(facts)
    order = [*keys]
    return primary, tuple(sorted(indexes, key=lambda each: order.index(each.name) if each.name in order else -1))


def _name(told: Sequence[str]) -> str:
    """The name of a key, out of its words."""
    return next((word[1:-1].replace("``", "`") for word in told if word[0] == "`"), "")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _unquoted(text: str) -> str:
    inner = text[1:-1].replace("''", "'")
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), inner, flags=re.DOTALL)
