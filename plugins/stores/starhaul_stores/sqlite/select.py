"""How columns are read exactly: SQL that casts every value to one storage class and tells which did not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import pyarrow as pa

from starhaul import ConfigError, with_native_type
from starhaul_stores.relational.target import missing
from starhaul_stores.sqlite.catalog import ROWIDS, Table, quoted
from starhaul_stores.sqlite.connection import Connection
from starhaul_stores.sqlite.types import NUMERIC_DIGITS, Declared, declared

Found: TypeAlias = Literal["integer", "real", "text", "blob"]
"""The storage class that stands for all values of a column whose declaration leaves it open."""

VIEW = "_starhaul_source"
REASON = "_starhaul_reason"
_SYNTHETIC = frozenset({"", "BLOB", "NUM"})
"""What SQLite calls an expression in a view, by version. A column declared BLOB is found to be one by its values."""

_QUOTED_NAME = re.compile(r'"(?:[^"]|"")*"')
_OPEN = {"integer": pa.int64(), "real": pa.float64(), "text": pa.string(), "blob": pa.binary()}


@dataclass(frozen=True, slots=True)
class Selected:
    """One column of the source as it is streamed."""

    name: str
    kind: pa.DataType
    """Its Arrow type in the reader's schema."""
    streamed: pa.DataType
    """The Arrow type of the storage class that `value` always has."""
    value: str
    """SQL of the value, cast to one storage class."""
    misfit: str
    """SQL that is true where the stored value is not one of `kind`, so that the cast would alter it."""
    told: str
    """The declared type, for the user."""

    @property
    def field(self) -> pa.Field:
        """Which may hold nulls as far as the declared type tells."""
        field = pa.field(self.name, self.kind)
        return with_native_type(field, self.told) if self.told else field


def open_view(db: Connection, select: str) -> None:
    """Make the temporary view `VIEW` of a SELECT: it gives every column a distinct name and tells the declared types.
    It lives in this connection, so the database is not touched. Raises `ConfigError` if the SELECT is wrong."""
    db.execute(f"DROP VIEW IF EXISTS temp.{VIEW}")
    db.execute(f"CREATE TEMP VIEW {VIEW} AS {select}")
    db.execute(f"SELECT 1 FROM temp.{VIEW} LIMIT 0")  # before that nobody looks whether its names are right


def declarations(db: Connection, table: Table | None) -> list[tuple[str, Declared]]:
    """Name and declared type of the columns of `VIEW`; `table` where it selects from one table."""
    columns = []
    for name, text in db.execute(f"SELECT name, type FROM pragma_table_info('{VIEW}', 'temp') ORDER BY cid"):
        own = table.column(str(name)) if table else None
        shown = str(text or "")
        if own is not None:
            columns.append((str(name), own.type))
        else:
            columns.append((str(name), declared("" if shown in _SYNTHETIC else shown)))
    return columns


def found_classes(db: Connection, names: Sequence[str]) -> dict[str, set[str]]:
    """The storage classes that occur in columns of `VIEW`. Reads all rows, once for every 100 columns."""
    found: dict[str, set[str]] = {}
    classes = get_args(Found)
    for start in range(0, len(names), 100):
        some = names[start : start + 100]
        tests = [f"max(typeof({quoted(name)}) = '{each}')" for name in some for each in classes]
        answer = db.execute(f"SELECT {', '.join(tests)} FROM temp.{VIEW}")[0]
        for number, name in enumerate(some):
            flags = answer[number * len(classes) : (number + 1) * len(classes)]
            found[name] = {each for each, flag in zip(classes, flags, strict=True) if flag}
    return found


def standing_for(classes: set[str]) -> Found:
    """Integers alone are int64; with reals float64; any text makes it all text; blobs alone are binary."""
    if "text" in classes or not classes:
        return "text"
    if "real" in classes:
        return "real"
    return "integer" if "integer" in classes else "blob"


def selected(columns: Sequence[tuple[str, Declared]], found: Mapping[str, Found]) -> list[Selected]:
    """How to read each column. `found` answers for those whose declaration leaves the type open. Raises `ConfigError`
    if there is none."""
    if not columns:
        raise ConfigError("column", "no columns are selected")
    return [_typed(name, kind) if kind.arrow else _untyped(name, kind, found[name]) for name, kind in columns]


def streaming_sql(columns: Sequence[Selected]) -> str:
    """The SELECT over `VIEW` whose last column tells why a row does not fit; null for those that do."""
    reasons = " ".join(f"WHEN {column.misfit} THEN {_reason(column)}" for column in columns)
    values = ", ".join(column.value for column in columns)
    misfits = joined([column.misfit for column in columns], "OR")
    return f"SELECT {values}, CASE WHEN {misfits} THEN CASE {reasons} END END FROM temp.{VIEW}"


def streamed_schema(columns: Sequence[Selected]) -> pa.Schema:
    """What `streaming_sql` yields."""
    return pa.schema([*((column.name, column.streamed) for column in columns), (REASON, pa.string())])


def _typed(name: str, kind: Declared) -> Selected:
    column = quoted(name)
    binary = f"{column} COLLATE BINARY"
    arrow = kind.arrow
    types = pa.types
    text, number = f"CAST({column} AS TEXT)", f"CAST({column} AS INTEGER)"
    if types.is_boolean(arrow):
        return Selected(name, arrow, pa.int64(), number, f"{binary} NOT IN (0, 1)", kind.text)
    if types.is_int64(arrow) or types.is_duration(arrow):
        return Selected(name, arrow, pa.int64(), number, f"{binary} <> {number}", kind.text)
    if types.is_binary(arrow):
        return Selected(name, arrow, pa.binary(), f"CAST({column} AS BLOB)", f"{binary} < x''", kind.text)
    if types.is_float64(arrow) or (
        types.is_decimal(arrow) and kind.affinity != "TEXT" and arrow.precision <= NUMERIC_DIGITS
    ):
        return Selected(name, arrow, pa.float64(), f"CAST({column} AS REAL)", f"{binary} >= ''", kind.text)
    if types.is_decimal(arrow) and kind.affinity != "TEXT":
        return _long_decimal(name, kind)
    misfit = f"{binary} >= x''" if kind.affinity == "TEXT" else f"({binary} < '' OR {binary} >= x'')"
    return Selected(name, arrow, pa.string(), text, misfit, kind.text)


def _long_decimal(name: str, kind: Declared) -> Selected:
    """More digits are declared than a number keeps: integers are exact as they are, reals up to 15 digits."""
    column, scale = quoted(name), kind.arrow.scale
    digits = f"printf('%.{scale}f', {column})"
    value = f"CASE typeof({column}) WHEN 'integer' THEN CAST({column} AS TEXT) WHEN 'real' THEN {digits} END"
    unsure = f"abs({column}) >= 1e{NUMERIC_DIGITS - scale} OR CAST({digits} AS REAL) <> {column}"
    misfit = f"({column} COLLATE BINARY >= '' OR (typeof({column}) = 'real' AND ({unsure})))"
    return Selected(name, kind.arrow, pa.string(), value, misfit, kind.text)


def _untyped(name: str, kind: Declared, found: Found) -> Selected:
    column = quoted(name)
    whole = f"CAST({column} AS TEXT)"
    real = f"CASE WHEN CAST({whole} AS REAL) = {column} THEN {whole} ELSE printf('%!.17g', {column}) END"
    inexact = f"(typeof({column}) = 'integer' AND CAST(CAST({column} AS REAL) AS INTEGER) <> {column})"
    value, misfit = {
        "integer": (f"CAST({column} AS INTEGER)", f"typeof({column}) NOT IN ('integer', 'null')"),
        "real": (f"CAST({column} AS REAL)", f"(typeof({column}) NOT IN ('real', 'integer', 'null') OR {inexact})"),
        "text": (f"CASE typeof({column}) WHEN 'real' THEN {real} ELSE {whole} END", f"typeof({column}) = 'blob'"),
        "blob": (f"CAST({column} AS BLOB)", f"typeof({column}) NOT IN ('blob', 'null')"),
    }[found]
    return Selected(name, _OPEN[found], _OPEN[found], value, misfit, kind.text)


def _reason(column: Selected) -> str:
    name = quoted(column.name)
    what = f"declared {column.told}" if column.told else f"read as {column.kind}"
    told = f"column {column.name!r}, {what}, holds ".replace("'", "''")
    value = f"quote(CASE WHEN typeof({name}) IN ('text', 'blob') THEN substr({name}, 1, 100) ELSE {name} END)"
    return f"'{told}' || typeof({name}) || ' ' || {value}"


def joined(terms: Sequence[str], operator: str) -> str:
    """All terms (at least one) joined by an operator, as a tree: SQLite limits how deep an expression may be."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({joined(terms[:middle], operator)} {operator} {joined(terms[middle:], operator)})"


def as_written(table: Table, text: str) -> str:
    """A column entry of the job: the name of a column is quoted, everything else is SQL and stays as it is. Raises
    `ConfigError` for a name in double quotes that is no column's, which SQLite would take for a text."""
    column, sql = table.column(text), text.strip()
    if column is None and _QUOTED_NAME.fullmatch(sql):
        name = sql[1:-1].replace('""', '"')
        if table.column(name) is None and name.lower() not in ROWIDS:
            raise missing(table, name, "column")
    return quoted(column.name) if column else text
