"""Where one record ends and the next begins, found by counting bytes instead of by parsing."""

from __future__ import annotations

import re

from starhaul_stores.files.delimited.dialect import Dialect, overlaps_itself

_GUESSES = 16


def count_lines(data: bytes, end: int | None = None) -> int:
    """Line ends in `data` (up to `end`): LF, CR LF and CR each count as one."""
    lines = data.count(b"\n", 0, end)
    return lines + data.count(b"\r", 0, end) - data.count(b"\r\n", 0, end) if b"\r" in data else lines


class Borders:
    """Finds the last record border in data that begins at one. Safe to share between threads."""

    def __init__(self, dialect: Dialect) -> None:
        self._end = (dialect.record_delimiter or "\n").encode()
        self._cr_ends = dialect.record_delimiter is None
        self._quote = (dialect.quote or "").encode()
        self._backslash = dialect.backslash
        self._countable = dialect.plain and not overlaps_itself(dialect.delimiter)
        self.every_line_ends = not (self._quote or dialect.backslash)
        """Whether no line end is part of a field, so that borders can be told from anywhere."""
        self._closed = re.compile(_closed_pattern(dialect).encode(), re.DOTALL)

    def first(self, data: bytes) -> int:
        """Behind a line end that is near the beginning of data from anywhere in a file; 0 if there is none."""
        end = data.find(self._end) + 1
        if end or not self._cr_ends:
            return end
        return data.find(b"\r", 0, max(len(data) - 1, 0)) + 1  # the last byte may be half of a CR LF

    def likely(self, data: bytes) -> int:
        """Where the last complete record most likely ends: after a line end with an even number of quotes before it.

        Quotes that do not quote mislead it, so the parser that is given the data must notice a border that is none.
        0 if no such place is near the end.
        """
        end = self._last_line_end(data, len(data))
        if not self._quote:
            return end
        quotes = data.count(self._quote, 0, end)
        for _ in range(_GUESSES):
            if not quotes % 2:
                return end
            previous = self._last_line_end(data, end - 1)
            quotes -= data.count(self._quote, previous, end)
            end = previous
        return 0

    def certain(self, data: bytes) -> int:
        """Where a complete record certainly ends, near the end of the data. 0 if no record is complete, or if that
        cannot be told without parsing: escapes, or quotes that are hostile."""
        if self._backslash and b"\\" in data:
            return 0
        if not self._quote or self._quote not in data:
            return self._last_line_end(data, len(data))
        if not self._countable:
            return 0
        last = self._last_line_end(data, len(data))
        if self._is_closed(data, last):
            return last
        end = self.likely(data)
        return end if self._is_closed(data, end) else 0

    def _is_closed(self, data: bytes, end: int) -> bool:
        match = self._closed.match(data, 0, end)
        return match is not None and match.end() == end

    def _last_line_end(self, data: bytes, before: int) -> int:
        end = data.rfind(self._end, 0, max(before, 0)) + 1
        if end or not self._cr_ends:
            return end
        return data.rfind(b"\r", 0, max(min(before, len(data) - 1), 0)) + 1  # the last byte may be half of a CR LF


def _closed_pattern(dialect: Dialect) -> str:
    """Matches as long as no quoted field is open: runs without quotes, whole quoted fields, quotes that do not quote
    because they do not begin a field."""
    quote = re.escape(dialect.quote or '"')
    begins = rf"(?:(?<={re.escape(dialect.delimiter)})|(?<=[\r\n])|(?<![\s\S]))"
    return rf"(?:[^{quote}]++|{begins}{quote}[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+{quote}|(?!{begins}){quote})*+"
