"""Delimited text, read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, PermanentError, Task
from starhaul_stores.files.columns import unique_names
from starhaul_stores.files.delimited.parsing import Layout, Parser, Record, RecordTooLong
from starhaul_stores.files.encodings import shown
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Raw, Selection, raw_texts
from starhaul_stores.files.formats.packed_text import PackedText
from starhaul_stores.files.places.source import Source
from starhaul_stores.files.streams import ByteStream


class DelimitedInput(InputFormat):
    """`csv` and `text`: several files at once, and large ones in ranges of bytes."""

    @property
    def blind(self) -> bool:
        return bool(self.params.columns()) and not self.params.skip_header

    def fields(self, source: Source) -> pa.Schema | None:
        """The fields of the first record; the names are its own with `skipHeader`."""
        header = self._header(source) if source.file.size else []
        if not header:
            return None
        if twice := [name for name in sorted(self._named()) if header.count(name) > 1]:
            raise ConfigError("column", f"the header of {source.name} has {twice[0]!r} twice", "give an `index`")
        names = unique_names(header if self.params.skip_header else [None] * len(header))
        return pa.schema([(name, pa.string()) for name in names])

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        text = PackedText(self.params)
        cuts = [*text.cuts(source, size, self.params.dialect())]
        if self.params.skip_header and len(cuts) > 1 and not self._header_in(source, cuts[0]):
            cuts = [*text.wholes(source)]  # it would be a row of a later cut
        yield from cuts

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        text = PackedText(self.params)
        name = text.name(source, cut)
        parser = self._parser(Layout(selection.used, selection.width, selection.padded))
        has_header = self.params.skip_header and not cut["start"]
        header = partial(self._expect_in_place, selection, name) if has_header else None
        with text.opened(source, cut) as stream:
            try:
                for block in parser.blocks(stream, cut["line"] or 1, header=header):
                    for record, reason in block.bad:
                        task.reject(*_raw(record, name)[:2], reason, at=f"{name}:{record.line}")
                    yield Block(block.rows, block.columns, partial(_raw_of, block.records, name))
            except RecordTooLong as error:
                raise self._too_long(name, error) from error

    def _parser(self, layout: Layout) -> Parser:
        return Parser(self.params.dialect(), layout, self.params.block_size, self.params.max_record_size)

    def _header(self, source: Source) -> Sequence[str | None]:
        """The fields of the first record; none if there is none."""
        found = (self._header_in(source, cut) for cut in PackedText(self.params).wholes(source))
        return next((header for header in found if header), [])

    def _header_in(self, source: Source, cut: Cut) -> Sequence[str | None]:
        with PackedText(self.params).opened(source, cut.args) as stream:
            return self._first_record(self._parser(Layout((), None)), stream, source.name)

    def _first_record(self, parser: Parser, stream: ByteStream, name: str) -> list[str | None]:
        try:
            header = parser.header(stream)
            "".join(each or "" for each in header).encode()
        except RecordTooLong as error:
            raise self._too_long(name, error) from error
        except ValueError as error:
            message = f"the first record of {name} is not text in {self.params.encoding}"
            raise ConfigError("encoding", message) from error
        return header

    def _expect_in_place(self, selection: Selection, name: str, header: Sequence[str | None]) -> None:
        """Raise `PermanentError` if a file's header has other names than the first one's where columns are named, or
        the same names in other places where all are read."""
        there = unique_names(header)
        named, every = self._named(), not self.params.columns()
        for place, wanted in zip(selection.used, selection.names, strict=True):
            found = there[place] if place < len(there) else ""
            if found != wanted and (wanted in named or (every and wanted in there)):
                raise PermanentError(
                    name,
                    f"its header has {found!r} where the first file's has {wanted!r}",
                    "name the columns by `index` if all files have them in the same order",
                )

    def _named(self) -> set[str]:
        """The columns that the job finds by their names."""
        columns = self.params.columns() if self.params.skip_header else []
        return {each.name for each in columns if each.index is None and "value" not in each.model_fields_set}

    def _too_long(self, name: str, error: RecordTooLong) -> PermanentError:
        return PermanentError(
            f"{name}:{error.line}",
            f"a record is longer than {self.params.max_record_size} bytes",
            "is a quote not closed? `csvReaderConfig.useTextQualifier`: false reads quotes as characters; "
            "`maxRecordSize` allows longer records",
        )


def _raw_of(records: Callable[[], Sequence[Record]], name: str, row: int) -> Raw:
    return _raw(records()[row], name)


def _raw(record: Record, name: str) -> Raw:
    return Raw(raw_texts({"row": shown(record.text)}), 0, f"{name}:{record.line}")
