"""What the database knows of a table beyond its columns' types, as `starhaul.TableFacts`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from starhaul import ColumnFacts, Default, IndexFacts, TableFacts, with_column_facts, with_table_facts
from starhaul_stores.relational.ddl import body, clauses, tokens, without, words
from starhaul_stores.sqlite.address import unquoted
from starhaul_stores.sqlite.catalog import Table, fold
from starhaul_stores.sqlite.connection import Connection

DIALECT = "sqlite"

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_NOW = frozenset({"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"})
_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})


def with_facts(db: Connection, table: Table, schema: pa.Schema, names: Sequence[str | None]) -> pa.Schema:
    """A schema of some columns of a table with all that is known of them and of the table. `names` tells which column
    of the table each field is, None for an expression."""
    sql = "SELECT name, dflt_value FROM pragma_table_xinfo(?) WHERE hidden <> 1"
    defaults = {str(name): text for name, text in db.execute(sql, [table.name])}
    items, left, native = _items(table)
    fields = []
    for field, name in zip(required(schema, table, names), names, strict=True):
        column = table.column(name) if name is not None else None
        if column is None:
            fields.append(field)
            continue
        numbered = table.rowid_alias == column.name
        facts = ColumnFacts(
            column.name,
            DIALECT,
            column.type.text,
            None if column.generated else _default(defaults.get(column.name)),
            identity="default" if numbered else "",
            generated=_after(items.get(fold(column.name), ""), "AS") if column.generated else "",
            collation=_after(items.get(fold(column.name), ""), "COLLATE"),
        )
        fields.append(with_column_facts(field, facts))
    schema = pa.schema(fields)
    if table.kind != "table" or None in names:
        return schema
    told = tuple(name for name in names if name is not None)
    whole = (
        [*told]
        == [column.name for column in table.columns if not column.generated]
        == [column.name for column in table.columns]
    )
    triggers = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [table.name])
    left += [f"trigger {name}" for (name,) in triggers]
    primary = IndexFacts(table.key, unique=True) if table.key else None
    checks = tuple(item for name, item in items.items() if not name or "CHECK" in clauses(item))
    return with_table_facts(
        schema,
        TableFacts(
            DIALECT, told, primary, _indexes(db, table), native=native if whole else "", left_out=tuple(left),
            constraints=tuple(each for each in checks if words(each)[0].upper() not in ("PRIMARY", "UNIQUE")),
        ),
    )  # fmt: skip


def required(schema: pa.Schema, table: Table, names: Sequence[str | None]) -> pa.Schema:
    """The schema of some columns of a table, not nullable where the table holds no nulls."""
    fields = []
    for field, name in zip(schema, names, strict=True):
        column = table.column(name) if name is not None else None
        nulls = column is None or not (column.not_null or table.rowid_alias == column.name)
        fields.append(field.with_nullable(nulls))
    return pa.schema(fields)


def _items(table: Table) -> tuple[dict[str, str], list[str], str]:
    """The definitions of the columns by folded name (table constraints by an empty one, the last of them), what is left
    out of them, and what follows the table's name without that."""
    try:
        _, items, tail = body(table.sql)
    except ValueError:
        return {}, [], ""
    found, kept, left = dict[str, str](), list[str](), list[str]()
    for item in items:
        told = words(item)
        if told[0].upper() in _CONSTRAINTS:
            if "FOREIGN" in (told[0].upper(), told[2].upper() if len(told) > 2 else ""):
                left.append(f"foreign key {' '.join(told)}")
                continue
            found[""] = item
        else:
            item, cut = without(item, "REFERENCES")
            if cut:
                left.append(f"foreign key of column {unquoted(told[0])} {cut}")
            found[fold(unquoted(told[0]))] = item
        kept.append(item)
    separator = ",\n  "
    return found, left, f" (\n  {separator.join(kept)}\n){tail}"


def _default(text: object) -> Default | None:
    if text is None or str(text).upper() == "NULL":
        return None
    told = str(text)
    if told.upper() in _NOW:
        return Default(told, now=True)
    if len(told) > 1 and told[0] == told[-1] == "'":
        return Default(told, told[1:-1].replace("''", "'"))
    if told.upper() in ("TRUE", "FALSE"):
        return Default(told, told.lower())
    return Default(told if _NUMBER.fullmatch(told) else f"({told})", told if _NUMBER.fullmatch(told) else None)


def _indexes(db: Connection, table: Table) -> tuple[IndexFacts, ...]:
    found = []
    sql = "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?) WHERE origin <> 'pk' ORDER BY seq DESC"
    for name, unique, origin, partial in db.execute(sql, [table.name]):
        parts = db.execute('SELECT name, "desc", coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno', [name])
        columns = tuple(str(column) for column, _, _ in parts if column is not None)
        plain = (
            not partial
            and len(columns) == len(parts)
            and all(not descending and str(collation).upper() == "BINARY" for _, descending, collation in parts)
        )
        if origin == "u":  # a part of the table
            found.append(IndexFacts(columns, unique=True, plain=plain))
            continue
        create = str(db.value("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", [name]))
        found.append(IndexFacts(columns, str(name), bool(unique), _definition(create), plain))
    return tuple(found)


def _definition(create: str) -> str:
    """What follows the table's name in a CREATE INDEX."""
    told = tokens(create)
    on = next(number for number, word in enumerate(told) if word.upper() == "ON")
    bracket = next(number for number, word in enumerate(told) if number > on and word == "(")
    return "".join(told[bracket:]).strip()


def _after(item: str, keyword: str) -> str:
    """What follows a keyword in a column's definition: one word, or brackets."""
    told = words(item)
    for number, word in enumerate(told[:-1]):
        if number and word.upper() == keyword:
            if told[number + 1] != "(":
                return told[number + 1]
            depth, text = 0, ""
            for each in told[number + 1 :]:
                depth += {"(": 1, ")": -1}.get(each, 0)
                text += each if each in "()" or text.endswith("(") else f" {each}"
                if not depth:
                    return text
    return ""
