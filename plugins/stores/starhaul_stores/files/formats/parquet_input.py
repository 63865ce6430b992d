"""Parquet, read by row groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from starhaul import PermanentError, Task
from starhaul_stores.files.formats.calendars import of_parquet
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Selection
from starhaul_stores.files.formats.int96 import Int96Reader
from starhaul_stores.files.formats.intervals import intervals_of, mended, with_texts
from starhaul_stores.files.formats.matching import damage_told, plain, raw_row, rows_at_once, sound, taken
from starhaul_stores.files.formats.parquet_claims import claimed, expect_claimed
from starhaul_stores.files.places.source import Source

_READ_AT_ONCE = 48 << 20
"""Bytes of a row group that are fetched together; a larger one is read piece by piece, column beside column."""


class ParquetInput(InputFormat):
    """By `pyarrow.parquet`. Checksums of pages are checked where there are any."""

    def fields(self, source: Source) -> pa.Schema | None:
        if not source.file.size:
            return None
        with source.random() as native, damage_told(source, "Parquet"):
            file = _opened(native)
            own, nodes = with_texts(plain(file.schema_arrow), intervals_of(file)), self.params.parquet_nodes()
            if nodes:
                self._expect_claimed(file, source.name)
                own = claimed(own, nodes)
        return own

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        with source.random() as native, damage_told(source, "Parquet"):
            metadata = _opened(native).metadata
            groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        sizes = [_size(group) for group in groups]
        start = 0
        while start < len(groups):
            end = start + 1
            while end < len(groups) and (sum(sizes[start:end]) < size or not source.ranged):
                end += 1
            rows = sum(group.num_rows for group in groups[start:end])
            whole = start == 0 and end == len(groups)
            name = "" if whole else f"#{start}-{end}"
            yield Cut(name, {"groups": [start, end]}, rows, sum(sizes[start:end]))
            start = end

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        start, end = cut["groups"]
        with source.random() as native, damage_told(source, "Parquet"):
            file = _opened(native)
            metadata = file.metadata
            self._expect_claimed(file, source.name)
            first = sum(metadata.row_group(number).num_rows for number in range(start))
            for number in range(start, end):
                yield from self._group(native, metadata, number, first, selection, source.name)
                first += metadata.row_group(number).num_rows

    def _expect_claimed(self, file: Any, name: str) -> None:
        expect_claimed(file, self.params.parquet_nodes(), name, missing_as_null=self.params.null_if_missing())

    def _group(
        self, native: Any, metadata: Any, number: int, first: int, selection: Selection, name: str
    ) -> Iterator[Block]:
        """The rows of one row group; all that its metadata says it has."""
        group = metadata.row_group(number)
        once = _size(group) <= _READ_AT_ONCE
        file = _opened(native, metadata=metadata, buffer_size=0 if once else 1 << 20, pre_buffer=once)
        there = file.schema_arrow.names
        places = taken(there, selection, name, missing_as_null=self.params.null_if_missing())
        columns = [there[place] for place in places if place is not None]
        at_once = rows_at_once(group.num_rows, sum(_in_memory(group, there, columns)))
        of_int96, calendar = of_parquet(file, self.params.calendar)
        intervals = intervals_of(file)
        int96 = Int96Reader(file, native, number, columns, at_once, self.params.zone_of_int96, of_int96, name)
        seen = 0
        for batch in file.iter_batches(at_once, [number], columns, use_threads=False):
            batch = mended(calendar.mended(int96.mended(batch), name, int96.columns), intervals)
            arrays, broken = sound(_arrays(batch, there, places), selection)
            yield Block(batch.num_rows, arrays, partial(raw_row, batch, name, first + seen), broken)
            seen += batch.num_rows
        if seen != group.num_rows:
            raise PermanentError(name, f"row group {number} holds {seen} rows instead of {group.num_rows}")


def _opened(native: Any, **options: Any) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(
        native,
        coerce_int96_timestamp_unit="us",  # nanoseconds would wrap around silently before 1677 and after 2262
        page_checksum_verification=True,
        **options,
    )


def _size(group: Any) -> int:
    return sum(group.column(number).total_compressed_size for number in range(group.num_columns))


def _in_memory(group: Any, there: Sequence[str], columns: Sequence[str]) -> Iterator[int]:
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.path_in_schema.partition(".")[0] in columns or chunk.path_in_schema in columns:
            yield max(chunk.total_uncompressed_size, 4 * group.num_rows)  # encoded, so that it may be more in memory


def _arrays(batch: pa.RecordBatch, there: Sequence[str], places: Sequence[int | None]) -> list[pa.Array]:
    return [pa.nulls(batch.num_rows) if place is None else batch.column(there[place]) for place in places]
