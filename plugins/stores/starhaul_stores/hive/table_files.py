"""The files of a Hive table, read and written as files of HDFS."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from starhaul import ConfigError, cast
from starhaul_stores.files.formats.delimited_output import DelimitedOutput
from starhaul_stores.files.formats.named import output_format
from starhaul_stores.files.formats.output import OutputFormat, RowSink
from starhaul_stores.files.places.hdfs import HdfsPlace
from starhaul_stores.files.places.place import Session
from starhaul_stores.files.places.source import Link
from starhaul_stores.files.reader import FileReader
from starhaul_stores.files.reading import FileReaderParams, InputFormatName
from starhaul_stores.files.writer import FileWriter
from starhaul_stores.files.writing import FileWriterParams, OutputFormatName
from starhaul_stores.hdfs.params import HdfsParams


class TableFilesParams(HdfsParams, FileReaderParams):
    """Where the files are, and how they are read."""

    directories: list[str]
    """Paths of the table's or its partitions' directories."""
    file_format: InputFormatName = Field(alias="fileType")
    missing_as_null: bool = True  # a file that is older than a column of its table


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
        return TypedText(self.params) if self.params.file_format == "text" else output_format(self.params)


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
