"""What a job reads of Hive: a query, or columns and partitions of a table; and whether the table's files will do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from starhaul import ConfigError, with_native_type
from starhaul_stores.files.partitions import NULL, values_in
from starhaul_stores.hive.catalog import Column, Table
from starhaul_stores.hive.clusters import Cluster
from starhaul_stores.hive.connection import Connection, literal, quoted
from starhaul_stores.hive.partitions import describe_partitions, find_partitions, is_in

_BY_PLACE = "parquet.column.index.access"
_NAMES = {
    pa.int8(): "int8", pa.int16(): "int16", pa.int32(): "int32", pa.int64(): "int64", pa.float32(): "float32",
    pa.float64(): "float64", pa.bool_(): "bool", pa.date32(): "date32", pa.timestamp("us"): "timestamp(us)",
    pa.string(): "string", pa.binary(): "binary",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Selection:
    """Columns of a table in the order of the rows."""

    table: Table
    columns: Sequence[Column]

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        fields = (pa.field(column.name, read_as(column)) for column in self.columns)
        return pa.schema([with_native_type(field, each.type) for field, each in zip(fields, self.columns, strict=True)])

    def query(self, where: str, partitions: Sequence[Mapping[str, str | None]] | None) -> str:
        """The rows by SQL, of these partitions if they are not all. A text that stands for no value is NULL in them."""
        inside = {each.name for each in self.table.partitioned_by}
        texts = []
        for each in self.columns:
            text = quoted(each.name)
            if each.name in inside and pa.types.is_string(each.arrow):
                text = f"NULLIF({text}, {literal(NULL[: each.length])})"
            texts.append(text)
        parts = [f"({where}\n)"] if where else []
        if partitions is not None:
            conditions = " OR ".join(is_in(self.table, each) for each in partitions)
            parts.append(f"({conditions})" if conditions else "1 = 0")
        condition = f" WHERE {' AND '.join(parts)}" if parts else ""
        return f"SELECT {', '.join(texts)} FROM {self.table.sql}{condition}"


def expect_told_apart(table: Table, partitions: Iterable[Mapping[str, str | None]]) -> None:
    """Raise `ConfigError` if Hive cannot be asked for one of these partitions: of the name that a folder has for no
    value, a short column gives the beginning only, and no condition finds it."""
    short = [each for each in table.partitioned_by if (each.length or len(NULL)) < len(NULL)]
    for column in short:
        if any(values.get(column.name, "") is None for values in partitions):
            problem = f"no query finds {column.name}={NULL} of {table.sql}, as it is {column.type}"
            raise ConfigError("partition", problem, "leave out `partition`, or read the `files`")


def read_as(column: Column) -> pa.DataType:
    """The Arrow type of a column's values; what is nested comes as JSON text, as Hive prints it."""
    kind = column.arrow
    return pa.string() if pa.types.is_nested(kind) or pa.types.is_null(kind) else kind


def selected(table: Table, wanted: Sequence[str]) -> Selection:
    """The columns that a job names; `["*"]` is all, those that the table is partitioned by last."""
    every = [*table.columns, *table.partitioned_by]
    if tuple(wanted) == ("*",):
        return Selection(table, every)
    known = {column.name.lower(): column for column in every}
    columns = []
    for name in wanted:
        column = known.get(name.strip("`").lower())
        if column is None:
            close = get_close_matches(name.lower(), known, 3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(known)}"
            raise ConfigError("column", f"{table.sql} has no column {name!r}", hint)
        columns.append(column)
    return Selection(table, columns)


def chosen(db: Connection, table: Table, patterns: Sequence[str]) -> dict[str, Mapping[str, str | None]]:
    """The partitions whose folders match one of the patterns, or all if there is none. `ConfigError` if a pattern
    matches nothing."""
    if not table.partitioned_by:
        if patterns:
            raise ConfigError("partition", f"{table.sql} has no partitions")
        return {}
    there = find_partitions(db, table)
    for pattern in patterns:
        if not any(fnmatchcase(unquote(folder), pattern) for folder in there):
            some = ", ".join(list(there)[:3]) or "it has none"
            raise ConfigError("partition", f"{table.sql} has no partition {pattern!r}", f"for example {some}")
    matches = [f for f in there if not patterns or any(fnmatchcase(unquote(f), pattern) for pattern in patterns)]
    return {folder: there[folder] for folder in matches}


@dataclass(frozen=True, slots=True)
class Files:
    """How the files of a table are read, in the parameters of `hdfsreader`."""

    directories: Sequence[str]
    """Paths on HDFS."""
    parameters: Mapping[str, Any]


def files_of(
    db: Connection,
    cluster: Cluster,
    chosen: Mapping[str, Mapping[str, str | None]],
    every: bool,
    selection: Selection,
) -> Files | str:
    """The files that hold the rows of the partitions, maybe of `every` one; or why they cannot be read as they are."""
    table = selection.table
    if reason := table.obstacle() or _unlike(selection):
        return reason
    locations = _locations(db, cluster, chosen, every, table)
    if isinstance(locations, str):
        return locations
    inside = {each.name for each in table.partitioned_by}
    own = [column for column in selection.columns if column.name not in inside]
    if not own:
        return "no column of its files is read"
    places = {column.name: number for number, column in enumerate(table.columns)}
    parameters: dict[str, Any] = {
        "fileType": table.format,
        "column": [{"index": places[c.name], "name": c.name, "type": type_name(c)} for c in own],
        "partitionColumns": [{"name": c.name, "type": type_name(c)} for c in table.partitioned_by],
    }
    if table.format == "text":
        parameters |= {"fieldDelimiter": table.delimiter, "nullFormat": table.null}
    return Files([path_of(each) for each in locations], parameters)


def _unlike(selection: Selection) -> str:
    """Why these columns are not in the files as Hive shows them, or an empty text."""
    table = selection.table
    for column in selection.columns:
        if table.format == "text" and pa.types.is_binary(read_as(column)):
            return f"column {column.name!r} is binary, which stands in text files in a code of Hive's own"
        if column.type.startswith("char("):
            return f"column {column.name!r} is {column.type}, whose values Hive pads"
    if table.format == "parquet" and table.properties.get(_BY_PLACE, "").lower() == "true":
        return f"Hive looks for its columns by their place ({_BY_PLACE})"
    return ""


def _locations(
    db: Connection, cluster: Cluster, chosen: Mapping[str, Mapping[str, str | None]], every: bool, table: Table
) -> list[str] | str:
    """The URLs of the directories that hold the rows; or why their files are not as the table's."""
    locations = [table.location]
    if table.partitioned_by:
        locations = []
        for folder, part in describe_partitions(db, table, chosen, every).items():
            if reason := table.kept_otherwise(part):
                return f"its partition {folder} {reason}"
            if not chosen[folder].items() <= values_in(f"{part.location}/").items():
                return f"its partition {folder} stands elsewhere, in {part.location}"
            locations.append(part.location)
    return next(filter(None, map(cluster.misses, locations)), "") or locations


def type_name(column: Column) -> str:
    """The type of a column as readers of files name it."""
    kind = read_as(column)
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return _NAMES[kind]


def path_of(url: str) -> str:
    """The path of a location, in which names stand as they are: what Hive escaped is part of a name."""
    return "/" + url.partition("://")[2].partition("/")[2]
