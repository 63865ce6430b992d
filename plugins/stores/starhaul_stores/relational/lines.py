"""The encoding `lines/tab`: a line for each row, values between tabs, as the text forms of COPY and LOAD DATA have it.

Numbers are digits (floating-point ones may have an exponent), dates and times of day ISO's with a blank between them,
moments those of UTC without its name, durations hours of any number, minutes and seconds, texts UTF-8. NULL is `\\N`; a
backslash, a tab, a line feed and a carriage return have a backslash before them (`\\\\`, `\\t`, `\\n`, `\\r`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeAlias

from starhaul import Block

LINES = "lines/tab"
Data: TypeAlias = bytes | bytearray | memoryview

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"t": b"\t", b"n": b"\n", b"r": b"\r"}


def line_ends(data: Data) -> list[int]:
    """Where each row ends."""
    return [found.end() for found in re.finditer(rb"\n", data)]


def cut(block: Block, start: int, count: int) -> Block:
    """Some rows of a block, or as many as there are."""
    if start == 0 and count >= block.num_rows:
        return block
    ends = [0, *line_ends(block.data)]
    last = min(start + count, block.num_rows)
    return replace(block, data=memoryview(block.data)[ends[start] : ends[last]], num_rows=last - start)


def values_of(data: Data) -> list[list[bytes | None]]:
    """The values of each row. For rows that are refused."""
    rows = bytes(data).split(b"\n")[:-1]
    return [[None if text == rb"\N" else _plain(text) for text in row.split(b"\t")] for row in rows]


def _plain(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
