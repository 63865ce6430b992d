"""Adapters for stores that hand out or take one row at a time. Turning rows into Arrow and back is done here, once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

import pyarrow as pa

from starhaul.api.errors import PluginError
from starhaul.api.reader import P, Reader
from starhaul.api.task import Receipt, Split, Task
from starhaul.api.writer import Writer

Row: TypeAlias = Mapping[str, Any]
"""One row: column name → Python value, as `pyarrow` converts it (`int`, `Decimal`, `datetime`, `bytes`, None …)."""

ROWS_PER_BATCH = 4096
BYTES_PER_BATCH = 2 << 20
_FIRST_BATCH = 64  # nothing is known yet about the size of a row

_MISFIT = (pa.ArrowException, TypeError, ValueError, OverflowError)


class RowReader(Reader[P]):
    """A `Reader` that yields rows. Subclasses write `schema` and `rows`."""

    @abstractmethod
    def rows(self, split: Split, task: Task) -> Iterator[Row]:
        """Yield the rows of one split; missing keys are null. Must be a generator (see `Reader.read`)."""

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        """Batches of the rows, of about 2 MiB and 4096 rows at most.

        A row that does not fit the schema is rejected: it has a key that is no column, null where a column takes
        none, or a value that its column cannot hold as it is (1.5 as `int64`, a datetime with a zone as a
        timestamp without). Only `float32` and `float16` round what they are given.
        """
        schema = self.schema()
        _require_unique_names(schema, f"reader {self.name}")
        rows = self.rows(split, task)
        size = _FIRST_BATCH
        try:
            upcoming = iter(rows)
            while chunk := list(islice(upcoming, size)):
                batch = _batch(chunk, schema, task)
                size = min(ROWS_PER_BATCH, 4 * size, max(1, BYTES_PER_BATCH * len(chunk) // max(1, batch.nbytes)))
                del chunk
                yield batch
        finally:
            close = getattr(rows, "close", None)
            if close is not None:
                close()


class RowWriter(Writer[P]):
    """A `Writer` that takes rows. Subclasses write `accept` and `write_rows`."""

    @abstractmethod
    def write_rows(self, task: Task, rows: Iterable[Row]) -> Receipt:
        """Write one task's rows and say what the target acknowledged; everything said of `Writer.write` holds.

        A row that the target refuses goes to `reject_row`. A row with a value that Python has no object for
        (nanoseconds, the year 10000) is rejected before it gets here: let `accept` ask for microseconds.
        """

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        """Feed `write_rows` with the rows of the batches, one by one."""
        _require_unique_names(task.schema, f"writer {self.name}")
        return self.write_rows(task, (row for batch in batches for row in _rows(batch, task)))


def reject_row(task: Task, row: Row, reason: str, *, at: str = "") -> None:
    """`task.reject` for one row of a `RowWriter`."""
    values = [row.get(name) for name in task.schema.names]
    try:
        columns = [pa.array([value], field.type) for value, field in zip(values, task.schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(columns, schema=task.schema)
    except _MISFIT:  # the writer changed the row on its way
        batch = _as_text(row)
    task.reject(batch, 0, reason, at=at)


def _rows(batch: pa.RecordBatch, task: Task) -> Iterable[Row]:
    try:
        return batch.to_pylist()
    except (ValueError, OverflowError):
        return _representable_rows(batch, task)


def _representable_rows(batch: pa.RecordBatch, task: Task) -> Iterator[Row]:
    """The rows that Python can represent, one at a time; the others are rejected."""
    for number in range(batch.num_rows):
        try:
            row = batch.slice(number, 1).to_pylist()[0]
        except (ValueError, OverflowError) as error:
            task.reject(batch, number, f"Python has no object for a value: {error}")
        else:
            yield row


def _batch(rows: Sequence[Row], schema: pa.Schema, task: Task) -> pa.RecordBatch:
    """The rows that fit `schema`; the others are rejected with their values as text."""
    names = frozenset(schema.names)
    bad = {
        number: f"there is no column {', '.join(repr(key) for key in row if key not in names)}"
        for number, row in enumerate(rows)
        if not row.keys() <= names
    }
    columns = []
    for field in schema:
        column, misfits = _column([row.get(field.name) for row in rows], field)
        columns.append(column)
        bad = misfits | bad
    if bad:
        for number in sorted(bad):
            task.reject(_as_text(rows[number]), 0, f"does not fit the schema: {bad[number]}")
        good = [row for number, row in enumerate(rows) if number not in bad]
        columns = [pa.array([row.get(field.name) for row in good], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(values: list[Any], field: pa.Field) -> tuple[pa.Array | None, dict[int, str]]:
    """The values as an array, and the reason for each that does not fit. Arrow cuts fractions, zones and overflows
    without a word, so what it made is held against what was given."""
    try:
        array = pa.array(values, field.type)
        if array.to_pylist() == values and (field.nullable or not array.null_count):
            return array, {}
    except _MISFIT:
        array = None
    misfits = ((number, _misfit(value, field)) for number, value in enumerate(values))
    return array, {number: reason for number, reason in misfits if reason}


def _misfit(value: Any, field: pa.Field) -> str:
    """Why a value does not fit its column; empty if it does."""
    if value is None:
        return "" if field.nullable else f"{field.name!r} is null, but the column takes none"
    try:
        held = pa.array([value], field.type).to_pylist()[0]
    except _MISFIT as error:
        return f"{field.name!r}: {error}"
    if _same(held, value) or (field.type in (pa.float16(), pa.float32()) and _rounded(held, value)):
        return ""
    return f"{field.name!r}: {value!r} would become {held!r}"


def _same(held: Any, value: Any) -> bool:
    """Whether Arrow holds the value as it is; keys that a struct lacks are null."""
    if isinstance(value, Mapping):
        items = dict(held)  # a map comes back as pairs
        return value.keys() <= items.keys() and all(_same(item, value.get(key)) for key, item in items.items())
    if isinstance(value, list | tuple) and isinstance(held, list):
        return len(held) == len(value) and all(map(_same, held, value))
    return bool(held == value or (held != held and value != value))  # NaN


def _rounded(held: Any, value: Any) -> bool:
    """Whether a float lost digits only, not its size."""
    return isinstance(value, float) and abs(held - value) <= abs(value) * 2**-10


def _as_text(row: Row) -> pa.RecordBatch:
    """One row that fits no schema, for the reject file."""
    text = {_encodable(name): None if value is None else _encodable(value) for name, value in row.items()}
    return pa.RecordBatch.from_pylist([text], schema=pa.schema([(name, pa.string()) for name in text]))


def _encodable(value: object) -> str:
    """As text; half a surrogate pair, which UTF-8 cannot hold, as its number."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def _require_unique_names(schema: pa.Schema, where: str) -> None:
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise PluginError(where, f"several columns are named {', '.join(twice)}", "rows are told apart by column names")
