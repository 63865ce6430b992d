"""Avro container files, read by blocks (Avro 1.12 specification, "Object Container Files")."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, PermanentError, Task
from starhaul_stores.files.avro_types import arrow_fields, converter, plain
from starhaul_stores.files.exact_bytes import ExactBytes
from starhaul_stores.files.formats.calendars import Calendar, of_avro
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Selection, even_cuts
from starhaul_stores.files.formats.matching import damage_told, raw_row, taken
from starhaul_stores.files.places.source import Source

_MAGIC = b"Obj\x01"
_SYNC = 16
_MOST = 256 << 20
"""Bytes that one block may have, packed or unpacked."""


@dataclass(frozen=True)
class _Header:
    schema: Any
    codec: str
    calendar: Calendar
    sync: bytes
    size: int


class AvroInput(InputFormat):
    """By `fastavro`, block by block. A range of bytes holds the blocks whose preceding mark begins in it."""

    def fields(self, source: Source) -> pa.Schema | None:
        if not source.file.size:
            return None
        with source.stream() as stream, damage_told(source, "Avro"):
            return arrow_fields(_header(ExactBytes(stream)).schema)

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        return even_cuts(source, size)

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        with damage_told(source, "Avro"):
            with source.stream() as stream:
                header = _header(ExactBytes(stream))
            rows = _Rows(header, selection, source.name, missing_as_null=self.params.missing_as_null)
            start = max(cut["start"], header.size - _SYNC)
            if start >= cut["end"]:
                return
            with source.stream(start) as stream:
                file = ExactBytes(stream, start)
                file.skip_past(header.sync)
                while file.position - _SYNC < cut["end"] and not file.ended:
                    yield from rows.of(*_block(file, header), file.position)


class _Rows:
    """The records of blocks as columns."""

    def __init__(self, header: _Header, selection: Selection, name: str, *, missing_as_null: bool) -> None:
        import fastavro

        own = arrow_fields(header.schema)
        self._own = own
        self._calendar = header.calendar
        self._name = name
        self._places = taken(own.names, selection, name, missing_as_null=missing_as_null)
        try:
            self._schema = fastavro.parse_schema(plain(header.schema))
        except (fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
            raise ValueError(f"its schema is none: {error}") from error
        self._read = fastavro.schemaless_reader

    def of(self, count: int, data: bytes, end: int) -> Iterator[Block]:
        """One block; `end` is where it ends in the file."""
        stream = io.BytesIO(data)
        records, broken = [], {}
        for row in range(count):
            start = stream.tell()
            try:
                records.append(self._read(stream, self._schema, None))
            except UnicodeDecodeError:
                record, broken[row] = self._broken(stream, start)
                records.append(record)
        if stream.tell() != len(data):
            raise ValueError(f"the block before {end} holds more than its {count} rows")
        columns = [self._todays(place, self._column(place, records)) for place in self._places]
        name = f"{self._name}: block before {end}"
        names = [f"{place}" for place, _ in enumerate(columns)]
        batch = pa.RecordBatch.from_arrays(columns, names=names) if columns else pa.record_batch({"": pa.nulls(count)})
        yield Block(count, columns, partial(self._raw, batch, name), broken)

    def _broken(self, stream: io.BytesIO, start: int) -> tuple[Any, str]:
        """A record that holds text which is no UTF-8, with U+FFFD in it, and the reason to reject it."""
        read: list[Any] = []
        for errors in ("replace", "backslashreplace"):
            stream.seek(start)
            read.append(self._read(stream, self._schema, None, handle_unicode_errors=errors))
        legible, told = read
        name = next(name for name in told if repr(told[name]) != repr(legible[name]))
        return legible, f"{name}: holds bytes that are no UTF-8: {told[name]!s:.100}"

    def _raw(self, batch: pa.RecordBatch, name: str, row: int) -> Any:
        named = batch
        if batch.num_columns == len(self._places):
            labels = ["" if place is None else self._own.field(place).name for place in self._places]
            named = batch.rename_columns(labels)
        return raw_row(named, name, 0, row)

    def _todays(self, place: int | None, column: pa.Array) -> pa.Array:
        return column if place is None else self._calendar.column(column, self._own.field(place).name, self._name)

    def _column(self, place: int | None, records: list[Any]) -> pa.Array:
        if place is None:
            return pa.nulls(len(records))
        field = self._own.field(place)
        convert = converter(field.type)
        values = [each[field.name] for each in records]
        if convert is not None:
            values = [None if value is None else convert(value) for value in values]
        if isinstance(field.type, pa.JsonType):
            return pa.ExtensionArray.from_storage(field.type, pa.array(values, pa.string()))
        return pa.array(values, field.type)


def _header(file: ExactBytes) -> _Header:
    if file.take(4) != _MAGIC:
        raise ValueError("it does not begin as Avro files do")
    metadata: dict[str, bytes] = {}
    while count := file.zigzag():
        if count < 0:
            count, _ = -count, file.zigzag()
        for _ in range(count):
            key = file.take(file.zigzag()).decode()
            metadata[key] = file.take(file.zigzag())
    sync = file.take(_SYNC)
    codec = metadata.get("avro.codec", b"null").decode()
    return _Header(json.loads(metadata["avro.schema"]), codec, of_avro(metadata), sync, file.position)


def _block(file: ExactBytes, header: _Header) -> tuple[int, bytes]:
    """The number of rows in the next block, and their bytes."""
    begin = file.position
    count, size = file.zigzag(), file.zigzag()
    if count < 0:
        raise ValueError(f"the block at {begin} has {count} rows")
    packed = file.take(size)
    if file.take(_SYNC) != header.sync:
        raise ValueError(f"the block at {begin} does not end with the file's mark")
    try:
        return count, _unpacked(packed, header.codec)
    except (zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"the block at {begin}: {error}") from error


def _unpacked(packed: bytes, codec: str) -> bytes:
    match codec:
        case "null":
            return packed
        case "deflate":
            inflate = zlib.decompressobj(-15)
            return _whole(inflate.decompress(packed, _MOST), inflate.eof)
        case "bzip2":
            bunzip = bz2.BZ2Decompressor()
            return _whole(bunzip.decompress(packed, _MOST), bunzip.eof)
        case "xz":
            unxz = lzma.LZMADecompressor(memlimit=_MOST)
            return _whole(unxz.decompress(packed, _MOST), unxz.eof)
        case "zstandard":
            return bytes(pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read(_MOST))
        case "snappy":
            return _snappy(packed)
    raise PermanentError("", f"Avro's codec {codec!r} is not known")


def _whole(data: bytes, ended: bool) -> bytes:
    if not ended:
        raise ValueError("a block ends too early, or is too long")
    return data


def _snappy(packed: bytes) -> bytes:
    """A raw chunk and the CRC32 of what is in it."""
    from starhaul_stores.files.compression.packings import raw_snappy

    data = raw_snappy(packed[:-4])
    if zlib.crc32(data) != int.from_bytes(packed[-4:], "big"):
        raise ValueError("a block's checksum is wrong")
    return data


def expect_fastavro() -> None:
    """Raise `ConfigError` if the library is not installed."""
    from importlib.util import find_spec

    if find_spec("fastavro") is None:
        raise ConfigError("fileFormat", "avro needs fastavro", "pip install 'starhaul[avro]'")
