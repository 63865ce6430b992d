"""Arrow columns to what MySQL is sent: the file of a LOAD DATA statement, or the rows of an INSERT.

A file has a line for each row, values separated by tabs, NULL as `\\N`, and a backslash before backslashes, tabs, line
feeds and carriage returns, as `LOAD DATA` takes it by default. Bytes travel as hexadecimal digits: in a file of text
they could not be told from broken characters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

import pyarrow as pa

from starhaul import cast
from starhaul_stores.mysql.catalog import Column
from starhaul_stores.mysql.connection import quoted
from starhaul_stores.relational.bits import numbers_of

Form: TypeAlias = Literal["number", "word", "text", "hex", "bits"]
"""What a text stands for: digits; something with nothing in it to escape; any text; bytes; the number of a BIT."""

_LINES = 1 << 14
"""To make at once."""
_FIRST_DAY, _LAST_DAY = -719528, 2932896  # 0000-01-01 and 9999-12-31
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6}


@dataclass(frozen=True, slots=True)
class Sent:
    """A column as texts. Where `bad` is true the value must not be sent."""

    texts: pa.Array
    form: Form
    bad: pa.BooleanArray | None = None
    reason: str = ""
    """Why, for all bad values alike."""

    def slice(self, start: int, count: int) -> Sent:
        """Some of its rows, none of them bad."""
        return Sent(self.texts.slice(start, count), self.form)

    def only(self, keep: pa.BooleanArray) -> Sent:
        """Without its bad rows."""
        return Sent(self.texts.filter(keep), self.form)


def sent(values: pa.Array, column: Column, note: Callable[[str, int], None]) -> Sent:
    """A column of an accepted type on its way to `column`. `note` is told what MySQL leaves out on its own."""
    kind, types = values.type, pa.types
    if types.is_floating(kind):
        return _floats(values, column, note)
    if types.is_decimal(kind):
        return Sent(_digits(values), "number")
    if types.is_boolean(kind):
        return Sent(values.cast(pa.int8()).cast(pa.string()), "bits" if column.type.name == "bit" else "number")
    if column.type.name == "year":
        return _years(values)
    if types.is_integer(kind):
        return Sent(values.cast(pa.string()), "bits" if column.type.name == "bit" else "number")
    if types.is_date(kind):
        return Sent(values.cast(pa.string()), "word", *_outside(values.view(pa.int32()), _FIRST_DAY, _LAST_DAY, _YEARS))
    if types.is_timestamp(kind):
        return _timestamps(values, column.type.digits)
    if types.is_duration(kind):
        return Sent(_durations(values), "word", *_unsteady(values, column.type.digits))
    if types.is_time(kind):
        return Sent(values.cast(pa.string()), "word", *_unsteady(values, column.type.digits))
    if types.is_binary(kind):
        return Sent(as_hex(values), "hex", *(_short(values, column) if column.type.name == "binary" else ()))
    if isinstance(kind, pa.UuidType):
        return Sent(cast(values, pa.string()).values, "word")
    texts = values.storage if isinstance(kind, pa.BaseExtensionType) else values
    if column.type.name == "bit":
        numbers, bad = numbers_of(texts, column.type.bits)
        return Sent(numbers.cast(pa.string()), "bits", bad, f"is no {column.type.text}")
    return _texts(texts, column, note)


def as_file(columns: Sequence[Sent]) -> pa.Buffer:
    """The lines of a LOAD DATA file."""
    from pyarrow import csv

    fields = [_escaped(each.texts, _IN_A_FILE) if each.form == "text" else each.texts for each in columns]
    options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none", batch_size=_LINES)
    fields = [field.fill_null("\\N") if field.null_count else field for field in fields]
    names = [str(number) for number in range(len(fields))]
    sink = pa.BufferOutputStream()
    try:
        csv.write_csv(pa.RecordBatch.from_arrays(fields, names=names), sink, options)
    except pa.ArrowInvalid:  # a quotation mark, which means nothing to LOAD DATA
        return _joined(fields)
    return sink.getvalue()


def _joined(fields: list[pa.Array]) -> pa.Buffer:
    """The same in half the speed, whatever the texts hold."""
    import pyarrow.compute as pc

    last = pc.binary_join_element_wise(fields[-1], "\n", "")
    return pa.py_buffer(_bytes_of(pc.binary_join_element_wise(*fields[:-1], last, "\t")))


def as_rows(columns: Sequence[Sent]) -> list[str]:
    """Each row as INSERT takes it after VALUES."""
    import pyarrow.compute as pc

    fields = []
    for each in columns:
        if each.form == "hex":
            fields.append(pc.binary_join_element_wise("x'", each.texts, "'", ""))
        elif each.form in ("word", "text"):
            texts = _escaped(each.texts, _IN_A_STATEMENT) if each.form == "text" else each.texts
            fields.append(pc.binary_join_element_wise("'", texts, "'", ""))
        else:
            fields.append(each.texts)
    fields = [pc.fill_null(field, "NULL") for field in fields]
    rows: list[str] = pc.binary_join_element_wise(
        "(", pc.binary_join_element_wise(*fields, ","), ")", ""
    ).to_pylist()  # fmt: skip
    return rows


def lines_as_rows(lines: bytes, forms: Sequence[Form]) -> bytes:
    """The lines of such a file, the last without its end, as INSERT takes them after VALUES: text has the same escapes
    there."""
    lines = lines.replace(b"'", b"''")
    if not {"hex", "bits"} & set(forms):
        values = lines.replace(b"\t", b"','").replace(b"\n", b"'),('")
        return (b"('" + values + b"')").replace(rb"'\N'", b"NULL")
    marks = [{"hex": (b"x'", b"'"), "bits": (b"", b"")}.get(form, (b"'", b"'")) for form in forms]
    rows = []
    for line in lines.split(b"\n"):
        pairs = zip(marks, line.split(b"\t"), strict=True)
        rows.append(b",".join(b"NULL" if each == rb"\N" else head + each + tail for (head, tail), each in pairs))
    return b"(" + b"),(".join(rows) + b")"


def load_sql(table: str, names: Sequence[str], forms: Sequence[Form], duplicates: str) -> str:
    """The LOAD DATA statement for `as_file`. `table` is SQL; `duplicates` is empty, IGNORE or REPLACE."""
    places, assignments = [], []
    for number, (name, form) in enumerate(zip(names, forms, strict=True)):
        if form in ("hex", "bits"):
            value = f"UNHEX(@v{number})" if form == "hex" else f"CAST(@v{number} AS UNSIGNED)"
            assignments.append(f"{quoted(name)} = {value}")
            places.append(f"@v{number}")
        else:
            places.append(quoted(name))
    return (
        f"LOAD DATA LOCAL INFILE 'starhaul' {duplicates} INTO TABLE {table} CHARACTER SET utf8mb4 "
        "FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' "
        f"({', '.join(places)}){' SET ' + ', '.join(assignments) if assignments else ''}"
    )


_YEARS = "outside the years 0000 to 9999, which MySQL's dates cover"
_IN_A_FILE = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
_IN_A_STATEMENT = (("\\", "\\\\"), ("'", "''"))


def _escaped(texts: pa.Array, pairs: Sequence[tuple[str, str]]) -> pa.Array:
    import pyarrow.compute as pc

    whole = bytes(_bytes_of(texts))
    for plain, escaped in pairs:
        if plain.encode() in whole:
            texts = pc.replace_substring(texts, plain, escaped)
    return texts


def _bytes_of(texts: pa.Array) -> memoryview:
    """The bytes of all texts of an array, one after the other."""
    if not len(texts) or texts.buffers()[2] is None:
        return memoryview(b"")
    octets = memoryview(texts.buffers()[1]).cast("b")
    offsets = octets.cast("q") if pa.types.is_large_string(texts.type) else octets.cast("i")
    return memoryview(texts.buffers()[2])[offsets[texts.offset] : offsets[texts.offset + len(texts)]]


def _years(values: pa.Array) -> Sent:
    """YEAR takes numbers of two digits as years near 2000, and the text 0 as 2000 itself."""
    import pyarrow.compute as pc

    known = pc.or_(pc.equal(values, 0), pc.and_(pc.greater(values, 1900), pc.less(values, 2156)))
    bad = (
        () if pc.all(known).as_py() in (True, None) else (pc.fill_null(pc.invert(known), False), "YEAR begins in 1901")
    )
    return Sent(pc.utf8_lpad(values.cast(pa.string()), 4, "0"), "word", *bad)


def _floats(values: pa.Array, column: Column, note: Callable[[str, int], None]) -> Sent:
    import pyarrow.compute as pc

    declared, exact = column.type, values
    values = values.cast(pa.float64())
    if zeros := pc.sum(pc.equal(values.view(pa.int64()), -(2**63))).as_py():
        note("negative zero stored as 0.0", zeros)
    finite = pc.fill_null(pc.is_finite(values), True)
    if pc.all(finite).as_py() is False:
        return Sent(values.cast(pa.string()), "word", pc.invert(finite), "MySQL has no NaN and no infinities")
    if declared.scale is not None:  # it rounds without a warning
        rounded = pc.round(values, declared.scale).cast(exact.type, safe=False)
        altered = pc.fill_null(pc.not_equal(rounded, exact), False)
        if pc.any(altered).as_py():
            return Sent(values.cast(pa.string()), "word", altered, f"{declared.text} would round it")
    return Sent(values.cast(pa.string()), "word")


_NO_EXPONENT = 6
"""Arrow writes decimals of so many digits after the point without an exponent, as Java's BigDecimal does."""


def _digits(values: pa.Array) -> pa.Array:
    """Decimals as plain digits, maybe with zeros in front. Arrow writes small ones with an exponent."""
    import pyarrow.compute as pc

    from starhaul_stores.mysql.digits import printed

    if pa.types.is_decimal128(values.type) and (texts := printed(values)) is not None:
        return texts
    texts = values.cast(pa.string())
    if 0 <= values.type.scale <= _NO_EXPONENT:
        return texts
    exponent = pc.fill_null(pc.match_substring(texts, "E"), False)
    if not pc.any(exponent).as_py():
        return texts
    plain = [format(Decimal(text), "f") for text in texts.filter(exponent).to_pylist()]
    return pc.replace_with_mask(texts, exponent, pa.array(plain, pa.string()))


def _timestamps(values: pa.Array, digits: int) -> Sent:
    kind = values.type
    ticks, per_second = values.view(pa.int64()), _PER_SECOND[kind.unit]
    ends = _FIRST_DAY * 86400 * per_second, (_LAST_DAY + 1) * 86400 * per_second - 1
    texts = ticks.view(pa.timestamp(kind.unit)).cast(pa.string())
    return Sent(texts, "word", *(_outside(ticks, *ends, _YEARS) or _unsteady(values, digits)))


def _unsteady(values: pa.Array, digits: int) -> tuple[pa.Array, str] | tuple[()]:
    """The times that MySQL would round because the column keeps fewer digits than their unit has."""
    import pyarrow.compute as pc

    unit = 10 ** ({"s": 0, "ms": 3, "us": 6}[values.type.unit] - digits)
    if unit <= 1:
        return ()
    width = pa.int32() if values.type.bit_width == 32 else pa.int64()
    ticks = values.view(width).cast(pa.int64())
    bad = pc.not_equal(pc.multiply(pc.divide(ticks, unit), unit), ticks)
    return (pc.fill_null(bad, False), f"the column keeps {digits} digits of a second") if pc.any(bad).as_py() else ()


def _durations(values: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    per_second = _PER_SECOND[values.type.unit]
    ticks = values.cast(pa.int64())
    size = pc.abs(ticks)
    seconds = pc.divide(size, per_second)
    parts = [pc.divide(seconds, 3600), _rest(pc.divide(seconds, 60), 60), _rest(seconds, 60)]
    texts = [pc.utf8_lpad(part.cast(pa.string()), 2, "0") for part in parts]
    sign = pc.if_else(pc.less(ticks, 0), "-", "")
    whole = pc.binary_join_element_wise(sign, texts[0], ":", texts[1], ":", texts[2], "")
    if per_second == 1:
        return whole
    fraction = _rest(size, per_second).cast(pa.string())
    return pc.binary_join_element_wise(whole, pc.utf8_lpad(fraction, len(str(per_second)) - 1, "0"), ".")


def _rest(values: pa.Array, divisor: int) -> pa.Array:
    import pyarrow.compute as pc

    return pc.subtract(values, pc.multiply(pc.divide(values, divisor), divisor))


def _short(values: pa.Array, column: Column) -> tuple[pa.Array, str] | tuple[()]:
    """The values that BINARY would fill up with zeros, which then are part of the value."""
    import pyarrow.compute as pc

    length = int(column.type.text.partition("(")[2].partition(")")[0] or 1)
    bad = pc.fill_null(pc.less(pc.binary_length(values), length), False)
    return (bad, f"{column.type.text} would fill it up with zeros") if pc.any(bad).as_py() else ()


def as_hex(values: pa.Array) -> pa.Array:
    """Bytes as hexadecimal digits: two of them for each byte, so offsets double."""
    import pyarrow.compute as pc

    held = _bytes_of(values)
    ends = pa.Array.from_buffers(pa.int32(), len(values) + 1, [None, values.buffers()[1]], offset=values.offset)
    moved = pc.multiply(pc.subtract(ends.cast(pa.int64()), ends[0].as_py()), 2)
    validity = values.is_valid().buffers()[1] if values.null_count else None
    buffers = [validity, moved.buffers()[1], pa.py_buffer(held.hex().encode())]
    return pa.Array.from_buffers(pa.large_string(), len(values), buffers).cast(pa.string())


def _texts(texts: pa.Array, column: Column, note: Callable[[str, int], None]) -> Sent:
    import pyarrow.compute as pc

    kind = column.type
    if kind.name in ("enum", "set"):
        members = set(kind.members)
        wrong = [
            text
            for text in pc.unique(texts).to_pylist()
            if text is not None and not (_parts(text) if kind.name == "set" else {text}) <= members
        ]
        if wrong:
            bad = pc.is_in(texts, pa.array(wrong, texts.type))
            return Sent(texts, "text", bad, f"is no member of {kind.text[:100]}")
    elif kind.name == "char" and (rows := pc.sum(pc.ends_with(texts, " ")).as_py()):
        note("trailing blanks left out by a CHAR column", rows)
    return Sent(texts, "text")


def _parts(text: str) -> set[str]:
    return set(text.split(",")) if text else set()


def _outside(numbers: pa.Array, first: int, last: int, reason: str) -> tuple[pa.Array, str] | tuple[()]:
    import pyarrow.compute as pc

    ends = pc.min_max(numbers).as_py()
    if ends["min"] is None or (ends["min"] >= first and ends["max"] <= last):
        return ()
    bad = pc.or_(pc.less(numbers, first), pc.greater(numbers, last))
    return pc.fill_null(bad, False), reason
