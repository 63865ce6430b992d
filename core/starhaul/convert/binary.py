"""Bytes: to text and back by an encoding, of fixed size, and as UUIDs."""

from __future__ import annotations

import codecs

import pyarrow as pa
import pyarrow.compute as pc

from starhaul.api.errors import ConfigError
from starhaul.convert.attempt import MisfitError, refuse_where
from starhaul.convert.classify import Fit
from starhaul.convert.route import Route, casting, impossible, widening
from starhaul.convert.spelling import matches

_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


def binary_to_binary(source: pa.DataType, target: pa.DataType) -> Route:
    """All bytes as they are; those of a fixed size must have it."""
    if not pa.types.is_fixed_size_binary(target):
        return widening(target)
    rule = f"exactly {target.byte_width} bytes"
    if pa.types.is_fixed_size_binary(source):
        return impossible(f"{rule} are wanted")

    def kernel(values: pa.Array) -> pa.Array:
        refuse_where(pc.not_equal(pc.binary_length(values), target.byte_width))
        # Arrow looks at the length beneath a null too, so the nulls get none of their own.
        return pc.fill_null(values, b"\0" * target.byte_width).cast(target) if not values.null_count else _fixed(values)

    def _fixed(values: pa.Array) -> pa.Array:
        filled = pc.fill_null(values, b"\0" * target.byte_width).cast(target)
        return pc.if_else(pc.is_valid(values), filled, pa.scalar(None, target))

    return Route(Fit.CHECKED, kernel, rule)


def binary_to_text(target: pa.DataType, encoding: str) -> Route:
    """Bytes that the encoding decodes, and encodes to the same bytes again."""
    rule = f"bytes that are valid {encoding}"
    if _is_utf8(encoding):
        return casting(target, rule)

    def kernel(values: pa.Array) -> pa.Array:
        decoded: list[str | None] = []
        misfits = []
        for value in values.to_pylist():
            text = None if value is None else _decode(value, encoding)
            decoded.append(text)
            misfits.append(value is not None and text is None)
        if any(misfits):
            raise MisfitError(pa.array(misfits, pa.bool_()))
        return pa.array(decoded, target)

    return Route(Fit.CHECKED, kernel, rule)


def text_to_binary(source: pa.DataType, target: pa.DataType, encoding: str) -> Route:
    """The bytes of the text in the encoding, if it has all the characters."""
    if _is_utf8(encoding):
        plain = pa.large_binary() if pa.types.is_large_string(source) else pa.binary()
        return widening(plain).then(binary_to_binary(plain, target))

    def kernel(values: pa.Array) -> pa.Array:
        encoded: list[bytes | None] = []
        misfits = []
        for value in values.to_pylist():
            data = None if value is None else _encode(value, encoding)
            encoded.append(data)
            misfits.append(value is not None and data is None)
        if any(misfits):
            raise MisfitError(pa.array(misfits, pa.bool_()))
        return pa.array(encoded, pa.large_binary())

    to_bytes = Route(Fit.CHECKED, kernel, f"characters that {encoding} has")
    return to_bytes.then(binary_to_binary(pa.large_binary(), target))


def uuid_to_text(target: pa.DataType) -> Route:
    """Lower-case hexadecimal digits in groups of 8-4-4-4-12 (RFC 9562). From fixed_size_binary(16)."""

    def kernel(values: pa.Array) -> pa.Array:
        filled = pc.fill_null(values, b"\0" * 16) if values.null_count else values
        digits = filled.buffers()[1].slice(filled.offset * 16, len(filled) * 16).to_pybytes().hex().encode()
        text = pa.Array.from_buffers(pa.binary(32), len(filled), [None, pa.py_buffer(digits)]).cast(pa.string())
        groups = [pc.utf8_slice_codeunits(text, a, b) for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))]
        joined = pc.binary_join_element_wise(*groups, "-")
        return pc.if_else(pc.is_valid(values), joined, pa.scalar(None, pa.string())).cast(target)

    return Route(Fit.WIDENS, kernel)


def text_to_uuid() -> Route:
    """Hexadecimal digits in any case, in groups of 8-4-4-4-12. To fixed_size_binary(16)."""

    def kernel(values: pa.Array) -> pa.Array:
        refuse_where(pc.invert(matches(values, _UUID)))
        digits = pc.replace_substring(pc.fill_null(values, "0" * 32), "-", "")
        data = bytes.fromhex("".join(digits.to_pylist()))
        uuids = pa.Array.from_buffers(pa.binary(16), len(values), [None, pa.py_buffer(data)])
        return pc.if_else(pc.is_valid(values), uuids, pa.scalar(None, pa.binary(16)))

    return Route(Fit.CHECKED, kernel, "hexadecimal digits in groups of 8-4-4-4-12")


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError as error:
        raise ConfigError("encoding", f"unknown encoding {encoding!r}", "such as utf-8, gbk or iso-8859-1") from error


def _decode(value: bytes, encoding: str) -> str | None:
    try:
        text = value.decode(encoding)
        return text if text.encode(encoding) == value else None
    except UnicodeError:
        return None


def _encode(value: str, encoding: str) -> bytes | None:
    try:
        data = value.encode(encoding)
        return data if data.decode(encoding) == value else None
    except UnicodeError:
        return None
