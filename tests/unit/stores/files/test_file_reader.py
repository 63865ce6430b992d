"""What a reader of files does with many of them, and with names that are no text."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from starhaul import ConfigError, PermanentError, Split
from starhaul.testing import RecordingTask
from starhaul_readers.txtfile import TxtFileReader
from tests import txtfile


def reader(path: Path | str, **parameters: Any) -> TxtFileReader:
    return txtfile.reader(path, **{"column": [{"index": 0, "type": "long"}], **parameters})


def read(source: TxtFileReader, target: int = 1) -> list[int]:
    rows, reasons = txtfile.read(source, target)
    assert reasons == []
    return sorted(rows[0].to_pylist())


def test_many_small_files_share_splits(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number:04}").write_text(f"{number}\n")
    source = reader(tmp_path)
    splits = source.split(2)
    assert 200 < len(splits) <= 256
    assert splits[0].id == f"{tmp_path}/0000 and 3 more"
    assert len({split.id for split in splits}) == len(splits)
    assert sum(split.bytes or 0 for split in splits) == sum(len(str(n)) + 1 for n in range(1000))
    assert read(source) == list(range(1000))


@pytest.mark.slow
@pytest.mark.timeout(600)  # making the files may take minutes where the disk is busy
def test_very_many_small_files(tmp_path: Path) -> None:
    """A split for each would be as many tasks; here they are some hundred, and little memory. `make faults` reads
    100,000 of them."""
    folders = 100 if os.environ.get("STARHAUL_FAULTS") == "all" else 5
    for folder in range(folders):
        (tmp_path / str(folder)).mkdir()
        for number in range(1000):
            with open(f"{tmp_path}/{folder}/{number}", "w") as file:  # noqa: PTH123  quicker
                file.write(f"{folder * 1000 + number}\n")
    before = resource.getrusage(resource.RUSAGE_SELF)
    source = reader(tmp_path)
    splits = source.split(2)
    assert len(splits) <= 256
    task = RecordingTask(source.schema())
    total = sum(sum(batch[0].to_pylist()) for split in splits for batch in source.read(split, task))
    assert total == sum(range(folders * 1000))
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_maxrss - before.ru_maxrss < 150 << 10  # KiB
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 120


def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe.csv"
    Path(os.fsdecode(path)).write_bytes(b"1\nx\n")
    source = reader(tmp_path)
    (split,) = source.split(1)
    assert split.id == f"{tmp_path}/\\xff\\xfe.csv"
    again = json.loads(json.dumps(split.args))
    task = RecordingTask(source.schema())
    assert [batch.to_pylist() for batch in source.read(Split("0", again), task)] == [[{"column_0": 1}]]
    assert [at for _, _, at in task.rejected] == [f"{tmp_path}/\\xff\\xfe.csv:2"]


def test_a_file_that_vanishes_ends_the_run(tmp_path: Path) -> None:
    """A file of the plan that is gone holds rows that would be missing."""
    (tmp_path / "a").write_text("1\n")
    source = reader(tmp_path)
    (split,) = source.split(1)
    (tmp_path / "a").unlink()
    with pytest.raises(PermanentError, match=r"/a: is gone \(start a new run\)"):
        list(source.read(split, RecordingTask(source.schema())))


def test_a_link_to_nowhere_is_no_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "disk/b.csv")
    for path in (tmp_path, f"{tmp_path}/*.csv", f"{tmp_path.parent}/**/*.csv"):
        with pytest.raises(ConfigError, match=r"path: .*/b.csv is a link to nowhere \(is a disk not mounted\?\)"):
            reader(path).check()
    assert read(reader(f"{tmp_path}/a*")) == [1]
    (tmp_path / "b.csv").rename(tmp_path / ".b.csv")
    assert read(reader(tmp_path)) == [1]


def test_markers_of_hadoop_are_no_data(tmp_path: Path) -> None:
    for name in ("_SUCCESS", "_temporary/0/part", "_metadata", "_day=1/part", "_part", "part"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{len(name)}\n")
    assert read(reader(tmp_path)) == [len("part"), len("_part"), len("_day=1/part")]
    assert read(reader(tmp_path / "_metadata")) == [len("_metadata")]
    assert read(reader(f"{tmp_path}/_meta*")) == [len("_metadata")]
