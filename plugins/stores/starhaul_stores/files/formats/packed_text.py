"""Files of text, packed or not, as streams of UTF-8 that begin at a record border."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from starhaul_stores.files.compression.codecs import bzip2_lines, decompressed, members
from starhaul_stores.files.delimited.borders import Borders
from starhaul_stores.files.delimited.cutting import ByteRange, ranges, sought
from starhaul_stores.files.delimited.dialect import Dialect
from starhaul_stores.files.encodings import Utf8Stream, canonical, cuttable
from starhaul_stores.files.formats.input import Cut, even_cuts
from starhaul_stores.files.places.source import Source
from starhaul_stores.files.read_params import FileReaderParams
from starhaul_stores.files.streams import ByteStream


class PackedText:
    """How files of text are packed, encoded and cut, by the parameters that all formats of text share."""

    def __init__(self, params: FileReaderParams) -> None:
        self._params = params
        self._encoding = canonical(params.encoding)

    def wholes(self, source: Source) -> Iterator[Cut]:
        """A cut for the file, or for each file that is packed in it."""
        codec = self._params.codec(source.file.path)
        args = {"codec": codec, "member": "", "start": 0, "end": None, "line": 1}
        if codec != "zip":
            yield Cut("", args, None, source.file.size)
            return
        with source.seekable() as raw:
            names = members(raw, codec, source.name)
        for name in names:
            yield Cut(f"!{name}", {**args, "member": name}, None, source.file.size)

    def cuts(self, source: Source, size: int, dialect: Dialect) -> Iterator[Cut]:
        """Cuts of about `size` bytes at the dialect's record borders, if the file is in an encoding that can be read
        from the middle and not packed, or packed by bzip2 and no quote or escape hides a line end."""
        total, codec = source.file.size, self._params.codec(source.file.path)
        special = dialect.delimiter + (dialect.quote or "") + (dialect.record_delimiter or "")
        simple = Borders(dialect).every_line_ends
        known = codec == "none" or (codec == "bz2" and simple)
        if not (known and cuttable(self._encoding, special) and source.ranged and total > size):
            yield from self.wholes(source)
            return
        (whole,) = self.wholes(source)
        if codec == "bz2":
            more = {"line_end": dialect.record_delimiter or "\n"}
            for cut in even_cuts(source, size):
                where = {**cut.args, "line": None if cut.args["start"] else 1}
                yield Cut(cut.id, {**whole.args, **where, **more}, None, cut.bytes)
            return
        for part in _sought(source, dialect, size) if simple else _scanned(source, dialect, size):
            where = {"start": part.start, "end": part.end, "line": part.line}
            yield Cut(f"@{part.start}-{part.end}", {**whole.args, **where}, part.lines, part.end - part.start)

    def name(self, source: Source, cut: Mapping[str, Any]) -> str:
        """The file for messages, with the name of what is packed in it, or with the byte from which on lines are
        counted if that is not the first (`data.txt@134217728`)."""
        member = f"!{cut['member']}" if cut["member"] else ""
        return source.name + member + (f"@{cut['start']}" if cut["line"] is None else "")

    @contextmanager
    def opened(self, source: Source, cut: Mapping[str, Any]) -> Iterator[ByteStream]:
        """The text of a cut."""
        start, codec, name = cut["start"], cut["codec"], self.name(source, cut)
        if "line_end" in cut:
            with source.stream(start) as raw:
                lines = bzip2_lines(raw, start, cut["end"], cut["line_end"], name)
                yield Utf8Stream(lines, self._encoding, name, from_start=not start, passed_over=self._for_excel)
            return
        opened: Any = source.seekable() if codec == "zip" else source.stream(start, cut["end"])
        with opened as raw, decompressed(raw, codec, name, cut["member"]) as stream:
            yield Utf8Stream(stream, self._encoding, name, from_start=not start, passed_over=self._for_excel)

    @property
    def _for_excel(self) -> str:
        """The line by which a file tells Excel what stands between its fields."""
        csv = self._params.format_name() == "csv"
        return f"sep={self._params.dialect().delimiter}" if csv else ""


def _sought(source: Source, dialect: Dialect, size: int) -> Iterator[ByteRange]:
    return sought(partial(_bytes, source), source.file.size, dialect, size)


def _scanned(source: Source, dialect: Dialect, size: int) -> Iterator[ByteRange]:
    with source.stream() as raw:
        yield from ranges(raw, source.file.size, dialect, size)


def _bytes(source: Source, start: int, end: int) -> bytes:
    with source.stream(start, end) as raw:
        return raw.readall()
