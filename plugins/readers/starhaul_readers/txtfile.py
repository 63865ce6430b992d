"""`txtfilereader`: delimited text in local files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, ClassVar

import pyarrow as pa
from pydantic import Field

from starhaul import Capability, ConfigError, PermanentError, Reader, Split, Task
from starhaul_stores.files.columns import TypedField, resolved, text_fields, typed, unique_names
from starhaul_stores.files.compression import Codec, decompressed, members
from starhaul_stores.files.cutting import ranges
from starhaul_stores.files.delimited import Block, Layout, Parser, Record, RecordTooLong
from starhaul_stores.files.encodings import Utf8Stream, canonical, cuttable, shown
from starhaul_stores.files.listing import LocalFile, expect_readable, listed
from starhaul_stores.files.reading import DelimitedReaderParams
from starhaul_stores.files.streams import ByteStream, Range

_SMALLEST_CUT = 8 << 20


class TxtFileReaderParams(DelimitedReaderParams):
    """Parameters of `txtfilereader`."""

    path: str | list[str] = Field(min_length=1)
    """The files: a path, a directory (all files below it), a pattern with `*`, `?` and `**` (directories of any depth),
    or a list of these. Files whose names begin with a dot are left out."""


class TxtFileReader(Reader[TxtFileReaderParams]):
    """Reads delimited text (CSV, TSV, …) from local files, several at once and large ones in pieces."""

    name = "txtfilereader"
    params_type = TxtFileReaderParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})

    def check(self) -> None:
        expect_readable(self._files())
        self.schema()

    def schema(self) -> pa.Schema:
        return _schema(self._fields(self._header() if self._needs_header else None))

    def split(self, target: int) -> Sequence[Split]:
        """One split for each file, and several for a large one that can be cut."""
        files = [file for file in self._files() if file.size]
        size = min(self.params.split_size, max(sum(file.size for file in files) // max(target, 1), _SMALLEST_CUT))
        header = self._header() if self._needs_header else None
        return [split for file in files for split in self._splits_of(file, size, header)]

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        fields = self._fields(split.args["header"])
        schema = _schema(fields)
        file = LocalFile.of(split.args)
        name = "!".join(filter(None, [file.path, split.args["member"]]))
        start = split.args["start"]
        parser = self._parser(fields)
        skip_header = self.params.skip_header and not start
        with file.opened() as raw, decompressed(raw, split.args["codec"], name, split.args["member"]) as data:
            if start:
                raw.seek(start)
            part = data if split.args["end"] is None else Range(data, split.args["end"] - start)
            stream = Utf8Stream(part, self._encoding, name, from_start=not start)
            try:
                for block in parser.blocks(stream, split.args["line"], skip_header=skip_header):
                    yield _batch(block, fields, schema, name, task)
            except RecordTooLong as error:
                raise self._too_long(name, error) from error

    def describe(self) -> Sequence[str]:
        files = self._files()
        size = sum(file.size for file in files)
        return [
            f"reads {len(files)} files of {size} bytes, each as it was when the run was planned",
            "rows with too few or too many fields, with bytes that are no text, or with values that are not of their "
            "column's type are rejected with file and line",
        ]

    @property
    def _encoding(self) -> str:
        return canonical(self.params.encoding)

    @property
    def _needs_header(self) -> bool:
        return self.params.skip_header or not self.params.columns()

    def _files(self) -> list[LocalFile]:
        return listed([self.params.path] if isinstance(self.params.path, str) else self.params.path)

    def _fields(self, header: Sequence[str | None] | None) -> list[TypedField]:
        """The columns, from the first record of the first file where that is needed."""
        columns = self.params.columns()
        names = unique_names(header or ()) if self.params.skip_header else None
        if columns:
            return resolved(columns, names)
        if not header:
            raise ConfigError("column", "the files are empty, so nothing tells how many columns there are", "name them")
        return text_fields(names or unique_names([None] * len(header)))

    def _header(self) -> list[str | None]:
        """The fields of the first record of the first file that has one; none if no file has."""
        parser = Parser(self.params.dialect(), Layout((), None), self.params.block_size, self.params.max_record_size)
        for file in self._files():
            codec = self.params.codec(file.path)
            with file.opened() as raw:
                for member in members(raw, codec, file.path) if file.size else ():
                    raw.seek(0)
                    with self._text(raw, codec, file.path, member) as stream:
                        header = self._first_record(parser, stream, file.path)
                    if header:
                        return header
        return []

    def _first_record(self, parser: Parser, stream: ByteStream, name: str) -> list[str | None]:
        try:
            header = parser.header(stream)
            "".join(each or "" for each in header).encode()
        except RecordTooLong as error:
            raise self._too_long(name, error) from error
        except ValueError as error:
            message = f"the first record of {name} is not text in {self.params.encoding}"
            raise ConfigError("encoding", message) from error
        return header

    @contextmanager
    def _text(self, raw: IO[bytes], codec: Codec, name: str, member: str) -> Iterator[ByteStream]:
        with decompressed(raw, codec, name, member) as stream:
            yield Utf8Stream(stream, self._encoding, name)

    def _parser(self, fields: Sequence[TypedField]) -> Parser:
        used = sorted({field.index for field in fields if field.index is not None})
        layout = Layout(tuple(used), None if self.params.columns() else len(fields))
        return Parser(self.params.dialect(), layout, self.params.block_size, self.params.max_record_size)

    def _splits_of(self, file: LocalFile, size: int, header: list[str | None] | None) -> Iterator[Split]:
        codec = self.params.codec(file.path)
        args = {**file.args(), "codec": codec, "member": "", "start": 0, "end": None, "line": 1, "header": header}
        dialect = self.params.dialect()
        special = dialect.delimiter + (dialect.quote or "")
        with file.opened() as raw:
            if codec == "none" and file.size > size and cuttable(self._encoding, special):
                for part in ranges(raw, file.size, dialect, size):
                    name = f"{file.path}@{part.start}-{part.end}"
                    where = {"start": part.start, "end": part.end, "line": part.line}
                    yield Split(name, {**args, **where}, part.lines, part.end - part.start)
                return
            for member in members(raw, codec, file.path):
                yield Split("!".join(filter(None, [file.path, member])), {**args, "member": member}, None, file.size)

    def _too_long(self, name: str, error: RecordTooLong) -> PermanentError:
        return PermanentError(
            f"{name}:{error.line}",
            f"a record is longer than {self.params.max_record_size} bytes",
            "is a quote not closed? `csvReaderConfig.useTextQualifier`: false reads quotes as characters; "
            "`maxRecordSize` allows longer records",
        )


def _schema(fields: Sequence[TypedField]) -> pa.Schema:
    return pa.schema([(field.name, field.type) for field in fields])


def _batch(block: Block, fields: Sequence[TypedField], schema: pa.Schema, name: str, task: Task) -> pa.RecordBatch:
    """The rows of a block in the columns' types. Those that do not fit are rejected, as are the bad records."""
    for record, reason in block.bad:
        _reject(record, reason, name, task)
    used = sorted({field.index for field in fields if field.index is not None})
    texts = dict(zip(used, block.columns, strict=True))
    arrays: list[pa.Array] = []
    reasons: dict[int, str] = {}
    for field in fields:
        if field.index is None:
            arrays.append(field.constant.take(pa.repeat(0, block.rows)))  # type: ignore[union-attr]
            continue
        result = typed(texts[field.index], field)
        arrays.append(result.values)
        if result.bad is not None:
            for row in (row for row, bad in enumerate(result.bad.to_pylist()) if bad):
                reasons.setdefault(row, f"{field.name}: {result.explain(row)}")
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    if not reasons:
        return batch
    records = block.records()
    for row, reason in sorted(reasons.items()):
        _reject(records[row], reason, name, task)
    return batch.filter(pa.array([row not in reasons for row in range(block.rows)], pa.bool_()))


def _reject(record: Record, reason: str, name: str, task: Task) -> None:
    task.reject(pa.record_batch({"row": [shown(record.text)]}), 0, reason, at=f"{name}:{record.line}")
