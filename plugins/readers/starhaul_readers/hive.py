"""`hivereader`: tables and queries of Hive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from starhaul import Capability, Cast, ConfigError, Reader, Split, Task, cast, reject_rows, with_native_type
from starhaul_stores.hive.catalog import Column, find_table
from starhaul_stores.hive.clusters import Cluster
from starhaul_stores.hive.connection import Connection, ResultColumn, connected
from starhaul_stores.hive.params import HiveParams
from starhaul_stores.hive.selection import Selection, chosen, expect_told_apart, files_of, read_as, selected
from starhaul_stores.hive.table_files import TableFiles, TableFilesParams, cluster

_NOTHING = "SELECT * FROM ({query}\n) AS q LIMIT 0"


class HiveReaderParams(HiveParams):
    """Parameters of `hivereader`."""

    table: str | None = None
    """The table or view, `TABLE` or `DATABASE.TABLE`."""

    query_sql: str | None = None
    """A query in place of a table."""

    column: list[str] = Field(default=["*"], min_length=1)
    """The columns by name; `["*"]` is all, those that the table is partitioned by last."""

    where: str = ""
    """A condition in Hive's SQL. With it, HiveServer2 reads the rows."""

    partition: list[str] = Field(default=[])
    """The partitions to read, by patterns of their folders: `dt=2026-11-22/hour=*`. By default all."""

    read: Literal["auto", "files", "query"] = "auto"
    """`files`: the table's files, straight from HDFS, by as many tasks as there is work for. `query`: what HiveServer2
    answers, in one task. `auto`: the files where they say the same (text, ORC and Parquet, no views, no transactions,
    nothing nested, no `where`), and `hdfs` says where they stand."""

    fetch_size: int = Field(default=10_000, ge=1, le=1_000_000)
    """Rows that HiveServer2 sends at once."""

    split_size: int = Field(default=128 << 20, ge=1)
    """Bytes of the files that one task reads, about."""

    int96_zone: str | None = None
    """Zone of the timestamps in Parquet's INT96 (`Asia/Shanghai`) where the files do not name it, as those of older
    Hive and of Spark. Where it is needed and not given, HiveServer2 reads the rows, by the zone that it has."""

    calendar: Literal["julian", "gregorian"] | None = None
    """By which calendar the table's Parquet and ORC files count days before 1582-10-15 where neither they nor the
    version of their maker tell, as those of Hive 3.1. `julian` is what Hive 4 takes them for, `gregorian` what Hive 3.1
    meant. By default such days end the run. Where the files tell, that counts."""

    @field_validator("partition", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> HiveReaderParams:
        if (self.table is None) == (self.query_sql is None):
            raise ValueError("give a `table`, or a `querySql`")
        if self.query_sql is not None and (self.where or self.partition or self.column != ["*"]):
            raise ValueError("`column`, `where` and `partition` are for a `table`: write them into `querySql`")
        if self.read == "files" and (self.where or self.query_sql is not None):
            raise ValueError("the files know no `where` and no `querySql`: use `read` `query`")
        if len(set(self.column)) < len(self.column):
            raise ValueError("`column` names a column twice")
        return self


@dataclass(frozen=True, slots=True)
class _Way:
    """How the rows are read."""

    schema: pa.Schema
    query: str
    files: Mapping[str, Any] | None = None
    """Parameters of `TableFiles` beside those of the cluster, as JSON data; None: by the query."""
    reason: str = ""
    """Why not by files."""


class HiveReader(Reader[HiveReaderParams]):
    """Reads tables and queries of Hive: by their own files where these will do, else by HiveServer2."""

    name = "hivereader"
    params_type = HiveReaderParams
    capabilities = frozenset({Capability.SPLIT})

    def check(self) -> None:
        with connected(self.params) as db:
            way = self._way(db)
            db.rows(f"EXPLAIN {way.query}")
        if way.files is not None:
            self._files(way.files).check()

    def schema(self) -> pa.Schema:
        with connected(self.params) as db:
            return self._way(db).schema

    def split(self, target: int) -> Sequence[Split]:
        with connected(self.params) as db:
            way = self._way(db)
        if way.files is None:
            return [Split("query", {"query": way.query})]
        files = {**way.files, "directories": []}  # of which there may be thousands, and a split names its files
        return [
            Split(split.id, {"files": files, "split": dict(split.args)}, split.rows, split.bytes)
            for split in self._files(way.files).split(target)
        ]

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        if "query" in split.args:
            yield from self._queried(split.args["query"], task)
            return
        columns = _columns_of_files(split.args["files"])
        schema = pa.schema(map(_field, columns))
        part = Split(split.id, split.args["split"], split.rows, split.bytes)
        for batch in self._files(split.args["files"]).read(part, task):
            arrays = [batch.column(name) for name in schema.names]
            yield _whole(pa.RecordBatch.from_arrays(arrays, schema=schema), columns, task)

    def describe(self) -> Sequence[str]:
        with connected(self.params) as db:
            way = self._way(db)
        if way.files is None:
            why = f", as {way.reason}" if way.reason else ""
            return [f"Reads what HiveServer2 answers, in one task{why}."]
        return [
            "Reads the table's files from HDFS; files that come later are not read.",
            *self._files(way.files).describe(),
        ]

    def _way(self, db: Connection) -> _Way:
        params = self.params
        if params.query_sql is not None:
            with db.result(_NOTHING.format(query=params.query_sql), 1) as (columns, _):
                return _Way(_schema(columns), params.query_sql)
        table = find_table(db, params.table or "", params.database)
        selection = selected(table, params.column)
        partitions = chosen(db, table, params.partition)
        query = selection.query(params.where, list(partitions.values()) if params.partition else None)
        reason = ""
        if params.read != "query" and not params.where:
            files = self._by_files(db, partitions, selection)
            if not isinstance(files, str):
                return _Way(selection.schema, query, files)
            reason = files
            if params.read == "files":
                raise ConfigError("read", f"the files of {table.sql} cannot be read: {files}", "use `query`, or `auto`")
        if params.partition:
            expect_told_apart(table, partitions.values())
        return _Way(selection.schema, query, None, reason)

    def _by_files(
        self, db: Connection, partitions: Mapping[str, Mapping[str, str | None]], selection: Selection
    ) -> Mapping[str, Any] | str:
        """Parameters of `TableFiles`; or why the files will not do."""
        params = self.params
        if params.hdfs is None:
            return "`hdfs` does not say where the files are"
        hdfs = Cluster(db, params.hdfs, params.hdfs_aliases)
        files = files_of(db, hdfs, partitions, not params.partition, selection)
        if isinstance(files, str):
            return files
        parameters = {
            **files.parameters,
            "directories": list(files.directories),
            "splitSize": params.split_size,
            "names": selection.schema.names,
            "types": [column.type for column in selection.columns],
            "int96Zone": params.int96_zone,
            "calendar": params.calendar,
        }
        found = self._files(parameters)
        if absent := found.absent():
            return f"there is no {absent}"
        return found.doubt() or parameters

    def _files(self, parameters: Mapping[str, Any]) -> TableFiles:
        return TableFiles(TableFilesParams.model_validate(self._given(parameters)))

    def _given(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        own = {name: value for name, value in parameters.items() if name not in ("names", "types")}
        return {**cluster(self.params.hdfs), **own}

    def _queried(self, query: str, task: Task) -> Iterator[pa.RecordBatch]:
        with connected(self.params) as db:
            schema = self._way(db).schema if self.params.query_sql is None else None
            with db.result(query, self.params.fetch_size) as (columns, blocks):
                for arrays in blocks:
                    yield _typed(arrays, schema or _schema(columns), task)


def _columns_of_files(parameters: Mapping[str, Any]) -> list[Column]:
    return [Column(*each) for each in zip(parameters["names"], parameters["types"], strict=True)]


def _whole(batch: pa.RecordBatch, columns: Sequence[Column], task: Task) -> pa.RecordBatch:
    """The rows of files without those that hold more than Hive shows of them, which are rejected."""
    reasons: dict[int, str] = {}
    for column, values in zip(columns, batch.columns, strict=True):
        for row in column.too_long(values):
            reasons.setdefault(row, f"column {column.name!r}: is longer than {column.type}, to which Hive cuts it")
    if not reasons:
        return batch
    for row in sorted(reasons):
        task.reject(batch, row, reasons[row])
    return batch.filter(pa.array([row not in reasons for row in range(batch.num_rows)], pa.bool_()))


def _field(column: Column) -> pa.Field:
    return with_native_type(pa.field(column.name, read_as(column)), column.type)


def _schema(columns: Sequence[ResultColumn]) -> pa.Schema:
    return pa.schema([_field(Column(column.name, column.type)) for column in columns])


def _typed(arrays: Sequence[pa.Array], schema: pa.Schema, task: Task) -> pa.RecordBatch:
    """What the wire carried in the types of the columns. Rows with a value that has no place there are rejected."""
    casts = [_cast(values, field.type) for values, field in zip(arrays, schema, strict=True)]
    reasons: dict[int, str] = {}
    for field, each in zip(schema, casts, strict=True):
        for row, reason in each.misfits().items():
            reasons.setdefault(row, f"column {field.name!r}: {reason}")
    batch = pa.RecordBatch.from_arrays([each.values for each in casts], schema=schema)
    if not reasons:
        return batch
    shown = pa.RecordBatch.from_arrays([_shown(values) for values in arrays], names=schema.names)
    return batch.filter(reject_rows(task, shown, reasons))


def _cast(values: pa.Array, kind: pa.DataType) -> Cast:
    if pa.types.is_float32(kind):  # it comes as the double that has the same shortest digits
        return Cast(values.cast(kind))
    if not pa.types.is_binary(values.type) or pa.types.is_binary(kind):
        return cast(values, kind)
    texts = cast(values, pa.string())
    return texts if texts.bad is not None else cast(texts.values, kind)


def _shown(values: pa.Array) -> pa.Array:
    """Values as texts, for people."""
    told = [each.decode(errors="replace") if isinstance(each, bytes) else each for each in values.to_pylist()]
    return pa.array([None if each is None else str(each) for each in told], pa.string())
