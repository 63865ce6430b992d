"""What a job writes in Hive: columns and partitions of a table, and which values have a place there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from starhaul import ConfigError, cast
from starhaul_stores.files.partitions import folder_of
from starhaul_stores.hive.catalog import Column, Table
from starhaul_stores.hive.connection import quoted
from starhaul_stores.hive.selection import path_of, selected

RUNS = "_starhaul"
"""The directory of runs in a table's own, which Hive passes over: names that begin so are hidden."""
_MOST_DIGITS = 38


@dataclass(frozen=True, slots=True)
class Target:
    """A table, or one of its partitions, or those that the rows name."""

    table: Table
    columns: Sequence[Column]
    """Of the rows that are in the files, in order."""
    static: Mapping[str, str]
    """The partition that the job names, as far as it does: column → value."""
    dynamic: Sequence[Column]
    """The columns that name the partition of a row."""

    @property
    def home(self) -> str:
        """Path of the table's directory, without the run that wrote it last."""
        return path_of(self.table.location).partition(f"/{RUNS}/")[0].rstrip("/")

    @property
    def partitioned(self) -> bool:
        """Whether the table has partitions."""
        return bool(self.static or self.dynamic)

    @property
    def folder(self) -> str:
        """Of the partition that the job names, as far as it does."""
        return folder_of(list(self.static), list(self.static.values()))

    def misfits(self, batch: pa.RecordBatch) -> dict[int, str]:
        """Row → why Hive would not give back what it holds."""
        import pyarrow.compute as pc

        found: dict[int, str] = {}
        for column in self.columns:
            for row in column.too_long(batch.column(column.name)):
                found.setdefault(row, f"{column.name}: longer than {column.type}, to which Hive would cut it")
        for column in self.dynamic:
            values = batch.column(column.name)
            for row in pc.indices_nonzero(pc.is_null(values)).to_pylist():
                found.setdefault(row, f"{column.name}: is NULL, for which Hive adds a partition by its own INSERT only")
            for row, reason in cast(values, column.arrow).misfits().items():
                found.setdefault(row, f"{column.name}: {reason}")
        return found


def create_table(name: str, database: str, source: pa.Schema, stored_as: str) -> str:
    """The statement that makes a table for rows of this schema. What Hive has no type for becomes text. `ConfigError`
    for names that Hive cannot tell apart or does not take."""
    schema, _, own = name.replace("`", "").rpartition(".")
    columns = []
    for field in source:
        if (
            not re.fullmatch(r"\w+", field.name)
            or [each.lower() for each in source.names].count(field.name.lower()) > 1
        ):
            hint = "letters, digits and `_` are allowed, in one case: rename it with a `rename` transformer"
            raise ConfigError("column", f"{field.name!r} cannot be the name of a column in Hive", hint)
        columns.append(f"{quoted(field.name.lower())} {_type_for(field.type)}")
    if not columns:
        raise ConfigError("column", "there are no columns to write")
    table = f"{quoted(schema or database)}.{quoted(own)}"
    return f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(columns)}) STORED AS {stored_as}"


def _type_for(kind: pa.DataType) -> str:
    types = pa.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _type_for(kind.value_type)
    if types.is_decimal(kind) and kind.precision <= _MOST_DIGITS and 0 <= kind.scale <= kind.precision:
        return f"decimal({kind.precision},{kind.scale})"
    if types.is_timestamp(kind) and kind.tz is None:
        return "timestamp"
    for test, name in (
        (types.is_boolean, "boolean"), (types.is_int8, "tinyint"), (types.is_int16, "smallint"),
        (types.is_int32, "int"), (types.is_int64, "bigint"), (types.is_uint8, "smallint"), (types.is_uint16, "int"),
        (types.is_uint32, "bigint"), (types.is_uint64, "decimal(20,0)"), (types.is_float16, "float"),
        (types.is_float32, "float"), (types.is_float64, "double"), (types.is_date, "date"),
        (types.is_binary, "binary"), (types.is_large_binary, "binary"), (types.is_fixed_size_binary, "binary"),
    ):  # fmt: skip
        if test(kind):
            return name
    return "string"


def target_of(table: Table, columns: Sequence[str], partition: Mapping[str, str]) -> Target:
    """What the parameters mean. Raises `ConfigError` if the table cannot be written so."""
    _expect_writable(table)
    static = _named_partition(table, partition)
    dynamic = [each for each in table.partitioned_by if each.name not in static]
    wanted = selected(table, columns).columns
    if tuple(columns) == ("*",):
        wanted = [each for each in wanted if each.name not in static]
    if missing := [each.name for each in dynamic if each not in wanted]:
        raise ConfigError("column", f"the partition of a row needs {missing[0]!r}", "check `column`")
    if named := [each.name for each in wanted if each.name in static]:
        raise ConfigError("column", f"{named[0]!r} is given by `partition`", "check `column`")
    if table.format == "text" and [each for each in wanted if each not in dynamic] != list(table.columns):
        raise ConfigError("column", "a text file holds every column, in the table's order", '`["*"]` names them so')
    return Target(table, wanted, static, dynamic)


def _expect_writable(table: Table) -> None:
    if reason := table.obstacle():
        raise ConfigError("table", f"{table.sql} cannot be written by files: {reason}", "write it with Hive itself")
    if table.buckets:
        problem = f"{table.sql} is clustered into {table.buckets} buckets, in one of which Hive looks for a row"
        raise ConfigError("table", problem, "write it with Hive itself")
    binary = [each.name for each in table.columns if table.format == "text" and pa.types.is_binary(each.arrow)]
    if binary:
        problem = f"column {binary[0]!r} of {table.sql} is binary, which text files hold in a code of Hive's own"
        raise ConfigError("table", problem, "store the table as ORC or Parquet")


def _named_partition(table: Table, partition: Mapping[str, str]) -> dict[str, str]:
    """The partition that a job names, its columns in the table's order: the first ones, or all."""
    parts = {each.name: each for each in table.partitioned_by}
    unknown = [name for name in partition if name not in parts]
    if unknown:
        hint = f"it has {', '.join(parts)}" if parts else "it has no partitions"
        raise ConfigError("partition", f"{table.sql} has no partition column {unknown[0]!r}", hint)
    static = {name: partition[name] for name in parts if name in partition}
    if list(static) != list(parts)[: len(static)]:
        problem = f"names {', '.join(static)} without the columns before it"
        raise ConfigError("partition", problem, f"first is {next(iter(parts))}")
    for name, value in static.items():
        if cast(pa.array([value]), parts[name].arrow).bad is not None:
            raise ConfigError(f"partition.{name}", f"{value!r} is no {parts[name].type}", "check `partition`")
    return static
