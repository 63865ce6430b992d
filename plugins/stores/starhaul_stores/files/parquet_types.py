"""What the fields of a Parquet schema are in Arrow, and whether `pyarrow` can write just them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from starhaul_stores.files.parquet_schema import Node

_PLAIN = {
    "boolean": pa.bool_(), "int32": pa.int32(), "int64": pa.int64(), "float": pa.float32(), "double": pa.float64(),
    "binary": pa.binary(),
}  # fmt: skip
_ANNOTATED = {
    ("binary", "UTF8"): pa.string(), ("binary", "STRING"): pa.string(), ("int32", "DATE"): pa.date32(),
    ("int32", "TIME_MILLIS"): pa.time32("ms"), ("int64", "TIME_MICROS"): pa.time64("us"),
    ("int32", "INT_8"): pa.int8(), ("int32", "INT_16"): pa.int16(), ("int32", "INT_32"): pa.int32(),
    ("int64", "INT_64"): pa.int64(), ("int32", "UINT_8"): pa.uint8(), ("int32", "UINT_16"): pa.uint16(),
    ("int32", "UINT_32"): pa.uint32(), ("int64", "UINT_64"): pa.uint64(),
}  # fmt: skip
_UNITS = {"MILLIS": "ms", "MICROS": "us", "NANOS": "ns"}
_INTEGERS: dict[tuple[str, ...], str] = {
    ("8", "true"): "INT_8", ("16", "true"): "INT_16", ("32", "true"): "INT_32", ("64", "true"): "INT_64",
    ("8", "false"): "UINT_8", ("16", "false"): "UINT_16", ("32", "false"): "UINT_32", ("64", "false"): "UINT_64",
}  # fmt: skip
_MOST_DIGITS = {"int32": 9, "int64": 18, "fixed_len_byte_array": 76}


def arrow_field(node: Node) -> pa.Field:
    """The field as Arrow has it, with what is required. `ValueError` with a sentence if `pyarrow` writes no such field.

    As Parquet has it, `TIMESTAMP_MILLIS` and `TIMESTAMP_MICROS` are instants, `int96` is taken for a time as it stands.
    """
    if node.repetition == "repeated":
        raise ValueError(f"{node.name!r} is `repeated` outside of a LIST or MAP, which is not supported")
    metadata = None if node.field_id is None else {"PARQUET:field_id": str(node.field_id)}
    return pa.field(node.name, _type(node), node.repetition == "optional", metadata)


def expect_together(nodes: Sequence[Node]) -> None:
    """`ValueError` if `pyarrow` cannot write these fields into one file."""
    leaves = [leaf for node in nodes for leaf in leaves_of(node)]
    int96 = [leaf for leaf in leaves if leaf.physical == "int96"]
    others = [leaf for leaf in leaves if leaf.annotation.startswith("TIMESTAMP")]
    if int96 and others:
        raise ValueError(f"{int96[0].name!r} is int96 and {others[0].name!r} is not; a file has timestamps of one kind")
    if nested := [leaf for leaf in int96 if leaf not in nodes]:
        raise ValueError(f"{nested[0].name!r} is int96 inside a group, which is not supported")
    times = [leaf for leaf in leaves if is_time(leaf)]
    if len({is_utc(leaf) for leaf in times}) > 1:
        raise ValueError("some times of day are UTC and others are not; a file has one of the two")
    decimals = [leaf for leaf in leaves if leaf.annotation == "DECIMAL" and _digits(leaf)[0] <= _MOST_DIGITS["int64"]]
    fixed = [leaf for leaf in decimals if leaf.physical == "fixed_len_byte_array"]
    if fixed and len(fixed) < len(decimals):
        raise ValueError(f"{fixed[0].name!r} is a decimal in bytes, and others are integers; a file has one of the two")


def leaves_of(node: Node) -> Iterator[Node]:
    """The fields with values: this one, or those inside it, in order."""
    if node.physical != "group":
        yield node
    for member in node.members:
        yield from leaves_of(member)


def is_time(node: Node) -> bool:
    """Whether it is a time of day."""
    return node.annotation.split("_")[0] == "TIME"


def is_utc(node: Node) -> bool:
    """Whether a time counts by UTC: it says so, or is of the older kind that has no word for it."""
    return node.annotation.startswith(("TIME_", "TIMESTAMP_")) or node.arguments[1:] == ("true",)


def unit_of(node: Node) -> str | None:
    """Arrow's unit of `TIME_MILLIS`, `TIMESTAMP(MICROS,true)` and the like; None if it is no time."""
    words = node.annotation.split("_")
    if words[0] not in ("TIME", "TIMESTAMP") or (len(words) == 1 and node.arguments[1:] not in (("true",), ("false",))):
        return None
    return _UNITS.get((words[1:] or node.arguments)[0].upper())


def _type(node: Node) -> pa.DataType:
    if node.physical == "group":
        return _group(node)
    annotation = node.annotation
    if annotation == "INTEGER":
        annotation = _INTEGERS.get(node.arguments, annotation)
    if annotation == "DECIMAL":
        return _decimal(node)
    if node.physical == "int96" and not annotation:
        return pa.timestamp("us")
    if node.physical == "fixed_len_byte_array" and not annotation and node.length:
        return pa.binary(node.length)
    kind = _PLAIN.get(node.physical) if not annotation else _ANNOTATED.get((node.physical, annotation), _time(node))
    if kind is None:
        hint = "; `binary (UTF8)` is text" if node.physical == "binary" else ""
        raise ValueError(f"{node.name!r} is {node}, which cannot be written{hint}")
    return kind


def _time(node: Node) -> pa.DataType | None:
    unit = unit_of(node)
    if unit is None or node.physical != ("int32" if unit == "ms" and "STAMP" not in node.annotation else "int64"):
        return None
    if node.annotation.startswith("TIMESTAMP"):
        return pa.timestamp(unit, "UTC" if is_utc(node) else None)
    return pa.time32(unit) if unit == "ms" else pa.time64(unit)


def _digits(node: Node) -> tuple[int, int]:
    """Precision and scale."""
    numbers = [int(each) if each.isdecimal() else -1 for each in (*node.arguments, "0")]
    if len(numbers) not in (2, 3) or numbers[0] < 1 or not 0 <= numbers[1] <= numbers[0]:
        raise ValueError(f"{node.name!r}: DECIMAL has a precision and a scale, as in DECIMAL(10,2)")
    return numbers[0], numbers[1]


def _decimal(node: Node) -> pa.DataType:
    precision, scale = _digits(node)
    most = _MOST_DIGITS.get(node.physical)
    if most is None:
        raise ValueError(f"{node.name!r} is {node}, which cannot be written; write {_bytes(precision)} before the name")
    if precision > most:
        raise ValueError(f"{node.name!r} has {precision} digits, and {node.physical} holds {most}")
    if node.physical == "int64" and precision <= _MOST_DIGITS["int32"]:
        raise ValueError(f"{node.name!r} has {precision} digits, which are written as int32, not as int64")
    if node.length and _bytes(precision) != f"fixed_len_byte_array({node.length})":
        raise ValueError(f"{node.name!r}: {precision} digits are written as {_bytes(precision)}, not as {node}")
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _bytes(precision: int) -> str:
    """The fewest bytes that hold so many digits and a sign."""
    return f"fixed_len_byte_array({((10**precision - 1).bit_length() + 8) // 8})"


def _group(node: Node) -> pa.DataType:
    inner = node.members[0]
    if node.annotation == "LIST":
        _expect_inner(node, "list", ("element",))
        return pa.list_(arrow_field(inner.members[0]))
    if node.annotation in ("MAP", "MAP_KEY_VALUE"):
        _expect_inner(node, "key_value", ("key", "value"))
        key, value = (arrow_field(each) for each in inner.members)
        if key.nullable:
            raise ValueError(f"the key of {node.name!r} must be `required`")
        return pa.map_(key, value)
    if node.annotation:
        raise ValueError(f"{node.name!r} is {node}, which cannot be written")
    return pa.struct([arrow_field(each) for each in node.members])


def _expect_inner(node: Node, name: str, members: tuple[str, ...]) -> None:
    inner = node.members[0]
    known = len(node.members) == 1 and inner.repetition == "repeated" and inner.physical == "group"
    if not known or inner.name != name or tuple(each.name for each in inner.members) != members:
        fields = " ".join(f"… {each};" for each in members)
        raise ValueError(
            f"{node.name!r}: {node.annotation} is written as `repeated group {name} {{ {fields} }}`, and not otherwise"
        )
