"""ORC, read by stripes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pyarrow as pa

from starhaul import PermanentError, Task
from starhaul_stores.files.formats.calendars import of_orc
from starhaul_stores.files.formats.distant import batches
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Selection
from starhaul_stores.files.formats.matching import damage_told, plain, raw_row, sound, taken
from starhaul_stores.files.formats.orc_tail import Stripes
from starhaul_stores.files.places.source import Source


class OrcInput(InputFormat):
    """Cut by stripes, each read some rows at a time. Timestamps are in microseconds unless the job says so."""

    def fields(self, source: Source) -> pa.Schema | None:
        if not source.file.size:
            return None
        with source.random() as native, damage_told(source, "ORC"):
            schema = plain(_opened(native).schema)
        # Hive leaves files without rows that have no columns, either.
        return pa.schema([_as_microseconds(field) for field in schema]) if len(schema) else None

    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        with source.random() as native, damage_told(source, "ORC"):
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
        with source.random() as native, damage_told(source, "ORC"):
            file = _opened(native)
            there = file.schema.names
            places = taken(there, selection, source.name, missing_as_null=self.params.missing_as_null)
            columns = [there[place] for place in places if place is not None]
            whole = start == 0 and end == file.nstripes
            calendar = of_orc(file, self.params.calendar)
            stripes = Stripes(file.reader.serialized_file_tail())
            before = 0
            for number in range(start, end):
                name, seen = (source.name if whole else f"{source.name}#stripe {number}"), 0
                for read in batches(file, native, stripes, number, columns or there[:1], source.name):
                    batch = calendar.mended(read, source.name)
                    arrays = [
                        pa.nulls(batch.num_rows) if place is None else batch.column(there[place]) for place in places
                    ]
                    arrays, broken = sound(arrays, selection)
                    raw = partial(raw_row, batch, name, before + seen if whole else seen)
                    yield Block(batch.num_rows, arrays, raw, broken)
                    seen += batch.num_rows
                if seen != (rows := stripes[number].rows):
                    raise PermanentError(source.name, f"stripe {number} holds {seen} rows instead of {rows}")
                before += seen
            if whole and before != file.nrows:
                raise PermanentError(source.name, f"holds {before} rows instead of {file.nrows}")


def _as_microseconds(field: pa.Field) -> pa.Field:
    """ORC's timestamps have nanoseconds and any year; more files hold the year 9999 than nanoseconds."""
    kind = field.type
    return field.with_type(pa.timestamp("us", kind.tz)) if pa.types.is_timestamp(kind) else field


def _opened(native: Any) -> Any:
    import pyarrow.orc

    return pyarrow.orc.ORCFile(native)
