"""A large file of delimited text in ranges of bytes that begin and end at record borders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from starhaul_stores.files.borders import Borders, count_lines
from starhaul_stores.files.dialect import Dialect
from starhaul_stores.files.streams import ByteStream

_CHUNK = 4 << 20
_PATIENCE = 64 << 20
_BOM = "\ufeff".encode()


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Whole records. `end` is where the next range begins; `line` is the number of its first line, from 1."""

    start: int
    end: int
    line: int
    lines: int


def ranges(stream: ByteStream, dialect: Dialect, size: int) -> Iterator[ByteRange]:
    """Cut a whole file (in an encoding that is `cuttable`) into ranges of `size` bytes or somewhat more.

    The file is scanned from its beginning, some hundred MB/s, since only that tells whether a line end is quoted.
    From where that cannot be told (hostile quotes, escapes) to the end is one range.
    """
    borders = Borders(dialect)
    start = position = 0
    first_line = line = 1
    rest = b""
    while more := stream.read(min(_CHUNK, size // 4 + 1)):
        data = rest + more
        if not position and data.startswith(_BOM):
            position, data = len(_BOM), data.removeprefix(_BOM)
        end = borders.certain(data)
        rest = data[end:]
        position += end
        line += count_lines(data[:end])
        if position - start >= size and end:
            yield ByteRange(start, position, first_line, line - first_line)
            start, first_line = position, line
        if len(rest) > _PATIENCE:
            break
    total = position + len(rest)
    while more := stream.read(_CHUNK):
        total += len(more)
    if total > start:
        yield ByteRange(start, total, first_line, line - first_line + count_lines(rest))
