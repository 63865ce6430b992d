"""Rows in the encoding `lines/tab`, into columns whose values COPY reads from it without altering any."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pyarrow as pa

from starhaul import Block, native_type
from starhaul_stores.postgresql.loading import BlockLoading
from starhaul_stores.relational.lines import line_ends

_MOMENT = re.compile(r"timestamp(\([036]\))? without time zone")
_LENGTH = re.compile(r"(?:var)?char(?:acter)?(?: varying)?\((\d+)\)")


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
        return kind.tz is None and bool(_MOMENT.fullmatch(told))
    return told in {
        pa.int16(): ("smallint",), pa.int32(): ("integer",), pa.int64(): ("bigint",), pa.date32(): ("date",),
    }.get(kind, ())  # fmt: skip


@dataclass(slots=True)
class LineLoading(BlockLoading):
    """Lines as another server would take them too."""

    @property
    def _form(self) -> str:
        return "text"

    def _cut(self, piece: Block, start: int, count: int) -> Block:
        if count == piece.num_rows:
            return piece
        ends = [0, *line_ends(piece.data)]
        return replace(piece, data=memoryview(piece.data)[ends[start] : ends[start + count]], num_rows=count)
