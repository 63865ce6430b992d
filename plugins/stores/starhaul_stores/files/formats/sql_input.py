"""Dumps of SQL, read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, PermanentError, Task
from starhaul_stores.files.encodings import canonical, octets, shown
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Raw, Selection, raw_texts
from starhaul_stores.files.formats.matching import taken
from starhaul_stores.files.formats.packed_text import PackedText
from starhaul_stores.files.places.source import Source
from starhaul_stores.files.sql_script import DEFAULT, Octets, Row, SqlScript

_HEX = re.compile(rb"\\x((?:[0-9A-Fa-f]{2})*)")
_ESCAPES = re.compile(rb"(?:[^\\]|\\(?:\\|[0-3][0-7]{2}))*")
_ESCAPE = re.compile(rb"\\(\\|[0-3][0-7]{2})")
_AT_ONCE = 8192
_BYTES = 2 << 20


class SqlInput(InputFormat):
    """`sql`: the rows of one table's INSERT and COPY statements, as mysqldump and pg_dump write them. Values are text,
    or bytes in a column of that type."""

    def fields(self, source: Source) -> pa.Schema | None:
        text = PackedText(self.params)
        for cut in text.wholes(source) if source.file.size else ():
            for row in self._rows(source, cut.args):
                names = row.columns or [f"column_{place}" for place in range(len(row.values))]
                return pa.schema([(name, pa.string()) for name in names])
        return None

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        return PackedText(self.params).wholes(source)

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        name = PackedText(self.params).name(source, cut)
        held: list[Row] = []
        size = 0
        for row in self._rows(source, cut):
            held.append(row)
            size += sum(len(value or b"") for value in row.values)
            if len(held) >= _AT_ONCE or size >= _BYTES or row.columns != held[0].columns:
                yield from self._blocks_of(held, selection, name, task)
                held, size = [], 0
        yield from self._blocks_of(held, selection, name, task)

    def _blocks_of(self, rows: list[Row], selection: Selection, name: str, task: Task) -> Iterator[Block]:
        """Rows of one table; the last may have its columns in another order."""
        start = 0
        for end in range(1, len(rows) + 1):
            if end == len(rows) or rows[end].columns != rows[start].columns:
                yield self._block(rows[start:end], selection, name, task)
                start = end

    def _block(self, rows: list[Row], selection: Selection, name: str, task: Task) -> Block:
        names = rows[0].columns or [f"column_{place}" for place in range(len(rows[0].values))]
        places = taken(list(names), selection, f"{name}:{rows[0].line}", missing_as_null=self.params.missing_as_null)
        kinds = [] if selection.fields is None else selection.fields.types
        encoding = canonical(self.params.encoding)
        good = []
        for row in rows:
            reason = _complaint(row, names, places, kinds, encoding)
            if reason:
                raw = _raw(row, name)
                task.reject(raw.batch, raw.row, reason, at=raw.at)
            else:
                good.append(row)
        arrays = []
        for place, kind in zip(places, kinds, strict=True):
            values = [None if place is None else row.values[place] for row in good]
            if pa.types.is_binary(kind):
                values = [_bytes(row, value, encoding) for row, value in zip(good, values, strict=True)]
            raw_bytes = pa.array(values, pa.binary())
            arrays.append(raw_bytes if pa.types.is_binary(kind) else raw_bytes.cast(pa.string()))
        return Block(len(good), arrays, partial(_raw_of, good, name))

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise PermanentError(name, f"cannot be read as SQL: {error}", "is it damaged, or no dump?") from error

    def _rows(self, source: Source, cut: Mapping[str, Any]) -> Iterator[Row]:
        """The rows of the table; of several tables the job must name one."""
        text = PackedText(self.params)
        name = text.name(source, cut)
        wanted = self.params.table or ""
        found: tuple[str, ...] = ()
        with text.opened(source, cut) as stream, self._told(name):
            for row in SqlScript(stream, self.params.max_record_size).rows():
                if row.table != found and _is_called(row.table, wanted):
                    if found:
                        both = f"{'.'.join(found)!r} and {'.'.join(row.table)!r}"
                        told = f"{name} holds {both}" + (f", both {wanted!r}" if wanted else "")
                        hint = "name the one to read" + (", with its schema or database" if wanted else "")
                        raise ConfigError("table", told, hint)
                    found = row.table
                if row.table == found:
                    yield row


def _is_called(table: Sequence[str], wanted: str) -> bool:
    """Whether a job may mean a table by this name: one of them may lack the schema or the database."""
    name = "." + ".".join(table)
    return not wanted or name.endswith(f".{wanted}") or f".{wanted}".endswith(name)


def _complaint(
    row: Row, names: Sequence[str], places: Sequence[int | None], kinds: Sequence[pa.DataType], encoding: str
) -> str:
    if len(row.values) != len(names):
        return f"{len(row.values)} values instead of {len(names)}"
    for place, kind in zip(places, kinds, strict=True):
        value = None if place is None else row.values[place]
        if value is None:
            continue
        if value is DEFAULT:
            return f"{names[place or 0]}: DEFAULT is no value that the file tells"
        if pa.types.is_binary(kind):
            if _bytes(row, value, encoding) is None:
                return f"{names[place or 0]}: which bytes these are is not known in {encoding}; dump with `--hex-blob`"
            continue
        try:
            value.decode()
        except UnicodeDecodeError:
            return f"{names[place or 0]}: the bytes are no text; give the column the type `binary`"
    return ""


def _bytes(row: Row, value: bytes | None, encoding: str) -> bytes | None:
    """The bytes that a value means: those that PostgreSQL spells (`bytea_output` `hex` or `escape`), or those that
    stand in the file. None if that is not known."""
    if value is None or isinstance(value, Octets):
        return value
    if row.standard and b"\\" in value:
        if match := _HEX.fullmatch(value):
            return bytes.fromhex(match[1].decode())
        if _ESCAPES.fullmatch(value):
            return _ESCAPE.sub(lambda match: b"\\" if match[1] == b"\\" else bytes([int(match[1], 8)]), value)
    return octets(value, encoding)


def _raw_of(rows: Sequence[Row], name: str, row: int) -> Raw:
    return _raw(rows[row], name)


def _raw(row: Row, name: str) -> Raw:
    texts = {f"value_{n}": None if value is None else shown(value) for n, value in enumerate(row.values)}
    return Raw(raw_texts(texts), 0, f"{name}:{row.line}")
