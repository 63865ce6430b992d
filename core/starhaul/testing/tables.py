"""The nasty tables: for each Arrow type that stores are asked to carry the values that break stores, and the shapes
that break writers. Every table has a unique first column `id` and, but for a few shapes, a second one `value`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pyarrow as pa

HOSTILE_NAMES = (
    "select", "Order By", "GROUP", "user", "table", "rowid", "null", "true", "1st", "_", "-", "*", "?", ":name", "$1",
    "%s", "%(x)s", "{y}", "[z]", "@v", "#t", "a.b", "a,b", "a;b", "a--b", "a/*b", "a\\b", "a'b", 'a"b', "a`b", "a''b",
    'a""b', "a``b", "(a)", "a=b", " leading", "trailing ", "two  blanks", "tab\there", "MixedCase", "UPPER",
    "naïve", "日本語", "имя", "עברית", "e\u0301", "😀", "x" * 60,
)  # fmt: skip

MANY_COLUMNS = 500

_SIGNED = (pa.int8(), pa.int16(), pa.int32(), pa.int64())
_UNSIGNED = (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
_DECIMALS = (
    *(pa.decimal128(*shape) for shape in ((38, 0), (38, 18), (38, 38), (9, 2))),
    *(pa.decimal256(*shape) for shape in ((76, 0), (76, 38))),
)
_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_ZONES = (None, "UTC", "Asia/Shanghai")


def nasty_names() -> list[str]:
    """The names of all nasty tables: first the types, as Arrow spells them, then the shapes."""
    return [*_types(), *_SHAPES]


def nasty_table(name: str) -> pa.Table:
    """The table of this name. Its chunks are the batches to write it in. `KeyError` if there is none."""
    if name in _SHAPES:
        return _SHAPES[name]()
    kind, values = _types()[name]
    return _with_ids(kind, _column(kind, values()))


def nasty_tables() -> Iterator[tuple[str, pa.Table]]:
    """Every nasty table with its name, made one at a time."""
    for name in nasty_names():
        yield name, nasty_table(name)


def _types() -> dict[str, tuple[pa.DataType, Callable[[], Sequence[Any]]]]:
    """Name → type and its values; null is added to each."""
    kinds: list[tuple[pa.DataType, Callable[[], Sequence[Any]]]] = [
        (pa.bool_(), lambda: (True, False)),
        *((kind, partial(_integers, kind.bit_width)) for kind in _SIGNED),
        *((kind, partial(_naturals, kind.bit_width)) for kind in _UNSIGNED),
        (pa.float32(), _floats_32),
        (pa.float64(), _floats_64),
        *((kind, partial(_decimals, kind.precision, kind.scale)) for kind in _DECIMALS),
        *((kind, _texts) for kind in (pa.string(), pa.large_string())),
        *((kind, _bytes) for kind in (pa.binary(), pa.large_binary())),
        (pa.date32(), _dates),
        (pa.time32("s"), lambda: (0, 1, 86399)),
        (pa.time32("ms"), lambda: (0, 1, 86399999)),
        (pa.time64("us"), lambda: (0, 1, 86399999999)),
        (pa.time64("ns"), lambda: (0, 1, 999, 86399999999999)),
        *((pa.timestamp(unit, zone), partial(_instants, unit)) for zone in _ZONES for unit in _SECOND),
        *((pa.duration(unit), partial(_durations, unit)) for unit in _SECOND),
        (pa.json_(), _documents),
        (pa.uuid(), _uuids),
    ]
    return {_name(kind): (kind, values) for kind, values in kinds}


def _name(kind: pa.DataType) -> str:
    return {"extension<arrow.json>": "json", "extension<arrow.uuid>": "uuid"}.get(str(kind), str(kind))


def _column(kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    column = pa.array([*values, None], storage)
    return pa.ExtensionArray.from_storage(kind, column) if storage is not kind else column


def _with_ids(kind: pa.DataType, column: pa.Array) -> pa.Table:
    """Batches of three rows, cut from one array: a writer that ignores an array's offset shows at once."""
    ids = pa.array(range(len(column)), pa.int64())
    whole = pa.record_batch([ids, column], schema=pa.schema([("id", pa.int64()), ("value", kind)]))
    return pa.Table.from_batches([whole.slice(start, 3) for start in range(0, len(whole), 3)], schema=whole.schema)


def _integers(bits: int) -> Sequence[int]:
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0, -1, 1)


def _naturals(bits: int) -> Sequence[int]:
    return (2**bits - 1, 2 ** (bits - 1), 2 ** (bits - 1) - 1, 0, 1)


def _floats_32() -> Sequence[float]:
    largest, smallest, tiniest = 3.4028234663852886e38, 1.1754943508222875e-38, 1.401298464324817e-45
    return (*_floats(), largest, -largest, smallest, tiniest, 0.10000000149011612, 16777216.0)


def _floats_64() -> Sequence[float]:
    largest, smallest, tiniest = 1.7976931348623157e308, 2.2250738585072014e-308, 5e-324
    return (*_floats(), largest, -largest, smallest, tiniest, 0.1, 0.1 + 0.2, 2.0**53, 1e16, 123456789.123456789)


def _floats() -> Sequence[float]:
    return (0.0, -0.0, 1.0, -1.0, 0.5, float("nan"), float("inf"), float("-inf"))


def _decimals(precision: int, scale: int) -> Sequence[Decimal]:
    largest = Decimal((0, (9,) * precision, -scale))
    unit = Decimal((0, (1,), -scale))
    pattern = Decimal((0, tuple(int(d) for d in ("1234567890" * 8)[:precision]), -scale))
    return (largest, largest.copy_negate(), unit, -unit, Decimal((0, (0,), -scale)), pattern, pattern.copy_negate())


def _texts() -> Sequence[str]:
    return (
        "", " ", "   ", "\\N", "\\n", "NULL", "null", "None", "nan", "0", "-0.0", "true", "1e3", "007", "plain",
        " leading", "trailing ", "a'b", 'a"b', '"', '"quoted"', "''", "`", "a,b", ",", "a\tb", "\t", "a|b", "a;b",
        "a\nb", "\n", "a\rb", "\r", "a\r\nb", "\r\n", "a\\b", "\\", "\\\\", "\\.", "a\\", "%", "%s", "${x}", "{}", "--",
        "; DROP TABLE x; --", "a\x00b", "\x00", "\x01\x02\x1a\x1b\x7f", "\x85", "\u2028", "\ufeff", "\ufeffbom",
        "\ufffd", "é", "e\u0301", "ﬁ", "İ", "ß", "Ω", "日本語", "שלום", "\u202eRTL\u202c", "👩\u200d👩\u200d👧",
        "😀", "\U0010ffff", "x" * 255, "x" * 256, "é" * 65536, "long " * 200_000,
    )  # fmt: skip


def _bytes() -> Sequence[bytes]:
    every = bytes(range(256))
    texts = (b"plain", b"\\N", b"NULL", b"a,b\n\"c'\t\r\n", b"\\x00", b"0x00")
    return (b"", b"\x00", b"\x00\x00", b"\xff", every, every[::-1], *texts, b"\xc3\x28", every * 256)


def _dates() -> Sequence[date]:
    return (
        date(1970, 1, 1), date(1969, 12, 31), date(1, 1, 1), date(9999, 12, 31), date(1582, 10, 4), date(1582, 10, 5),
        date(1582, 10, 15), date(1752, 9, 3), date(1900, 1, 1), date(1900, 3, 1), date(2000, 2, 29), date(2038, 1, 20),
    )  # fmt: skip


def _instants(unit: str) -> Sequence[int]:
    """Ticks since 1970. The nanoseconds of 64 bits reach from 1677 to 2262, the other units are kept to the years
    1 to 9999, which is what stores know; a day inside, so that no zone leads out."""
    second = _SECOND[unit]
    days = (0, 1, 10957, 11016, -25567, 24855)
    ends = (-106751, 106750) if unit == "ns" else (-719161, -141428, -141427, -135140, 2932895)
    ticks = [day * 86400 * second for day in (*days, *ends)]
    gap = [1616893200 * second, 1635642000 * second, 1635645600 * second]  # an hour lost, an hour twice, in Europe
    fractions = [1, -1, second - 1, 1609459199 * second + second - 1, 123456789 * second + 123456789 % second]
    return [*ticks, *gap, *dict.fromkeys(fractions)]


def _durations(unit: str) -> Sequence[int]:
    second = _SECOND[unit]
    hours = 838 * 3600 + 59 * 60 + 59  # where MySQL's TIME ends
    seconds = (1, -1, 86399, 86400, hours, -hours, 10**6)
    return (0, 1, -1, *(each * second for each in seconds), 10**6 * second + 1)


def _documents() -> Sequence[str]:
    return (
        "{}", "[]", "null", '""', "0", "true", '{"a": 1}', '{"b":2,"a":1}', '{ "spaced" :  [1, 2] }',
        '"\\u00e9 é \\" \\\\ \\n 😀"', "12345678901234567890123456789", "1.10", "1E+2", '{"a":{"b":[{"c":null}]}}',
    )  # fmt: skip


def _uuids() -> Sequence[bytes]:
    texts = ("0" * 32, "f" * 32, "00112233445566778899aabbccddeeff", "12345678-1234-5678-1234-567812345678")
    return [UUID(text).bytes for text in texts]


def _zero_rows() -> pa.Table:
    return pa.schema([("id", pa.int64()), ("value", pa.string())]).empty_table()


def _all_null() -> pa.Table:
    kinds = {"text": pa.string(), "number": pa.int64(), "real": pa.float64()}
    return pa.table({"id": pa.array(range(5), pa.int64()), **{n: pa.nulls(5, kind) for n, kind in kinds.items()}})


def _not_null() -> pa.Table:
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("value", pa.string(), nullable=False)])
    return pa.table({"id": [1, 2, 3], "value": ["a", "", "NULL"]}, schema=schema)


def _wide() -> pa.Table:
    columns = {f"c{i}": ([i, None, -i] if i % 2 else [f"{i}a", None, ""]) for i in range(1, MANY_COLUMNS)}
    return pa.table({"id": pa.array(range(3), pa.int64()), **columns})


def _hostile_names() -> pa.Table:
    return pa.table({"id": pa.array(range(2), pa.int64()), **{name: [f"of {name}", None] for name in HOSTILE_NAMES}})


def _names_by_case() -> pa.Table:
    return pa.table({"id": pa.array(range(2), pa.int64()), "name": ["a", "b"], "Name": ["c", "d"], "NAME": ["e", None]})


def _small_batches() -> pa.Table:
    schema = pa.schema([("id", pa.int64()), ("value", pa.string())])
    rows = [pa.record_batch([pa.array([i], pa.int64()), pa.array([f"row {i}"])], schema=schema) for i in range(200)]
    empty = schema.empty_table().to_batches() or [pa.record_batch([[], []], schema=schema)]
    return pa.Table.from_batches([*empty, *rows[:100], *empty, *rows[100:], *empty], schema=schema)


def _huge_row() -> pa.Table:
    huge = "0123456789abcde\n" * (1 << 19)  # 8 MiB
    return pa.table({"id": pa.array(range(3), pa.int64()), "value": ["small", huge, "small"]})


_SHAPES: dict[str, Callable[[], pa.Table]] = {
    "zero rows": _zero_rows,
    "all null": _all_null,
    "not null": _not_null,
    "wide": _wide,
    "hostile names": _hostile_names,
    "names by case": _names_by_case,
    "small batches": _small_batches,
    "huge row": _huge_row,
}
