"""Hive's types by name, as DataX jobs and Hive itself write them."""

from __future__ import annotations

import re

import pyarrow as pa
from pydantic import Field, field_validator

from starhaul import Params, parse_type

_SIMPLE = {
    "tinyint": pa.int8(), "smallint": pa.int16(), "int": pa.int32(), "integer": pa.int32(), "bigint": pa.int64(),
    "float": pa.float32(), "double": pa.float64(), "double precision": pa.float64(), "boolean": pa.bool_(),
    "string": pa.string(), "date": pa.date32(), "binary": pa.binary(), "timestamp": pa.timestamp("us"),
    "timestamp with local time zone": pa.timestamp("us", "UTC"), "timestamplocaltz": pa.timestamp("us", "UTC"),
    "decimal": pa.decimal128(10, 0), "void": pa.null(),
}  # fmt: skip
_DECIMAL = re.compile(r"(?:decimal|numeric)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_TEXT = re.compile(r"(?:varchar|char)\s*(?:\(\s*\d+\s*\))?")


class TargetColumn(Params):
    """One column of the files that are written."""

    name: str = Field(min_length=1)
    """Its name."""

    type: str | None = None
    """Its type, by Hive's name (`bigint`, `decimal(10,2)`, `array<string>`, `struct<a:int,b:string>`) or by Starhaul's
    (`int64`, `timestamp(ms)`). By default that of the rows."""

    @field_validator("type")
    @classmethod
    def _known(cls, text: str | None) -> str | None:
        if text is not None:
            hive_type(text)
        return text

    def field(self, source: pa.Field | None) -> pa.Field:
        """The column, of the type that the rows' has if the job gives none."""
        kind = hive_type(self.type) if self.type is not None else pa.string() if source is None else source.type
        return pa.field(self.name, kind)


def hive_type(text: str) -> pa.DataType:
    """The Arrow type of a type by Hive's name, or else by Starhaul's. `ValueError` with a sentence if it is none."""
    name = " ".join(text.split())
    kind = _simple(name.lower())
    if kind is not None:
        return kind
    outer, opening, inner = name.partition("<")
    parts = _parts(inner.removesuffix(">")) if opening and inner.endswith(">") else []
    match outer.strip().lower(), parts:
        case "array", [item]:
            return pa.list_(hive_type(item))
        case "map", [key, value]:
            return pa.map_(hive_type(key), hive_type(value))
        case "struct", [_, *_]:
            members = [part.partition(":") for part in parts]
            return pa.struct([(member.strip(), hive_type(kind)) for member, _, kind in members])
    return parse_type(text)


def _simple(name: str) -> pa.DataType | None:
    if name in _SIMPLE:
        return _SIMPLE[name]
    if _TEXT.fullmatch(name):
        return pa.string()
    if match := _DECIMAL.fullmatch(name):
        return pa.decimal128(int(match[1]), int(match[2] or 0))
    return None


def _parts(text: str) -> list[str]:
    """What stands between the commas that are in no brackets."""
    parts, depth, begin = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "<(") - (character in ">)")
        if character == "," and not depth:
            parts.append(text[begin:position])
            begin = position + 1
    return [*parts, text[begin:]]
