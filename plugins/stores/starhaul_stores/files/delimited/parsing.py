"""Delimited text to columns of text: by `pyarrow.csv`, and by `Grammar` wherever that refuses or would be inexact.

The stream is cut into blocks at record borders, a few MiB each, and every block is parsed on its own. So one bad row
among millions costs one slow block, memory stays flat, and the place of every row is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

import pyarrow as pa

from starhaul_stores.files.delimited.borders import Borders, count_lines
from starhaul_stores.files.delimited.bulk import BulkParser
from starhaul_stores.files.delimited.dialect import Dialect
from starhaul_stores.files.delimited.grammar import Grammar
from starhaul_stores.files.streams import ByteStream


@dataclass(frozen=True, slots=True)
class Layout:
    """Which fields of a record are wanted, and how many there must be."""

    used: tuple[int, ...]
    """Positions of the wanted fields, from 0, each once, in order."""

    width: int | None
    """The number of fields that every record has; None: as many as are needed, or more."""

    padded: bool = False
    """Whether the fields that a record lacks are null. Then it may have any number of them, and an empty line
    is a record of one."""

    @property
    def least(self) -> int:
        """The fewest fields that a record may have."""
        if self.padded:
            return 1
        return self.width or (max(self.used) + 1 if self.used else 1)

    def complaint(self, fields: int) -> str:
        """Why a record of so many fields cannot be used; empty if it can."""
        if self.width is not None and fields != self.width:
            return f"{fields} fields instead of {self.width}"
        if fields < self.least:
            return f"{fields} fields, but field {self.least} is needed"
        return ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in the file."""

    text: bytes
    line: int
    """Number of the line where it begins, from 1."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows in the order of the file."""

    rows: int
    columns: Sequence[pa.Array]
    """One array of strings for each wanted field."""
    records: Callable[[], Sequence[Record]]
    """The record of each row. Takes its time."""
    bad: Sequence[tuple[Record, str]] = field(default=())
    """Records that are no rows, each with the reason."""


class RecordTooLong(Exception):  # noqa: N818  it is what happened
    """A record is longer than `Parser.longest`; `line` is where it begins."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Parser:
    """Reads delimited text. Holds no state of a file, so one may serve several threads."""

    def __init__(self, dialect: Dialect, layout: Layout, block_size: int, longest: int) -> None:
        """`block_size` bytes are parsed at once, more where a record is longer; `longest` is the most for one."""
        self.grammar = Grammar(dialect)
        self._dialect = dialect
        self._layout = layout
        self._block_size = block_size
        self._longest = longest
        self._skips_empty = dialect.skips_empty(layout.least)
        self._bulk = BulkParser(dialect, layout.used, skips_empty=self._skips_empty)
        self._borders = Borders(dialect)
        self._ends = (dialect.record_delimiter or "\n").encode()

    def blocks(
        self, stream: ByteStream, line: int = 1, *, header: Callable[[Sequence[str | None]], object] | None = None
    ) -> Iterator[Block]:
        """Everything in the stream: UTF-8 (bytes that are none spoil only their row) from a record border on, which
        is the beginning of line `line`. With `header` the first record that is neither empty nor a comment is left out,
        and its fields are given to that (bytes that are no text as surrogates). Raises `RecordTooLong`, and
        `ValueError` as `header` does."""
        rest = b""
        while True:
            more = stream.read(max(self._block_size, len(rest)))
            data = rest + more
            if not more and data and not data.endswith(self._ends):
                data += self._ends
            if header is not None:
                end, fields = self._header(data)
                if fields:
                    header(fields)
                header = None if end or not more else header
                block = None
            else:
                block, end = self._block(data, line, final=not more)
            if block is not None:
                yield block
            line += count_lines(data, end)
            rest = data[end:]
            if len(rest) > self._longest and not end:
                raise RecordTooLong(line)
            if not more and not rest:
                return

    def header(self, stream: ByteStream) -> list[str | None]:
        """The fields of the first record that is neither empty nor a comment; none if there is no such record. Bytes
        that are no text come through as surrogates, or raise `ValueError`."""
        data = b""
        while more := stream.read(1 << 16):
            data += more
            if record := self._first_record(data):
                return self.grammar.fields(record.decode(errors="surrogateescape"))
            if len(data) > self._longest:
                raise RecordTooLong(1)
        record = self._first_record(data + self._ends)
        return self.grammar.fields(record.decode(errors="surrogateescape")) if record else []

    def _header(self, data: bytes) -> tuple[int, list[str | None]]:
        """Where the first record ends, 0 if it is not whole; and its fields, none if they are no text."""
        for match in self.grammar.records(data):
            if match["text"]:
                with suppress(ValueError):
                    return match.end(), self.grammar.fields(match["text"].decode(errors="surrogateescape"))
                return match.end(), []
        return 0, []

    def _first_record(self, data: bytes) -> bytes | None:
        return next((match["text"] for match in self.grammar.records(data) if match["text"]), None)

    def _block(self, data: bytes, line: int, *, final: bool) -> tuple[Block | None, int]:
        """The rows of the complete records, and where these end: 0 if there are none."""
        end = self._borders.likely(data)
        block = self._fast(data[:end], line) if end else None
        return (block, end) if block is not None else self._slow(data, line, final=final)

    def _slow(self, data: bytes, line: int, *, final: bool) -> tuple[Block | None, int]:
        records, end = self._records(data, line)
        rows: list[Sequence[str | None]] = []
        good, bad = [], []
        for record in records:
            chosen, complaint = self._chosen(record)
            if complaint:
                bad.append((record, complaint))
            else:
                rows.append(chosen)
                good.append(record)
        if final and end < len(data):
            record = Record(data[end : -len(self._ends)], line + count_lines(data, end))
            bad.append((record, "a quoted field is not closed before the end"))
            end = len(data)
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or self._no_values()
        return (Block(len(rows), columns, lambda: good, bad), end) if end else (None, 0)

    def _records(self, data: bytes, line: int) -> tuple[list[Record], int]:
        """The complete records that are to be rows, and where the last complete record ends."""
        records: list[Record] = []
        end = counted = 0
        for match in self.grammar.records(data):
            start, end, text = match.start(), match.end(), match["text"]
            if text is None or (self._skips_empty and not text):
                continue
            line += count_lines(data[counted:start])
            counted = start
            records.append(Record(text, line))
        return records, end

    def _chosen(self, record: Record) -> tuple[list[str | None], str]:
        """The wanted fields of a record, and why it is no row (empty if it is one)."""
        try:
            text, valid = record.text.decode(), True
        except UnicodeDecodeError:
            text, valid = record.text.decode(errors="surrogateescape"), False
        try:
            fields = self.grammar.fields(text)
            complaint = self._layout.complaint(len(fields))
            chosen = [] if complaint else [_field(fields, index) for index in self._layout.used]
            if not valid:
                "".join(value or "" for value in chosen).encode()  # what is wrong may be in a field that nobody reads
        except ValueError:
            return [], "a field is not valid text in this encoding"
        return chosen, complaint

    def _fast(self, data: bytes, line: int) -> Block | None:
        """The records in `data` by `pyarrow.csv`; None if it cannot, or if `data` may not end at a record border."""
        bulk = self._bulk.parse(data, self._width(data))
        if bulk is None or not (bulk.certain or bulk.skipped):
            return None
        if any(not self._layout.complaint(fields) for _, fields in bulk.skipped):
            return None  # it has more fields than the first record, but none that is needed is missing
        whole = data + b"\n" if data.endswith(b"\r") else data  # the grammar takes no CR at the end of the data
        numbers = dict(bulk.skipped)
        found = cache(lambda: self._records(whole, line))

        def records() -> list[Record]:
            return [each for number, each in enumerate(found()[0], 1) if number not in numbers]

        if not numbers:
            return Block(bulk.rows, bulk.columns, records)
        every, end = found()
        if end != len(whole) or len(every) != bulk.rows + len(numbers):
            return None
        bad = [(every[number - 1], self._layout.complaint(fields)) for number, fields in bulk.skipped]
        return Block(bulk.rows, bulk.columns, records, bad)

    def _width(self, data: bytes) -> int:
        """How many fields the records in `data` have, as far as the first one tells."""
        if self._layout.width is not None:
            return self._layout.width
        first = self._first_record(data) or b""
        try:
            return max(len(self.grammar.fields(first.decode(errors="surrogateescape"))), self._layout.least)
        except ValueError:
            return self._layout.least

    def _no_values(self) -> list[pa.Array]:
        return [pa.array([], pa.string())] * len(self._layout.used)


def _field(fields: Sequence[str | None], index: int) -> str | None:
    return fields[index] if index < len(fields) else None
