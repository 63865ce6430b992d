"""ORC, read by stripes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pyarrow as pa

from starhaul import PermanentError, Task
from starhaul_stores.files.formats.calendars import of_orc
from starhaul_stores.files.formats.distant import stripe
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Selection
from starhaul_stores.files.formats.matching import damage_told, plain, raw_row, rows_at_once, sound, taken
from starhaul_stores.files.formats.orc_tail import largest_stripe
from starhaul_stores.files.places.source import Source

_LARGE = 16 << 20


class OrcInput(InputFormat):
    """By `pyarrow.orc`, a stripe at a time. Timestamps are in microseconds unless the job says `timestamp(ns)`."""

    def fields(self, source: Source) -> pa.Schema | None:
        if not source.file.size:
            return None
        with source.random() as native, damage_told(source.name, "ORC"):
            schema = plain(_opened(native).schema)
        # Hive leaves files without rows that have no columns, either.
        return pa.schema([_as_microseconds(field) for field in schema]) if len(schema) else None

    def note(self, source: Source) -> str:
        with source.random() as native, damage_told(source.name, "ORC"):
            size = largest_stripe(_opened(native).reader.serialized_file_tail())
        if size < _LARGE:
            return ""
        stripes = f"{source.name} has stripes of {size >> 20} MiB"
        return f"{stripes}: each task holds one, unpacked, with the columns that are read"

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        with source.random() as native, damage_told(source.name, "ORC"):
            file = _opened(native)
            stripes, rows = file.nstripes, file.nrows
        if not stripes:
            return
        parts = 1 if not source.ranged else min(stripes, max(1, round(source.file.size / size)))
        for part in range(parts):
            start, end = stripes * part // parts, stripes * (part + 1) // parts
            name = "" if parts == 1 else f"#{start}-{end}"
            share = (end - start) / stripes
            yield Cut(name, {"stripes": [start, end]}, round(rows * share), round(source.file.size * share))

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        start, end = cut["stripes"]
        with source.random() as native, damage_told(source.name, "ORC"):
            file = _opened(native)
            there = file.schema.names
            places = taken(there, selection, source.name, missing_as_null=self.params.missing_as_null)
            columns = [there[place] for place in places if place is not None]
            whole = start == 0 and end == file.nstripes
            calendar = of_orc(file, self.params.calendar)
            seen = 0
            for number in range(start, end):
                read = stripe(file, native, number, columns or there[:1], source.name)
                at_once = rows_at_once(read.num_rows, read.nbytes)
                for first in range(0, read.num_rows, at_once):
                    batch = calendar.mended(_copied(read.slice(first, at_once)), source.name)
                    arrays = [
                        pa.nulls(batch.num_rows) if place is None else batch.column(there[place]) for place in places
                    ]
                    arrays, broken = sound(arrays, selection)
                    name = source.name if whole else f"{source.name}#stripe {number}"
                    raw = partial(raw_row, batch, name, seen if whole else first)
                    yield Block(batch.num_rows, arrays, raw, broken)
                    seen += batch.num_rows
                del read
            if whole and seen != file.nrows:
                raise PermanentError(source.name, f"holds {seen} rows instead of {file.nrows}")


def _as_microseconds(field: pa.Field) -> pa.Field:
    """ORC's timestamps have nanoseconds and any year; more files hold the year 9999 than nanoseconds."""
    kind = field.type
    return field.with_type(pa.timestamp("us", kind.tz)) if pa.types.is_timestamp(kind) else field


def _copied(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows without the rest of the stripe, which would else stay in memory as long as one block is on its way."""
    return pa.ipc.read_record_batch(batch.serialize(), batch.schema)


def _opened(native: Any) -> Any:
    import pyarrow.orc

    return pyarrow.orc.ORCFile(native)
