"""Hadoop's sequence files, read: values are records of delimited text, as Hive and DataX have it; keys are passed over.

Source of the format: the documentation of `org.apache.hadoop.io.SequenceFile`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from starhaul import Task
from starhaul_stores.files.compression.codecs import Codec
from starhaul_stores.files.compression.hadoop_codecs import codec_of_class, unpacked
from starhaul_stores.files.delimited.parsing import Layout, Parser
from starhaul_stores.files.encodings import shown
from starhaul_stores.files.exact_bytes import ExactBytes
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Raw, Selection, even_cuts, raw_texts
from starhaul_stores.files.formats.matching import damage_told
from starhaul_stores.files.places.source import Source

_SYNC = 16
_ESCAPE = -1


@dataclass(frozen=True)
class _Header:
    value: str
    """The class of the values, without its package."""
    codec: Codec
    packed: bool
    blocks: bool
    sync: bytes
    size: int


class SequenceInput(InputFormat):
    """A range of bytes holds the records whose preceding mark begins in it."""

    @property
    def blind(self) -> bool:
        return bool(self.params.columns())

    def fields(self, source: Source) -> pa.Schema | None:
        if not source.file.size:
            return None
        for _, value in self._values(source, 0, source.file.size):
            width = len(self._parser(Layout((), None)).grammar.fields(value.decode(errors="surrogateescape")))
            return pa.schema([(f"column_{place}", pa.string()) for place in range(width)])
        return None

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        return even_cuts(source, size)

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        parser = self._parser(Layout(selection.used, selection.width))
        held: list[bytes] = []
        places: list[int] = []
        size = 0
        for position, value in self._values(source, cut["start"], cut["end"]):
            if b"\n" in value:
                raw = _raw(value, source.name, position)
                task.reject(raw.batch, raw.row, "the value holds a line break", at=raw.at)
                continue
            held.append(value)
            places.append(position)
            size += len(value) + 1
            if size >= self.params.block_size:
                yield from _parsed(parser, held, places, source.name, task)
                held, places, size = [], [], 0
        yield from _parsed(parser, held, places, source.name, task)

    def _parser(self, layout: Layout) -> Parser:
        dialect = replace(self.params.dialect(), record_delimiter="\n", skip_empty=False)
        return Parser(dialect, layout, self.params.block_size, self.params.max_record_size)

    def _values(self, source: Source, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """The values of a range, each with the position of its record or block."""
        with damage_told(source, "a sequence file"):
            with source.stream() as stream:
                header = _header(ExactBytes(stream))
            first, begin = start == 0, max(start, header.size)
            with source.stream(begin) as stream:
                file = ExactBytes(stream, begin)
                if not first and not file.skip_past(b"\xff\xff\xff\xff" + header.sync):
                    return
                # The mark before the first record of a file is that of its header.
                mark = start if first else file.position - 4 - _SYNC
                if header.blocks and not first and mark < end:
                    yield from _block(file, header, mark)
                while mark < end and not file.ended:
                    position = file.position
                    length = file.integer()
                    if length == _ESCAPE:
                        if file.take(_SYNC) != header.sync:
                            raise ValueError(f"at {position}: a mark that is not the file's")
                        mark = position
                        if header.blocks and mark < end:
                            yield from _block(file, header, position)
                    elif header.blocks:
                        raise ValueError(f"at {position}: no mark before a block")
                    else:
                        yield position, _record(file, header, length)


def _header(file: ExactBytes) -> _Header:
    if file.take(3) != b"SEQ":
        raise ValueError("it does not begin as sequence files do")
    version = file.take(1)[0]
    if version != 6:
        raise ValueError(f"version {version} of the format is not known")
    _text(file)  # the class of the keys
    value = _text(file).rpartition(".")[2]
    packed, blocks = file.take(1) != b"\0", file.take(1) != b"\0"
    name = _text(file).rpartition(".")[2] if packed else ""
    for _ in range(file.integer()):
        _text(file)
        _text(file)
    sync = file.take(_SYNC)
    if value not in ("Text", "BytesWritable"):
        raise ValueError(f"its values are {value}, not Text or BytesWritable")
    return _Header(value, codec_of_class(name) if packed else "none", packed, blocks, sync, file.position)


def _record(file: ExactBytes, header: _Header, length: int) -> bytes:
    key = file.integer()
    if not 0 <= key <= length:
        raise ValueError(f"at {file.position}: a key of {key} bytes in a record of {length}")
    file.take(key)
    value = file.take(length - key)
    return _plain(unpacked(value, header.codec) if header.packed else value, header)


def _block(file: ExactBytes, header: _Header, position: int) -> Iterator[tuple[int, bytes]]:
    """The values of a block: their number, then keys' lengths, keys, values' lengths and values, each packed."""
    count = file.vint()
    for _ in range(2):
        file.take(file.vint())
    lengths = ExactBytes(io.BytesIO(unpacked(file.take(file.vint()), header.codec)))
    data = unpacked(file.take(file.vint()), header.codec)
    values = ExactBytes(io.BytesIO(data))
    for _ in range(count):
        yield position, _plain(values.take(lengths.vint()), header)
    if values.position != len(data):
        raise ValueError(f"at {position}: a block holds more than its {count} records")


def _plain(value: bytes, header: _Header) -> bytes:
    """The bytes of a Text or a BytesWritable, without their length, which must be right."""
    inside = ExactBytes(io.BytesIO(value))
    size = inside.vint() if header.value == "Text" else inside.integer()
    plain = inside.take(size)
    if not inside.ended:
        raise ValueError("a value is longer than it says")
    return plain


def _text(file: ExactBytes) -> str:
    return file.take(file.vint()).decode()


def _parsed(parser: Parser, values: Sequence[bytes], places: Sequence[int], name: str, task: Task) -> Iterator[Block]:
    """Values as the columns of a table."""
    if not values:
        return
    for block in parser.blocks(io.BytesIO(b"\n".join(values) + b"\n"), 0):
        for record, reason in block.bad:
            raw = _raw(record.text, name, places[record.line])
            task.reject(raw.batch, raw.row, reason, at=raw.at)
        yield Block(block.rows, block.columns, partial(_raw_of, block.records, places, name))


def _raw_of(records: Any, places: Sequence[int], name: str, row: int) -> Raw:
    record = records()[row]
    return _raw(record.text, name, places[record.line])


def _raw(text: bytes, name: str, position: int) -> Raw:
    return Raw(raw_texts({"row": shown(text)}), 0, f"{name}@{position}")
