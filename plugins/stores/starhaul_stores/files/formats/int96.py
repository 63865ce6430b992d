"""Parquet's oldest timestamps, INT96: a day and nanoseconds, which Arrow's 64 bits hold only in part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from starhaul import PermanentError
from starhaul_stores.files.formats.calendars import Calendar

_DISTANT = 2**63 // 1000
"""Microseconds from 1970 beyond which there are no nanoseconds."""
_HIVE_ZONE = b"writer.time.zone"
"""Key of a file's metadata by which Hive says in which zone it wrote; it then reads instants as times there."""


ZoneOf = Callable[[str | None, str, str], str | None]


def int96_of(file: Any, columns: Sequence[str]) -> list[str]:
    """Those of a `ParquetFile`'s columns that are INT96, or hold it."""
    paths = [(file.schema.column(n).path, file.schema.column(n).physical_type) for n in range(len(file.schema))]
    found = {path for path, physical in paths if physical == "INT96"}
    found |= {path.partition(".")[0] for path in found}
    return [column for column in columns if column in found]


def zone_and_writer(file: Any) -> tuple[str | None, str]:
    """The zone that a `ParquetFile` says it was written in, if it does, and the program that wrote it."""
    metadata = file.metadata.metadata or {}
    return metadata.get(_HIVE_ZONE, b"").decode() or None, file.metadata.created_by or ""


class Int96Reader:
    """Mends the INT96 columns of one row group's batches.

    Arrow reads them in microseconds, and drops the nanoseconds below, or in nanoseconds, and wraps around outside the
    years 1677 to 2262. Read both ways, every value is known: microseconds where that is exact, nanoseconds where there
    are any. A batch that has both, nanoseconds and distant years, is refused.
    """

    def __init__(
        self,
        file: Any,
        native: Any,
        group: int,
        columns: Sequence[str],
        rows: int,
        zone: ZoneOf,
        calendar: Calendar,
        name: str,
    ) -> None:
        """`rows` is how many each batch has; `zone` tells the zone by the one that the file names, the program that
        wrote it, and `name`; `calendar` is the file's."""
        self._name = name
        self.columns = int96_of(file, columns)
        """Those with INT96 in them."""
        self._calendar = calendar
        self._zone = None
        self._nanoseconds: Iterator[pa.RecordBatch] = iter(())
        if self.columns:
            self._zone = zone(*zone_and_writer(file), name)
            import pyarrow.parquet

            again = pyarrow.parquet.ParquetFile(native, metadata=file.metadata, coerce_int96_timestamp_unit="ns")
            self._nanoseconds = again.iter_batches(rows, [group], self.columns, use_threads=False)

    def mended(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with exact values in its INT96 columns."""
        if not self.columns:
            return batch
        fine = next(self._nanoseconds)
        for column in self.columns:
            exact = self._calendar.column(self._exact(batch.column(column), fine.column(column)), column, self._name)
            batch = batch.set_column(batch.schema.get_field_index(column), column, self._local(exact))
        return batch

    def _exact(self, micros: pa.Array, nanos: pa.Array) -> pa.Array:
        import pyarrow.compute as pc

        if not pa.types.is_timestamp(micros.type):
            if not _same(micros, nanos):
                raise PermanentError(self._name, "INT96 below another type holds nanoseconds or distant years")
            return micros
        whole = pc.multiply(micros.cast(pa.int64()), 1000)  # wraps around as the nanoseconds do
        rest = pc.subtract(nanos.cast(pa.int64()), whole)
        if not pc.any(pc.not_equal(rest, 0)).as_py():
            return micros
        if not pc.all(pc.less(pc.abs(micros.cast(pa.int64())), _DISTANT)).as_py():
            raise PermanentError(self._name, "INT96 holds both nanoseconds and years that Arrow has none for")
        return nanos

    def _local(self, values: pa.Array) -> pa.Array:
        """The instants as times of day in the writer's zone, if it is known."""
        if self._zone is None or not pa.types.is_timestamp(values.type):
            return values
        import pyarrow.compute as pc

        unit = values.type.unit
        return pc.local_timestamp(values.cast(pa.timestamp(unit, "UTC")).cast(pa.timestamp(unit, self._zone)))


def _same(values: pa.Array, others: pa.Array) -> bool:
    try:
        return bool(values.cast(others.type).equals(others))
    except pa.ArrowInvalid:
        return False
