"""Cells that HBase may hold and that are not of the type a job gives."""

from __future__ import annotations

import struct
from decimal import Decimal

import pyarrow as pa
import pytest

from starhaul_stores.hbase.types import cell_type
from starhaul_stores.hbase.values import decode


def big_decimal(digits: int, scale: int) -> bytes:
    """As Java's `Bytes.toBytes(BigDecimal)` writes it."""
    return struct.pack(">i", scale) + digits.to_bytes(digits.bit_length() // 8 + 1, "big", signed=True)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (b"12345.67", "no decimal that can be read: its scale would be 825373492"),
        (b"-1.5e10", "its scale would be 758197813"),
        (b"\xff\xff\xff\xff1" * 40, "it has 200 bytes"),
        (big_decimal(1, -300), "1E\\+300 does not fit decimal128"),
        (big_decimal(1, 300), "1E-300 does not fit decimal128"),
        (big_decimal(10**260 + 1, 260), "does not fit decimal128"),
        (big_decimal(1, -501), "its scale would be -501"),
        (big_decimal(1, -(2**31)), "its scale would be -2147483648"),
        (b"abc", "61 62 63 is no decimal, which has 5 bytes or more"),
    ],
    ids=["text", "text with an exponent", "long text", "large", "small", "many digits", "beyond", "least", "short"],
)
def test_what_is_no_decimal_rejects_its_row(cell: bytes, reason: str) -> None:
    cells = pa.array([big_decimal(1234567, 2), cell, None, b"", big_decimal(10**250, 250)], pa.binary())
    made = decode(cells, cell_type("decimal(10,2)"), "utf-8")
    assert made.values.to_pylist() == [Decimal("12345.67"), None, None, None, Decimal("1.00")]
    assert list(made.bad) == [1]
    with pytest.raises(ValueError, match=reason):
        raise ValueError(made.bad[1])
