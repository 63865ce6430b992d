"""dx_substr, dx_pad, dx_replace, dx_digest against slow references that read like DataX's own code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, Formats, Transformer, with_native_type
from starhaul_transformers.digest import Digest
from starhaul_transformers.filter import Filter, FilterParams
from starhaul_transformers.pad import Pad
from starhaul_transformers.replace import Replace
from starhaul_transformers.substr import Substr
from starhaul_transformers.target import ColumnParams

TEXTS = st.lists(st.none() | st.text(max_size=8) | st.text("aé😀\u0301", max_size=8), max_size=12)
KINDS = st.sampled_from([pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
SMALL = st.integers(0, 9)
Transform = Callable[..., Any]


def on_values(cls: type[Transformer[Any]], *paras: str | int) -> Transformer[Any]:
    return cls(ColumnParams(column="value", paras=list(paras)))


def split(wanted: list[Any]) -> tuple[dict[int, Any], list[int]]:
    """From the value that each row is to have, `...` for one to be rejected: the rows kept, the rows rejected."""
    kept = {row: value for row, value in enumerate(wanted) if value is not ...}
    return kept, [row for row, value in enumerate(wanted) if value is ...]


@settings(deadline=None, max_examples=60)
@given(values=TEXTS, kind=KINDS, start=SMALL, length=SMALL)
def test_substr(transform: Transform, values: list[str | None], kind: pa.DataType, start: int, length: int) -> None:
    def reference(value: str | None) -> Any:
        if value is None:
            return None
        return ... if start > len(value) else value[start : start + length]

    outcome = transform(on_values(Substr, str(start), length), values, kind)
    assert outcome[:2] == split([reference(value) for value in values])


@settings(deadline=None, max_examples=60)
@given(values=TEXTS, kind=KINDS, start=SMALL, length=SMALL, new=st.text(max_size=4))
def test_replace(
    transform: Transform, values: list[str | None], kind: pa.DataType, start: int, length: int, new: str
) -> None:
    def reference(value: str | None) -> Any:
        if value is None:
            return None
        return ... if start > len(value) else value[:start] + new + value[start + length :]

    outcome = transform(on_values(Replace, start, str(length), new), values, kind)
    assert outcome[:2] == split([reference(value) for value in values])


@settings(deadline=None, max_examples=60)
@given(values=TEXTS, kind=KINDS, side=st.sampled_from("lrLR"), length=SMALL, pad=st.text(min_size=1, max_size=4))
def test_pad(
    transform: Transform, values: list[str | None], kind: pa.DataType, side: str, length: int, pad: str
) -> None:
    def reference(value: str | None) -> str:
        value = value or ""
        if len(value) >= length:
            return value[:length]
        padding = ""
        while len(padding) < length - len(value):
            padding += pad[: length - len(value) - len(padding)]
        return padding + value if side in "lL" else value + padding

    outcome = transform(on_values(Pad, side, length, pad), values, kind)
    assert outcome[:2] == split([reference(value) for value in values])


@settings(deadline=None, max_examples=40)
@given(
    values=TEXTS,
    kind=KINDS,
    algorithm=st.sampled_from(["md5", "MD5", "sha1", "Sha1"]),
    case=st.sampled_from(["toUpperCase", "tolowercase"]),
)
def test_digest(transform: Transform, values: list[str | None], kind: pa.DataType, algorithm: str, case: str) -> None:
    def reference(value: str | None) -> str:
        digest = hashlib.new(algorithm.lower(), (value or "").encode()).hexdigest()
        return digest.upper() if case == "toUpperCase" else digest

    outcome = transform(on_values(Digest, algorithm, case), values, kind)
    assert outcome[:2] == split([reference(value) for value in values])


def test_known_digests(transform: Transform) -> None:
    kept, _, _ = transform(on_values(Digest, "md5", "toUpperCase"), ["abc", None], pa.string())
    assert kept == {0: "900150983CD24FB0D6963F7D28E17F72", 1: "D41D8CD98F00B204E9800998ECF8427E"}
    kept, _, _ = transform(on_values(Digest, "sha1", "toLowerCase"), ["abc"], pa.string())
    assert kept == {0: "a9993e364706816aba3e25717850c26c9cd0d89d"}


def test_other_types_become_text_first(transform: Transform) -> None:
    kept, rejected, _ = transform(on_values(Substr, 0, 2), [1234, None, -5], pa.int64())
    assert (kept, rejected) == ({0: "12", 1: None, 2: "-5"}, [])
    kept, rejected, _ = transform(on_values(Pad, "l", 6, "0"), [True, False], pa.bool_())
    assert (kept, rejected) == ({0: "00true", 1: "0false"}, [])


@pytest.mark.parametrize(
    ("formats", "kind", "value", "text"),
    [
        (Formats(datax=True), pa.timestamp("us"), datetime(2024, 2, 29, 10), "2024-02-29 10:00:00"),
        (Formats(datax=True), pa.float64(), 1e20, "100000000000000000000"),
        (Formats(datetime="yyyy/MM/dd HH:mm"), pa.timestamp("us"), datetime(2024, 2, 29, 10), "2024/02/29 10:00"),
        (Formats(date="dd.MM.yyyy"), pa.date32(), date(2024, 2, 29), "29.02.2024"),
        (Formats(encoding="gbk"), pa.binary(), "中".encode("gbk"), "中"),
    ],
)
def test_texts_are_in_the_formats_of_the_job(
    transform: Transform, formats: Formats, kind: pa.DataType, value: Any, text: str
) -> None:
    """As DataX's are, where the job asks for its rules: a digest of another text would be another digest."""
    for made, wanted in (
        (on_values(Substr, 0, 40), text),
        (on_values(Replace, 0, 1, ""), text[1:]),
        (on_values(Pad, "l", 40, "*"), text.rjust(40, "*")),
        (on_values(Digest, "md5", "toLowerCase"), hashlib.md5(text.encode()).hexdigest()),
    ):
        made.formats = formats
        assert transform(made, [value], kind).kept == {0: wanted}
    like = Filter(FilterParams(column="value", paras=["like", re.escape(text)]))
    like.formats = formats
    assert transform(like, [value, None], kind).kept == {1: None}


def test_a_value_without_a_text_is_rejected(transform: Transform) -> None:
    kept, rejected, reasons = transform(on_values(Substr, 0, 9), [b"ok", b"\xff", None], pa.binary())
    assert (kept, rejected) == ({0: "ok", 2: None}, [1])
    assert reasons[0].startswith("value: ")


def test_the_reason_says_what_is_short(transform: Transform) -> None:
    _, _, reasons = transform(on_values(Substr, 3, 1), ["ab"], pa.string())
    assert reasons == ["value: 2 characters, where the part starts at 3"]


def test_the_column_forgets_what_its_type_was_called() -> None:
    field = with_native_type(pa.field("value", pa.int32(), nullable=False), "INT(11)")
    (changed,) = on_values(Pad, "l", 11, "0").accept(pa.schema([field]))
    assert (changed.type, changed.nullable, changed.metadata) == (pa.string(), False, None)


@pytest.mark.parametrize(
    ("cls", "paras", "message"),
    [
        (Substr, ["1"], r"^paras: there are 1 values \(there must be 2: start, length\)$"),
        (Substr, ["1", "2", "3"], "there are 3 values"),
        (Substr, ["a", "2"], r"^paras: start is 'a' \(write a whole number"),
        (Substr, ["-1", "2"], "start is '-1'"),
        (Substr, ["0", "1.5"], "length is '1.5'"),
        (Substr, ["0", str(2**31)], "length is '2147483648'"),
        (Replace, ["0", "1"], "there must be 3: start, length, replacement"),
        (Replace, ["0", "", "x"], "length is ''"),
        (Pad, ["x", "1", "0"], "the side is 'x'"),
        (Pad, ["l", "x", "0"], "length is 'x'"),
        (Pad, ["l", "1", ""], "the text to pad with is empty"),
        (Digest, ["sha256", "toUpperCase"], "'sha256' is no known hash"),
        (Digest, ["md5", "upper"], "'upper' is no case"),
        (Digest, ["md5"], "there are 1 values"),
    ],
)
def test_wrong_paras_are_found_before_the_run(cls: type[Transformer[Any]], paras: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        on_values(cls, *paras).accept(pa.schema([("value", pa.string())]))
    assert caught.value.where == "paras"


@pytest.mark.parametrize("cls", [Substr, Replace, Pad, Digest])
def test_the_column_must_be_there(cls: type[Transformer[Any]]) -> None:
    paras: dict[str, list[str | int | float]] = {
        "dx_substr": [0, 1], "dx_replace": [0, 1, ""], "dx_pad": ["l", 1, "0"], "dx_digest": ["md5", "toUpperCase"]
    }  # fmt: skip
    schema = pa.schema([("a", pa.string()), ("b", pa.string()), ("b", pa.string())])
    for where, name, index in (("columnIndex", None, 3), ("column", "c", None), ("column", "b", None)):
        with pytest.raises(ConfigError) as caught:
            cls(ColumnParams(column=name, column_index=index, paras=paras[cls.name])).accept(schema)
        assert caught.value.where == where


@pytest.mark.parametrize(
    "transformer", [on_values(Substr, 0, 1), Filter(FilterParams(column="value", paras=["like", "a"]))]
)
def test_a_column_without_texts_is_refused(transformer: Transformer[Any]) -> None:
    with pytest.raises(ConfigError):
        transformer.accept(pa.schema([("value", pa.month_day_nano_interval())]))


@pytest.mark.parametrize("parameters", [{}, {"column": "a", "columnIndex": 0}])
def test_exactly_one_way_to_name_the_column(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give either `columnIndex` or `column`"):
        ColumnParams.parse({"paras": [], **parameters})
