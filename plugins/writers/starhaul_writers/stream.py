"""`streamwriter`: rows as lines of text on standard output or in a file, or nowhere at all."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from starhaul import Capability, ConfigError, Params, PermanentError, Receipt, Task, Writer, reject_rows

FEW_ROWS = 100
"""So many are joined sooner than `pyarrow.compute` is imported."""
LARGEST_TEXT = 256 << 20
"""Larger batches are printed in parts: the text of one part must stay below 2 GiB."""
_MISLEADING = (
    "the text holds the field delimiter or a line break, or is the text that stands for null, so it could not be told "
    "apart in the file"
)


class StreamWriterParams(Params):
    """Parameters of `streamwriter`."""

    print: bool = True
    """Print the rows to standard output. If false, they are counted and dropped: the sink for benchmarks."""

    field_delimiter: str = Field(default="\t", min_length=1)
    """What stands between the values of a line."""

    null_format: str = "null"
    """What stands for null."""

    path: str = ""
    """Directory of a file to write in place of printing; made if it is missing. Needs `fileName`."""

    file_name: str = ""
    """Name of the file in `path`. It is replaced when the whole run has succeeded."""

    encoding: str = "UTF-8"
    """Not used, as in DataX: the text is UTF-8 whatever this says."""

    record_num_before_sleep: int = Field(default=0, ge=0)
    """Each task sleeps once, after this many rows. 0: it does not sleep."""

    sleep_time: float = Field(default=0, ge=0)
    """How long it sleeps then, in seconds."""

    @model_validator(mode="after")
    def _whole_file_name(self) -> StreamWriterParams:
        if bool(self.path.strip()) != bool(self.file_name.strip()):
            raise ValueError("`path` and `fileName` go together: give both, or neither to print")
        if Path(self.file_name.strip()).name != self.file_name.strip():
            raise ValueError("`fileName` is a name without directories; those belong in `path`")
        return self

    def file(self) -> Path | None:
        """The file to write; None if there is none."""
        return Path(self.path.strip()) / self.file_name.strip() if self.path.strip() else None


class StreamWriter(Writer[StreamWriterParams]):
    """Prints the rows as lines of text, writes such lines to a file, or drops the rows.

    Lines on standard output are for people: values appear as they are. A file can be read back: rows with a value
    that would be taken for something else there (it holds the delimiter, a line break, or is the text that stands
    for null) are rejected. What was printed cannot be called back, so printing promises nothing, and is not retried.
    """

    name = "streamwriter"
    params_type = StreamWriterParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.ATOMIC, Capability.IDEMPOTENT})

    def promises(self) -> frozenset[Capability]:
        if self.params.file() is not None:
            return frozenset({Capability.ATOMIC})
        return frozenset() if self.params.print else frozenset({Capability.IDEMPOTENT})

    def accept(self, source: pa.Schema) -> pa.Schema:
        """Text for every column, in the hub's canonical form; the source's own types where nothing is shown."""
        if self.params.file() is None and not self.params.print:
            return source
        return pa.schema([pa.field(field.name, pa.string(), field.nullable) for field in source])

    def check(self, schema: pa.Schema) -> None:
        file = self.params.file()
        if file is None:
            return
        if file.is_dir():
            raise ConfigError("fileName", f"{str(file)!r} is a directory")
        nearest = next(folder for folder in file.absolute().parents if folder.exists())
        if not nearest.is_dir():
            raise ConfigError("path", f"{str(nearest)!r} is not a directory")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise PermanentError("path", f"no permission to write in {str(nearest)!r}")

    def prepare(self, schema: pa.Schema, run: str) -> None:
        file = self.params.file()
        if file is not None:
            with _file_errors(file):
                _staging(file, run).mkdir(parents=True, exist_ok=True)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        file = self.params.file()
        pulled = self._with_pause(task, batches)
        if file is not None:
            rows = self._write_part(task, pulled, file)
        elif self.params.print:
            rows = self._print(pulled)
        else:
            rows = sum(batch.num_rows for batch in pulled)
        return Receipt(task.id, rows, attempt=task.attempt)

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        file = self.params.file()
        if file is None:
            return
        staging = _staging(file, run)
        if not staging.exists():
            return  # an earlier commit came to its end
        with _file_errors(file):
            whole = staging / "whole"
            with whole.open("wb") as target:
                for receipt in receipts:
                    with _part(staging, receipt.task, receipt.attempt).open("rb") as part:
                        shutil.copyfileobj(part, target, 1 << 20)
                _to_disk(target)
            whole.replace(file)
            shutil.rmtree(staging)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        file = self.params.file()
        if file is not None:
            shutil.rmtree(_staging(file, run), ignore_errors=True)

    def describe(self) -> Sequence[str]:
        file = self.params.file()
        if file is not None:
            return [f"Writes lines of text beside {str(file)!r}, which is replaced when the run has succeeded."]
        return ["Prints lines of text to standard output." if self.params.print else "Counts the rows and drops them."]

    def _with_pause(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        before = self.params.record_num_before_sleep
        if not before or not self.params.sleep_time:
            yield from batches
            return
        seen, slept = 0, False
        for batch in batches:
            if not slept and seen + batch.num_rows > before:
                if before > seen:
                    yield batch.slice(0, before - seen)
                task.pause(self.params.sleep_time)
                yield batch.slice(before - seen)
                slept = True
            else:
                yield batch
            seen += batch.num_rows

    def _print(self, batches: Iterable[pa.RecordBatch]) -> int:
        """One write for each piece of text, so that the lines of channels that print at once stay whole."""
        rows = 0
        for batch in batches:
            for text in self._lines(batch):
                with _file_errors("standard output"):
                    _to_stdout(text)
            rows += batch.num_rows
        with _file_errors("standard output"):
            sys.stdout.flush()
        return rows

    def _write_part(self, task: Task, batches: Iterable[pa.RecordBatch], file: Path) -> int:
        rows = 0
        path = _part(_staging(file, task.run), task.id, task.attempt)
        with _file_errors(file):
            part = path.open("wb")
        with part:
            for batch in batches:
                good = self._without_misleading(task, batch)
                for text in self._lines(good):
                    with _file_errors(file):
                        part.write(text)
                rows += good.num_rows
            with _file_errors(file):
                _to_disk(part)
        return rows

    def _lines(self, batch: pa.RecordBatch) -> Iterator[memoryview]:
        """The text of the batch, line feeds included, in pieces of whole lines."""
        if batch.num_rows <= FEW_ROWS:
            if batch.num_rows:
                yield memoryview(self._few_lines(batch).encode())
            return
        import pyarrow.compute as pc

        if batch.nbytes > LARGEST_TEXT:
            half = batch.num_rows // 2
            yield from self._lines(batch.slice(0, half))
            yield from self._lines(batch.slice(half))
        else:
            nulls = {"null_handling": "replace", "null_replacement": self.params.null_format}
            lines = pc.binary_join_element_wise(*batch.columns, self.params.field_delimiter, **nulls)
            ended = pc.binary_join_element_wise(lines, "", "\n")
            _, offsets, data = ended.buffers()
            bounds = memoryview(offsets).cast("i")
            yield memoryview(data)[bounds[0] : bounds[len(ended)]]

    def _few_lines(self, batch: pa.RecordBatch) -> str:
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        null = self.params.null_format
        texts = (self.params.field_delimiter.join(null if value is None else value for value in row) for row in rows)
        return "".join(f"{text}\n" for text in texts)

    def _without_misleading(self, task: Task, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that can be read back from a file; the others are rejected."""
        found = {row: self._misleading(batch.slice(row, 1)) for row in self._suspicious(batch)}
        reasons = {row: f"{', '.join(map(repr, columns))}: {_MISLEADING}" for row, columns in found.items() if columns}
        keep = reject_rows(task, batch, reasons)
        return batch if keep is None else batch.filter(keep)

    def _suspicious(self, batch: pa.RecordBatch) -> Sequence[int]:
        """The rows to look at one by one."""
        import pyarrow.compute as pc

        signs = f"[\r\n{re.escape(self.params.field_delimiter[0])}]"
        found = pa.repeat(pa.scalar(False), batch.num_rows)
        for column in batch.columns:
            each = pc.or_(pc.match_substring_regex(column, signs), pc.equal(column, self.params.null_format))
            found = pc.or_(found, pc.fill_null(each, False))
        rows: Sequence[int] = pc.indices_nonzero(found).to_pylist()
        return rows

    def _misleading(self, row: pa.RecordBatch) -> list[str]:
        """The columns of a batch of one row whose text would be taken for something else."""
        delimiter, null = self.params.field_delimiter, self.params.null_format
        texts = zip(row.schema.names, (column[0].as_py() for column in row.columns), strict=True)
        # The first delimiter must be the one that follows the value: `a|` before `||` would shift it.
        return [
            name
            for name, text in texts
            if text is not None
            and (text == null or "\n" in text or "\r" in text or (text + delimiter).find(delimiter) < len(text))
        ]


def _staging(file: Path, run: str) -> Path:
    return file.with_name(f".{file.name}.{run}")


def _part(staging: Path, task: str, attempt: int) -> Path:
    return staging / f"{task}.{attempt}"


def _to_stdout(text: memoryview) -> None:
    binary: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    if binary is not None:
        binary.write(text)
    else:
        sys.stdout.write(str(text, "utf-8"))  # a program replaced it by a text stream of its own


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _file_errors(where: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PermanentError(str(where), f"cannot be written: {error.strerror or error}") from error
