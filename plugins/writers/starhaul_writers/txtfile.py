"""`txtfilewriter`: local files."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
from pydantic import model_validator

from starhaul import Address, Block, Receipt, Task, WriteRequest
from starhaul_stores.files.addresses import file_address, to_write
from starhaul_stores.files.compression.codecs import compressed
from starhaul_stores.files.encodings import canonical
from starhaul_stores.files.formats.named import output_format
from starhaul_stores.files.places.local import LocalPlace
from starhaul_stores.files.places.place import FileStatus, Session, Staged
from starhaul_stores.files.single import publish_joined
from starhaul_stores.files.write_params import FileWriterParams
from starhaul_stores.files.writer import FileWriter

_UNMARKED = {name: f"{name}-{sys.byteorder[:1]}e" for name in ("utf-16", "utf-32")}
"""Encodings whose files begin with a byte order mark → the same without one."""


class TxtFileWriterParams(FileWriterParams):
    """Parameters of `txtfilewriter`."""

    path: str
    """The directory of the files. It is made if it is not there."""
    single_file: bool = False
    """Write all rows into one file of `text`, `csv`, `json` or `sql`, named exactly `fileName` and the suffixes.
    `truncate` replaces that file, and no other; `append` is not possible."""

    @model_validator(mode="after")
    def _one_file_is_whole(self) -> TxtFileWriterParams:
        if self.single_file and (self.write_mode == "append" or self.partition_columns or self.max_file_size):
            raise ValueError("singleFile goes with neither writeMode append nor partitionColumns nor maxFileSize")
        if self.single_file and (self.file_format in ("parquet", "orc", "avro") or self.codec() == "deflate"):
            raise ValueError("singleFile joins the tasks' files, which those of Parquet, ORC, Avro and zlib cannot be")
        return self


class TxtFileWriter(FileWriter[TxtFileWriterParams]):
    """Writes local files (text, JSON lines, SQL, Parquet, ORC, Avro), shown all at once when the run has succeeded."""

    name = "txtfilewriter"
    params_type = TxtFileWriterParams

    @property
    def place(self) -> LocalPlace:
        return LocalPlace()

    @property
    def directory(self) -> str:
        return self.place.absolute(self.params.path)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        if not self.params.single_file:
            return super().write(task, batches)
        return self._with_header(task, self._parts().write(task, batches))

    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        if not self.params.single_file:
            return super().write_encoded(task, encoding, blocks)
        return self._with_header(task, self._parts().write_encoded(task, encoding, blocks))

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        if not self.params.single_file or not receipts:
            super().commit(run, receipts)
            return
        parts = [Staged.of(args) for receipt in receipts for args in receipt.data["files"]]
        head = self._head(receipts[0].data["header"])
        replaces = self.params.write_mode != "nonConflict"
        name = f"{self.params.file_name}{self._end}"
        publish_joined(self.place, self.directory, name, head, parts, replaces=replaces)
        with self.place.session() as session:
            session.clear(self.directory, self._start(run))

    def appending(self) -> FileWriter[TxtFileWriterParams] | None:
        return None if self.params.single_file else super().appending()

    def describe(self) -> Sequence[str]:
        if not self.params.single_file:
            return super().describe()
        shown = self.place.shown(self.directory)
        return [
            f"writes one file, {shown}/{self.params.file_name}{self._end}, which is joined from those of the tasks",
            "nothing is visible before the run has succeeded",
        ]

    @classmethod
    def from_url(cls, url: str) -> Address:
        address = file_address(url)
        pattern = not address.name
        return replace(address, name=address.name or ("*",), pattern=pattern)

    @classmethod
    def complete(cls, address: Address, request: WriteRequest) -> Address:
        return to_write(address, request)

    def _parts(self) -> TxtFileWriter:
        """Writes the tasks' files, from which the one file is joined: the first line is that file's alone, and so is a
        byte order mark."""
        encoding = _UNMARKED.get(canonical(self.params.encoding), self.params.encoding)
        header = False if self._has_lines else self.params.header
        update = {"single_file": False, "header": header, "encoding": encoding}
        return type(self)(self.params.model_copy(update=update))

    @property
    def _has_lines(self) -> bool:
        """Whether a header is the first line; in `sql` it names the columns of every statement."""
        return self.params.file_format in ("csv", "text")

    def _with_header(self, task: Task, receipt: Receipt) -> Receipt:
        header = task.schema.names if self.params.header is True else self.params.header or []
        return replace(receipt, data={**receipt.data, "header": header})

    def _head(self, names: Sequence[str]) -> bytes:
        """How the file begins, packed like the rest: a byte order mark, the first line."""
        buffer = io.BytesIO()
        if names and self._has_lines:
            schema = pa.schema([pa.field(name, pa.string()) for name in names])
            with output_format(self.params).open(buffer, schema, 1 << 20):  # type: ignore[arg-type]
                pass
        elif canonical(self.params.encoding) in _UNMARKED:
            with compressed(buffer, self.params.codec()) as sink:  # type: ignore[arg-type]
                sink.write("".encode(self.params.encoding))
        return buffer.getvalue()

    def _existing(self, session: Session) -> list[FileStatus]:
        if not self.params.single_file:
            return super()._existing(session)
        name = f"{self.params.file_name}{self._end}"
        return [file for file in super()._existing(session) if file.name == name]
