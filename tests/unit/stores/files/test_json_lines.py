"""JSON lines: what is written reads back, and the fast path reads what the exact one reads, or leaves it to that."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, PermanentError
from starhaul.testing import RecordingTask
from starhaul_readers.txtfile import TxtFileReaderParams
from starhaul_stores.files.formats.input import Selection
from starhaul_stores.files.formats.json_input import JsonInput
from starhaul_stores.files.json_records import json_text, record
from tests import txtfile
from tests.txtfile import read

reader = partial(txtfile.reader, fileFormat="json")


def test_types_of_members(tmp_path: Path) -> None:
    lines = [
        '{"i": 1, "f": 1.5, "b": true, "s": "x", "n": null, "o": {"a": [1.10, null]}, "m": 1}',
        '{"m": "text", "i": 2, "extra": null}',
        "",
        '{"f": 2}',
    ]
    (tmp_path / "x").write_text("\n".join(lines))
    rows, reasons = read(reader(tmp_path))
    assert reasons == []
    kinds = [pa.int64(), pa.float64(), pa.bool_(), pa.string(), pa.string(), pa.json_(), pa.json_(), pa.string()]
    assert rows.schema.types == kinds
    assert rows["o"].to_pylist() == ['{"a":[1.10,null]}', None, None]
    assert rows["m"].to_pylist() == ["1", '"text"', None]
    assert rows["i"].to_pylist() == [1, 2, None]


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"d": 0.1, "t": 1.10}\n{"d": 12345678901234567890.12, "t": 1e3}\n{"d": 0.001}\n')
    columns = [{"name": "d", "type": "decimal(30,2)"}, {"name": "t", "type": "string"}, {"name": "new"}]
    rows, reasons = read(reader(tmp_path, column=columns))
    assert rows.to_pylist() == [
        {"d": Decimal("0.10"), "t": "1.10", "new": None},
        {"d": Decimal("12345678901234567890.12"), "t": "1e3", "new": None},
    ]
    assert [reason.partition(" d:")[0] for reason in reasons] == ["x:3:"]


def test_records_that_are_none_are_rejected_with_their_line(tmp_path: Path) -> None:
    lines = [
        b'{"a": 1}',
        b"",
        b"[1]",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b"{",
        b'{"a": "\xff"}',
        b'{"a": "x"}',
        b'{"a": 2}',
    ]
    (tmp_path / "x").write_bytes(b"\n".join(lines))
    rows, reasons = read(reader(tmp_path, column=[{"name": "a", "type": "long"}], blockSize=20))
    assert rows["a"].to_pylist() == [1, 2]
    assert [reason.split(": ")[0] for reason in reasons] == ["x:3", "x:4", "x:5", "x:6", "x:7", "x:8"]


@pytest.mark.parametrize("kind", ["string", "json"])
def test_halves_of_surrogate_pairs_reject_their_row(tmp_path: Path, kind: str) -> None:
    lines = ['{"a": "\\ud83d\\ude00"}', '{"a": "\\uD800"}', '{"a": {"\\udc00": 1}}', '{"a": "\\\\ud800"}']
    (tmp_path / "x").write_text("\n".join(lines))
    rows, reasons = read(reader(tmp_path, column=[{"name": "a", "type": kind}]))
    quote = '"' if kind == "json" else ""
    backslash = "\\\\" if kind == "json" else "\\"
    assert rows["a"].to_pylist() == [f"{quote}😀{quote}", f"{quote}{backslash}ud800{quote}"]
    half = "it holds half of a surrogate pair, which is no character"
    assert reasons == [f"x:2: {half}", f"x:3: {half}"]
    assert len(read(reader(tmp_path))[1]) == 2


def test_what_is_no_json_is_no_number(tmp_path: Path) -> None:
    """Whatever stands beside it, and by whichever way a block is read."""
    (tmp_path / "x").write_text("".join(f'{{"a": {each}}}\n' for each in ("1.5", "NaN", "Infinity", "-Infinity")))
    rows, reasons = read(reader(tmp_path, column=[{"name": "a", "type": "double"}]))
    assert rows["a"].to_pylist() == [1.5]
    assert [reason.split(": ")[0] for reason in reasons] == ["x:2", "x:3", "x:4"]


def test_members_that_come_later_are_no_silence(tmp_path: Path) -> None:
    (tmp_path / "1").write_text('{"a": 1}\n')
    (tmp_path / "2").write_text('{"a": 2}\n{"a": 3, "b": 1}\n')
    rows, reasons = read(reader(tmp_path))
    assert (rows["a"].to_pylist(), reasons) == ([1, 2], ["2:2: has a member 'b', which the first records have not"])
    assert read(reader(tmp_path, column=[{"name": "a"}]))[1] == []


def test_large_files_in_pieces_and_packed(tmp_path: Path) -> None:
    lines = b"".join(b'{"id": %d, "text": "ab\\nc"}\n' % n for n in range(5000))
    (tmp_path / "x.json").write_bytes(lines)
    source = reader(tmp_path, splitSize=20_000, blockSize=1000)
    assert len(source.split(1)) > 4
    rows, _ = read(source)
    assert rows["id"].to_pylist() == list(range(5000))
    assert set(rows["text"].to_pylist()) == {"ab\nc"}


def test_a_record_that_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"a": "' + "x" * 5000 + '"}\n')
    with pytest.raises(PermanentError, match="longer than 1000 bytes"):
        read(reader(tmp_path, maxRecordSize=1000, blockSize=100))


KINDS = [pa.int64(), pa.float64(), pa.bool_(), pa.string(), pa.decimal128(12, 3)]
NUMBERS = st.one_of(
    st.integers(-(2**65), 2**65).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-1000, 1000, places=3).map(str),
    st.sampled_from(["-0", "0.0", "1e5", "1E-2", "1e400", "0.1234567890123456789", "9223372036854775808"]),
)
TEXTS = st.one_of(
    st.text(max_size=5), st.sampled_from(["", 'a"b', "\\", "\u2028", "😀", "\x00", "1", "true", "null", "/"])
)
OTHERS = ["true", "false", "null", "[1]", "{}", '{"a":{"a":1}}', '"\ud800"', "tru", ""]
VALUES = st.one_of(
    NUMBERS,
    TEXTS.map(json.dumps),
    TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(OTHERS),
)
LINES = st.lists(
    st.one_of(
        st.lists(st.tuples(st.sampled_from("abcé"), VALUES), max_size=4).map(
            lambda members: "{" + ",".join(f'"{name}": {value}' for name, value in members) + "}"
        ),
        st.sampled_from(["", " ", "[]", '{"a":1}{"a":2}', "{}", ' {"a" : 1 } ', '{"a":1}\r']),
    ),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@example(["", '{"a":1}{"a":2}'], [pa.int64()] * 3)
@given(LINES, st.lists(st.sampled_from(KINDS), min_size=3, max_size=3))
def test_the_fast_path_reads_what_the_exact_one_reads(lines: list[str], kinds: list[pa.DataType]) -> None:
    from starhaul_stores.files.columns import TypedField, typed

    source = JsonInput(TxtFileReaderParams.model_validate({"path": "x", "column": ["*"], "fileFormat": "json"}))
    selection = Selection((0, 1, 2), pa.schema(list(zip("abé", kinds, strict=True))), None)
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    fast = source._fast(data, selection, "x", 1)
    if fast is None:
        return
    task = RecordingTask()
    slow = source._slow(data, selection, "x", 1, task)
    assert task.rejected == []
    for field, quick, exact in zip(selection.fields or (), fast.columns, slow.columns, strict=True):
        result = typed(exact, TypedField(field.name, field.type, 0))
        assert result.bad is None
        assert result.values.to_pylist() == quick.to_pylist()


LEAVES = st.one_of(NUMBERS, st.sampled_from(["null", "true"]), TEXTS.map(json.dumps))
NESTED = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]"))


def loaded(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str)


@given(NESTED)
def test_nested_values_keep_their_text(text: str) -> None:
    ((_, value),) = record(b'{"a": %s}' % text.encode())
    assert json.loads(json_text(value), parse_float=str, parse_int=str) == json.loads(
        text, parse_float=str, parse_int=str
    )


def write(path: Path, table: pa.Table, **parameters: Any) -> tuple[bytes, list[str]]:
    writer = txtfile.writer(path, fileFormat="json", **parameters)
    schema = writer.accept(table.schema)
    assert schema is not None
    writer.check(schema)
    writer.prepare(schema, "run_1")
    task = RecordingTask(schema, "t0", "run_1")
    writer.commit("run_1", [writer.write(task, table.to_batches())])
    (found,) = path.iterdir()
    return found.read_bytes(), [reason for _, reason, _ in task.rejected]


def test_what_is_written(tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": [1, None],
            "d": pa.array([Decimal("1.50"), None]),
            "t": pa.array([datetime(2024, 1, 2), None], pa.timestamp("us")),
            "s": ['a"\n\x01ü', ""],
            "f": [float("inf"), 0.1],
            "l": [[1, None], None],
        }
    )
    data, reasons = write(tmp_path, table)
    assert data.decode() == '{"i":null,"d":null,"t":null,"s":"","f":0.1,"l":null}\n'
    assert len(reasons) == 1
    data, reasons = write(tmp_path, table.drop_columns(["f"]))
    assert json.loads(data.splitlines()[0]) == {
        "i": 1,
        "d": 1.5,
        "t": "2024-01-02 00:00:00.000000",
        "s": 'a"\n\x01ü',
        "l": [1, None],
    }
    assert b'"d":1.50' in data
    assert write(tmp_path, table.slice(0, 0))[0] == b""


def test_characters_that_the_encoding_lacks(tmp_path: Path) -> None:
    data, reasons = write(tmp_path, pa.table({"a": ["x", "😀", "é"]}), encoding="latin-1")
    assert data == '{"a":"x"}\n{"a":"é"}\n'.encode("latin-1")
    assert reasons == ["holds a character that latin-1 has not"]


def test_names_that_come_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the same name"):
        write(tmp_path, pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))
