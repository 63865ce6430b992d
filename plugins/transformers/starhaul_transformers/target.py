"""The column that a `dx_` transformer works on: which it is, its values as text, its parameters.

Positions and lengths of text count characters (code points). DataX, being Java, counts UTF-16 units: the two differ
for characters beyond U+FFFF alone, and here those are never cut in half.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from pydantic import Field, model_validator

from starhaul import ConfigError, Formats, Params, Task, cast, reject_rows, retyped

LARGEST_INTEGER = 2**31 - 1
"""Positions and lengths are Java's `int` in DataX."""


class ColumnParams(Params):
    """Parameters of a `dx_` transformer."""

    column_index: int | None = Field(default=None, ge=0)
    """The column to work on, counted from 0. Either this or `column`."""

    column: str | None = None
    """The column to work on, by name. Either this or `columnIndex`."""

    paras: list[str | int | float]
    """What to do with it; the transformer's description says what goes here. Numbers may be written as text."""

    @model_validator(mode="after")
    def _one_column(self) -> ColumnParams:
        if (self.column_index is None) == (self.column is None):
            raise ValueError("give either `columnIndex` or `column`")
        return self


def position(params: ColumnParams, schema: pa.Schema) -> int:
    """Where the column stands in batches of this schema. Raises `ConfigError` if it is not there."""
    if params.column_index is not None:
        if params.column_index >= len(schema):
            raise ConfigError(
                "columnIndex",
                f"there is no column {params.column_index}",
                f"there are {len(schema)} columns, counted from 0",
            )
        return params.column_index
    return position_of(params.column or "", schema, "column")


def position_of(name: str, schema: pa.Schema, where: str) -> int:
    """Where the column of this name stands. Raises `ConfigError` if there is none, or more than one."""
    found = schema.get_all_field_indices(name)
    if len(found) != 1:
        problem = f"there are {len(found)} columns named {name!r}" if found else f"there is no column {name!r}"
        raise ConfigError(where, problem, f"there are {', '.join(map(repr, schema.names))}")
    return int(found[0])


def texts(params: ColumnParams, *meanings: str) -> list[str]:
    """The `paras` as text. Raises `ConfigError` unless there is one for each of the meanings."""
    if len(params.paras) != len(meanings):
        raise ConfigError(
            "paras", f"there are {len(params.paras)} values", f"there must be {len(meanings)}: {', '.join(meanings)}"
        )
    return [str(para) for para in params.paras]


def integer(text: str, meaning: str) -> int:
    """A position or length. Raises `ConfigError` if it is none."""
    number = text.strip()
    if not (number.isascii() and number.isdigit()) or int(number) > LARGEST_INTEGER:
        raise ConfigError("paras", f"{meaning} is {text!r}", f"write a whole number from 0 to {LARGEST_INTEGER}")
    return int(number)


def with_text(schema: pa.Schema, index: int, formats: Formats) -> pa.Schema:
    """The schema with text in this column. What the source called its type is no longer true, so it goes. Raises
    `ConfigError` if values of its type have no text."""
    field = schema.field(index)
    check_text(field, formats)
    return schema.set(index, retyped(field, _text_type(field.type)))


def check_text(field: pa.Field, formats: Formats) -> None:
    """Raise `ConfigError` if values of this column have no text, or none in these formats."""
    if field.type != _text_type(field.type):
        cast(pa.nulls(0, field.type), pa.string(), formats)


def as_text(batch: pa.RecordBatch, index: int, task: Task, formats: Formats) -> tuple[pa.RecordBatch, pa.Array]:
    """The batch and the column's values as text, as the job's formats say. Rows whose value has no such text (bytes
    that are none in the encoding) are rejected and left out of both."""
    column = batch.column(index)
    if column.type == _text_type(column.type):
        return batch, column
    converted = cast(column, pa.string(), formats)
    name = batch.schema.field(index).name
    keep = reject_rows(task, batch, {row: f"{name}: {reason}" for row, reason in converted.misfits().items()})
    return (batch, converted.values) if keep is None else (batch.filter(keep), converted.values.filter(keep))


def reaching(
    batch: pa.RecordBatch, text: pa.Array, index: int, start: int, task: Task
) -> tuple[pa.RecordBatch, pa.Array]:
    """Reject the rows whose text ends before `start`, as DataX does; nulls stay."""
    import pyarrow.compute as pc

    lengths = pc.utf8_length(text)
    short: Sequence[int] = pc.indices_nonzero(pc.less(lengths, start)).to_pylist()
    name = batch.schema.field(index).name
    reasons = {row: f"{name}: {lengths[row].as_py()} characters, where the part starts at {start}" for row in short}
    keep = reject_rows(task, batch, reasons)
    return (batch, text) if keep is None else (batch.filter(keep), text.filter(keep))


def replaced(batch: pa.RecordBatch, index: int, text: pa.Array) -> pa.RecordBatch:
    """The batch with other text in this column."""
    field = batch.schema.field(index)
    return batch.set_column(index, pa.field(field.name, text.type, field.nullable), text)


def _text_type(source: pa.DataType) -> pa.DataType:
    return source if pa.types.is_large_string(source) else pa.string()
