"""Rows in the bytes of MySQL's text protocol: where they begin, where they end, and their values as Arrow columns.

A row is a packet: three bytes of length and one of sequence, then each value behind its own length
(https://mariadb.com/kb/en/result-set-packets/#text-resultset-row). Imported on first use: it needs numpy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import Struct
from typing import Any

import numpy as np
import pyarrow as pa
from pymysql import err

_HEADER = Struct("<I").unpack_from
_SHORT = Struct("<H").unpack_from
_BEHIND_HEADER = 4
WHOLE_PACKET = 0xFFFFFF
"""The length of a packet that another one continues."""
_END, _ERROR = 0xFE, 0xFF
"""First bytes of packets that end a result."""
_SHORTEST_LONG = 9
"""A packet of fewer bytes that begins with 0xFE is the end, and no value of more than 16 MiB."""
_NULL = 0xFB
_LENGTHS = ((0xFC, 2), (0xFD, 3), (0xFE, 8))
"""First bytes of lengths of more than one byte, and how many follow."""
_ENDING = re.compile(rb"\x05\x00\x00.\xfe", re.DOTALL)
_ERROR_BEGINS = re.compile(rb"\x00.\xff", re.DOTALL)
"""The highest byte of its length, which is 0, its sequence, and its mark."""
SLACK = 8
"""Bytes of a buffer behind its rows, so that eight bytes can be read from wherever a value begins."""
_LONGEST_ERROR = 1 << 14
"""Bytes; servers know of 512 at most."""


class Starts:
    """Finds rows in blocks of one result, in a loop that runs once for each row: the only one. For rows of fewer than
    256 bytes that loop has half as much to do, so the kind of row that was met last is tried first."""

    def __init__(self) -> None:
        self._loop = _starts_of_tiny

    def find(self, buffer: bytearray, end: int) -> tuple[Any, int]:
        """Where rows begin (behind their headers; an int64 array) of those that lie whole before `end`, the first at 0;
        and the place of the first packet that is not one of them: a piece of one, one of 16 MiB, or the end."""
        for loop in (self._loop, _starts_of_small):
            starts, place = loop(buffer, end)
            if _are_rows(buffer, starts, place):
                self._loop = loop
                return starts, place
        return _starts_of_any(buffer, end)


def _starts_of_tiny(buffer: bytearray, end: int) -> tuple[Any, int]:
    """Right if every packet has fewer than 256 bytes and is a row."""
    starts, place, last = list[int](), 0, end - _BEHIND_HEADER
    append = starts.append
    while place <= last:
        append(place)
        place += buffer[place] + 4
    return _whole(buffer, starts, place, end)


def _starts_of_small(buffer: bytearray, end: int) -> tuple[Any, int]:
    """Right if every packet has fewer than 65,536 bytes and is a row."""
    starts, place, last, header = list[int](), 0, end - _BEHIND_HEADER, _SHORT
    append = starts.append
    while place <= last:
        append(place)
        place += header(buffer, place)[0] + 4
    return _whole(buffer, starts, place, end)


def _whole(buffer: bytearray, starts: list[int], place: int, end: int) -> tuple[Any, int]:
    if place > end or (starts and buffer[starts[-1] + _BEHIND_HEADER] >= _END):
        place = starts.pop()
    return np.array(starts, np.int64) + _BEHIND_HEADER, place


def _are_rows(buffer: bytearray, starts: Any, place: int) -> bool:
    """Whether the headers say that each of these begins where the one before it ends, and all are rows."""
    if not len(starts):
        return False
    octets = np.frombuffer(buffer, np.uint8)
    lengths = np.diff(starts, append=place + _BEHIND_HEADER) - _BEHIND_HEADER
    middle, high = octets[starts - 3], octets[starts - 2]
    return bool((middle == lengths >> 8).all() and not high.any() and octets[starts].max() < _END)


def _starts_of_any(buffer: bytearray, end: int) -> tuple[Any, int]:
    starts, place = list[int](), 0
    while place <= end - 5:
        length = _HEADER(buffer, place)[0] & WHOLE_PACKET
        behind = place + _BEHIND_HEADER
        if behind + length > end or length == WHOLE_PACKET:
            break
        if buffer[behind] >= _END and (buffer[behind] == _ERROR or length < _SHORTEST_LONG):
            break  # the end, or an error; a row may begin with a very long value
        starts.append(behind)
        place = behind + length
    return np.array(starts, np.int64), place


def may_be_over(buffer: bytearray, end: int) -> bool:
    """Whether the packet that ends at `end` may be the end of a result, or an error. False only if it is neither."""
    if _ENDING.match(buffer, max(0, end - 9)):
        return True
    for found in _ERROR_BEGINS.finditer(buffer, max(0, end - _LONGEST_ERROR), end):
        place = found.start() - 2
        if place >= 0 and place + 4 + (_HEADER(buffer, place)[0] & WHOLE_PACKET) == end:
            return True
    return False


def packet_at(buffer: bytearray, place: int, end: int) -> tuple[int, int]:
    """Length and first byte of the packet at `place`; zeros as far as they lie beyond `end`."""
    if place + _BEHIND_HEADER > end:
        return 0, 0
    length = _HEADER(buffer, place)[0] & WHOLE_PACKET
    return length, buffer[place + _BEHIND_HEADER] if place + _BEHIND_HEADER < end else 0


def is_over(buffer: bytearray, place: int, end: int) -> bool:
    """Whether what lies from `place` to `end` is the packet that ends a result. If that is an error, it is raised as
    PyMySQL's exception."""
    length, first = packet_at(buffer, place, end)
    behind = place + _BEHIND_HEADER
    if not 0 < length <= end - behind or length == WHOLE_PACKET:
        return False
    if first == _ERROR:
        err.raise_mysql_exception(bytes(buffer[behind : behind + length]))
    return first == _END and length < _SHORTEST_LONG


@dataclass(frozen=True, slots=True)
class Values:
    """A column of a block: where its values stand. For as long as the block's buffer holds it."""

    data: memoryview
    """The rows, and at least `SLACK` bytes more."""
    offsets: Any
    """Where each value begins and ends (int32, two for each row)."""
    null: Any
    """Which rows have none, as an array of bool; None if all have one."""

    def gathered(self) -> pa.Array:
        """The values as `pa.binary`, which may be kept. An array over the bytes as they are has the values as its even
        elements and what stands between them as its odd ones; Arrow gathers the even ones."""
        rows = len(self.offsets)
        buffers = [None, pa.py_buffer(self.offsets), pa.py_buffer(self.data)]
        between = pa.Array.from_buffers(pa.binary(), 2 * rows - 1, buffers)
        return between.take(pa.array(np.arange(0, 2 * rows, 2, dtype=np.int32), mask=self.null))


def columns(data: memoryview, starts: Any, end: int, count: int) -> list[Values]:
    """The columns of rows that begin at `starts` and fill `data` as far as `end`, but for the headers between them.
    Where a value ends, the next begins, so all rows are walked through at once, column by column."""
    octets = np.frombuffer(data, np.uint8)
    place, found = starts, []
    for _ in range(count):
        begin, length, null = _lengths(octets, place)
        place = begin + length
        offsets = np.empty((len(starts), 2), np.int32)
        offsets[:, 0], offsets[:, 1] = begin, place
        found.append(Values(data, offsets, null))
    if (place[:-1] != starts[1:] - _BEHIND_HEADER).any() or place[-1] != end:
        raise ValueError("the server's rows are not what its protocol says")
    return found


def _lengths(octets: Any, place: Any) -> tuple[Any, Any, Any]:
    """Where the values begin whose lengths stand at `place`, how long they are, and which are null (None for none)."""
    lead = octets[place]
    begin = place + 1
    if lead.max() < _NULL:
        return begin, lead, None
    null = lead == _NULL
    length = np.where(null, 0, lead.astype(np.int64))
    for marker, width in _LENGTHS:
        (long,) = np.nonzero(lead == marker)
        if len(long):
            at = begin[long]
            length[long] = sum(octets[at + byte].astype(np.int64) << 8 * byte for byte in range(width))
            begin[long] += width
    return begin, length, null if null.any() else None
