"""Columns of text as columns of the types that a job asks for."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from starhaul import Cast, ConfigError, Formats, Params, cast, parse_type

_MOST_DIGITS = 76
"""Of a decimal of 256 bits; one of 128 has half of them."""
_BASE64 = re.compile(r"\s*(binary|bytes)\s*\(\s*base64\s*\)\s*", re.IGNORECASE)


class FileColumn(Params):
    """One column of the rows: a field of the file, or a constant."""

    index: int | None = Field(default=None, ge=0)
    """Position of the field in the record, from 0."""

    value: str | bool | int | float | None = None
    """The same value in every row, in place of a field of the file. `null` makes every row null."""

    name: str = ""
    """Name of the column. Without it, the field's own (in text, the header's if `skipHeader` is set), else `column_0`,
    `column_1` … by `index`. With neither `index` nor `value`, the field that the files give this name."""

    type: str = "string"
    """`string`, `long`, `double`, `boolean`, `date` (date and time, to the microsecond), in any case, as in DataX; or
    an exact type such as `int32`, `decimal(15,2)`, `date32`, `time`, `timestamp(ms, UTC)`, `json`, `binary(base64)`.
    Without it, the field's own type; in text every field is a `string`."""

    format: str | None = None
    """Java pattern of dates and times in this column, such as `yyyy/MM/dd HH:mm`; ISO 8601 if not given."""

    exact: bool = False
    """Whether a text must be written exactly as its type writes it: 007, +7 and 7.50 in a `decimal(10,1)` are rejected
    then, although they are numbers."""

    @field_validator("type")
    @classmethod
    def _known_type(cls, text: str) -> str:
        arrow_type(text)
        return text

    @model_validator(mode="after")
    def _one_source(self) -> FileColumn:
        if self.index is not None and self.value is not None:
            raise ValueError("a column has an `index` or a `value`, not both")
        if self.index is None and "value" not in self.model_fields_set and not self.name:
            raise ValueError("a column needs an `index`, a `value`, or the `name` of a field in the header")
        return self


def arrow_type(text: str) -> pa.DataType:
    """The Arrow type of a column's `type`. DataX's `date` holds a time of day as well. `ValueError` if unknown."""
    if text.strip().lower() == "date":
        return pa.timestamp("us")
    return pa.binary() if _BASE64.fullmatch(text) else parse_type(text)


@dataclass(frozen=True, slots=True)
class TypedField:
    """How one column of the rows comes about."""

    name: str
    type: pa.DataType
    index: int | None
    """Position in the record; None for a constant."""
    constant: pa.Array | None = None
    """The constant's value, as an array of one."""
    format: str | None = None
    base64: bool = False
    exact: bool = False
    partition: str | None = None
    """The column whose value is in the name of a folder; its `constant` differs from file to file."""
    metadata: Mapping[bytes, bytes] | None = None
    """Of the Arrow field: the store's own name of the type."""

    def formats(self) -> Formats:
        """The column's pattern, whichever kind of time it holds."""
        return Formats(datetime=self.format, date=self.format, time=self.format)


def resolved(columns: Sequence[FileColumn], own: pa.Schema | None) -> list[TypedField]:
    """The columns with their positions, names and types. `own` holds the fields of the first file, None if it has no
    names. Raises `ConfigError` for a name that is not there and for a constant that is not of its type."""
    return [_resolved(column, number, own) for number, column in enumerate(columns)]


def own_fields(own: pa.Schema) -> list[TypedField]:
    """Every field of the files as it is there."""
    names = unique_names(own.names)
    return [TypedField(name, own.field(n).type, n, metadata=own.field(n).metadata) for n, name in enumerate(names)]


def unique_names(header: Sequence[str | None]) -> list[str]:
    """The header's names; `column_N` where one is empty or comes twice (with as many `_` as make it unique)."""
    names: dict[str, None] = {}  # a file may have thousands of columns
    for index, name in enumerate(header):
        unique = name if name and name not in names else f"column_{index}"
        while unique in names:
            unique += "_"
        names[unique] = None
    return list(names)


def typed(values: pa.Array, field: TypedField) -> Cast:
    """A column of a file as the field's type; in text blanks around a number or time do not matter, as in DataX.
    `ConfigError` if no value of the one type could ever be of the other."""
    if field.base64 and values.type == pa.string():
        return _from_base64(values)
    if field.type == values.type:
        return Cast(values)
    if field.exact and values.type == pa.string():
        return _exactly(values, field)
    result = cast(values, field.type, field.formats())
    return result if result.bad is None or values.type != pa.string() else _second_try(values, field, result)


def _exactly(values: pa.Array, field: TypedField) -> Cast:
    """As the type, where that would be written as the same text."""
    import pyarrow.compute as pc

    result = cast(values, field.type, field.formats())
    again = cast(result.values, pa.string(), field.formats()).values
    differs = pc.fill_null(pc.not_equal(again, values), False)
    bad = differs if result.bad is None else pc.or_(differs, result.bad)
    if not pc.any(bad).as_py():
        return Cast(result.values)

    def explain(row: int) -> str:
        if result.bad is not None and result.bad[row].as_py():
            return result.explain(row)
        return f"{values[row].as_py()!r} is not how {field.type} is written"

    return Cast(result.values, bad, explain)


def _second_try(values: pa.Array, field: TypedField, first: Cast) -> Cast:
    import pyarrow.compute as pc

    if first.bad is None or not _takes_blanks(field.type):
        return first
    rows = pc.indices_nonzero(first.bad)
    texts = pc.utf8_trim_whitespace(values.take(rows))
    again = cast(texts, field.type, field.formats())
    if again.bad is not None and pa.types.is_timestamp(field.type) and field.format is None:
        days = cast(texts, pa.date32())
        midnight = cast(days.values, field.type).values if field.type.tz is None else pa.nulls(len(texts), field.type)
        again = Cast(pc.coalesce(again.values, midnight), pc.and_(again.bad, pc.is_null(midnight)))
    merged = pc.replace_with_mask(first.values, first.bad, again.values)
    if again.bad is None:
        return Cast(merged)
    return Cast(merged, pc.replace_with_mask(first.bad, first.bad, again.bad), first.explain)


def _takes_blanks(kind: pa.DataType) -> bool:
    types = pa.types
    return any(test(kind) for test in (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)) or (
        types.is_temporal(kind)
    )


def _from_base64(values: pa.Array) -> Cast:
    texts = values.to_pylist()
    decoded, bad = [], []
    for text in texts:
        try:
            decoded.append(None if text is None else base64.b64decode(text, validate=True))
            bad.append(False)
        except (binascii.Error, ValueError):
            decoded.append(None)
            bad.append(True)
    values = pa.array(decoded, pa.binary())
    return Cast(values, pa.array(bad), lambda row: f"{texts[row]!r} is not base64") if any(bad) else Cast(values)


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes, of whatever length."""
    types = pa.types
    return any(test(kind) for test in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary))


def plain_decimal(kind: pa.DataType) -> pa.DataType:
    """A decimal type whose scale is from 0 to its precision, as Parquet, ORC and Avro have it, for every value of this
    one, which may be any type; text where that would be too many digits."""
    if not pa.types.is_decimal(kind) or 0 <= kind.scale <= kind.precision:
        return kind
    scale = max(kind.scale, 0)
    precision = max(kind.precision - kind.scale + scale, scale)
    if precision > _MOST_DIGITS:
        return pa.string()
    return pa.decimal128(precision, scale) if precision <= _MOST_DIGITS // 2 else pa.decimal256(precision, scale)


def to_base64(values: pa.Array) -> pa.Array:
    """Bytes as text."""
    encoded = [None if value is None else base64.b64encode(value).decode() for value in values.to_pylist()]
    return pa.array(encoded, pa.string())


def _resolved(column: FileColumn, number: int, own: pa.Schema | None) -> TypedField:
    where = f"column[{number}]"
    kind = arrow_type(column.type)
    is_base64 = bool(_BASE64.fullmatch(column.type))
    index = column.index
    if index is None and "value" in column.model_fields_set:
        field = TypedField(column.name or f"value_{number}", kind, None, format=column.format, base64=is_base64)
        return TypedField(field.name, kind, None, _constant(column.value, field, where))
    if index is None:
        index = -1 if own is None else own.get_field_index(column.name)
        if index < 0:
            untold = "they tell no names: are they without rows? In text set `skipHeader`, or give an `index`"
            known = f"they have {', '.join(own.names)}" if own else untold
            raise ConfigError(where, f"the files have no field {column.name!r}, or several", known)
    if own is None or index >= len(own):
        return TypedField(
            column.name or f"column_{index}", kind, index, format=column.format, base64=is_base64, exact=column.exact
        )
    there = own.field(index)
    name = column.name or there.name
    if "type" not in column.model_fields_set:
        return TypedField(name, there.type, index, format=column.format, metadata=there.metadata)
    return TypedField(name, kind, index, format=column.format, base64=is_base64, exact=column.exact)


def _constant(value: str | bool | int | float | None, field: TypedField, where: str) -> pa.Array:
    text = str(value).lower() if isinstance(value, bool) else None if value is None else str(value)
    result = typed(pa.array([text], pa.string()), field)
    if result.bad is not None:
        raise ConfigError(where, f"the value is not of the type: {result.explain(0)}")
    return result.values
