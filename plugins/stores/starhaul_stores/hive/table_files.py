"""The files of a Hive table, read and written as files of HDFS."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from starhaul import ConfigError, PermanentError, cast
from starhaul_stores.files.columns import FileColumn, TypedField, arrow_type
from starhaul_stores.files.formats.delimited_output import DelimitedOutput
from starhaul_stores.files.formats.input import InputFormat, Selection
from starhaul_stores.files.formats.int96 import int96_of, zone_and_writer
from starhaul_stores.files.formats.named import output_format
from starhaul_stores.files.formats.output import OutputFormat, RowSink
from starhaul_stores.files.places.hdfs import HdfsPlace
from starhaul_stores.files.places.place import FileStatus, Session
from starhaul_stores.files.places.source import Link, Source
from starhaul_stores.files.read_params import FileReaderParams, InputFormatName
from starhaul_stores.files.reader import FileReader
from starhaul_stores.files.write_params import FileWriterParams, OutputFormatName
from starhaul_stores.files.writer import FileWriter
from starhaul_stores.hdfs.params import HdfsParams
from starhaul_stores.hive.text import HiveText

_NO_NAME = re.compile(r"_col[0-9]+")


class TableFilesParams(HdfsParams, FileReaderParams):
    """Where the files are, and how they are read."""

    directories: list[str]
    """Paths of the table's or its partitions' directories."""
    file_format: InputFormatName = Field(alias="fileType")
    missing_as_null: bool = True  # a file that is older than a column of its table

    def zone_of_int96(self, named: str | None, writer: str, file: str) -> str | None:
        """As Hive has it: its own files from before they named their zone hold instants, as do those of Spark; those of
        other programs hold times as they stand."""
        if named or not writer.startswith("parquet-mr"):
            return named
        if self.int96_zone is None:
            problem = f"has timestamps in INT96 by {writer.partition(' (')[0]}, which does not say in which zone"
            raise PermanentError(file, problem, "say it in `int96Zone`")
        return self.int96_zone


class TableFiles(FileReader[TableFilesParams]):
    """Reads the files of a table. Directories that are not there hold none."""

    name = "tablefiles"
    params_type = TableFilesParams
    where = "table"

    @property
    def place(self) -> HdfsPlace:
        return self.params.place()

    @property
    def patterns(self) -> Sequence[str]:
        return self.params.directories

    @property
    def none(self) -> bool:
        return True

    @property
    def _format(self) -> InputFormat:
        return HiveText(self.params) if self.params.file_format == "text" else super()._format

    def _own(self, link: Link, files: Sequence[FileStatus]) -> pa.Schema | None:
        """The columns that are read, each at its place in the table, whatever the files have."""
        del link, files
        if self._format.blind:
            return None
        there = {column.index: column for column in self.params.columns() if column.index is not None}
        return pa.schema([
            (there[n].name, arrow_type(there[n].type)) if n in there else (f"column_{n}", pa.null())
            for n in range(max(there) + 1)
        ])  # fmt: skip

    def _selection(self, fields: Sequence[TypedField], own: pa.Schema | None) -> Selection:
        return replace(super()._selection(fields, own), padded=True, meant=self._meant)

    def doubt(self) -> str:
        """Why the first file that tells cannot be read as Hive reads it, or an empty text."""
        if self._format.blind:
            return ""
        with Link(self.place) as link:
            for file in self._listed(link):
                source = Source(link, file)
                own = self._format.fields(source)
                if own is not None:
                    try:
                        self._meant(own.names, source.name)
                        self._expect_zone(source)
                    except PermanentError as error:
                        return str(error)
                    return ""
        return ""

    def _expect_zone(self, source: Source) -> None:
        """Raise `PermanentError` if a file of Parquet has times of which nobody tells the zone."""
        wanted = {column.name for column in self.params.columns() if "timestamp" in column.type}
        if self.params.file_format != "parquet" or not wanted:
            return
        import pyarrow.parquet

        with source.random() as native:
            file = pyarrow.parquet.ParquetFile(native)
            if int96_of(file, [name for name in file.schema_arrow.names if name.lower() in wanted]):
                self.params.zone_of_int96(*zone_and_writer(file), source.name)

    def _meant(self, there: Sequence[str], file: str) -> Sequence[str]:
        """The columns of the table that Hive finds in a file with fields of these names: in Parquet by name, whatever
        the case; in ORC by place, as Hive 4 does, or by the names that there are, as older ones do."""
        names = [name.lower() for name in there]
        if self.params.file_format != "orc":
            return names
        own = {column.index or 0: column.name for column in self.params.columns()}
        if all(map(_NO_NAME.fullmatch, there)):
            return [own.get(place, "") for place in range(len(there))]
        for place, name in own.items():
            if names[place : place + 1] != [name] and (place < len(names) or name in names):
                problem = f"has column {name!r} not at its place in the table, where some versions of Hive look for it"
                raise PermanentError(file, problem, "let HiveServer2 read the table: `read` `query`")
        return names

    def absent(self) -> str:
        """The first directory if none is there, else an empty text."""
        directories = self.params.directories
        with Link(self.place) as link:
            there = any(link.call(partial(_is_there, path)) for path in directories)
        return "" if there or not directories else self.place.shown(directories[0])


def _is_there(path: str, session: Session) -> bool:
    return session.stat(path) is not None


def expect_hdfs(hdfs: HdfsParams | None) -> HdfsParams:
    """The cluster. `ConfigError` if the job does not name it."""
    if hdfs is None:
        raise ConfigError("hdfs", "the table's files stand on HDFS", "say where: hdfs: {defaultFS: hdfs://HOST:PORT}")
    return hdfs


def cluster(hdfs: HdfsParams | None) -> dict[str, Any]:
    """The parameters of the cluster, to be completed. `ConfigError` if the job does not name it."""
    hdfs = expect_hdfs(hdfs)
    return {name: getattr(hdfs, name) for name in hdfs.model_fields_set}


class TableFilesWriterParams(HdfsParams, FileWriterParams):
    """Where the files go, and how they are written."""

    directory: str
    """Path on HDFS."""
    file_format: OutputFormatName = Field(alias="fileType")
    write_mode: Literal["append"] = "append"
    table_columns: list[FileColumn]
    """The columns of the table that are in its files, in order."""


class TableFilesWriter(FileWriter[TableFilesWriterParams]):
    """Writes files for a table into a directory of the run's own."""

    name = "tablefileswriter"
    params_type = TableFilesWriterParams
    where = "table"

    @property
    def place(self) -> HdfsPlace:
        return self.params.place()

    @property
    def directory(self) -> str:
        return self.place.absolute(self.params.directory)

    @property
    def _format(self) -> OutputFormat:
        if self.params.file_format == "text":
            return TypedText(self.params)
        return InPlace(output_format(self.params), self.params.table_columns)


class InPlace(OutputFormat):
    """Files that have every column of the table, in its order: Hive 4 finds the columns of ORC files by their place."""

    def __init__(self, inner: OutputFormat, columns: Sequence[FileColumn]) -> None:
        super().__init__(inner.params)
        self._inner = inner
        self._columns = inner.accept(pa.schema([(each.name, arrow_type(each.type)) for each in columns]))

    @property
    def suffix(self) -> str:
        return self._inner.suffix

    def accept(self, source: pa.Schema) -> pa.Schema:
        return self._inner.accept(source)

    def check(self, schema: pa.Schema) -> None:
        self._inner.check(schema)

    @contextmanager
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> Iterator[RowSink]:
        there = pa.schema([schema.field(own.name) if own.name in schema.names else own for own in self._columns])
        with self._inner.open(file, there, memory) as sink:
            yield _Placed(sink, there)


class _Placed(RowSink):
    def __init__(self, sink: RowSink, schema: pa.Schema) -> None:
        self._sink = sink
        self._schema = schema

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        arrays = [
            batch.column(own.name) if own.name in batch.schema.names else pa.nulls(batch.num_rows, own.type)
            for own in self._schema
        ]
        return self._sink.write(pa.RecordBatch.from_arrays(arrays, schema=self._schema))


class TypedText(DelimitedOutput):
    """Text whose columns have types all the same: what is no value of its column's type never gets into the file, where
    Hive would read NULL."""

    def accept(self, source: pa.Schema) -> pa.Schema:
        return source

    def encodings(self, schema: pa.Schema) -> Sequence[str]:
        return ()

    @contextmanager
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> Iterator[RowSink]:
        with super().open(file, super().accept(schema), memory) as sink:
            yield _Texts(sink)


class _Texts(RowSink):
    def __init__(self, sink: RowSink) -> None:
        self._sink = sink

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        casts = [cast(column, pa.string()) for column in batch.columns]
        refused: dict[int, str] = {}
        for name, each in zip(batch.schema.names, casts, strict=True):
            for row, reason in each.misfits().items():
                refused.setdefault(row, f"column {name!r}: {reason}")
        kept = [row for row in range(batch.num_rows) if row not in refused]
        columns = [each.values.take(pa.array(kept, pa.int64())) if refused else each.values for each in casts]
        written = self._sink.write(pa.RecordBatch.from_arrays(columns, names=batch.schema.names))
        return refused | {kept[row]: reason for row, reason in written.items()}
