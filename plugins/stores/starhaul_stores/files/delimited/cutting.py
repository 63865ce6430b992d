"""A large file of delimited text in ranges of bytes that begin and end at record borders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starhaul_stores.files.delimited.borders import Borders, count_lines
from starhaul_stores.files.delimited.dialect import Dialect
from starhaul_stores.files.streams import ByteStream

_CHUNK = 256 << 10
_SOUGHT = 64 << 10
_PATIENCE = 64 << 20
_BOM = "\ufeff".encode()


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Whole records. `end` is where the next range begins; `line` is the number of its first line, from 1, or None if
    nobody counted; `lines` is how many there are, as far as known, perhaps estimated."""

    start: int
    end: int
    line: int | None
    lines: int | None


def ranges(stream: ByteStream, total: int, dialect: Dialect, size: int) -> Iterator[ByteRange]:
    """Cut a whole file of `total` bytes (in an encoding that is `cuttable`) into ranges of `size` bytes or somewhat
    more.

    The file is scanned from its beginning, some hundred MB/s, up to where the last range begins, since only that tells
    whether a line end is quoted. From where it cannot be told (hostile quotes, escapes) to the end is one range.
    """
    borders = Borders(dialect)
    start = position = 0
    first_line = line = 1
    rest = b""
    # What is left is not cut again to make a range much smaller than the others.
    while total - start > size + size // 4 and (more := stream.read(min(_CHUNK, size // 4 + 1))):
        data = rest + more
        if not position and data.startswith(_BOM):
            position, data = len(_BOM), data.removeprefix(_BOM)
        end = borders.certain(data)
        rest = data[end:]
        position += end
        line += count_lines(data, end)
        if position - start >= size and end:
            yield ByteRange(start, position, first_line, line - first_line)
            start, first_line = position, line
        if len(rest) > _PATIENCE:
            break
    if total > start:
        seen = line - 1
        yield ByteRange(start, total, first_line, round(seen * (total - start) / position) if seen else None)


def sought(read: Callable[[int, int], bytes], total: int, dialect: Dialect, size: int) -> Iterator[ByteRange]:
    """The same for a dialect whose `Borders.every_line_ends`: only what surrounds the cuts is read, and lines are
    estimated by it, not counted. `read` gives the bytes of the file from one offset up to another."""
    borders = Borders(dialect)
    start, lines = 0, 0.0
    while total - start > size + size // 4:
        end, lines = _border(read, borders, start + size, total)
        if end == total:
            break
        yield ByteRange(start, end, None if start else 1, round(lines * (end - start)))
        start = end
    yield ByteRange(start, total, None if start else 1, round(lines * (total - start)) if lines else None)


def _border(read: Callable[[int, int], bytes], borders: Borders, position: int, total: int) -> tuple[int, float]:
    """The first border from a position on (the end of the file if there is none), and how many lines a byte has
    there."""
    step = _SOUGHT
    while True:
        data = read(position, min(position + step, total))
        if end := borders.first(data):
            return position + end, count_lines(data) / len(data)
        if position + len(data) >= total:
            return total, 0.0
        position += len(data) - 1  # a CR at the end may be half of a CR LF
        step = min(2 * step, _PATIENCE)
