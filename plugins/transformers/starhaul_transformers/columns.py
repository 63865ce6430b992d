"""`select`, `rename` and `cast`: which columns there are, under which names, of which types."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from pydantic import Field, field_validator

from starhaul import ConfigError, Formats, Params, Task, Transformer, cast, parse_type, reject_rows, retyped
from starhaul_transformers.target import position_of


class SelectParams(Params):
    """Parameters of `select`."""

    columns: list[str | int] = Field(min_length=1)
    """The columns to keep, in the order they are to have: names, or positions counted from 0."""


class Select(Transformer[SelectParams]):
    """Keeps the columns that are named, in that order, and drops the others."""

    name = "select"
    params_type = SelectParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        positions = self._positions(source)
        twice = {source.field(index).name for index in positions if positions.count(index) > 1}
        if twice:
            raise ConfigError("columns", f"{', '.join(map(repr, sorted(twice)))} is there twice", "name it once")
        return pa.schema([source.field(index) for index in positions], source.metadata)

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        return batch.select(self._positions(batch.schema))

    def _positions(self, schema: pa.Schema) -> list[int]:
        return [self._position(column, schema) for column in self.params.columns]

    def _position(self, column: str | int, schema: pa.Schema) -> int:
        if isinstance(column, str):
            return position_of(column, schema, "columns")
        if not 0 <= column < len(schema):
            raise ConfigError(
                "columns", f"there is no column {column}", f"there are {len(schema)} columns, counted from 0"
            )
        return column


class RenameParams(Params):
    """Parameters of `rename`."""

    columns: dict[str, str] = Field(min_length=1)
    """Old name → new name. Columns that are not mentioned keep theirs. Two may swap their names."""


class Rename(Transformer[RenameParams]):
    """Gives columns other names."""

    name = "rename"
    params_type = RenameParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        for old in self.params.columns:
            position_of(old, source, "columns")
        names = [self.params.columns.get(name, name) for name in source.names]
        twice = sorted({new for new in self.params.columns.values() if names.count(new) > 1})
        if twice:
            raise ConfigError("columns", f"two columns would be named {', '.join(map(repr, twice))}")
        fields = [field.with_name(name) for field, name in zip(source, names, strict=True)]
        return pa.schema(fields, source.metadata)

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        return batch.rename_columns([self.params.columns.get(name, name) for name in batch.schema.names])


class CastParams(Params):
    """Parameters of `cast`."""

    columns: dict[str, str] = Field(min_length=1)
    """Column → type: `int64`, `decimal(15,2)`, `string`, `date`, `timestamp(us)`, `timestamp(us, UTC)`, `json` …"""

    format: str | None = None
    """Java pattern of dates and times as text (`dd/MM/yyyy HH:mm`); ISO 8601 if not given."""

    time_zone: str | None = None
    """IANA name of the zone that times without a zone are in, where they become instants or come from them."""

    encoding: str = "utf-8"
    """Encoding of bytes that become text, and of text that becomes bytes."""

    @field_validator("columns")
    @classmethod
    def _known_types(cls, columns: dict[str, str]) -> dict[str, str]:
        for text in columns.values():
            parse_type(text)
        return columns


class CastColumns(Transformer[CastParams]):
    """Gives columns other types. Rows with a value that does not fit its new type exactly are rejected."""

    name = "cast"
    params_type = CastParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        schema = source
        for name, target in self._targets(source).items():
            field = source.field(name)
            try:
                cast(pa.nulls(0, field.type), target, self._formats())
            except ConfigError as error:
                raise ConfigError(f"columns.{name}", error.problem, error.hint) from error
            schema = schema.set(schema.get_field_index(name), retyped(field, target))
        return schema

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        schema = self.accept(batch.schema)
        columns, reasons = list(batch.columns), dict[int, str]()
        for name, target in self._targets(schema).items():
            index = schema.get_field_index(name)
            converted = cast(batch.column(index), target, self._formats())
            columns[index] = converted.values
            for row, reason in converted.misfits().items():
                reasons.setdefault(row, f"{name}: {reason}")
        result = pa.RecordBatch.from_arrays(columns, schema=schema)
        keep = reject_rows(task, batch, reasons)
        return result if keep is None else result.filter(keep)

    def _targets(self, schema: pa.Schema) -> Mapping[str, pa.DataType]:
        for name in self.params.columns:
            position_of(name, schema, "columns")
        return {name: parse_type(text) for name, text in self.params.columns.items()}

    def _formats(self) -> Formats:
        pattern = self.params.format
        return Formats(pattern, pattern, pattern, self.params.time_zone, self.params.encoding)
