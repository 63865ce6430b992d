"""How files of `txtfilewriter` come and go: modes, runs at once, one file out of many."""

import gzip
import os
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import orc, parquet

import starhaul
from starhaul import ConfigError, PermanentError
from starhaul.testing import RecordingTask
from starhaul_stores.files.places import local
from starhaul_stores.files.places.place import Staged
from tests.unit.writers.txtfile.conftest import content, publish, shown, table, write, writer


def test_truncate_replaces_when_the_run_has_succeeded(tmp_path: Path) -> None:
    for name in ("t__old", "t", "other", ".t__hidden"):
        (tmp_path / name).touch()
    (tmp_path / "t_directory").mkdir()
    target = writer(tmp_path)
    receipt, _ = write(target, table(["x"]))
    assert "t__old" in shown(tmp_path)
    target.commit("run_1", [receipt])
    assert shown(tmp_path) == [".t__hidden", "other", "t__run_1_t0", "t_directory"]


def _second_column(path: Path, form: str) -> list[str]:
    if form == "csv":
        return [line.split(",")[-2] for line in path.read_text().splitlines()[1:]]
    found: list[str] = {"parquet": parquet.ParquetFile, "orc": orc.ORCFile}[form](path).read()["c1"].to_pylist()
    return found


@pytest.mark.parametrize("form", ["csv", "parquet", "orc"])
@pytest.mark.parametrize("partitions", [[], ["c0"]])
def test_a_task_goes_on_in_another_file(tmp_path: Path, form: str, partitions: list[str]) -> None:
    target = writer(tmp_path, fileFormat=form, maxFileSize=1, partitionColumns=partitions, compress="none", header=True)
    numbers = [[f"{batch}-{row}" for row in range(1000)] for batch in range(40)]
    batches = [
        table([["a", "b"][n % 2]] * 1000, texts, [os.urandom(256).hex() for _ in texts])
        for n, texts in enumerate(numbers)
    ]
    schema = target.accept(batches[0].schema)
    target.prepare(schema, "run_1")
    receipt = target.write(RecordingTask(schema, "t0", "run_1"), batches)
    target.commit("run_1", [receipt])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert receipt.rows == sum(map(len, numbers))
    assert sorted(text for path in files for text in _second_column(path, form)) == sorted(chain(*numbers))
    full = [path for path in files if path.stat().st_size >= 1 << 20]
    folders = len({path.parent for path in files})
    assert len(full) >= 2 * folders
    assert len(files) - len(full) <= folders, "none but the last one is small"
    assert max(path.stat().st_size for path in files) < 20 << 20, "larger by no more than a row group or a stripe"


def test_append_adds(tmp_path: Path) -> None:
    for run in ("run_1", "run_2"):
        publish(writer(tmp_path, writeMode="append"), table(["x"]), run)
    assert shown(tmp_path) == ["t__run_1_t0", "t__run_2_t0"]


def test_non_conflict_refuses(tmp_path: Path) -> None:
    target = writer(tmp_path, writeMode="nonConflict")
    publish(target, table(["x"]))
    schema = pa.schema([("c0", pa.string())])
    message = r"1 files in .* begin with 't', such as t__run_1_t0"
    with pytest.raises(ConfigError, match=message):
        target.check(schema)
    with pytest.raises(ConfigError, match=message):
        target.prepare(schema, "run_2")


def test_a_conflict_that_comes_while_the_run_is_under_way(tmp_path: Path) -> None:
    target = writer(tmp_path, writeMode="nonConflict")
    receipt, _ = write(target, table(["x"]))
    publish(writer(tmp_path, writeMode="append"), table(["y"]), "run_2")
    with pytest.raises(ConfigError, match=r"1 files in .* begin with 't', such as t__run_2_t0"):
        target.commit("run_1", [receipt])
    (tmp_path / "t__run_2_t0").unlink()
    target.commit("run_1", [receipt])
    target.commit("run_1", [receipt])
    assert shown(tmp_path) == ["t__run_1_t0"]


def test_two_runs_that_replace_at_once_do_not_remove_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = writer(tmp_path), writer(tmp_path)
    receipts = {run: write(target, table([run]), run)[0] for run, target in (("run_1", one), ("run_2", other))}
    publish_one = local.LocalSession.publish

    def publish_both(session: local.LocalSession, directory: str, staged: Sequence[Staged]) -> None:
        monkeypatch.undo()
        publish_one(session, directory, staged)
        publish_one(session, directory, [Staged.of(each) for each in receipts["run_2"].data["files"]])

    monkeypatch.setattr(local.LocalSession, "publish", publish_both)
    with pytest.raises(PermanentError, match="t__run_2_t0: came while this run replaced the files that begin with 't'"):
        one.commit("run_1", [receipts["run_1"]])
    assert shown(tmp_path) == ["t__run_1_t0", "t__run_2_t0"]
    one.commit("run_1", [receipts["run_1"]])
    assert shown(tmp_path) == ["t__run_1_t0"]


@pytest.mark.parametrize("mode", ["truncate", "overwrite", "nonConflict", "append"])
def test_two_streams_of_a_job_do_not_replace_each_other(tmp_path: Path, mode: str) -> None:
    target = {"name": "csv", "path": str(tmp_path / "out"), "fileName": "t", "writeMode": mode, "fileFormat": "csv"}
    constant = {"value": "x", "type": "string"}
    source = {"name": "stream", "column": [constant, constant], "sliceRecordCount": 2}
    streams = [{"name": name, "reader": source, "writer": target} for name in "ab"]
    for _ in range(1 if mode == "nonConflict" else 2):
        report = starhaul.run({"streams": streams}, state=tmp_path / "state")
        assert report.state == "done", report.error
    rows = sum(len(path.read_text().splitlines()) for path in (tmp_path / "out").iterdir())
    assert rows == (8 if mode == "append" else 4)


@pytest.mark.parametrize("parameters", [{}, {"compress": "gzip"}, {"fileFormat": "json"}])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8"])
def test_one_file_has_one_byte_order_mark(tmp_path: Path, encoding: str, parameters: dict[str, Any]) -> None:
    given = {"singleFile": True, "encoding": encoding, "fileFormat": "csv", **parameters}
    for header in ([], ["c0"]):
        target = writer(tmp_path, header=header, **given)
        target.commit("run_1", [write(target, table([each]), number=n)[0] for n, each in enumerate("xyz")])
        data = content(tmp_path)
        text = (gzip.decompress(data) if "compress" in parameters else data).decode(encoding)
        lines = [f'{{"c0":"{each}"}}' for each in "xyz"] if "fileFormat" in parameters else [*header, *"xyz"]
        assert text.split("\n") == [*lines, ""]


def test_one_file_of_sql_has_the_names_that_the_job_gives(tmp_path: Path) -> None:
    target = writer(tmp_path, singleFile=True, fileFormat="sql", table="t", header=["a"])
    target.commit("run_1", [write(target, table(["x"]))[0]])
    assert content(tmp_path) == b"""INSERT INTO "t" ("a") VALUES\n('x');\n"""


def test_one_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    target = writer(tmp_path, singleFile=True, writeMode="nonConflict")
    receipt, _ = write(target, table(["x"]))
    (tmp_path / "t").write_text("another's")
    with pytest.raises(PermanentError, match="t: came while the run was under way"):
        target.commit("run_1", [receipt])
    assert (tmp_path / "t").read_text() == "another's"
    (tmp_path / "t").unlink()
    target.commit("run_1", [receipt])
    target.commit("run_1", [receipt])
    assert content(tmp_path) == b"x\n"


def test_staging_of_others_stays(tmp_path: Path) -> None:
    """A run clears its own staging, and what nobody has touched for a week."""
    other, _ = write(writer(tmp_path, writeMode="append"), table(["x"]), "run_2")
    old = tmp_path / ".t__run_0_t0.1.part"
    old.touch()
    os.utime(old, (time.time() - 8 * 24 * 3600,) * 2)
    publish(writer(tmp_path), table(["y"]))
    assert shown(tmp_path) == [".t__run_2_t0.1.part", "t__run_1_t0"]
    writer(tmp_path, writeMode="append").commit("run_2", [other])
    assert shown(tmp_path) == ["t__run_1_t0", "t__run_2_t0"]


def test_commit_after_a_crash_in_its_midst(tmp_path: Path) -> None:
    target = writer(tmp_path)
    receipts = [write(target, table([str(n)]), number=n)[0] for n in range(3)]
    (tmp_path / ".t__run_1_t0.1.part").rename(tmp_path / "t__run_1_t0")
    target.commit("run_1", receipts)
    assert shown(tmp_path) == ["t__run_1_t0", "t__run_1_t1", "t__run_1_t2"]
    (tmp_path / "t__run_1_t1").unlink()
    with pytest.raises(PermanentError, match="staged file is gone"):
        target.commit("run_1", receipts)
