"""The exact reading of JSON lines, record by record. Slow, and the reference for the fast path."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa


class Numeral(str):
    """A number as it stands in the text, with all its digits."""

    __slots__ = ()


class Record(tuple[tuple[str, Any], ...]):
    """An object as it stands in the text: names and values in their order."""

    __slots__ = ()


def record(line: bytes) -> Record:
    """The object in a line. `ValueError` with a sentence if there is none."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the bytes at {error.start} are no text") from error
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, Record):
        raise ValueError("it is no object")
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("it holds half of a surrogate pair, which is no character") from error
    return value


def members(each: Record, wanted: Sequence[str], *, others: bool) -> Mapping[str, Any]:
    """The wanted members of an object. `ValueError` if one comes twice, or if there are others and must not be."""
    names = [name for name, _ in each]
    for name in wanted:
        if names.count(name) > 1:
            raise ValueError(f"the member {name!r} comes twice")
    if not others and (more := set(names) - set(wanted)):
        raise ValueError(f"has a member {min(more)!r}, which the first records have not")
    return dict(each)


def text_of(value: Any) -> str | None:
    """A value as a text that a column can be made of: numbers as they stand, nested values as JSON."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    return json_text(value)


def json_text(value: Any) -> str:
    """A value as JSON again, compact, numbers with all their digits."""
    if isinstance(value, Numeral):
        return str(value)
    if isinstance(value, Record):
        return "{" + ",".join(f"{json_text(name)}:{json_text(each)}" for name, each in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def inferred(records: Sequence[Record]) -> pa.Schema:
    """The fields that come in the records, in the order they come, with the narrowest type that holds their values:
    int64, double, bool, string or, for nested values and mixtures, JSON."""
    kinds: dict[str, set[pa.DataType]] = {}
    for each in records:
        for name, value in each:
            kinds.setdefault(name, set()).update(() if value is None else [_kind(value)])
    return pa.schema([(name, _together(found)) for name, found in kinds.items()])


def _kind(value: Any) -> pa.DataType:
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, Numeral):
        whole = value.lstrip("-").isdigit() and -(2**63) <= int(value[:25]) < 2**63
        return pa.int64() if whole else pa.float64()
    return pa.string() if isinstance(value, str) else pa.json_()


def _together(kinds: set[pa.DataType]) -> pa.DataType:
    if kinds == {pa.int64(), pa.float64()}:
        return pa.float64()
    if len(kinds) > 1:
        return pa.json_()
    return next(iter(kinds), pa.string())


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=Record, parse_float=Numeral, parse_int=Numeral, parse_constant=_constant)
