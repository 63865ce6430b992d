"""What a scan answers, in objects that cost less than happybase's: no constructor in Python, no timestamps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from thriftpy2.thrift import TApplicationException, TMessageType, TType


class Cell:
    """A cell's value. thriftpy2 fills it by `thrift_spec` and passes over the timestamp."""

    __slots__ = ("value",)
    thrift_spec: ClassVar[Mapping[int, Any]] = {1: (TType.BINARY, "value", False)}
    value: bytes


class Row:
    """A row's key and cells."""

    __slots__ = ("columns", "row")
    thrift_spec: ClassVar[Mapping[int, Any]] = {
        1: (TType.BINARY, "row", False),
        2: (TType.MAP, "columns", (TType.BINARY, (TType.STRUCT, Cell)), False),
    }
    row: bytes
    columns: Mapping[bytes, Cell]


class Answer:
    """The answer to `scannerGetList`."""

    def __init__(self, errors: Mapping[int, Any]) -> None:
        self.thrift_spec = {0: (TType.LIST, "success", (TType.STRUCT, Row), False), **errors}
        self.success: list[Row] | None = None
        self.io: Exception | None = None
        self.ia: Exception | None = None


def ask(client: Any, scanner: int, rows: int) -> None:
    """Ask for the next rows of a scan, without waiting for the answer."""
    client._send("scannerGetList", id=scanner, nbRows=rows)


def answer(client: Any) -> list[Row]:
    """The rows that were asked for; none at the end of the scan. Raises as happybase's client does."""
    from Hbase_thrift import Hbase  # registered by happybase

    protocol = client._iprot
    _, kind, _ = protocol.read_message_begin()
    if kind == TMessageType.EXCEPTION:
        failure = TApplicationException()
        failure.read(protocol)
        protocol.read_message_end()
        raise failure
    spec = Hbase.scannerGetList_result.thrift_spec
    result = Answer({number: each for number, each in spec.items() if number})
    protocol.read_struct(result)
    protocol.read_message_end()
    for error in (result.io, result.ia):
        if error is not None:
            raise error
    return result.success or []
