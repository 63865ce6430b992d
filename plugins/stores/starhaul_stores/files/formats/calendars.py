"""Days before 1582-10-15 in files of makers that count them by the Julian calendar, as the classes of old Java do.

There the same number of days since 1970 is another date than by today's calendar. Who made a file, and which calendar
it meant, stands in the file: Hive's word is in its `DataWritableWriteSupport` and `AvroSerDe`, Spark's in
`DataSourceUtils`, ORC's in its specification (`calendar` in the footer).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import pyarrow as pa

from starhaul import PermanentError
from starhaul_stores.files.formats.orc_tail import is_proleptic

_GREGORIAN = -141427
"""1582-10-15 in days since 1970, the first day that both calendars call the same."""
_SECONDS = 86_400
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6}
_ROOT = re.compile(r"group (?:field_id=-?\d+ )?(?P<name>\S+) \{")
_JAVAS = re.compile(r"parquet-mr version (\d+)\.(\d+)")
_OF_HIVE_3 = (1, 10)
"""Version of Parquet's library from which on Hive counts as it likes: 3.1 by today's calendar without telling."""
_HIVES = b"writer.date.proleptic"
_SPARK = b"org.apache.spark."
_UTC = (b"UTC", b"Z", b"Etc/UTC", b"GMT", b"Etc/GMT")


class Rule(Enum):
    """What becomes of values from before 1582-10-15."""

    KEPT = auto()
    """They count by today's calendar."""
    MENDED = auto()
    """They count by the Julian one, and become what today's calls by the same year, month and day."""
    REFUSED = auto()
    """They count by the Julian one in a zone that nobody knows."""
    UNTOLD = auto()
    """Their maker counted by either, depending on its version."""


@dataclass(frozen=True)
class Calendar:
    """By which calendar a file counts."""

    dates: Rule = Rule.KEPT
    times: Rule = Rule.KEPT
    """Timestamps without a zone."""
    instants: Rule = Rule.KEPT
    """Timestamps with one."""

    def mended(self, batch: pa.RecordBatch, name: str, done: Collection[str] = ()) -> pa.RecordBatch:
        """The rows by today's calendar, except for the columns that are `done`. `PermanentError` (`name` is the
        file's) if that cannot be told."""
        if self == TODAYS:
            return batch
        for place, field in enumerate(batch.schema):
            values = batch.column(place)
            if field.name not in done and (mended := self.column(values, field.name, name)) is not values:
                batch = batch.set_column(place, field, mended)
        return batch

    def column(self, values: pa.Array, column: str, name: str) -> pa.Array:
        """The same for one column; the array itself if nothing is to be mended."""
        if not pa.types.is_nested(values.type):
            if not self._is_old(values):
                return values
            if self._rule(values.type) is Rule.MENDED:
                return _mended(values)
        elif not any(map(self._is_old, _leaves(values))):
            return values
        problem = f"column {column!r} holds days before 1582-10-15"
        if Rule.UNTOLD in (self.dates, self.times, self.instants):
            hint = "say it by `calendar` (`julian`: Hive 2, Spark 2; `gregorian`: Hive 3.1), or let Hive read it"
            raise PermanentError(name, f"{problem}, and the file does not tell by which calendar", hint)
        why = "in values that are nested" if pa.types.is_nested(values.type) else "in a time zone that is not told"
        hint = "leave the column out, or write the file anew by today's (proleptic Gregorian) calendar"
        raise PermanentError(name, f"{problem} by the Julian calendar, {why}", hint)

    def _rule(self, kind: pa.DataType) -> Rule:
        if pa.types.is_date32(kind):
            return self.dates
        if pa.types.is_timestamp(kind) and kind.unit in _TICKS:  # nanoseconds begin in 1677
            return self.times if kind.tz is None else self.instants
        return Rule.KEPT

    def _is_old(self, values: pa.Array) -> bool:
        """Whether there is a value that does not stay as it is."""
        import pyarrow.compute as pc

        if self._rule(values.type) is Rule.KEPT:
            return False
        first = pc.min(values.view(_integer(values.type))).as_py()
        return first is not None and first < _GREGORIAN * _in_a_day(values.type)


TODAYS = Calendar()
"""Of makers that count all days by today's calendar, as Arrow does."""


def of_parquet(file: Any, otherwise: str | None) -> tuple[Calendar, Calendar]:
    """By which calendar a Parquet file (`pyarrow.parquet.ParquetFile`) counts: its INT96, and everything else.
    `otherwise` is what the job says of files that do not tell: `julian`, `gregorian`.

    Without a word of its own it is Hive's or Spark's of old if its schema is called so. Hive's INT96 are Julian days of
    the Julian calendar, whatever the word, and its other timestamps count by today's.
    """
    metadata: Mapping[bytes, bytes] = file.metadata.metadata or {}
    maker = _JAVAS.match(file.metadata.created_by or "")
    root = _ROOT.search(str(file.schema)) if maker else None
    schema = root["name"] if root else ""
    hive = metadata.get(_HIVES)
    if hive is not None:
        return Calendar(times=Rule.MENDED) if schema == "hive_schema" else TODAYS, Calendar(dates=_hives(hive))
    if maker and schema == "hive_schema":
        rule = Rule.MENDED if (int(maker[1]), int(maker[2])) < _OF_HIVE_3 else _unsaid(otherwise)
        return Calendar(times=rule), Calendar(dates=rule)
    if _SPARK + b"version" not in metadata:
        return (_SPARKS, _SPARKS) if schema == "spark_schema" else (TODAYS, TODAYS)
    old_int96 = _spark_version(metadata) < (3, 1) or _SPARK + b"legacyINT96" in metadata
    return _SPARKS if old_int96 else TODAYS, _sparks(metadata)


def of_orc(file: Any, otherwise: str | None) -> Calendar:
    """By which calendar an ORC file (`pyarrow.orc.ORCFile`) counts. Its timestamps are times in the writer's zone.
    `otherwise` as in `of_parquet`."""
    proleptic = is_proleptic(file.reader.serialized_file_tail())
    rule = _unsaid(otherwise) if proleptic is None else Rule.KEPT if proleptic else Rule.MENDED
    return Calendar(dates=rule, times=rule, instants=Rule.REFUSED if rule is Rule.MENDED else rule)


def of_avro(metadata: Mapping[str, bytes]) -> Calendar:
    """By which calendar an Avro file counts, by the metadata in its header."""
    if (hive := metadata.get("writer.proleptic")) is not None:
        utc = metadata.get("writer.time.zone") in _UTC
        dates = _hives(hive)
        return Calendar(dates=dates, instants=Rule.REFUSED if dates is Rule.MENDED and not utc else dates)
    return _sparks({key.encode(): value for key, value in metadata.items()})


_SPARKS = Calendar(Rule.MENDED, Rule.REFUSED, Rule.REFUSED)
"""Spark's of old: its timestamps are instants, and were counted in the session's zone."""


def _unsaid(otherwise: str | None) -> Rule:
    return Rule.UNTOLD if otherwise is None else Rule.MENDED if otherwise == "julian" else Rule.KEPT


def _hives(proleptic: bytes | None) -> Rule:
    return Rule.KEPT if proleptic == b"true" else Rule.MENDED


def _sparks(metadata: Mapping[bytes, bytes]) -> Calendar:
    """As Spark itself tells (`DataSourceUtils.datetimeRebaseSpec`)."""
    if _SPARK + b"version" not in metadata:
        return TODAYS
    return _SPARKS if _spark_version(metadata) < (3,) or _SPARK + b"legacyDateTime" in metadata else TODAYS


def _spark_version(metadata: Mapping[bytes, bytes]) -> tuple[int, ...]:
    return tuple(map(int, re.findall(rb"\d+", metadata[_SPARK + b"version"])[:2]))


def _integer(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(kind) else pa.int64()


def _in_a_day(kind: pa.DataType) -> int:
    return 1 if pa.types.is_date32(kind) else _SECONDS * _TICKS[kind.unit]


def _mended(values: pa.Array) -> pa.Array:
    """Each value that there is, once."""
    ticks = values.view(_integer(values.type))
    encoded = ticks.dictionary_encode()
    day = _in_a_day(values.type)
    mended = [each + (_shift(each // day) * day if each // day < _GREGORIAN else 0) for each in
              encoded.dictionary.to_pylist()]  # fmt: skip
    return pa.array(mended, ticks.type).take(encoded.indices).view(values.type)


def _shift(day: int) -> int:
    """How many days a day of the Julian calendar is from that of today's with the same year, month and number.
    29 February of the years 1500, 1400 and so on, which today's has not, becomes 1 March, as Hive and Spark show it."""
    year = (4 * (day + 719_470) + 3) // 1461  # which begins in March, so that a leap day is its last
    century = year // 100
    return century // 4 - century + 2


def _leaves(values: pa.Array) -> Iterator[pa.Array]:
    """The arrays in which the values of a nested one are, some more values perhaps among them."""
    kind = values.type
    if pa.types.is_struct(kind):
        parts = values.flatten()
    elif pa.types.is_map(kind):
        parts = [values.keys, values.items]
    elif pa.types.is_nested(kind) and hasattr(values, "values"):
        parts = [values.values]
    else:
        parts = []
        yield values
    for part in parts:
        yield from _leaves(part)
