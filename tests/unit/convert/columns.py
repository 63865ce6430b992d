# ruff: noqa: E501  (tables of values)
"""Columns of every type from raw values (see `reference`), hostile values for each, and raw values back from columns."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tests.unit.convert.reference import DAY, UNITS, kind

INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
DECIMALS = [
    pa.decimal32(9, 2), pa.decimal32(3, 3), pa.decimal64(18, 0), pa.decimal64(15, 9), pa.decimal128(15, 2),
    pa.decimal128(38, 0), pa.decimal128(38, 37), pa.decimal128(5, -3), pa.decimal128(20, 0), pa.decimal256(76, 0),
    pa.decimal256(76, 40), pa.decimal256(10, 8),
]  # fmt: skip
TEXTS = [pa.string(), pa.large_string(), pa.string_view()]
BINARIES = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3), pa.binary(16)]
TIMES = [
    pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"),
    *(pa.timestamp(unit, zone) for unit in UNITS for zone in (None, "UTC", "America/New_York")),
    *(pa.duration(unit) for unit in UNITS),
]  # fmt: skip
TYPES = [
    pa.bool_(), *INTEGERS, *FLOATS, *DECIMALS, *TEXTS, *BINARIES, pa.uuid(), pa.json_(), pa.json_(pa.large_string()), *TIMES
]  # fmt: skip

_NUMERALS = [
    "0", "1", "-1", "+1", "-0", "007", "127", "128", "-128", "-129", "255", "256", "65535", "32768", "2147483647",
    "2147483648", "-2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551615",
    "18446744073709551616", "0x10", "0X1f", "-0x1", " 1", "1 ", "\t1", "1\n", "1_0", "١", "1,5", "", "-", "+", ".", "1.",
    ".5", "1.5", "1.50", "1.005", "0.1", "1e2", "1E+2", "15e-1", "1e", "e1", "1e400", "-1e400", "1e-400", "0e400", "0.0",
    "1" + "0" * 80, "0" * 80 + "1", "1.5" + "0" * 80, "0." + "0" * 60 + "1", "9" * 38, "9" * 39, "9" * 76, "9" * 77,
    "9" * 36 + ".99", "99.6316933231633938492079e37", "52544960.", "17e-41", "9007199254740993", "9007199254740992",
    "16777217", "0.10000000000000001", "0.1000000000000000055511151231257827", "0.3000000000000000444", "1e22", "1e23",
    "3.4028235e38", "3.4028236e38", "1e-45", "5e-324", "3e-324", "2.2250738585072014e-308", "65504", "65520",
    "5.960464477539063e-08", "nan", "NaN", "NAN", "-nan", "inf", "-inf", "Infinity", "-INFINITY", "infinit", "nan(1)", "1d", "1f", "0x1p3",
    "true", "TRUE", "True", "false", "t", "yes", "T", "ſ",
]  # fmt: skip
_CLOCKS = [
    "2020-01-01", "2020-02-29", "2021-02-29", "2020-13-01", "2020-00-10", "0000-01-01", "0001-01-01", "9999-12-31",
    "10000-01-01", "-0001-01-01", "2020-1-1", "20200101", " 2020-01-01", "2020-01-01 ", "2020-01-01 10", "2020-01-01T10",
    "2020-01-01 10:30", "2020-01-01T10:30:15", "2020-01-01 10:30:15.5", "2020-01-01 10:30:15.", "2020-01-01t10:30:15",
    "2020-01-01 10:30:15.123456789", "2020-01-01 10:30:15.1234567890", "2020-01-01 10:30:15.0000000000",
    "2020-01-01 00:00:000", "2020-01-01 24:00:00", "2020-12-31 23:59:60", "2020-01-01 10:60:00", "2020-01-01Z",
    "2020-01-01 10Z", "2020-01-01 10:30Z", "2020-01-01T10:30:15Z", "2020-01-01T10:30:15z", "2020-01-01 10:30:15+02",
    "2020-01-01 10:30:15.123+0230", "2020-01-01 10:30:15-02:30", "2020-01-01 10:30:15 +02:00", "2020-01-01 10:30:15+24:00",
    "2020-01-01 10:30:15+05:60", "2020-01-01 10:30:15.500000000000-00:00", "2021-03-14 02:30:00", "2021-11-07 01:30:00",
    "2050-07-01 12:00:00", "2050-03-13 02:30:00", "1677-09-21 00:12:43.145224192", "1677-09-21 00:12:43.145224191",
    "1677-09-21 05:00:00", "2262-04-11 23:47:16.854775807", "2262-04-11 23:47:16.854775808",
    "2262-04-11T23:30:00-01:00", "0000-01-01 00:00:00+10:00", "9999-12-31 23:59:59-10:00", "1900-01-01 00:00:00",
    "10", "1:00", "10:30", "10:30:15", "10:30:15.5", "10:30:15.123456789", "24:00:00", "23:59:60", "-10:00:00",
    "100:00:00", "838:59:59.000000", "-838:59:59", "2562047788015215:30:07", "2562047788015215:30:08",
    "-2562047788015215:30:08", "-2562047788:00:54.775808", "10:60:00", "10:30:15.0000000000001",
]  # fmt: skip
_OTHER_TEXT = [
    "null", '"a"', "[1, 2]", '{"a": NaN}', "{", "é", "中文", "😀", "a\x00b", "\x7f", 'q"\\\n', "abc", "x" * 16,
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b8109dad11d180b400c04fd430c8",
    "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
]  # fmt: skip
_FLOATS = [
    0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 0.1, 1 / 3, 100.25, 127.0, 128.0, -129.0, 255.0, 256.0, 2.0**31, 2.0**53, 2.0**53 + 2,
    2.0**63, -(2.0**63), 2.0**64, 2.0**63 - 1024, 1e15, 1e16, 1e22, 1e23, 1e-5, 1e-7, 123456789.125, 5e-324, 2.0**-1022,
    1.7976931348623157e308, 3.4028234663852886e38, 3.5e38, 65504.0, 65520.0, 2.0**-24, 2.0**-149, math.nan, math.inf,
    -math.inf, 0.30000000000000004, 1e300,
]  # fmt: skip


def hostile(of: pa.DataType) -> list[Any]:
    """Raw values at the borders of a type and of its neighbours."""
    match kind(of):
        case "bool":
            return [True, False]
        case "int":
            low, high = (-(2 ** (of.bit_width - 1)), 2 ** (of.bit_width - 1) - 1)
            low, high = (low, high) if pa.types.is_signed_integer(of) else (0, 2**of.bit_width - 1)
            near = [2**bits + step for bits in (7, 8, 11, 15, 16, 24, 31, 32, 53, 60, 63) for step in (-1, 0, 1)]
            wanted = [0, 1, 2, -1, 10, 65504, 65520, low, low + 1, high, high - 1, *near, *(-one for one in near)]
            return [one for one in dict.fromkeys(wanted) if low <= one <= high]
        case "float":
            return list(dict.fromkeys(as_float(one, of) for one in _FLOATS))
        case "decimal":
            most = 10**of.precision - 1
            wanted = [
                0,
                1,
                -1,
                most,
                -most,
                most // 2,
                10 ** max(of.scale, 0),
                15 * 10 ** max(of.scale - 1, 0),
                125,
                10**18,
                9007199254740993,
                10 ** (of.precision - 1),
                2**64 * 10 ** max(of.scale, 0),
                128 * 10 ** max(of.scale, 0),
            ]
            return [decimal(one, of) for one in dict.fromkeys(wanted) if abs(one) <= most]
        case "text":
            return [*_NUMERALS, *_CLOCKS, *_OTHER_TEXT]
        case "json":
            return ["null", "1", '"a"', '{"a": [1, 2.50, "é"]}', "[]"]
        case "uuid":
            return [bytes(16), b"\xff" * 16, bytes(range(16))]
        case "binary":
            width = of.byte_width if pa.types.is_fixed_size_binary(of) else None
            wanted_bytes = [
                b"",
                b"abc",
                b"\xff\xfe\xfd",
                b"\xc3\x28\x41",
                "é1".encode(),
                b"1" * 16,
                b"\0\0\0",
                b"[1]",
                b"\xf0" * 16,
            ]
            return [one for one in wanted_bytes if width in (None, len(one))]
    return [one for one in _hostile_ticks(of) if in_range(one, of)]


def _hostile_ticks(of: pa.DataType) -> list[int]:
    if pa.types.is_date32(of) or pa.types.is_date64(of):
        days = [
            0,
            1,
            -1,
            18000,
            2932896,
            2932897,
            -719528,
            -719529,
            -719162,
            -719163,
            106751,
            106752,
            106751991,
            106751992,
            -106751992,
            2**31 - 1,
            -(2**31),
            2**31,
        ]
        return [day * (1 if pa.types.is_date32(of) else DAY * 1000) for day in days]
    per = UNITS[of.unit]
    seconds = [
        0,
        1,
        -1,
        DAY - 1,
        DAY,
        -DAY,
        18000 * DAY,
        1583020800,
        253402300799,
        253402300800,
        DAY * 2**31,
        -62167219200,
        -62167219201,
        -62135596800,
        1615703400,
        1636263000,
        1636266600,
        2540376000,
        -2208988800,
        3600 * 838,
        9223372036,
        9223372037,
    ]
    ticks = [second * per + rest for second in seconds for rest in dict.fromkeys((0, 1, per // 2, per - 1, -1))]
    return [*dict.fromkeys(ticks), 2**31 - 1, 2**62, 2**63 - 1, -(2**63)]


def in_range(ticks: int, of: pa.DataType) -> bool:
    """Whether Arrow's format allows the raw value in a type of dates and times."""
    if pa.types.is_time(of):
        return 0 <= ticks < DAY * UNITS[of.unit]
    bits = of.bit_width - 1
    return -(2**bits) <= ticks < 2**bits


def random_value(of: pa.DataType) -> st.SearchStrategy[Any]:
    """Any raw value of a type."""
    match kind(of):
        case "bool":
            return st.booleans()
        case "int":
            signed = pa.types.is_signed_integer(of)
            bits = of.bit_width - (1 if signed else 0)
            return st.integers(-(2**bits) if signed else 0, 2**bits - 1)
        case "float":
            return st.floats(width=64).map(lambda one: as_float(one, of))
        case "decimal":
            return st.integers(-(10**of.precision) + 1, 10**of.precision - 1).map(lambda one: decimal(one, of))
        case "text":
            numerals = st.from_regex(r"\A[+-]?[0-9]{0,45}(\.[0-9]{0,45})?(e[+-]?[0-9]{1,3})?\Z")
            decimals = st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str)
            clocks = st.datetimes().map(lambda one: one.isoformat(" "))
            return st.one_of(st.text(max_size=20), numerals, decimals, st.floats().map(repr), clocks)
        case "json":
            return st.sampled_from(hostile(of))
        case "uuid":
            return st.binary(min_size=16, max_size=16)
        case "binary":
            width = of.byte_width if pa.types.is_fixed_size_binary(of) else None
            return st.binary(min_size=width or 0, max_size=width or 20)
    if pa.types.is_date64(of):
        return st.integers(-(10**11), 10**11).map(lambda day: day * DAY * 1000)
    if pa.types.is_time(of):
        return st.integers(0, DAY * UNITS[of.unit] - 1)
    bits = of.bit_width - 1
    near = st.integers(-62135596800, 253402300799).map(lambda second: second * UNITS[getattr(of, "unit", "s")])
    return st.one_of(st.integers(-(2**bits), 2**bits - 1), near.filter(lambda one: in_range(one, of)))


def as_float(value: float, of: pa.DataType) -> float:
    """The value rounded to what the type holds."""
    if of.bit_width == 64 or not math.isfinite(value):
        return value
    code = "e" if of.bit_width == 16 else "f"
    try:
        return float(struct.unpack(code, struct.pack(code, value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def decimal(unscaled: int, of: pa.DataType) -> Decimal:
    """The value of an unscaled integer at the scale of the type."""
    return Decimal((int(unscaled < 0), tuple(map(int, str(abs(unscaled)))), -of.scale))


def build(raw: list[Any], of: pa.DataType) -> pa.Array:
    """A column of raw values; None is null."""
    match kind(of):
        case "date" | "time" | "timestamp" | "duration":
            integer = pa.int32() if of.bit_width == 32 else pa.int64()
            return pa.array(raw, integer).view(of)
        case "json":
            return pa.ExtensionArray.from_storage(of, pa.array(raw, of.storage_type))
        case "uuid":
            return pa.ExtensionArray.from_storage(of, pa.array(raw, pa.binary(16)))
        case "float" if of.bit_width == 16:
            return pa.array(raw, pa.float64()).cast(of, safe=False)
    return pa.array(raw, of)


def raw_values(column: pa.Array) -> list[Any]:
    """What `build` was given, or would have to be."""
    match kind(column.type):
        case "date" | "time" | "timestamp" | "duration":
            return list(column.view(pa.int32() if column.type.bit_width == 32 else pa.int64()).to_pylist())
        case "json" | "uuid":
            return list(column.storage.to_pylist())
    return list(column.to_pylist())


def hide(column: pa.Array, nulls: list[bool]) -> pa.Array:
    """The column with some rows made null while their values stay in memory beneath, as kernels may leave them."""
    plain = column.storage if isinstance(column, pa.ExtensionArray) else column
    if plain.offset or pa.types.is_nested(plain.type):
        raise ValueError("only plain columns from their start")
    bits = pa.array([not null for null in nulls], pa.bool_()).buffers()[1]
    hidden = pa.Array.from_buffers(plain.type, len(plain), [bits, *plain.buffers()[1:]])
    return pa.ExtensionArray.from_storage(column.type, hidden) if isinstance(column, pa.ExtensionArray) else hidden
