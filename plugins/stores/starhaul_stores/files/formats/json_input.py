"""JSON lines, read: by `pyarrow.json`, and record by record wherever that refuses or would be inexact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pyarrow as pa

from starhaul import PermanentError, Task
from starhaul_stores.files.delimited.borders import count_lines
from starhaul_stores.files.delimited.dialect import Dialect
from starhaul_stores.files.encodings import shown
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Raw, Selection, raw_texts
from starhaul_stores.files.formats.packed_text import PackedText
from starhaul_stores.files.json_records import Record, inferred, json_text, members, record, text_of
from starhaul_stores.files.places.source import Source
from starhaul_stores.files.streams import ByteStream

_LINES = Dialect(delimiter="\x01", quote=None, record_delimiter="\n")
_NO_DOUBLE = re.compile(rb"[0-9][0-9.]{15}|[eE][+-]?[0-9]{3}|NaN|Inf")
"""What a number looks like that a double may not hold with all its digits, and what pyarrow takes for a number beside
JSON's."""
_LOOKED_AT = 1 << 20
"""Bytes at the beginning of the first file that tell the fields."""


class JsonInput(InputFormat):
    """`json`: an object in each line; members of other names than the columns' are passed over."""

    def fields(self, source: Source) -> pa.Schema | None:
        """The members of the first records, and the columns that the job names beside them."""
        text = PackedText(self.params)
        records: list[Record] = []
        for cut in text.wholes(source) if source.file.size else ():
            with text.opened(source, cut.args) as stream:
                data = next(self._lines(stream, _LOOKED_AT, source.name), b"")
            for line in data.split(b"\n"):
                with suppress(ValueError):  # its row will be rejected
                    records += [record(line)] if line.strip() else []
            if records:
                break
        found = inferred(records)
        named = [column.name for column in self.params.columns() if column.index is None and column.name]
        more = [name for name in dict.fromkeys(named) if name not in found.names]
        every = pa.schema([*found, *(pa.field(name, pa.string()) for name in more)])
        return every if len(every) else None

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        return PackedText(self.params).cuts(source, size, _LINES)

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        text = PackedText(self.params)
        name = text.name(source, cut)
        line = cut["line"] or 1
        with text.opened(source, cut) as stream:
            for data in self._lines(stream, self.params.block_size, name):
                yield self._fast(data, selection, name, line) or self._slow(data, selection, name, line, task)
                line += count_lines(data)

    def _lines(self, stream: ByteStream, size: int, name: str) -> Iterator[bytes]:
        """Whole lines, about `size` bytes of them at a time."""
        rest = b""
        while more := stream.read(size):
            data = rest + more
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            if len(rest) > self.params.max_record_size:
                problem = f"a record is longer than {self.params.max_record_size} bytes"
                raise PermanentError(name, problem, "`maxRecordSize` allows longer records")
            if end:
                yield data[:end]
        if rest:
            yield rest + b"\n"

    def _fast(self, data: bytes, selection: Selection, name: str, line: int) -> Block | None:
        """None if pyarrow refuses a record, or might read one otherwise."""
        import pyarrow.json

        wanted = selection.fields
        if wanted is None or not len(wanted) or not all(map(_is_fast, wanted.types)):
            return None
        lines = data.count(b"\n")
        if not data.startswith(b"{") or data.count(b"\n{") != lines - 1:
            return None  # a line is empty, or begins otherwise
        if pa.float64() in wanted.types and _NO_DOUBLE.search(data):
            return None  # pyarrow rounds a number that has more digits than fit
        others = "ignore" if selection.width is None else "error"
        try:
            data.decode()
            table = pyarrow.json.read_json(
                pa.BufferReader(data),
                read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(data) + 1),
                parse_options=pyarrow.json.ParseOptions(explicit_schema=wanted, unexpected_field_behavior=others),
            )
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None
        if table.num_rows != lines:
            return None  # there are several objects in one
        columns = [table.column(each).combine_chunks() for each in wanted.names]
        arrays = [column.chunk(0) if isinstance(column, pa.ChunkedArray) else column for column in columns]
        return Block(table.num_rows, arrays, partial(_raw_line, data, name, line))

    def _slow(self, data: bytes, selection: Selection, name: str, first: int, task: Task) -> Block:
        wanted = selection.fields if selection.fields is not None else pa.schema([])
        columns: list[list[str | None]] = [[] for _ in wanted]
        numbers: list[int] = []
        lines = data.split(b"\n")[:-1]
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            try:
                fields = members(record(line), wanted.names, others=selection.width is None)
            except ValueError as error:
                raw = _raw_line(data, name, first, number)
                task.reject(raw.batch, raw.row, str(error), at=raw.at)
                continue
            for column, field in zip(columns, wanted, strict=True):
                value = fields.get(field.name)
                as_json = isinstance(field.type, pa.JsonType) and value is not None
                column.append(json_text(value) if as_json else text_of(value))
            numbers.append(number)
        arrays = [pa.array(column, pa.string()) for column in columns]
        return Block(len(numbers), arrays, partial(_numbered, lines, numbers, name, first))


def _is_fast(kind: pa.DataType) -> bool:
    """Whether pyarrow makes values of this type of JSON exactly, or refuses them."""
    types = pa.types
    return kind in (pa.int64(), pa.int32(), pa.float64(), pa.bool_(), pa.string()) or types.is_decimal128(kind)


def _raw_line(data: bytes, name: str, first: int, row: int) -> Raw:
    return _raw(data.split(b"\n", row + 1)[row], name, first + row)


def _numbered(lines: Sequence[bytes], numbers: Sequence[int], name: str, first: int, row: int) -> Raw:
    return _raw(lines[numbers[row]], name, first + numbers[row])


def _raw(line: bytes, name: str, number: int) -> Raw:
    return Raw(raw_texts({"row": shown(line)}), 0, f"{name}:{number}")
