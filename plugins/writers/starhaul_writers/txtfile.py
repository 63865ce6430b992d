"""`txtfilewriter`: delimited text in local files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar

import pyarrow as pa

from starhaul import Capability, ConfigError, Formats, Receipt, Task, Writer, cast
from starhaul_stores.files.columns import to_base64
from starhaul_stores.files.compression import compressed
from starhaul_stores.files.encodings import Encoded, canonical
from starhaul_stores.files.publishing import LocalTarget
from starhaul_stores.files.rendering import Renderer
from starhaul_stores.files.writing import DelimitedWriterParams


class TxtFileWriterParams(DelimitedWriterParams):
    """Parameters of `txtfilewriter`."""

    path: str
    """The directory of the files. It is made if it is not there."""


class TxtFileWriter(Writer[TxtFileWriterParams]):
    """Writes delimited text (CSV, TSV, …) to local files, which appear all at once when the run has succeeded."""

    name = "txtfilewriter"
    params_type = TxtFileWriterParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.ATOMIC, Capability.IDEMPOTENT})

    def accept(self, source: pa.Schema) -> pa.Schema:
        return pa.schema([pa.field(field.name, self._accepted(field.type)) for field in source])

    def check(self, schema: pa.Schema) -> None:
        self._target.check()
        self._expect_no_conflict()
        if not len(schema):
            raise ConfigError("column", "there are no columns to write")
        header = self._header(schema)
        if header and len(header) != len(schema):
            raise ConfigError("header", f"names {len(header)} columns, but {len(schema)} are written")
        if header:
            self._expect_writable(header)

    def prepare(self, schema: pa.Schema, run: str) -> None:
        self._target.make()
        self._expect_no_conflict()

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        """One file, also if there are no rows, as in DataX."""
        name = self.params.name_of(f"{self._start(task.run)}{task.id}")
        rows = 0
        with self._target.staged(name, task.attempt) as file, compressed(file, self.params.codec()) as sink:
            text = Encoded(sink, canonical(self.params.encoding))
            renderer = Renderer(self.params.style())
            if header := self._header(task.schema):
                text.write(renderer.render(header, _as_columns(header)).data)
            for batch in batches:
                rows += self._write_batch(batch, renderer, text, task)
        return Receipt(task.id, rows, attempt=task.attempt, data={"name": name})

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        """Rename first, remove the older files then, so that the rows are there at every moment."""
        names = [receipt.data["name"] for receipt in receipts]
        self._target.publish(zip(names, (receipt.attempt for receipt in receipts), strict=True))
        if self.params.write_mode in ("truncate", "overwrite"):
            self._target.remove_others(names)
        self._target.clear(self._start(run))

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        self._target.clear(self._start(run))

    def appending(self) -> TxtFileWriter:
        return TxtFileWriter(self.params.model_copy(update={"write_mode": "append"}))

    def describe(self) -> Sequence[str]:
        params = self.params
        facts = [f"writes one file for each task, {params.path}/{params.name_of(params.file_name + '__RUN_TASK')}"]
        older = len(self._target.existing())
        if older and params.write_mode in ("truncate", "overwrite"):
            facts.append(f"{older} files that begin with {params.file_name!r} are removed when the new ones stand")
        return [*facts, "nothing is visible before the run has succeeded"]

    @property
    def _target(self) -> LocalTarget:
        return LocalTarget(self.params.path, self.params.file_name)

    def _start(self, run: str) -> str:
        return f"{self.params.file_name}__{run}_"

    def _header(self, schema: pa.Schema) -> list[str]:
        header = self.params.header
        return schema.names if header is True else header or []

    def _expect_writable(self, header: list[str]) -> None:
        rendered = Renderer(self.params.style()).render(header, _as_columns(header))
        for reason in rendered.refused.values():
            raise ConfigError("header", reason, "`fileFormat` `csv` can quote it")
        if not Encoded(None, canonical(self.params.encoding)).takes(rendered.data):
            raise ConfigError("header", f"holds a character that {self.params.encoding} has not", "check `encoding`")

    def _expect_no_conflict(self) -> None:
        there = self._target.existing() if self.params.write_mode == "nonConflict" else []
        if there:
            raise ConfigError(
                "writeMode",
                f"{len(there)} files in {self.params.path} begin with {self.params.file_name!r}, such as {there[0]}",
                "remove them, or choose `truncate` or `append`",
            )

    def _accepted(self, kind: pa.DataType) -> pa.DataType:
        """Text, which the hub makes of every type exactly, except where the parameters say how text is made."""
        types = pa.types
        if self.params.byte_encoding and (types.is_binary(kind) or types.is_large_binary(kind)):
            return pa.binary()
        if self.params.pattern() and (types.is_timestamp(kind) or types.is_date(kind) or types.is_time(kind)):
            return kind
        return pa.string()

    def _write_batch(self, batch: pa.RecordBatch, renderer: Renderer, text: Encoded, task: Task) -> int:
        """Write the rows that can be written, reject the others, and say how many were written."""
        names = batch.schema.names
        columns, refused = self._as_text(batch)
        rows, columns = _without(refused, range(batch.num_rows), columns)
        rendered = renderer.render(names, columns)
        refused |= {rows[index]: reason for index, reason in rendered.refused.items()}
        if not text.takes(rendered.data):
            rows, columns = _without(rendered.refused, rows, columns)
            lacking = [index for index, line in enumerate(renderer.lines(columns)) if not text.takes(line.as_buffer())]
            refused |= {rows[index]: f"holds a character that {self.params.encoding} has not" for index in lacking}
            rendered = renderer.render(names, _without(lacking, rows, columns)[1])
        for row, reason in sorted(refused.items()):
            task.reject(batch, row, reason)
        text.write(rendered.data)
        return batch.num_rows - len(refused)

    def _as_text(self, batch: pa.RecordBatch) -> tuple[list[pa.Array], dict[int, str]]:
        """The columns as text, and the rows with a value that the pattern cannot show."""
        pattern = self.params.pattern()
        formats = Formats(datetime=pattern, date=pattern, time=pattern)
        columns: list[pa.Array] = []
        refused: dict[int, str] = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_binary(column.type):
                columns.append(to_base64(column))
                continue
            result = cast(column, pa.string(), formats)
            columns.append(result.values)
            for row, bad in enumerate(() if result.bad is None else result.bad.to_pylist()):
                if bad:
                    refused.setdefault(row, f"{name}: {result.explain(row)}")
        return columns, refused


def _as_columns(values: Sequence[str]) -> list[pa.Array]:
    """One row of text."""
    return [pa.array([value], pa.string()) for value in values]


def _without(
    gone: Collection[int], rows: Sequence[int], columns: list[pa.Array]
) -> tuple[Sequence[int], list[pa.Array]]:
    """The columns without the rows at these positions; `rows` are the numbers that the rows had at first."""
    if not gone:
        return rows, columns
    kept = [index for index in range(len(rows)) if index not in gone]
    return [rows[index] for index in kept], [column.take(pa.array(kept, pa.int64())) for column in columns]
