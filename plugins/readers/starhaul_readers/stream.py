"""`streamreader`: rows made on the spot, constant or random. For tests, demonstrations and benchmarks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from starhaul import Capability, ConfigError, Formats, Params, Reader, Split, Task, cast, parse_type

BATCH_BYTES = 2 << 20
"""A batch has about this size, unless `batchRows` says otherwise."""
BATCH_ROWS = 1 << 16
LARGEST_BATCH = 1 << 30
"""No batch is larger than this, whatever `batchRows` says: 32-bit offsets reach 2 GiB."""

_DATE = pa.timestamp("ms")
_DATE_AND_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_LETTERS_AND_DIGITS = (b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" * 5)[:256]


class StreamColumn(Params):
    """One column: a constant `value`, or `random` values."""

    name: str = Field(default="", max_length=1000)
    """Name of the column; `c0`, `c1` … by position if empty."""

    type: str = "string"
    """DataX's STRING, LONG, DOUBLE, BOOL, DATE (date and time to the millisecond) or BYTES, in any case; or any
    other type, such as `int32`, `decimal(15,2)`, `date32`, `timestamp(us, UTC)`, `json`."""

    value: str | bool | int | float | None = None
    """The value of every row. Text stands for itself, or for a value of the type. `null` makes every row null."""

    random: str = ""
    """Two numbers or times, `from,to`, both included. The bounds of the values for LONG, DOUBLE, DATE and the other
    numeric and temporal types; of the length in letters and digits for STRING and BYTES; for BOOL the ratio of false
    to true (equal numbers: one to one). Not used if there is a `value` too, unless that is empty."""

    date_format: str | None = None
    """Java pattern of the times in `value` and `random`; ISO 8601 (`2024-12-31 23:59:59`) if not given."""

    @field_validator("type")
    @classmethod
    def _known_type(cls, text: str) -> str:
        _type(text)
        return text

    @model_validator(mode="after")
    def _value_or_random(self) -> StreamColumn:
        if "value" not in self.model_fields_set and not self.random.strip():
            raise ValueError("a column needs `value` or `random`")
        return self


class StreamReaderParams(Params):
    """Parameters of `streamreader`."""

    column: list[StreamColumn] = Field(min_length=1)
    """The columns of each row, in order."""

    slice_record_count: int | None = Field(default=None, ge=1)
    """Rows per task. There are as many tasks as channels: a job with 5 channels makes five times as many rows."""

    record_count: int | None = Field(default=None, ge=0)
    """Rows in all, however many channels there are. Either this or `sliceRecordCount`."""

    seed: int = 0
    """Equal parameters give equal rows, in every run. Another seed gives other random values."""

    batch_rows: int | None = Field(default=None, ge=1)
    """Rows per batch. If not given, as many as make about 2 MiB, and at most 65,536."""

    @model_validator(mode="after")
    def _one_count(self) -> StreamReaderParams:
        if (self.slice_record_count is None) == (self.record_count is None):
            raise ValueError("give either `sliceRecordCount` (rows per task) or `recordCount` (rows in all)")
        names = self.names()
        if len(set(names)) < len(names):
            raise ValueError("two columns have the same name")
        return self

    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name or f"c{index}" for index, column in enumerate(self.column)]


class StreamReader(Reader[StreamReaderParams]):
    """Makes rows of constant or random values.

    The rows are numbered, and each is a function of the parameters and its number. So a task that is run again yields
    the same rows, and so does any way to cut `recordCount` into splits.

    With `sliceRecordCount`, `split(target)` gives `target` splits of that many rows each, which is what DataX does:
    here `target` is not a hint, it decides how many rows there are.
    """

    name = "streamreader"
    params_type = StreamReaderParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})

    def check(self) -> None:
        """`ConfigError` if a `value` or `random` does not fit its type."""
        self._sources()

    def schema(self) -> pa.Schema:
        return pa.schema(
            [(name, _type(column.type)) for name, column in zip(self.params.names(), self.params.column, strict=True)]
        )

    def split(self, target: int) -> Sequence[Split]:
        target = max(target, 1)
        if self.params.slice_record_count is not None:
            count = self.params.slice_record_count
            bounds = [count * index for index in range(target + 1)]
        else:
            count = self.params.record_count or 0
            slices = min(target, max(count, 1))
            bounds = [count * index // slices for index in range(slices + 1)]
        return [
            Split(f"rows@{first}-{end}", {"first": first, "end": end}, rows=end - first)
            for first, end in pairwise(bounds)
        ]

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        first, end = int(split.args["first"]), int(split.args["end"])
        schema, sources = self.schema(), self._sources()
        rows = self._rows_per_block(sources)
        ready: pa.RecordBatch | None = None
        for block in range(first // rows, -(-end // rows)):
            if ready is None or any(source.varies for source in sources):
                arrays = [source.make(rows, block) for source in sources]
                ready = pa.RecordBatch.from_arrays(arrays, schema=schema)
            start, stop = max(first - block * rows, 0), min(end - block * rows, rows)
            yield ready if stop - start == rows else ready.slice(start, stop - start)

    def _sources(self) -> list[_Source]:
        return [
            _random(column, f"column[{index}].random", f"{self.params.seed}/{index}")
            if column.random.strip() and column.value in (None, "")
            else _constant(column, f"column[{index}].value")
            for index, column in enumerate(self.params.column)
        ]

    def _rows_per_block(self, sources: Sequence[_Source]) -> int:
        """Depends on the parameters alone, as random values are made block by block."""
        row_bytes = max(sum(source.width for source in sources), 1)
        rows = self.params.batch_rows or min(BATCH_BYTES // row_bytes, BATCH_ROWS)
        count = self.params.slice_record_count or self.params.record_count or 1
        return max(min(rows, LARGEST_BATCH // row_bytes, count), 1)


class _Source(NamedTuple):
    """Where the values of one column come from."""

    width: int
    """Bytes per row, at most."""
    varies: bool
    make: Callable[[int, int], pa.Array]
    """(rows, block number) → the values of a block of so many rows."""


def _type(text: str) -> pa.DataType:
    return _DATE if text.strip().lower() == "date" else parse_type(text.strip() or "string")


def _constant(column: StreamColumn, where: str) -> _Source:
    value, target = column.value, _type(column.type)
    plain = _as_it_stands(column, target)
    if value is None or plain is not None:
        scalar = _fitting(lambda: pa.scalar(plain, target), where)
    else:
        scalar = _parsed([value if isinstance(value, str) else json.dumps(value)], target, column, where)[0]
    return _Source(pa.repeat(scalar, 1).nbytes, False, lambda rows, block: pa.repeat(scalar, rows))


def _as_it_stands(column: StreamColumn, target: pa.DataType) -> object | None:
    """The value, if it is one of the type without the hub's conversions, which take as long to import as pyarrow."""
    value = column.value
    if value is None:
        return None
    if pa.types.is_string(target) or pa.types.is_binary(target):
        return value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, bool):
        return value if pa.types.is_boolean(target) else None
    if isinstance(value, int):
        return value if pa.types.is_integer(target) else None
    if isinstance(value, float):
        return value if target == pa.float64() else None
    if target == _DATE and not column.date_format and _DATE_AND_TIME.fullmatch(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return None


def _random(column: StreamColumn, where: str, key: str) -> _Source:
    target, types = _type(column.type), pa.types
    if types.is_boolean(target):
        no, yes = _whole_bounds(column, pa.int64(), where, least=0, ordered=False)
        if no == yes:
            no = yes = 1
        return _Source(1, True, lambda rows, block: _booleans(f"{key}/{block}", rows, no, yes))
    if types.is_string(target) or types.is_binary(target):
        low, high = _whole_bounds(column, pa.int32(), where, least=0)
        return _Source(high + 4, True, lambda rows, block: _texts(f"{key}/{block}", rows, low, high, target))
    if target == pa.float64():
        least, most = _ordered(where, *_bounds(column, target, where).to_pylist())
        return _Source(8, True, lambda rows, block: _floats(f"{key}/{block}", rows, least, most))
    if types.is_integer(target) or types.is_temporal(target) or _is_short_decimal(target):
        low, high = _whole_bounds(column, target, where)
        width = target.bit_width // 8
        return _Source(width, True, lambda rows, block: _numbers(f"{key}/{block}", rows, low, high, target))
    raise ConfigError(where, f"there are no random values of type {target}", "use a `value`, or another type")


def _is_short_decimal(target: pa.DataType) -> bool:
    return bool(pa.types.is_decimal128(target)) and target.precision <= 18


def _parsed(texts: list[str], target: pa.DataType, column: StreamColumn, where: str) -> pa.Array:
    pattern = column.date_format or None
    formats = Formats(datetime=pattern, date=pattern, time=pattern)
    converted = _fitting(lambda: cast(pa.array(texts, pa.string()), target, formats), where)
    for row, bad in enumerate(converted.bad.to_pylist() if converted.bad is not None else ()):
        if bad:
            raise ConfigError(where, converted.explain(row), "change the value, `type` or `dateFormat`")
    return converted.values


def _fitting(make: Callable[[], Any], where: str) -> Any:
    try:
        return make()
    except (pa.ArrowException, ConfigError, ValueError, OverflowError) as error:
        raise ConfigError(where, str(error), "change the value or `type`") from error


def _bounds(column: StreamColumn, target: pa.DataType, where: str) -> pa.Array:
    parts = [part.strip() for part in column.random.split(",")]
    if len(parts) != 2:
        raise ConfigError(where, f"{column.random!r} is not two values", "write `from,to`")
    return _parsed(parts, target, column, where)


def _whole_bounds(
    column: StreamColumn, target: pa.DataType, where: str, *, least: int | None = None, ordered: bool = True
) -> tuple[int, int]:
    """Both bounds, as the integers that Arrow stores for values of the type."""
    values = _bounds(column, target, where)
    if pa.types.is_decimal(target):
        low, high = (int(value.scaleb(target.scale)) for value in values.to_pylist())
    elif pa.types.is_temporal(target):
        low, high = values.view(_storage(target)).to_pylist()
    else:
        low, high = values.to_pylist()
    if least is not None and min(low, high) < least:
        raise ConfigError(where, f"{min(low, high)} is less than {least}")
    return _ordered(where, low, high) if ordered else (low, high)


def _ordered(where: str, low: Any, high: Any) -> tuple[Any, Any]:
    if not (low <= high and high - low < float("inf")):
        raise ConfigError(where, f"{low} to {high} is no range of finite numbers", "put the smaller number first")
    return low, high


def _storage(target: pa.DataType) -> pa.DataType:
    return pa.int32() if target.bit_width == 32 else pa.int64()


def _words(key: str, count: int) -> pa.Array:
    """Uniform 64-bit words that depend on the key alone: the output of SHAKE-128 (FIPS 202)."""
    return pa.Array.from_buffers(pa.uint64(), count, [None, pa.py_buffer(_bytes(key, count * 8))])


def _bytes(key: str, count: int) -> bytes:
    from hashlib import shake_128

    return shake_128(key.encode()).digest(count)


def _whole(key: str, count: int, low: int, high: int) -> pa.Array:
    """Uniform integers from `low` to `high`, modulo 2**64, as uint64. The remainder's bias is below span / 2**64."""
    import pyarrow.compute as pc

    words, span = _words(key, count), high - low + 1
    if span < 1 << 64:
        divisor = pa.scalar(span, pa.uint64())
        words = pc.subtract(words, pc.multiply(pc.divide(words, divisor), divisor))
    return pc.add(words, pa.scalar(low % (1 << 64), pa.uint64()))


def _numbers(key: str, count: int, low: int, high: int, target: pa.DataType) -> pa.Array:
    values = _whole(key, count, low, high)
    if target == pa.uint64():
        return values
    values = values.view(pa.int64())
    if pa.types.is_decimal(target):
        wide = values.cast(pa.decimal128(38, 0))
        return pa.Array.from_buffers(target, count, [None, wide.buffers()[1]])
    return values.cast(target) if pa.types.is_integer(target) else values.cast(_storage(target)).view(target)


def _floats(key: str, count: int, low: float, high: float) -> pa.Array:
    """Uniform multiples of 2**-53 of the range."""
    import pyarrow.compute as pc

    units = pc.shift_right(_words(key, count), pa.scalar(11, pa.uint64())).cast(pa.float64())
    values = pc.add(pc.multiply(pc.multiply(units, 2.0**-53), high - low), low)
    return pc.min_element_wise(values, high)  # rounding may exceed it by one unit in the last place


def _booleans(key: str, count: int, no: int, yes: int) -> pa.Array:
    import pyarrow.compute as pc

    return pc.greater_equal(_whole(key, count, 0, no + yes - 1), pa.scalar(no, pa.uint64()))


def _texts(key: str, count: int, low: int, high: int, target: pa.DataType) -> pa.Array:
    import pyarrow.compute as pc

    ends = pc.cumulative_sum(_whole(f"{key}/length", count, low, high).cast(pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    letters = _bytes(key, offsets[-1].as_py()).translate(_LETTERS_AND_DIGITS)
    return pa.Array.from_buffers(target, count, [None, offsets.buffers()[1], pa.py_buffer(letters)])
