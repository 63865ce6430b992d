"""MySQL's wire protocol where it carries rows: results as Arrow columns, and files to LOAD DATA LOCAL from memory.

PyMySQL connects, authenticates and runs statements. It would decode results value by value in Python, so rows are taken
off its socket here and cut into columns by Arrow's kernels. Imported on first use.

The text protocol: https://mariadb.com/kb/en/result-set-packets/#text-resultset-row. Every value is its text as SQL
would print it, so whatever the server holds arrives, zero dates and TIME beyond a day included.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from struct import Struct
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pymysql import err
from pymysql.connections import Connection, MySQLResult
from pymysql.constants import COMMAND

_HEADER = Struct("<I").unpack_from
_WHOLE_PACKET = 0xFFFFFF
_END, _ERROR = 0xFE, 0xFF
"""First bytes of packets that end a result."""
_SHORTEST_LONG = 9
"""A packet of fewer bytes that begins with 0xFE is the end, and no value of more than 16 MiB."""
_NULL = pa.scalar(0xFB, pa.uint8())
_LENGTHS = tuple((pa.scalar(marker, pa.uint8()), width) for marker, width in ((0xFC, 2), (0xFD, 3), (0xFE, 8)))
"""First bytes of lengths of more than one byte, and how many follow."""
_INTEGERS = tuple(pa.scalar(number, pa.int64()) for number in range(64))
_UPPER_HALF = _INTEGERS[32]
_NOTHING = pa.scalar(None, pa.int32())
_PIECE = 1 << 18
"""Bytes sent to the server at once; any server takes a packet of this size."""


_Connection: Any = Connection  # its stubs leave out what a subclass needs


@dataclass(frozen=True, slots=True)
class Done:
    """What the server says of a statement that writes."""

    affected: int
    """Rows written; a row that replaced another counts twice."""
    warnings: int


class Wire(_Connection):
    """A connection that streams rows as Arrow columns and sends rows from memory. For one thread."""

    def stream(self, sql: str, size: int) -> tuple[list[Any], Iterator[list[pa.Array]]]:
        """Run a query; the descriptions of its columns (`FieldDescriptorPacket`), and its rows in blocks of about
        `size` bytes, each a list of `pa.binary` columns. The connection is good for nothing else before the last block,
        and must be closed if it is not read to the end."""
        self._execute_command(COMMAND.COM_QUERY, sql)
        result: Any = MySQLResult(self)
        result.init_unbuffered_query()
        if not result.unbuffered_active:
            return [], iter(())
        result.unbuffered_active = False  # else its destructor would read the rows
        fields = list(result.fields)
        return fields, (_columns(data, starts, len(fields)) for data, starts in self._blocks(size))

    def changed(self, sql: str) -> Done:
        """Run a statement that writes."""
        self._execute_command(COMMAND.COM_QUERY, sql)
        return self._done(self._read_packet())

    def load(self, sql: str, pieces: Iterable[memoryview]) -> Done:
        """Run `LOAD DATA LOCAL INFILE`, whatever the file's name, with the bytes of `pieces` as the file. If `pieces`
        fails, the connection is closed: the server would take the end of the file for its end."""
        self._execute_command(COMMAND.COM_QUERY, sql)
        packet = self._read_packet()
        if packet.is_load_local_packet():
            try:
                for piece in pieces:
                    for start in range(0, len(piece), _PIECE):
                        self.write_packet(bytes(piece[start : start + _PIECE]))
            except BaseException:
                self._force_close()
                raise
            self.write_packet(b"")
            packet = self._read_packet()
        return self._done(packet)

    def _done(self, packet: Any) -> Done:
        result: Any = MySQLResult(self)
        result._read_ok_packet(packet)
        return Done(result.affected_rows or 0, result.warning_count)

    def _create_ssl_ctx(self, sslp: Any) -> Any:
        """PyMySQL encrypts whenever the server can, without looking at its certificate unless it is asked to. Reading
        all authorities of the system, for nothing, would take longer than everything else that connecting does."""
        return _unverified() if sslp == {} else super()._create_ssl_ctx(sslp)

    def _blocks(self, size: int) -> Iterator[tuple[bytes, list[int]]]:
        """Bytes as they came, with the places where the rows begin in them."""
        buffer, place, starts = bytearray(), 0, list[int]()
        while True:
            place = _scan(buffer, place, starts)
            length, first = _seen(buffer, place)
            if first == _ERROR:
                err.raise_mysql_exception(bytes(buffer[place + 4 : place + 4 + length]))
            over = first == _END and length < _SHORTEST_LONG
            long = length == _WHOLE_PACKET
            if starts and (over or long or place >= size):
                yield bytes(memoryview(buffer)[:place]), starts
                buffer, place, starts = buffer[place:], 0, []
            if over:
                return
            if long:
                row, buffer = self._long_row(buffer)
                yield row, [0]
            else:
                self._receive(buffer, size)

    def _long_row(self, buffer: bytearray) -> tuple[bytes, bytearray]:
        """The row at the beginning of the buffer, which several packets carry, and what follows it."""
        parts, place = [], 0
        while True:
            while len(buffer) < place + 4:
                self._receive(buffer, 1 << 20)
            length = _HEADER(buffer, place)[0] & _WHOLE_PACKET
            after = place + 4 + length
            while len(buffer) < after:
                self._receive(buffer, 1 << 20)
            parts.append(bytes(memoryview(buffer)[place + 4 : after]))
            place = after
            if length < _WHOLE_PACKET:
                return b"".join(parts), buffer[place:]

    def _receive(self, buffer: bytearray, size: int) -> None:
        more = self._rfile.read1(size)
        if not more:
            raise err.OperationalError(2013, "Lost connection to the server during a query")
        buffer += more


@cache
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _scan(buffer: bytearray, place: int, starts: list[int]) -> int:
    """Append to `starts` where rows begin that are all there, from the packet at `place` on; the place of the first
    packet that is not one of them. Runs once for each row: the only such loop."""
    end, append = len(buffer) - 4, starts.append
    while place < end:
        header = _HEADER(buffer, place)[0]
        length = header & _WHOLE_PACKET
        place += 4
        if place + length > end + 4 or length == _WHOLE_PACKET:
            return place - 4
        if buffer[place] >= _END and (buffer[place] == _ERROR or length < _SHORTEST_LONG):
            return place - 4  # the end, or an error; a row may begin with a very long value
        append(place)
        place += length
    return place


def _seen(buffer: bytearray, place: int) -> tuple[int, int]:
    """Length and first byte of the packet at `place`, if it is there whole; a whole packet's length at least."""
    if len(buffer) < place + 4:
        return 0, 0
    length = _HEADER(buffer, place)[0] & _WHOLE_PACKET
    if length == _WHOLE_PACKET:
        return length, 0
    return (length, buffer[place + 4]) if 0 < length <= len(buffer) - place - 4 else (0, 0)


def _columns(data: bytes, starts: Sequence[int], count: int) -> list[pa.Array]:
    """The columns of rows that begin at `starts`. Each value is preceded by its length; where one ends, the next
    begins, so all rows are walked through at once, column by column.

    An array over the bytes as they are, with the begins and ends of a column's values as its offsets, has the values as
    its even elements and what stands between them as its odd ones; Arrow gathers the even ones.
    """
    whole = pa.py_buffer(data)
    octets = pa.Array.from_buffers(pa.uint8(), len(data), [None, whole])
    rows = len(starts)
    place = pa.array(starts, pa.int64())
    even = pa.array(range(0, 2 * rows, 2), pa.int32())
    columns = []
    for _ in range(count):
        begin, length, null = _lengths(octets, place)
        place = pc.add(begin, length)
        offsets = pc.bit_wise_or(begin, pc.shift_left(place, _UPPER_HALF))  # in memory: begin, end, begin, end …
        between = pa.Array.from_buffers(pa.binary(), 2 * rows - 1, [None, offsets.buffers()[1], whole])
        columns.append(between.take(even if null is None else pc.if_else(null, _NOTHING, even)))
    return columns


def _lengths(octets: pa.Array, place: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array | None]:
    """Where the values begin whose lengths stand at `place`, how long they are, and which are null (None for none)."""
    lead = octets.take(place)
    begin, length = pc.add(place, _INTEGERS[1]), lead.cast(pa.int64())
    if pc.max(lead).as_py() < _NULL.as_py():
        return begin, length, None
    null = pc.equal(lead, _NULL)
    length = pc.if_else(null, _INTEGERS[0], length)
    for marker, width in _LENGTHS:
        long = pc.equal(lead, marker)
        if pc.any(long).as_py():
            at = begin.filter(long)
            digits = [
                pc.shift_left(octets.take(pc.add(at, _INTEGERS[i])).cast(pa.int64()), _INTEGERS[8 * i])
                for i in range(width)
            ]
            length = pc.replace_with_mask(length, long, reduce(pc.add, digits))
            begin = pc.if_else(long, pc.add(begin, _INTEGERS[width]), begin)
    return begin, length, null
