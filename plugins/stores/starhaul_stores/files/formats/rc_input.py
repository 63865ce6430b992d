"""Hive's RCFile, read: groups of rows, column by column, as `ColumnarSerDe` writes them (values are text).

Source of the format: the documentation and code of `org.apache.hadoop.hive.ql.io.RCFile`.
"""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, Task
from starhaul_stores.files.compression.codecs import Codec
from starhaul_stores.files.compression.hadoop_codecs import codec_of_class, unpacked
from starhaul_stores.files.exact_bytes import ExactBytes
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Raw, Selection, even_cuts
from starhaul_stores.files.formats.matching import damage_told, raw_row
from starhaul_stores.files.places.source import Source

_SYNC = 16
_ESCAPE = -1
_WIDTH = "hive.io.rcfile.column.number"


@dataclass(frozen=True)
class _Header:
    codec: Codec
    width: int
    sync: bytes
    size: int


@dataclass(frozen=True)
class _Column:
    packed: int
    """Bytes in the file."""
    lengths: list[int]


class RcInput(InputFormat):
    """A range of bytes holds the groups whose preceding mark begins in it; the first, those after the header."""

    def fields(self, source: Source) -> pa.Schema | None:
        self._expect_text()
        if not source.file.size:
            return None
        with source.stream() as stream, damage_told(source, "RCFile"):
            width = _header(ExactBytes(stream)).width
        return pa.schema([(f"column_{place}", pa.string()) for place in range(width)])

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        return even_cuts(source, size)

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        start, end = cut["start"], cut["end"]
        with damage_told(source, "RCFile"):
            with source.stream() as stream:
                header = _header(ExactBytes(stream))
            if selection.used and selection.used[-1] >= header.width:
                raise ValueError(f"it has {header.width} columns, but column {selection.used[-1]} is needed")
            if selection.width not in (None, header.width):
                raise ValueError(f"it has {header.width} columns, and the first file {selection.width}")
            first, begin = start == 0, max(start, header.size)
            with source.stream(begin) as stream:
                file = ExactBytes(stream, begin)
                if not first and not file.skip_past(b"\xff\xff\xff\xff" + header.sync):
                    return
                mark = start if first else file.position - 4 - _SYNC
                while mark < end and not file.ended:
                    position = file.position
                    length = file.integer()
                    if length != _ESCAPE:
                        yield self._group(file, header, length, selection, f"{source.name}@{position}", task)
                    elif file.take(_SYNC) != header.sync:
                        raise ValueError(f"at {position}: a mark that is not the file's")
                    else:
                        mark = position

    def _expect_text(self) -> None:
        """Nothing in a file tells text from Hive's binary form, some of whose numbers look like others as text."""
        if self.params.rc_serde is None:
            hint = "`DESCRIBE FORMATTED` of Hive's table tells; `ColumnarSerDe` is read"
            raise ConfigError("rcSerde", "RCFiles do not tell whether they hold text or Hive's binary form", hint)
        if self.params.rc_serde != "ColumnarSerDe":
            hint = "`hivereader` reads such tables, by HiveServer2"
            raise ConfigError("rcSerde", f"RCFiles of {self.params.rc_serde} are not read", hint)

    def _group(
        self, file: ExactBytes, header: _Header, length: int, selection: Selection, name: str, task: Task
    ) -> Block:
        """One group of rows: the lengths of all values, then the columns, each packed by itself."""
        plain = file.integer()
        key = file.take(file.integer())
        rows, columns = _key(unpacked(key, header.codec) if header.codec != "none" else key, header.width)
        if sum(column.packed for column in columns) != length - plain:
            raise ValueError(f"at {file.position}: the columns of a group do not fill it")
        used = set(selection.used)
        arrays = []
        for place, column in enumerate(columns):
            data = file.take(column.packed)
            if place in used:
                arrays.append(_array(unpacked(data, header.codec) if header.codec != "none" else data, column.lengths))
        kinds = [] if selection.fields is None else selection.fields.types
        return _block(rows, arrays, kinds, self.params.null_format, name, task)


def _header(file: ExactBytes) -> _Header:
    if file.take(3) != b"RCF":
        raise ValueError("it does not begin as RCFiles do")
    version = file.take(1)[0]
    if version != 1:
        raise ValueError(f"version {version} of the format is not known")
    codec = codec_of_class(_text(file)) if file.take(1) != b"\0" else "none"
    metadata = {}
    for _ in range(file.integer()):
        name = _text(file)
        metadata[name] = _text(file)
    return _Header(codec, int(metadata.get(_WIDTH, "-1")), file.take(_SYNC), file.position)


def _key(data: bytes, width: int) -> tuple[int, list[_Column]]:
    """The number of rows in a group, and what its columns are like."""
    key = ExactBytes(io.BytesIO(data))
    rows = key.vint()
    columns = []
    for place in range(width):
        packed, whole, size = key.vint(), key.vint(), key.vint()
        lengths = _lengths(key.take(size), rows)
        if len(lengths) != rows or sum(lengths) != whole:
            raise ValueError(f"column {place} of a group of {rows} rows has {len(lengths)} values, or others")
        columns.append(_Column(packed, lengths))
    return rows, columns


def _lengths(data: bytes, rows: int) -> list[int]:
    """Lengths of values; `~n` instead of one says that the last comes n times more."""
    stream = ExactBytes(io.BytesIO(data))
    lengths: list[int] = []
    while not stream.ended and len(lengths) <= rows:
        number = stream.vint()
        if number >= 0:
            lengths.append(number)
        elif ~number > rows or not lengths:
            raise ValueError("the lengths of a group's values are wrong")
        else:
            lengths += lengths[-1:] * ~number
    return lengths


def _array(data: bytes, lengths: Sequence[int]) -> pa.Array:
    """Values that lie one behind another."""
    if sum(lengths) != len(data):
        raise ValueError("a column of a group is not as long as its values")
    offsets = array("i", accumulate(lengths, initial=0))
    return pa.Array.from_buffers(pa.binary(), len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _block(
    rows: int, arrays: list[pa.Array], kinds: Sequence[pa.DataType], null: str | None, name: str, task: Task
) -> Block:
    """The wanted columns as text, or as bytes where the job wants these. Rows with bytes that are no text go."""
    import pyarrow.compute as pc

    if null is not None:
        arrays = [
            pc.if_else(pc.equal(column, null.encode()), pa.scalar(None, pa.binary()), column) for column in arrays
        ]
    raw = pa.RecordBatch.from_arrays(arrays, names=[str(place) for place in range(len(arrays))])
    bad: set[int] = set()
    for column, kind in zip(arrays, kinds, strict=True):
        if not pa.types.is_binary(kind):
            bad |= _no_text(column)
    kept = [row for row in range(rows) if row not in bad]
    for row in sorted(bad):
        task.reject(raw, row, "the bytes of a value are no text", at=f"{name}: row {row + 1}")
    if bad:
        arrays = [column.take(pa.array(kept, pa.int64())) for column in arrays]
    columns = [
        column if pa.types.is_binary(kind) else column.cast(pa.string())
        for column, kind in zip(arrays, kinds, strict=True)
    ]
    return Block(len(kept), columns, partial(_raw, raw, kept, name))


def _no_text(column: pa.Array) -> set[int]:
    try:
        column.cast(pa.string())
    except pa.ArrowInvalid:
        return {row for row, value in enumerate(column.to_pylist()) if value is not None and not _is_text(value)}
    return set()


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _raw(batch: pa.RecordBatch, kept: Sequence[int], name: str, row: int) -> Raw:
    return raw_row(batch, name, 0, kept[row])


def _text(file: ExactBytes) -> str:
    return file.take(file.vint()).decode()
