"""`hivewriter`: tables of Hive."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, cast

import pyarrow as pa
from pydantic import Field, field_validator

from starhaul import Capability, ConfigError, Receipt, Task, Writer, reject_rows
from starhaul_stores.files.places.hdfs import HdfsSession
from starhaul_stores.files.places.place import Staged
from starhaul_stores.hive.catalog import NoSuchTableError, find_table
from starhaul_stores.hive.clusters import Cluster
from starhaul_stores.hive.connection import Connection, connected
from starhaul_stores.hive.params import HiveParams
from starhaul_stores.hive.partitions import find_partition
from starhaul_stores.hive.publication import (
    Publication,
    clear_below,
    expect_like,
    is_passed_over,
    is_settable,
    prune,
)
from starhaul_stores.hive.selection import path_of, type_name
from starhaul_stores.hive.table_files import TableFilesWriter, TableFilesWriterParams, cluster, expect_hdfs
from starhaul_stores.hive.target import RUNS, Target, create_table, target_of

_ABANDONED_AFTER = 7 * 24 * 3600
"""Seconds after which the files of a run that nobody wrote to are taken for those of a dead one, as `hdfswriter` has
it."""


class HiveWriterParams(HiveParams):
    """Parameters of `hivewriter`."""

    table: str
    """The table, `TABLE` or `DATABASE.TABLE`, of text, ORC or Parquet."""

    create_table: Literal["never", "ifMissing"] = "never"
    """`ifMissing`: a table that is not there is made from the columns of the rows, without partitions."""

    stored_as: Literal["orc", "parquet", "textfile"] = "orc"
    """The format of a table that is made."""

    write_mode: Literal["append", "overwrite", "nonConflict"]
    """`append`: the rows are added. `overwrite`: they take the place of those in the table, or in each partition that
    gets rows, in one step for whoever asks Hive; the files of the rows before stay until the next run that replaces
    them, for queries that still read them. `nonConflict`: the job is refused if the table, or the partition that the
    job names, has rows."""

    partition: dict[str, str | int] = Field(default={})
    """The partition that all rows go into, `{"dt": "2026-11-22"}`. Columns that it does not name come from the rows; a
    row in which one is NULL is rejected."""

    column: list[str] = Field(default=["*"], min_length=1)
    """The table's columns that the rows' columns go to, in order. `["*"]` is all, those that it is partitioned by last
    and without those in `partition`. In ORC and Parquet, columns that are not named are NULL."""

    file_name: str = Field(default="part", min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][^/\x00]*$")
    """Beginning of the files' names."""

    compress: Literal["none", "gzip", "bzip2", "zlib", "snappy", "zstd", "lz4", "deflate"] | None = None
    """How the files are packed, as with `hdfswriter`; by default ORC and Parquet by snappy and text not at all."""

    parquet_timestamps: Literal["millis", "micros", "nanos", "int96"] | None = None
    """How timestamps stand in Parquet. Hive before 4 reads `int96` only."""

    @field_validator("partition")
    @classmethod
    def _texts(cls, partition: dict[str, str | int]) -> dict[str, str | int]:
        if "" in partition.values():
            raise ValueError("an empty text cannot be the name of a partition")
        return {name.lower(): value for name, value in partition.items()}

    def static(self) -> Mapping[str, str]:
        """The partition that the job names, as text."""
        return {name: str(value) for name, value in self.partition.items()}


class HiveWriter(Writer[HiveWriterParams]):
    """Writes files of a table's own format into Hive, which shows their rows when the run has succeeded."""

    name = "hivewriter"
    params_type = HiveWriterParams
    capabilities = frozenset({Capability.ATOMIC, Capability.IDEMPOTENT})

    def accept(self, source: pa.Schema) -> pa.Schema | None:
        with connected(self.params) as db:
            if self._is_to_be_made(db):
                return None
            target = self._target_in(db)
        if len(source) != len(target.columns):  # the hub tells of it
            return pa.schema([pa.field(column.name, column.arrow) for column in target.columns])
        return self._files(target, "").accept(source)

    def check(self, schema: pa.Schema) -> None:
        with connected(self.params) as db:
            if self._is_to_be_made(db):
                self._statement(schema)
                return
            target = self._target_in(db)
            self._expect_replaceable(target)
            self._expect_fit(db, target)
            self._expect_no_conflict(db, target)
        files = self._files(target, "")
        with files.place.session() as session:
            session.expect_writable(target.home, "table")
        files.check(schema)

    def prepare(self, schema: pa.Schema, run: str) -> None:
        """Make the table, if it is to be made, and the run's directory; clear what runs that died have left."""
        with connected(self.params) as db:
            if self._is_to_be_made(db):
                db.rows(self._statement(schema))
            target = self._target_in(db)
        schema = schema if len(schema) != len(target.columns) else self._files(target, "").accept(schema)
        files = self._files(target, run)
        with self._session(files) as session:
            runs, before = f"{target.home}/{RUNS}", time.time() - _ABANDONED_AFTER
            for entry in list(session.entries(runs)):
                if entry.directory and entry.path != _root(target, run):
                    clear_below(session, entry.path, self.params.file_name, before)
                    if entry.modified is not None and entry.modified < before:
                        prune(session, entry.path)
        files.prepare(schema, run)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        target = self._target()

        def fitting() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                keep = reject_rows(task, batch, target.misfits(batch))
                yield batch if keep is None else batch.filter(keep)

        return self._files(target, task.run).write(task, fitting())

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        """Publish the files in the run's directory first, make them rows of the table then."""
        staged = [Staged.of(args) for receipt in receipts for args in receipt.data["files"]]
        with connected(self.params) as db:
            target = self._target_in(db)
            files = self._files(target, run)
            with self._session(files) as session:
                publication = self._publication(db, session, target, run)
                if not publication.done(staged):
                    files.commit(run, receipts)
                publication.publish(staged)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        with connected(self.params) as db:
            if self._is_to_be_made(db):  # the run ended before it made the table
                return
            target = self._target_in(db)
            files = self._files(target, run)
            files.abort(run, receipts)
            with self._session(files) as session:
                self._publication(db, session, target, run).drop()

    def appending(self) -> HiveWriter:
        return type(self)(self.params.model_copy(update={"write_mode": "append"}))

    def describe(self) -> Sequence[str]:
        with connected(self.params) as db:
            if self._is_to_be_made(db):
                return [f"Makes the table {self.params.table}, stored as {self.params.stored_as}."]
            target = self._target_in(db)
        form = {"text": "text", "orc": "ORC", "parquet": "Parquet"}[target.table.format or ""]
        facts = [f"Writes files of {form} for {target.table.sql}, one for each task and partition."]
        if self.params.write_mode == "overwrite":
            facts.append(
                "What is replaced is given a new location in one step; its old files go with the next run that does so."
            )
        return [*facts, "Hive shows nothing before the run has succeeded."]

    def _is_to_be_made(self, db: Connection) -> bool:
        if self.params.create_table == "never":
            return False
        try:
            find_table(db, self.params.table, self.params.database)
        except NoSuchTableError:
            return True
        return False

    def _statement(self, schema: pa.Schema) -> str:
        return create_table(self.params.table, self.params.database, schema, self.params.stored_as)

    def _target(self) -> Target:
        with connected(self.params) as db:
            return self._target_in(db)

    def _target_in(self, db: Connection) -> Target:
        table = find_table(db, self.params.table, self.params.database)
        target = target_of(table, self.params.column, self.params.static())
        self._cluster(db).expect(table.location, table.sql)
        return target

    def _cluster(self, db: Connection) -> Cluster:
        return Cluster(db, expect_hdfs(self.params.hdfs), self.params.hdfs_aliases)

    def _files(self, target: Target, run: str) -> TableFilesWriter:
        """What writes the run's files."""
        params, table = self.params, target.table
        inside = {each.name for each in target.dynamic}
        columns: list[dict[str, Any]] = [
            {"name": each.name, "type": "string" if each.name in inside else type_name(each)} for each in target.columns
        ]
        given = {
            "directory": "/".join(filter(None, (_root(target, run), target.folder))),
            "fileName": params.file_name,
            "fileType": table.format,
            "column": columns,
            "tableColumns": [{"name": each.name, "type": type_name(each)} for each in table.columns],
            "partitionColumns": [each.name for each in target.dynamic],
            "compress": params.compress,
            "parquetTimestamps": params.parquet_timestamps,
            **({"fieldDelimiter": table.delimiter, "nullFormat": table.null} if table.format == "text" else {}),
        }
        return TableFilesWriter(TableFilesWriterParams.model_validate({**cluster(params.hdfs), **given}))

    def _publication(self, db: Connection, session: HdfsSession, target: Target, run: str) -> Publication:
        replaces = self.params.write_mode == "overwrite"
        return Publication(db, self._cluster(db), session, target, _root(target, run), replaces)

    @contextmanager
    def _session(self, files: TableFilesWriter) -> Iterator[HdfsSession]:
        with files.place.session() as session:
            yield cast(HdfsSession, session)

    def _expect_replaceable(self, target: Target) -> None:
        if self.params.write_mode == "overwrite" and not target.partitioned and not is_settable(target.home):
            problem = f"{target.table.sql} stands in {target.home!r}, and Hive sets no location of such a name"
            raise ConfigError("writeMode", problem, "choose `append`, or a location without blanks for the table")

    def _expect_fit(self, db: Connection, target: Target) -> None:
        """Those partitions that the rows name are looked at when they are published."""
        if target.static and not target.dynamic:
            there = find_partition(db, target.table, target.static)
            if there is not None:
                expect_like(target.table, target.folder, there, self._cluster(db))

    def _expect_no_conflict(self, db: Connection, target: Target) -> None:
        if self.params.write_mode != "nonConflict":
            return
        if target.dynamic:
            hint = "name the partition in `partition`"
            raise ConfigError("writeMode", "the rows name their partitions, so nobody knows yet which there are", hint)
        there = find_partition(db, target.table, target.static) if target.static else target.table
        with self._session(self._files(target, "")) as session:
            # Files that a partition has left, which was dropped, would become rows again.
            path = f"{target.home}/{target.folder}" if there is None else path_of(there.location)
            if any(each.size for each in session.walk(path, is_passed_over)):
                raise ConfigError("writeMode", f"there are rows in {session.place.shown(path)}", "choose `append`")


def _root(target: Target, run: str) -> str:
    """Path of the directory of a run."""
    return f"{target.home}/{RUNS}/{run or 'none'}"
