"""Columns in the names of folders, written and read; and what files in folders mean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul import ConfigError, Receipt
from starhaul.testing import RecordingTask
from starhaul_readers.txtfile import TxtFileReader
from starhaul_stores.files.partitions import folder_of, values_in
from starhaul_writers.txtfile import TxtFileWriter
from tests import txtfile


def writer(path: Path, **parameters: Any) -> TxtFileWriter:
    return txtfile.writer(path, **{"writeMode": "append", "partitionColumns": ["dt", "n"], **parameters})


def reader(path: Path, **parameters: Any) -> TxtFileReader:
    columns = [{"name": "dt"}, {"name": "n", "type": "long"}]
    return txtfile.reader(path, **{"partitionColumns": columns, **parameters})


def run(target: TxtFileWriter, batch: pa.RecordBatch, name: str = "run_1") -> list[Any]:
    """One whole run of one task; the rejected rows."""
    schema = target.accept(batch.schema)
    target.check(schema)
    target.prepare(schema, name)
    task = RecordingTask(schema, "t0", name)
    receipt: Receipt = target.write(task, [batch.cast(schema)])
    assert receipt.rows + len(task.rejected) == batch.num_rows
    target.commit(name, [receipt])
    return task.rejected


def read(source: TxtFileReader) -> list[tuple[Any, ...]]:
    rows, reasons = txtfile.read(source)
    assert reasons == []
    return sorted((tuple(row.values()) for row in rows.to_pylist()), key=repr)


def files(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def batch(*rows: tuple[Any, ...]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(columns[0], pa.string()), pa.array(columns[1], pa.string()), pa.array(columns[2], pa.int64())]
    return pa.RecordBatch.from_arrays(arrays, names=["text", "dt", "n"])


def test_names_of_folders_are_escaped_as_hive_does_it() -> None:
    every = 'x!"#$%&()*+,-./:;<=>?@[]^_`{|}~ y'  # as Hive 4.0.1 called the folder
    assert folder_of(["p"], [every]) == "p=x!%22%23$%25&()%2A+,-.%2F%3A;<%3D>%3F@%5B%5D%5E_`%7B|}~ y"
    assert folder_of(["a=b", "c"], ["x/y:z%ü é", None]) == "a%3Db=x%2Fy%3Az%25ü é/c=__HIVE_DEFAULT_PARTITION__"
    assert values_in("/r/a%3Db=x%2Fy%3Az%25ü é/c=__HIVE_DEFAULT_PARTITION__/f=1") == {"a=b": "x/y:z%ü é", "c": None}


def test_what_is_written_into_folders_reads_back(tmp_path: Path) -> None:
    rows = [("a", "2024-01-01", 1), ("b", "x/y %41", 1), ("c", None, None), ("d", "2024-01-01", 1)]
    assert run(writer(tmp_path), batch(*rows)) == []
    assert files(tmp_path) == [
        "dt=2024-01-01/n=1/t__run_1_t0_0",
        "dt=__HIVE_DEFAULT_PARTITION__/n=__HIVE_DEFAULT_PARTITION__/t__run_1_t0_2",
        "dt=x%2Fy %2541/n=1/t__run_1_t0_1",
    ]
    assert read(reader(tmp_path)) == sorted(rows, key=repr)


def test_texts_that_are_no_partition(tmp_path: Path) -> None:
    rejected = run(writer(tmp_path), batch(("a", "", 1), ("b", "1", 1), ("c", "__HIVE_DEFAULT_PARTITION__", 1)))
    assert [(row["text"], reason) for row, reason, _ in rejected] == [
        ("a", "dt: an empty text cannot be the name of a partition"),
        ("c", "dt: the text __HIVE_DEFAULT_PARTITION__ would be read as null"),
    ]
    assert read(reader(tmp_path)) == [("b", "1", 1)]


def test_overwrite_leaves_other_partitions_alone(tmp_path: Path) -> None:
    run(writer(tmp_path), batch(("a", "1", 1), ("b", "2", 2)))
    run(writer(tmp_path, writeMode="overwrite"), batch(("c", "1", 1)), "run_2")
    assert read(reader(tmp_path)) == [("b", "2", 2), ("c", "1", 1)]
    run(writer(tmp_path, writeMode="truncate"), batch(("d", "3", 3)), "run_3")
    assert read(reader(tmp_path)) == [("d", "3", 3)]


def test_many_partitions_are_open_in_turn(tmp_path: Path) -> None:
    rows = [(str(n), str(n % 100), n % 100) for n in range(300)]
    run(writer(tmp_path), batch(*rows))
    assert read(reader(tmp_path)) == sorted(rows, key=repr)


def test_wrong_partitions(tmp_path: Path) -> None:
    schema = writer(tmp_path).accept(pa.schema([("text", pa.string()), ("n", pa.int64())]))
    with pytest.raises(ConfigError, match="there is no column 'dt'"):
        writer(tmp_path).check(schema)
    with pytest.raises(ConfigError, match=r"folders of '\.n' are hidden by the dot"):
        writer(tmp_path, partitionColumns=[".n"]).check(pa.schema([("text", pa.string()), (".n", pa.string())]))
    with pytest.raises(ConfigError, match="no columns to write"):
        writer(tmp_path).check(pa.schema([("dt", pa.string()), ("n", pa.string())]))
    (tmp_path / "dt=1").mkdir()
    (tmp_path / "dt=1" / "x").write_text("a\n")
    with pytest.raises(ConfigError, match=r"is in no folder `n=…`"):
        reader(tmp_path).check()
    (tmp_path / "dt=1" / "n=x").mkdir()
    (tmp_path / "dt=1" / "x").rename(tmp_path / "dt=1" / "n=x" / "x")
    with pytest.raises(ConfigError, match=r"folder's n: 'x' does not fit int64"):
        reader(tmp_path).check()


@pytest.mark.parametrize("folder", [b"dt=%FF", b"dt=\xff"])
def test_folders_that_are_no_text(tmp_path: Path, folder: bytes) -> None:
    there = tmp_path / os.fsdecode(folder) / "n=1"
    there.mkdir(parents=True)
    (there / "x").write_text("a\n")
    with pytest.raises(ConfigError, match="the folder's dt is no UTF-8"):
        reader(tmp_path).check()
