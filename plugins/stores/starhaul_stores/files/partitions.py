"""Hive's partitions: folders such as `dt=2026-11-22/hour=07` that hold the values of columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

import pyarrow as pa
from pydantic import Field, field_validator

from starhaul import Params
from starhaul_stores.files.columns import arrow_type

NULL = "__HIVE_DEFAULT_PARTITION__"
_ESCAPED = re.compile(r"[\x00-\x1f\x7f\"#%'*/:=?\\{\[\]^]")
"""The characters that Hive escapes in names of folders (`FileUtils.escapePathName`); `}` is none of them."""


class PartitionColumn(Params):
    """A column whose values are in the names of folders."""

    name: str = Field(min_length=1)
    """The part of the folders' names before `=`, and the name of the column."""

    type: str = "string"
    """Type of the column, as in `column`."""

    @field_validator("type")
    @classmethod
    def _known_type(cls, text: str) -> str:
        arrow_type(text)
        return text


def values_in(path: str) -> Mapping[str, str | None]:
    """Column → value, from the folders that a path goes through. Bytes that are no UTF-8 stand as surrogates."""
    folders = (folder.partition("=") for folder in path.split("/")[:-1] if "=" in folder)
    return {_unescaped(name): None if value == NULL else _unescaped(value) for name, _, value in folders}


def folder_of(names: Sequence[str], values: Sequence[str | None]) -> str:
    """The folder for rows with these values."""
    texts = (NULL if value is None else _escaped(value) for value in values)
    return "/".join(f"{_escaped(name)}={text}" for name, text in zip(names, texts, strict=True))


def unnamable(names: Sequence[str], values: Sequence[str | None]) -> str:
    """Why no folder can be called by these values; empty if one can."""
    for name, value in zip(names, values, strict=True):
        if value == "":
            return f"{name}: an empty text cannot be the name of a partition"
        if value == NULL:
            return f"{name}: the text {NULL} would be read as null"
    return ""


def parted(batch: pa.RecordBatch, names: Sequence[str]) -> Iterator[tuple[tuple[str | None, ...], Sequence[int]]]:
    """The rows of a batch by the values of these columns of text, in their order within each."""
    keys = list(zip(*(batch.column(name).to_pylist() for name in names), strict=True))
    rows: dict[tuple[str | None, ...], list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    yield from rows.items()


def _unescaped(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", text)
