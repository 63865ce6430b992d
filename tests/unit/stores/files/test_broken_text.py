"""Text that is no UTF-8 in files whose libraries do not look at it: its row is rejected, the others arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest

from starhaul import ConfigError, checked_text, replay, run
from starhaul.runs.rejects import read_rejects
from starhaul.testing import RecordingTask
from tests import txtfile

ROWS = 100
BROKEN = {3: b"a\xffb", 50: b"\xed\xa0\x80", 99: b"cut \xc3"}
VALUES = [BROKEN.get(number, f"é😀 {number}".encode()) for number in range(ROWS)]
TEXTS = pa.array(VALUES, pa.binary()).view(pa.string())
REASON = "holds bytes that are no UTF-8"


def table(texts: pa.Array = TEXTS) -> pa.Table:
    return pa.table({"id": list(range(len(texts))), "v": texts})


def avro(rows: pa.Table, path: Path) -> None:
    """Writes texts that are none by way of others of the same length."""
    instead = {number: b"~" * (len(value) - 1) + b"%c" % (65 + place)
               for place, (number, value) in enumerate(BROKEN.items())}  # fmt: skip
    fields = [{"name": "id", "type": "long"}, {"name": "v", "type": ["null", "string"]}]
    with path.open("wb") as file:
        fastavro.writer(
            file, {"type": "record", "name": "r", "fields": fields},
            [{"id": number, "v": instead.get(number, value).decode()} for number, value in enumerate(VALUES)],
        )  # fmt: skip
    data = path.read_bytes()
    for number, placed in instead.items():
        assert data.count(placed) == 1
        data = data.replace(placed, BROKEN[number])
    path.write_bytes(data)


WRITE: dict[str, Callable[[pa.Table, Path], None]] = {
    "parquet": lambda rows, path: pa.parquet.write_table(rows, path, row_group_size=40),
    "orc": lambda rows, path: pa.orc.write_table(rows, str(path)),
    "avro": avro,
}


def read(path: Path, form: str, **parameters: Any) -> tuple[pa.Table, RecordingTask]:
    source = txtfile.reader(path, fileFormat=form, **parameters)
    source.check()
    task = RecordingTask(source.schema())
    batches = [batch for split in source.split(1) for batch in source.read(split, task)]
    for batch in batches:
        batch.validate(full=True)
    return pa.Table.from_batches(batches, schema=task.schema), task


@pytest.mark.parametrize("form", WRITE)
def test_its_row_is_rejected_by_column_and_place(tmp_path: Path, form: str) -> None:
    WRITE[form](table(), tmp_path / "x")
    rows, task = read(tmp_path / "x", form)
    assert rows["id"].to_pylist() == [number for number in range(ROWS) if number not in BROKEN]
    assert rows["v"].to_pylist() == [VALUES[each].decode() for each in rows["id"].to_pylist()]
    assert [reason.partition(":")[0] for _, reason, _ in task.rejected] == ["v"] * 3
    assert all(REASON in reason for _, reason, _ in task.rejected)
    assert r"a\xffb" in task.rejected[0][1]
    shown = [row for row, _, _ in task.rejected]
    assert [each["id"] for each in shown] == [*BROKEN]
    assert [each["v"] for each in shown] == [text.decode(errors="replace") for text in BROKEN.values()]
    assert all("x: " in at for _, _, at in task.rejected), [at for _, _, at in task.rejected]


@pytest.mark.parametrize("form", ["parquet", "orc"])
@pytest.mark.parametrize("nested", ["list", "struct", "map"])
def test_within_nested_values(tmp_path: Path, form: str, nested: str) -> None:
    offsets = pa.array(range(ROWS + 1), pa.int32())
    columns = {
        "list": lambda: pa.ListArray.from_arrays(offsets, TEXTS),
        "struct": lambda: pa.StructArray.from_arrays([TEXTS], ["x"]),
        "map": lambda: pa.MapArray.from_arrays(offsets, pa.array(["k"] * ROWS), TEXTS),
    }
    WRITE[form](table(columns[nested]()), tmp_path / "x")
    rows, task = read(tmp_path / "x", form)
    assert rows["id"].to_pylist() == [number for number in range(ROWS) if number not in BROKEN]
    assert [reason for _, reason, _ in task.rejected] == [f"v: {REASON}"] * 3
    for row, _, _ in task.rejected:
        assert "\ufffd" in row["v"]


@pytest.mark.parametrize("kind", ["int64", "json", "bytes"])
def test_on_its_way_to_another_type(tmp_path: Path, kind: str) -> None:
    texts = [text if number in BROKEN else b"2024" for number, text in enumerate(VALUES)]
    WRITE["parquet"](table(pa.array(texts, pa.binary()).view(pa.string())), tmp_path / "x")
    columns = [{"index": 0, "type": "int64"}, {"index": 1, "type": kind}]
    rows, task = read(tmp_path / "x", "parquet", column=columns)
    assert rows.num_rows == ROWS - 3
    assert [REASON in reason for _, reason, _ in task.rejected] == [True] * 3


def test_a_column_that_nobody_reads_does_not_matter(tmp_path: Path) -> None:
    WRITE["parquet"](table(), tmp_path / "x")
    rows, task = read(tmp_path / "x", "parquet", column=[{"name": "id", "type": "long"}])
    assert (rows.num_rows, task.rejected) == (ROWS, [])


def test_dictionaries_and_nulls() -> None:
    texts = pa.array([None, b"\xff", b"x", b"\xff", b""]).view(pa.string())
    for values in (texts, texts.dictionary_encode(), pa.ListArray.from_arrays(list(range(6)), texts)):
        for part, bad in ((values, [1, 3]), (values.slice(2), [1]), (values.slice(4), [])):
            cast = checked_text(part)
            assert sorted(cast.misfits()) == bad
            assert len(cast.values) == len(part)
            assert cast.values.filter(pa.array([row in bad for row in range(len(part))])).null_count == len(bad)
    untouched = pa.array(["a", None])
    assert checked_text(untouched).values is untouched


TARGETS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "sqlite": lambda folder: {"name": "sqlite", "path": str(folder / "t.db"), "table": "t", "createTable": "ifMissing"},
    "rdbms": lambda folder: {
        "name": "rdbms", "url": f"sqlite:///{folder / 't.db'}", "table": "t", "createTable": "ifMissing",
    },
    **{
        form: lambda folder, form=form: {  # type: ignore[misc]
            "name": "txtfile", "path": str(folder / "out"), "fileName": "t", "writeMode": "truncate",
            "fileFormat": form,
        }
        for form in ("csv", "json", "parquet", "orc", "avro", "sql")
    },
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_every_writer_gets_the_other_rows(tmp_path: Path, target: str) -> None:
    WRITE["parquet"](table(), tmp_path / "x")
    writer = TARGETS[target](tmp_path)
    if target == "sql":
        writer["table"] = "t"
    job = {
        "reader": {"name": "txtfile", "path": str(tmp_path / "x"), "fileFormat": "parquet", "column": ["*"]},
        "writer": writer,
        "settings": {"errorLimit": {"record": 3}},
    }
    report = run(job, state=tmp_path / "state")
    assert (report.state, report.written, report.rejected) == ("done", ROWS - 3, 3), report.error
    for line in read_rejects(Path(report.rejects or "")):
        assert (line["stage"], line["row"]["v"]) == ("read", BROKEN[int(line["row"]["id"])].decode(errors="replace"))
    with pytest.raises(ConfigError, match="none of its 3 rows can be sent again"):  # they are not what the file holds
        replay(report.run, state=tmp_path / "state", job=job)
