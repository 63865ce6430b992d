"""Delimited text, read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, PermanentError, Task
from starhaul_stores.files.columns import unique_names
from starhaul_stores.files.compression import Codec, decompressed, members
from starhaul_stores.files.cutting import ranges
from starhaul_stores.files.delimited import Layout, Parser, Record, RecordTooLong
from starhaul_stores.files.encodings import Utf8Stream, canonical, cuttable, shown
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Raw, Selection
from starhaul_stores.files.places.source import Source
from starhaul_stores.files.streams import ByteStream


class DelimitedInput(InputFormat):
    """`csv` and `text`: several files at once, and large ones in ranges of bytes."""

    @property
    def blind(self) -> bool:
        return bool(self.params.columns()) and not self.params.skip_header

    def fields(self, source: Source) -> pa.Schema | None:
        """The fields of the first record; the names are its own with `skipHeader`."""
        header = self._header(source) if source.file.size else []
        if not header:
            return None
        names = unique_names(header if self.params.skip_header else [None] * len(header))
        return pa.schema([(name, pa.string()) for name in names])

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        codec = self.params.codec(source.file.path)
        dialect = self.params.dialect()
        total = source.file.size
        args = {"codec": codec, "member": "", "start": 0, "end": None, "line": 1}
        special = dialect.delimiter + (dialect.quote or "")
        if codec == "none" and source.ranged and total > size and cuttable(self._encoding, special):
            with source.stream() as raw:
                for part in ranges(raw, total, dialect, size):
                    where = {"start": part.start, "end": part.end, "line": part.line}
                    yield Cut(f"@{part.start}-{part.end}", {**args, **where}, part.lines, part.end - part.start)
            return
        for member in self._members(source, codec):
            yield Cut(f"!{member}" if member else "", {**args, "member": member}, None, total)

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        name = source.name + (f"!{cut['member']}" if cut["member"] else "")
        start = cut["start"]
        parser = self._parser(Layout(selection.used, selection.width))
        skip_header = self.params.skip_header and not start
        with self._text(source, cut["codec"], name, cut["member"], start, cut["end"]) as stream:
            try:
                for block in parser.blocks(stream, cut["line"], skip_header=skip_header):
                    for record, reason in block.bad:
                        task.reject(*_raw(record, name)[:2], reason, at=f"{name}:{record.line}")
                    yield Block(block.rows, block.columns, partial(_raw_of, block.records, name))
            except RecordTooLong as error:
                raise self._too_long(name, error) from error

    @property
    def _encoding(self) -> str:
        return canonical(self.params.encoding)

    def _parser(self, layout: Layout) -> Parser:
        return Parser(self.params.dialect(), layout, self.params.block_size, self.params.max_record_size)

    def _header(self, source: Source) -> Sequence[str | None]:
        """The fields of the first record; none if there is none."""
        parser = self._parser(Layout((), None))
        codec = self.params.codec(source.file.path)
        for member in self._members(source, codec):
            with self._text(source, codec, source.name, member) as stream:
                header = self._first_record(parser, stream, source.name)
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

    def _members(self, source: Source, codec: Codec) -> list[str]:
        if codec != "zip":
            return [""]
        with source.seekable() as raw:
            return members(raw, codec, source.name)

    @contextmanager
    def _text(
        self, source: Source, codec: Codec, name: str, member: str, start: int = 0, end: int | None = None
    ) -> Iterator[ByteStream]:
        opened: Any = source.seekable() if codec == "zip" else source.stream(start, end)
        with opened as raw, decompressed(raw, codec, name, member) as stream:
            yield Utf8Stream(stream, self._encoding, name, from_start=not start)

    def _too_long(self, name: str, error: RecordTooLong) -> PermanentError:
        return PermanentError(
            f"{name}:{error.line}",
            f"a record is longer than {self.params.max_record_size} bytes",
            "is a quote not closed? `csvReaderConfig.useTextQualifier`: false reads quotes as characters; "
            "`maxRecordSize` allows longer records",
        )


def _raw_of(records: Callable[[], Sequence[Record]], name: str, row: int) -> Raw:
    return _raw(records()[row], name)


def _raw(record: Record, name: str) -> Raw:
    return Raw(pa.record_batch({"row": [shown(record.text)]}), 0, f"{name}:{record.line}")
