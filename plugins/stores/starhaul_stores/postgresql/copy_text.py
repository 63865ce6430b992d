"""The data of `COPY … TO STDOUT (FORMAT csv)` as Arrow.

Measured with 2 M rows of TPC-H lineitem (seconds of CPU): COPY as CSV takes 0.5 to receive, 1.0 for pyarrow's parser,
1.5 in the server; in binary 0.5, then 1.0 for decoding column by column with Arrow's kernels (decimals not counted),
and 1.2.
ADBC took 6.6 here, with numeric as text; connectorx 4.3, with numeric as decimal(38,10) and panics on longer ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from starhaul import Cast, PermanentError, cast
from starhaul_stores.csv_lines import columns_of
from starhaul_stores.postgresql.connection import Rows
from starhaul_stores.postgresql.hexadecimal import from_hex

_DAY = re.compile(r"(?P<year>\d{4,7})-(?P<month>\d\d)-(?P<day>\d\d)(?P<bc> BC)?")
_MOMENT = re.compile(
    r"(?P<date>\d{4,7}-\d\d-\d\d) (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<us>\d{1,6}))?"
    r"(?P<zone>(?P<sign>[+-])(?P<zh>\d\d)(?::(?P<zm>\d\d))?(?::(?P<zs>\d\d))?)?(?P<bc> BC)?"
)


@dataclass(frozen=True, slots=True)
class Form:
    """How COPY was told to print rows as CSV."""

    delimiter: str = ","
    null: str = ""
    """Texts that are the same are quoted."""


PLAIN = Form()
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146097  # the Gregorian calendar repeats


def batches(
    blocks: Iterable[Rows],
    schema: pa.Schema,
    most: int | None,
    reject: Callable[[pa.RecordBatch, str], None],
    form: Form = PLAIN,
) -> Iterator[pa.RecordBatch]:
    """Blocks of rows as CSV, as batches of `schema` of at most `most` rows.

    A row with a value that has no place in its Arrow type (infinity, NaN in a decimal, bytes that are not UTF-8) goes
    to `reject` as texts, with the reason.
    """
    for rows in blocks:
        step = most or len(rows)
        for start in range(0, len(rows), step):
            yield from _parsed(rows.cut(start, step) if step < len(rows) else rows, schema, reject, form)


def parsed(rows: Sequence[Sequence[bytes | None]], schema: pa.Schema) -> pa.RecordBatch | None:
    """Texts of rows, as COPY prints values, as a batch of `schema`; None if one of them has no place there."""
    if len(rows) == 1:
        return _single(_as_csv(rows), schema, lambda row, reason: None)
    try:
        columns = _columns(_as_csv(rows), [_parsed_as(field.type) for field in schema])
        arrays = [_as(values, field.type) for values, field in zip(columns, schema, strict=True)]
    except (pa.ArrowInvalid, ValueError):
        return None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _as_csv(rows: Sequence[Sequence[bytes | None]]) -> bytearray:
    lines = (
        b",".join(b"" if value is None else b'"' + value.replace(b'"', b'""') + b'"' for value in row) for row in rows
    )
    return bytearray(b"".join(line + b"\n" for line in lines))


def _parsed(
    rows: Rows, schema: pa.Schema, reject: Callable[[pa.RecordBatch, str], None], form: Form
) -> Iterator[pa.RecordBatch]:
    """All rows at once, or in halves until those that do not fit stand alone."""
    try:
        columns = _columns(rows.data, [_parsed_as(field.type) for field in schema], form)
        if len(columns[0]) != len(rows):
            raise PermanentError("COPY", f"{len(rows)} messages hold {len(columns[0])} rows", "is a proxy in between?")
        arrays = [_as(values, field.type) for values, field in zip(columns, schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (pa.ArrowInvalid, ValueError):
        if len(rows) > 1:
            half = len(rows) // 2
            yield from _parsed(rows.cut(0, half), schema, reject, form)
            yield from _parsed(rows.cut(half, len(rows) - half), schema, reject, form)
            return
        found = _single(rows.data, schema, reject, form)
        if found is None:
            return
        batch = found
    yield batch


def _columns(data: bytes | bytearray, types: Sequence[pa.DataType], form: Form = PLAIN) -> list[pa.Array]:
    return columns_of(data, types, form.delimiter, form.null)


def texts(data: bytes, schema: pa.Schema, form: Form = PLAIN) -> pa.RecordBatch:
    """Rows of CSV as the texts that they are, with the names of the schema."""
    columns = _columns(data, [pa.string()] * len(schema), form)
    return pa.RecordBatch.from_arrays(columns, names=schema.names)


def _parsed_as(kind: pa.DataType) -> pa.DataType:
    """The type that pyarrow's parser makes of the text; `_as` does the rest."""
    if isinstance(kind, pa.BaseExtensionType) or pa.types.is_decimal256(kind):
        return pa.string()
    return kind


def _as(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if isinstance(kind, pa.JsonType):
        return pa.ExtensionArray.from_storage(kind, values)
    if pa.types.is_binary(kind):
        return from_hex(values, b"\\x")
    if isinstance(kind, pa.UuidType) or pa.types.is_decimal256(kind):
        converted: Cast = cast(values, kind)
        if converted.bad is not None:
            raise ValueError
        return converted.values
    return values


def _single(
    row: bytearray, schema: pa.Schema, reject: Callable[[pa.RecordBatch, str], None], form: Form = PLAIN
) -> pa.RecordBatch | None:
    """A batch of the one row, with values that Arrow holds and its parser does not know (years before 1 and after
    9999); None if it was rejected."""
    raw = [values[0].as_py() for values in _columns(row, [pa.binary()] * len(schema), form)]
    arrays = []
    for value, field in zip(raw, schema, strict=True):
        try:
            arrays.append(_exactly(value, field.type))
        except (pa.ArrowInvalid, ValueError, OverflowError) as error:
            text = "" if value is None else value.decode(errors="replace")
            told = (
                "holds bytes that are not UTF-8"
                if isinstance(error, UnicodeDecodeError)
                else f"{text[:100]!r} is no {field.type}"
            )
            shown = [None if each is None else each.decode(errors="replace") for each in raw]
            columns = [pa.array([each], pa.string()) for each in shown]
            reject(pa.RecordBatch.from_arrays(columns, names=schema.names), f"column {field.name!r}: {told}")
            return None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _exactly(value: bytes | None, kind: pa.DataType) -> pa.Array:
    if value is None:
        return pa.nulls(1, kind) if not isinstance(kind, pa.BaseExtensionType) else _as(pa.nulls(1, pa.string()), kind)
    text = value.decode()
    if pa.types.is_date(kind) and (day := _DAY.fullmatch(text)):
        return pa.array([_days(day)], pa.int32()).view(kind)
    if pa.types.is_timestamp(kind) and (moment := _MOMENT.fullmatch(text)):
        return pa.array([_microseconds(moment)], pa.int64()).view(kind)
    quoted = '"' + text.replace('"', '""') + '"\n'
    return _as(_columns(quoted.encode(), [_parsed_as(kind)])[0], kind)


def _days(day: re.Match[str]) -> int:
    """Days since 1970 of a date of any year. 1 BC is the year 0."""
    year = 1 - int(day["year"]) if day["bc"] else int(day["year"])
    cycles, year_in_cycle = divmod(year - 2000, _CYCLE_YEARS)
    near = date(2000 + year_in_cycle, int(day["month"]), int(day["day"]))
    return (near - date(1970, 1, 1)).days + cycles * _CYCLE_DAYS


def _microseconds(moment: re.Match[str]) -> int:
    day = _DAY.fullmatch(moment["date"] + (moment["bc"] or ""))
    if day is None:
        raise ValueError(moment[0])
    seconds = ((_days(day) * 24 + int(moment["h"])) * 60 + int(moment["m"])) * 60 + int(moment["s"])
    if moment["zone"]:
        offset = int(moment["zh"]) * 3600 + int(moment["zm"] or 0) * 60 + int(moment["zs"] or 0)
        seconds += offset if moment["sign"] == "-" else -offset
    return seconds * 1_000_000 + int((moment["us"] or "").ljust(6, "0"))
