"""MySQL's wire protocol where it carries rows: results as Arrow columns, and files to LOAD DATA LOCAL from memory.

PyMySQL connects, authenticates and runs statements. It would decode results value by value in Python, so rows are taken
off its socket here and cut into columns many at once (`rows`). Imported on first use. This is the one place that uses
what PyMySQL calls private.

The text protocol: https://mariadb.com/kb/en/result-set-packets/#text-resultset-row. Every value is its text as SQL
would print it, so whatever the server holds arrives, zero dates and TIME beyond a day included.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from struct import Struct
from typing import Any

import numpy as np
from pymysql import err
from pymysql.connections import Connection, MySQLResult
from pymysql.constants import COMMAND
from pymysql.protocol import FieldDescriptorPacket

from starhaul_stores.mysql.rows import SLACK, WHOLE_PACKET, Starts, Values, columns, is_over, may_be_over, packet_at

_RECEIVED = 1 << 17
"""Bytes taken off the socket at once: enough for few calls, and too few for memory that is new each time."""
_PIECE = 1 << 18
"""Bytes sent to the server at once; any server takes a packet of this size."""
_PREPARED = Struct("<IHH").unpack_from
"""A statement's number, and how many columns and parameters it has."""
_RESET_CONNECTION = 0x1F
"""The command; PyMySQL does not name it."""

_FILE_REFUSED = 2068
"""What clients of MySQL's own call it (CR_LOAD_DATA_LOCAL_INFILE_REJECTED); PyMySQL does not name it."""

_Connection: Any = Connection  # its stubs leave out what a subclass needs
_MySQLResult: Any = MySQLResult


@dataclass(frozen=True, slots=True)
class Done:
    """What the server says of a statement that writes."""

    affected: int
    """Rows written; a row that replaced another counts twice."""
    warnings: int


class _Result(_MySQLResult):
    """A result as PyMySQL reads it. A server may answer any statement by asking for any file of this machine, and
    PyMySQL would send it."""

    def _read_load_local_packet(self, first_packet: Any) -> None:
        raise self.connection.refused(first_packet)


class Wire(_Connection):
    """A connection that streams rows as Arrow columns and sends rows from memory. For one thread.

    No file of this machine is ever sent: `load` alone answers a server that asks for one, with bytes of its own.
    """

    def stream(self, sql: str, size: int) -> tuple[list[Any], Iterator[list[Values]]]:
        """Run a query; the descriptions of its columns (`FieldDescriptorPacket`), and its rows in blocks of about
        `size` bytes, each a list of columns that lasts until the next one is asked for. The connection is good for
        nothing else before the last block, and must be closed if it is not read to the end."""
        self._execute_command(COMMAND.COM_QUERY, sql)
        result = _Result(self)
        result.init_unbuffered_query()
        if not result.unbuffered_active:
            return [], iter(())
        result.unbuffered_active = False  # else its destructor would read the rows
        fields = list(result.fields)
        return fields, (columns(data, starts, end, len(fields)) for data, starts, end in self._blocks(size))

    def prepared(self, sql: str) -> list[Any]:
        """The descriptions of the columns of a query (`FieldDescriptorPacket`), which is prepared for that and not run
        (https://mariadb.com/kb/en/com_stmt_prepare/)."""
        self._execute_command(COMMAND.COM_STMT_PREPARE, sql)
        statement, count, parameters = _PREPARED(self._read_packet().get_all_data(), 1)
        for _ in range(parameters + 1 if parameters else 0):
            self._read_packet()
        fields = [self._read_packet(FieldDescriptorPacket) for _ in range(count)]
        if fields:
            self._read_packet()  # where they end
        self._execute_command(COMMAND.COM_STMT_CLOSE, statement.to_bytes(4, "little"))  # which is not answered
        return fields

    def reset(self) -> None:
        """Make the session what it was when it was new: the transaction is rolled back, locks, temporary tables and
        variables are gone (https://mariadb.com/kb/en/com_reset_connection/). Raises if the server does not know how."""
        self._execute_command(_RESET_CONNECTION, b"")
        self._read_ok_packet()
        self.set_character_set(self.charset, self.collation)
        self.autocommit(True)
        self.select_db(self.db)

    def changed(self, sql: str | bytes) -> Done:
        """Run a statement that writes."""
        self._execute_command(COMMAND.COM_QUERY, sql)
        packet = self._read_packet()
        if packet.is_load_local_packet():
            raise self.refused(packet)
        return self._done(packet)

    def load(self, sql: str, pieces: Iterable[Any]) -> Done:
        """Run `LOAD DATA LOCAL INFILE`, whatever the file's name, with the bytes of `pieces` (buffers of any kind) as
        the file. If `pieces` fails, the connection is closed: the server would take the end of the file for its
        end."""
        self._execute_command(COMMAND.COM_QUERY, sql)
        packet = self._read_packet()
        if packet.is_load_local_packet():
            try:
                for piece in pieces:
                    octets = memoryview(piece)
                    for start in range(0, len(octets), _PIECE):
                        self.write_packet(bytes(octets[start : start + _PIECE]))
            except BaseException:
                self._force_close()
                raise
            self.write_packet(b"")
            packet = self._read_packet()
        return self._done(packet)

    def refused(self, packet: Any) -> err.OperationalError:
        """Close the connection on a server that asks for a file, and the error to raise."""
        self._force_close()
        name = packet.get_all_data()[1:].decode(errors="replace")
        return err.OperationalError(_FILE_REFUSED, f"the server asked for the file {name!r} of this machine")

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        """What PyMySQL's `execute` calls, with a result of ours."""
        del unbuffered
        result = _Result(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows

    def _done(self, packet: Any) -> Done:
        result = _Result(self)
        result._read_ok_packet(packet)
        return Done(result.affected_rows or 0, result.warning_count)

    def _create_ssl_ctx(self, sslp: Any) -> Any:
        """PyMySQL encrypts whenever the server can, without looking at its certificate unless it is asked to. Reading
        all authorities of the system, for nothing, would take longer than everything else that connecting does. And it
        looks at names only where it is given an authority."""
        if sslp in ({}, {"verify_mode": False}):
            return _unverified()
        context = super()._create_ssl_ctx(sslp)
        context.check_hostname = bool(sslp.get("check_hostname"))
        return context

    def _blocks(self, size: int) -> Iterator[tuple[memoryview, Any, int]]:
        """Bytes as they came, where the rows begin in them, and where the last one ends. The buffer, which has `SLACK`
        bytes more, is filled anew after each."""
        buffer, have, rows = bytearray(size + SLACK), 0, Starts()
        while True:
            have = self._fill(buffer, have)
            starts, place = rows.find(buffer, have)
            if len(starts):
                yield memoryview(buffer), starts, place
            if is_over(buffer, place, have):
                return
            length, _ = packet_at(buffer, place, have)
            rest = buffer[place:have]
            if length == WHOLE_PACKET:
                row = self._long_row(rest)
                yield memoryview(row + bytes(SLACK)), np.zeros(1, np.int64), len(row)
                rest = bytearray()
            needed = max(size, length + 4) + SLACK
            if needed != len(buffer):
                buffer = bytearray(needed)
            have = len(rest)
            buffer[:have] = rest

    def _fill(self, buffer: bytearray, have: int) -> int:
        """Receive until the buffer is full or the result seems to be over; how many bytes of it are there then."""
        most = len(buffer) - SLACK
        while have < most:
            more = self._rfile.read1(min(_RECEIVED, most - have))
            if not more:
                raise err.OperationalError(2013, "Lost connection to the server during a query")
            buffer[have : have + len(more)] = more
            have += len(more)
            if may_be_over(buffer, have):
                break
        return have

    def _long_row(self, begun: bytearray) -> bytearray:
        """The row that several packets carry, of which the first has come in part."""
        row, missing, length = begun[4:], WHOLE_PACKET + 4 - len(begun), WHOLE_PACKET
        while True:
            row += self._read_bytes(missing)
            if length < WHOLE_PACKET:
                return row
            missing = length = int.from_bytes(self._read_bytes(4)[:3], "little")


@cache
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
