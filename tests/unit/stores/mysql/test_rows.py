"""Rows off the wire: every way that packets can be cut, every width of a length, and the end of a result."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pymysql
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starhaul_stores.mysql import wire
from starhaul_stores.mysql.digits import decimals
from starhaul_stores.mysql.rows import SLACK, Starts, Values, columns, is_over, may_be_over
from starhaul_stores.mysql.wire import Wire

Row = Sequence[bytes | None]
END = b"\x05\x00\x00\x01\xfe\x00\x00\x22\x00"
MESSAGE = b"\xff\x25\x05#HY000Query execution was interrupted"
ERROR = len(MESSAGE).to_bytes(3, "little") + b"\x07" + MESSAGE

VALUES = st.one_of(
    st.none(), st.binary(max_size=5), st.sampled_from([b"", b"\xff", END, ERROR, b"\xfe" * 9, b"a" * 249, b"b" * 251]),
    st.integers(0, 70_000).map(lambda size: b"c" * size),
)  # fmt: skip
ROWS = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(VALUES, min_size=width, max_size=width), max_size=12))


def length_encoded(value: bytes | None) -> bytes:
    """https://mariadb.com/kb/en/protocol-data-types/#length-encoded-strings"""
    if value is None:
        return b"\xfb"
    size = len(value)
    for marker, width in ((b"", 1), (b"\xfc", 2), (b"\xfd", 3), (b"\xfe", 8)):
        if size < (251 if width == 1 else 1 << 8 * width):
            return marker + size.to_bytes(width, "little") + value
    raise AssertionError(size)


def packets(row: Row, sequence: int = 0) -> bytes:
    body, found = b"".join(map(length_encoded, row)), b""
    while True:
        part, body = body[:0xFFFFFF], body[0xFFFFFF:]
        found += len(part).to_bytes(3, "little") + bytes([sequence & 255]) + part
        if len(part) < 0xFFFFFF:
            return found


class Script:
    """The buffered file of a connection that receives these pieces and nothing more, ever."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = list(pieces)

    def close(self) -> None:
        pass

    def settimeout(self, seconds: float | None) -> None:
        """As a socket has it: some versions of PyMySQL ask for it before each read."""

    def read1(self, size: int) -> bytes:
        assert self._pieces, "it waits for what will not come"
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            found += self.read1(size - len(found))
        return found


class Scripted(Wire):
    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._rfile = Script(pieces)
        self._sock = self._rfile
        self._read_timeout = None


def streamed(pieces: Sequence[bytes], width: int, size: int) -> Iterator[list[tuple[bytes | None, ...]]]:
    for block in Scripted(pieces)._blocks(size):
        gathered = [values.gathered().to_pylist() for values in columns(*block, width)]
        yield list(zip(*gathered, strict=True))


def cut(data: bytes, at: Sequence[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in at} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False) if start < end]


@given(ROWS, st.lists(st.integers(0, 1 << 20), max_size=6), st.sampled_from([1, 64, 1000, 1 << 18]))
@settings(deadline=None)
@example([[END + b"x"], [END]], [14], 64)
@example([[b"a"], [b"b"]], [], 1)
def test_every_row_arrives_however_it_is_cut(rows: list[Row], at: list[int], size: int) -> None:
    width = len(rows[0]) if rows else 1
    data = b"".join(packets(row, number) for number, row in enumerate(rows)) + END
    found = [row for block in streamed(cut(data, at), width, size) for row in block]
    assert found == [tuple(row) for row in rows]


@given(ROWS, st.lists(st.integers(0, 1 << 20), max_size=4))
@settings(deadline=None, max_examples=30)
def test_an_error_ends_the_rows(rows: list[Row], at: list[int]) -> None:
    width = len(rows[0]) if rows else 1
    data = b"".join(packets(row, number) for number, row in enumerate(rows)) + ERROR
    found: list[Any] = []
    blocks = streamed(cut(data, at), width, 1000)
    with pytest.raises(pymysql.Error, match="interrupted"):
        found.extend(row for block in blocks for row in block)
    assert found == [tuple(row) for row in rows]


@pytest.mark.parametrize("size", [0xFFFFFF - 4, 0xFFFFFF - 3, 0xFFFFFF + 100, 2 * 0xFFFFFF - 9])
def test_rows_of_several_packets(size: int) -> None:
    rows: list[Row] = [(b"before", b"1"), (b"\xff" * size, b"2"), (b"after", None)]
    data = b"".join(packets(row) for row in rows) + END
    found = [row for block in streamed(cut(data, [7, 30, 1 << 20, 1 << 24]), 2, 1 << 16) for row in block]
    assert found == [tuple(row) for row in rows]


def test_a_lost_connection_is_no_end() -> None:
    with pytest.raises(pymysql.OperationalError, match="Lost connection"):
        list(streamed([packets([b"a"]) + packets([b"b"])[:-1], b""], 1, 1000))


def test_the_end_is_seen_when_it_has_come_and_not_before() -> None:
    data = bytearray(packets([b"a"]) + END)
    assert [may_be_over(data, end) for end in range(6, len(data) + 1)] == [False] * len(END) + [True]
    failed = bytearray(packets([b"a"]) + ERROR)
    assert [may_be_over(failed, end) for end in range(6, len(failed) + 1)] == [False] * len(ERROR) + [True]
    assert not is_over(data, 0, len(data))
    assert is_over(data, 6, len(data))


def test_rows_that_contradict_their_packets_are_no_rows() -> None:
    data = bytearray(packets([b"abc"]) + packets([b"d"]))
    starts, end = Starts().find(data, len(data))
    data[4] = 2  # the value is said to be shorter than its packet
    with pytest.raises(ValueError, match="protocol"):
        columns(memoryview(data), starts, end, 1)


TEXTS = st.decimals(-(10**16), 10**16, places=2).map(lambda number: f"{number:f}")


@given(st.lists(st.one_of(st.none(), TEXTS), min_size=1), st.sampled_from([0, 1, 2, 6, 10]), st.integers(5, 38))
@example(["0.01", "-99999999999999.99", None, "99999999999999.99"], 2, 16)
@example(["-0.00", "12345678", "123456789"], 0, 12)
def test_decimals_are_what_arrow_makes_of_them(texts: list[str | None], scale: int, precision: int) -> None:
    precision = max(precision, scale + 1)
    kind = pa.decimal128(precision, scale)
    texts = [None if text is None else shaped(text, scale, precision) for text in texts]
    found = decimals(stands([None if text is None else text.encode() for text in texts]), kind)
    if found is not None:
        found.validate(full=True)
        assert found.to_pylist() == [None if text is None else Decimal(text) for text in texts]
    plain = all(text is None or len(text.lstrip("-")) <= 16 for text in texts)
    assert (found is not None) == (plain and scale <= 6)


@pytest.mark.parametrize("text", [b"1.2", b"12", b"", b"1e5.00", b".:00", b"1x.00", b"--1.00", b"1.0.00", b"/.00"])
def test_what_is_no_plain_decimal_is_left_to_arrow(text: bytes) -> None:
    assert decimals(stands([b"1.00", text]), pa.decimal128(15, 2)) is None


def shaped(text: str, scale: int, precision: int) -> str:
    """A number as MySQL prints a DECIMAL of this kind."""
    limit = Decimal(10) ** (precision - scale) - Decimal(1).scaleb(-scale)
    number = max(-limit, min(limit, Decimal(text)))
    return f"{number.quantize(Decimal(1).scaleb(-scale), 'ROUND_DOWN'):f}"


def stands(texts: Sequence[bytes | None]) -> Values:
    data = bytearray(b"".join(packets([text]) for text in texts))
    starts, end = Starts().find(data, len(data))
    (values,) = columns(memoryview(data + bytes(SLACK)), starts, end, 1)
    return values


def test_what_is_used_of_pymysql_is_there() -> None:
    """A release of PyMySQL that renames one of its private names must fail here, and not in a run. None of them is used
    anywhere else."""
    tree = ast.parse(Path(wire.__file__).read_text())
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr.startswith("_")}
    overridden = {"_create_ssl_ctx", "_read_query_result"}
    private = used - own - overridden - {"_result"}
    assert private == {"_execute_command", "_read_packet", "_read_bytes", "_rfile", "_force_close", "_read_ok_packet"}
    connection = pymysql.connections.Connection
    for name in ("_execute_command", "_read_packet", "_read_bytes", "_force_close", *overridden, "write_packet"):
        assert callable(getattr(connection, name))
    for name in ("_read_ok_packet", "_read_load_local_packet"):
        assert callable(getattr(pymysql.connections.MySQLResult, name))
    assert connection._rfile is None  # type: ignore[attr-defined]  # it is made by `connect`
    for path in Path(wire.__file__).parent.glob("*.py"):
        if path.name != "wire.py":
            assert not {f"wire.{name}" for name in private if f"wire.{name}" in path.read_text()}
