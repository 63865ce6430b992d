"""The nasty tables hold what they say, and comparing them sees every difference."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import starhaul.testing
from starhaul import Cancelled, RejectLimitExceeded
from starhaul.testing import RecordingTask, assert_same_rows, exact_rows, nasty_names, nasty_table, nasty_tables
from starhaul.testing.resources import held_open

EXTREMES: Mapping[str, set[Any]] = {
    "int8": {-128, 127},
    "uint64": {0, 2**63, 2**64 - 1},
    "int64": {-(2**63), 2**63 - 1},
    "double": {"nan", "inf", "-inf", "-0.0", "0.0", "5e-324"},
    "decimal128(38, 0)": {Decimal("9" * 38), Decimal("-" + "9" * 38), Decimal(0)},
    "decimal256(76, 38)": {Decimal("9" * 38 + "." + "9" * 38)},
    "string": {"", " ", "\\N", "null", "a\r\nb", "a\x00b", "long " * 200_000},
    "binary": {b"", bytes(range(256))},
    "date32[day]": {-719162, 2932896},
    "uuid": {bytes(16), b"\xff" * 16},
}


@pytest.mark.parametrize("name", nasty_names())
def test_table(name: str) -> None:
    table = nasty_table(name)
    table.validate(full=True)
    ids = [row[0] for row in exact_rows(table.select(["id"]))]
    assert len(set(ids)) == len(ids) == table.num_rows
    assert table.schema.field(0).name == "id"
    assert_same_rows(table, nasty_table(name), "two of the same")


@pytest.mark.parametrize("name", [name for name in nasty_names() if "value" in nasty_table(name).schema.names])
def test_types_hold_null_and_cross_batches(name: str) -> None:
    table = nasty_table(name)
    if name in ("zero rows", "not null", "small batches", "huge row"):
        return
    assert table["value"].null_count == 1
    assert len(table.to_batches()) >= 1 + (table.num_rows > 3)


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_are_there(name: str) -> None:
    assert EXTREMES[name] <= {value for (value,) in exact_rows(nasty_table(name).select(["value"]))}


def test_every_type_is_there_once() -> None:
    names = [name for name, _ in nasty_tables()]
    assert len(set(names)) == len(names) > 50
    assert nasty_table("wide").num_columns == 500
    with pytest.raises(KeyError):
        nasty_table("nope")


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (pa.float64(), 0.0, -0.0),
        (pa.float64(), float("nan"), None),
        (pa.float64(), 0.1, 0.1 + 2**-56),
        (pa.string(), "", None),
        (pa.string(), "e\u0301", "é"),
        (pa.timestamp("ns"), 1, 0),
        (pa.timestamp("s"), 2**40, 2**40 + 1),
        (pa.decimal256(76, 0), Decimal("9" * 76), Decimal("9" * 75 + "8")),
        (pa.list_(pa.int64()), [1, None], [1]),
        (pa.dictionary(pa.int8(), pa.string()), "a", "b"),
    ],
)
def test_comparison_sees(kind: pa.DataType, one: object, other: object) -> None:
    first, second = (pa.table({"id": [1], "v": pa.array([value], kind)}) for value in (one, other))
    assert_same_rows(first, first, "the same")
    with pytest.raises(AssertionError, match=r"told: 1 of 1 rows .*row 1: column 'v'"):
        assert_same_rows(first, second, "told")


def test_comparison_knows_no_order_unless_asked() -> None:
    rows, turned = pa.table({"id": [1, 2]}), pa.table({"id": [2, 1]})
    assert_same_rows(rows, turned, "told")
    with pytest.raises(AssertionError, match="another order from row 0"):
        assert_same_rows(rows, turned, "told", by_order=True)


def test_comparison_counts() -> None:
    once, twice = pa.table({"id": [1, 2]}), pa.table({"id": [1, 2, 2]})
    with pytest.raises(AssertionError, match=r"0 of 2 rows are missing or altered, 1 were not sent; surplus \(2,\)"):
        assert_same_rows(twice, once, "told")
    with pytest.raises(AssertionError, match=r"1 of 3 rows are missing .* missing \(2,\)"):
        assert_same_rows(once, twice, "told")


def test_comparison_sees_columns() -> None:
    with pytest.raises(AssertionError, match="'id' int32 should be 'id' int64"):
        assert_same_rows(pa.table({"id": pa.array([1], pa.int32())}), pa.table({"id": [1]}), "told")
    with pytest.raises(AssertionError, match="1 columns instead of 2"):
        assert_same_rows(pa.table({"id": [1]}), pa.table({"id": [1], "v": [2]}), "told")


def test_zeros_may_be_equal() -> None:
    plus, minus = pa.table({"v": [0.0]}), pa.table({"v": [-0.0]})
    assert_same_rows(minus, plus, "told", equal_zeros=True)


def test_recording_task_refuses_nonsense() -> None:
    batch = pa.record_batch({"a": [1, 2]})
    task = RecordingTask(reject_limit=1)
    for row in (-1, 2):
        with pytest.raises(IndexError):
            task.reject(batch, row, "reason")
    with pytest.raises(ValueError, match="needs a reason"):
        task.reject(batch, 0, " ")
    task.reject(batch, 1, "reason", at="line 2")
    assert task.rejected == [({"a": 2}, "reason", "line 2")]
    with pytest.raises(RejectLimitExceeded):
        task.reject(batch, 0, "reason")


def test_recording_task_can_be_stopped() -> None:
    task = RecordingTask()
    task.pause(0)
    task.note("altered", 2)
    assert task.notes["altered"] == 2
    task.cancelled = True
    with pytest.raises(Cancelled):
        task.pause(60)
    with pytest.raises(Cancelled):
        task.reject(pa.record_batch({"a": [1]}), 0, "reason")


def test_recording_task_shows_what_python_cannot() -> None:
    batch = pa.record_batch({"at": pa.array([1], pa.timestamp("ns"))})
    task = RecordingTask()
    task.reject(batch, 0, "reason")
    assert task.rejected[0][0] == {"at": "1970-01-01 00:00:00.000000001"}


def test_open_files_are_held(tmp_path: Path) -> None:
    kept = []
    left = held_open(lambda: kept.append((tmp_path / "kept").open("w")))
    assert len(left) == 1
    assert "kept" in left[0]
    kept.pop().close()
    assert held_open(lambda: (tmp_path / "kept").read_text()) == []


def test_assertions_of_the_kit_are_explained() -> None:
    """Each module that asserts is registered for pytest's rewriting, before it is imported."""
    folder = Path(starhaul.testing.__file__).parent
    source = (folder / "__init__.py").read_text(encoding="utf-8")
    for path in folder.glob("*.py"):
        if any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))):
            assert f'"starhaul.testing.{path.stem}"' in source, f"{path.stem} is not registered"


def test_public_names_are_there() -> None:
    for name in starhaul.testing.__all__:
        assert hasattr(starhaul.testing, name)
