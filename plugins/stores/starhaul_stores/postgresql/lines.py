"""Rows in the encoding `lines/tab`: as COPY gives them, and into columns whose values COPY reads from it without
altering any."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from starhaul import Block, PermanentError, native_type
from starhaul_stores.postgresql.connection import Connection, Rows
from starhaul_stores.postgresql.copy_text import parsed
from starhaul_stores.postgresql.loading import BlockLoading
from starhaul_stores.postgresql.target import fields_for
from starhaul_stores.relational.lines import Data, cut, values_of

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ONLY_COPY = {b"b": b"\b", b"f": b"\f", b"v": b"\v"}
"""Characters that COPY escapes and the encoding does not: to others `\\f` is an f."""
_MOMENT = re.compile(r"timestamp(\([036]\))? without time zone")
_UTC_MOMENT = re.compile(r"timestamp(\([036]\))? with time zone")
_LENGTH = re.compile(r"(?:var)?char(?:acter)?(?: varying)?\((\d+)\)")


def has_lines(schema: pa.Schema) -> bool:
    """Whether COPY prints all values of these columns as the encoding has them. Infinities, NaN and years of five
    digits or before Christ are printed too: who takes lines refuses what is no number and no date to him."""
    return all(_is_the_same(field.type, native_type(field) or "") for field in schema)


def is_unicode(db: Connection) -> bool:
    """Whether texts come as valid UTF-8: a database in SQL_ASCII sends whatever bytes it was given."""
    return bool(db.value("SHOW server_encoding") != "SQL_ASCII")


def _is_the_same(kind: pa.DataType, told: str) -> bool:
    types = pa.types
    if types.is_decimal(kind):
        return told.startswith("numeric(")
    if types.is_timestamp(kind):
        return kind.tz is None
    return bool(types.is_string(kind) or types.is_date(kind) or kind in (pa.int16(), pa.int32(), pa.int64()))


def line_blocks(messages: Iterable[Rows], schema: pa.Schema) -> Iterator[Block]:
    """The rows of a COPY in text."""
    for rows in messages:
        data: Data = rows.data
        if any(escape in data for escape in (b"\\b", b"\\f", b"\\v")):
            data = _ESCAPE.sub(lambda found: _ONLY_COPY.get(found[1], found[0]), data)
        yield Block(data, len(rows), schema, lambda data: decoded(data, schema))


def decoded(data: Data, schema: pa.Schema) -> pa.RecordBatch:
    """Rows as a batch of the schema that they were read with; as texts if a value has no place there."""
    rows = values_of(data)
    if (batch := parsed(rows, schema)) is not None:
        return batch
    columns = [
        [None if value is None else value.decode(errors="replace") for value in column]
        for column in zip(*rows, strict=True)
    ]
    return pa.RecordBatch.from_arrays([pa.array(each, pa.string()) for each in columns], names=schema.names)


def takes_lines(source: pa.Schema, target: pa.Schema) -> bool:
    """Whether a value of each column arrives as it would from Arrow: as it is, or refused."""
    return all(map(_takes, source, target))


def _takes(source: pa.Field, target: pa.Field) -> bool:
    kind, told, types = source.type, native_type(target) or "", pa.types
    if kind != target.type:
        return False
    if types.is_string(kind):
        ours, theirs = _LENGTH.fullmatch(told), _LENGTH.fullmatch(native_type(source) or "")
        # COPY cuts blanks that are too many, and says nothing.
        return told in ("text", "character varying") or bool(ours and theirs and int(theirs[1]) <= int(ours[1]))
    if types.is_decimal(kind):
        return told.partition("(")[0] == "numeric"
    if types.is_timestamp(kind):
        return bool((_UTC_MOMENT if kind.tz else _MOMENT).fullmatch(told))
    return told in {
        pa.int16(): ("smallint",), pa.int32(): ("integer",), pa.int64(): ("bigint",), pa.date32(): ("date",),
        pa.float32(): ("real",), pa.float64(): ("double precision",),
    }.get(kind, ())  # fmt: skip


@dataclass(slots=True)
class LineLoading(BlockLoading):
    """Lines as another server would take them too."""

    def load(self, first: Block | None, pieces: Iterator[Block]) -> None:
        """As ever. Raises `PermanentError` if the table does not take lines any more."""
        if first is not None and not takes_lines(first.schema, fields_for(self.columns, self.task.schema)):
            told = "its columns have changed since the run was planned"
            raise PermanentError(self.target, told, "do not change them once a run is planned")
        BlockLoading.load(self, first, pieces)  # slots: a class made anew has no `super()`

    @property
    def _form(self) -> str:
        return "text"

    def _cut(self, piece: Block, start: int, count: int) -> Block:
        return cut(piece, start, count)
