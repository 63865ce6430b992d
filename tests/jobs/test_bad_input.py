"""Whatever is wrong with a job, its source or its target: a clear error that says where and what, or a reject.

All of it through whole runs; nothing is lost and nothing half-written is left looking whole.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from starhaul import ConfigError, PluginError, Report, run
from starhaul.runs.rejects import read_rejects

GOOD = "1,a\n2,b\n3,c\n"
COLUMNS = [{"index": 0, "type": "long", "name": "id"}, {"index": 1, "type": "string", "name": "name"}]


class Place:
    """A CSV file `in.csv` and a database `out.db` with the table `t (id INTEGER, name TEXT)`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "in.csv"
        self.source.write_text(GOOD)
        self.database = folder / "out.db"
        self.sql("CREATE TABLE t (id INTEGER, name TEXT)")

    def sql(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(statement).fetchall()

    def job(self, **changes: Any) -> dict[str, Any]:
        reader = {"name": "txtfilereader", "path": str(self.source), "column": COLUMNS, **changes.pop("reader", {})}
        writer = {"name": "sqlitewriter", "path": str(self.database), "table": "t", **changes.pop("writer", {})}
        return {"reader": reader, "writer": writer, "settings": {"retry": {"pause": 0.01}, **changes}}

    def run(self, **changes: Any) -> Report:
        return run(self.job(**changes), state=self.folder / "state")

    def rejects(self, report: Report) -> list[dict[str, Any]]:
        assert report.rejects is not None
        return list(read_rejects(Path(report.rejects)))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"reader": {"name": "csv",}}', "job.json:1"),
        ('{"reader": ', "job.json:1"),
        ("[1, 2]", "a job document is a mapping"),
    ],
)
def test_wrong_json_names_the_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "job.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        run(path, state=tmp_path / "state")


def test_wrong_yaml_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("reader:\n  name: csv\n path: x\n")
    with pytest.raises(ConfigError, match=r"job\.yaml:3"):
        run(path, state=tmp_path / "state")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reader": {"pth": "x"}}, r"reader\.pth: .*did you mean 'path'"),
        ({"reader": {"path": 7}}, r"reader\.path: "),
        ({"reader": {"path": "${NOWHERE}"}}, "NOWHERE"),
        ({"writer": {"writeMode": "isnert"}}, r"writer\.writeMode: .*insert"),
        ({"errorLimit": {"recrod": 1}}, r"settings\.errorLimit\.recrod: .*did you mean 'record'"),
    ],
)
def test_a_wrong_parameter_is_named(place: Place, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        place.run(**changes)
    assert place.sql("SELECT count(*) FROM t") == [(0,)]


def test_a_missing_parameter_is_named(place: Place) -> None:
    job = place.job()
    del job["reader"]["path"]
    with pytest.raises(ConfigError, match=r"reader\.path: 'path' is required"):
        run(job, state=place.folder / "state")


def test_an_unknown_plugin_is_answered_with_the_nearest(place: Place) -> None:
    with pytest.raises(PluginError, match="did you mean 'txtfilereader'"):
        place.run(reader={"name": "txtfilereadr"})


@pytest.mark.parametrize("path", ["nowhere.csv", "*.nothing", "nowhere/*.csv"])
def test_a_source_that_is_not_there_is_named(place: Place, path: str) -> None:
    with pytest.raises(ConfigError, match=r"reader\.path"):
        place.run(reader={"path": str(place.folder / path)})


def test_an_empty_file_is_an_empty_table(place: Place) -> None:
    place.source.write_text("")
    report = place.run()
    assert (report.state, report.read, report.written) == ("done", 0, 0)


def test_a_target_directory_that_cannot_be_written_is_named(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"writer\.path"):
        place.run(writer={"path": str(place.source / "out.db")})


def test_a_corrupt_gzip_fails_the_run_and_leaves_no_rows(place: Place) -> None:
    packed = place.folder / "in.csv.gz"
    packed.write_bytes(gzip.compress(GOOD.encode() * 50_000)[:-10])
    report = place.run(reader={"path": str(packed)}, writer={"writeMode": "overwrite"})
    assert (report.state, report.exit_code) == ("failed", 1)
    assert report.error is not None
    assert "in.csv.gz" in report.error.where + report.error.problem
    assert place.sql("SELECT count(*) FROM t") == [(0,)]


def test_bytes_that_are_no_text_spoil_only_their_row(place: Place) -> None:
    place.source.write_bytes(b"1,a\n2,\xff\xfe\n3,c\n")
    report = place.run(errorLimit={"record": 1})
    assert (report.state, report.read, report.written) == ("done", 3, 2)
    (line,) = place.rejects(report)
    assert line["at"] == f"{place.source}:2"
    assert place.sql("SELECT id FROM t ORDER BY id") == [(1,), (3,)]


def test_a_ragged_row_is_rejected_with_file_and_line(place: Place) -> None:
    place.source.write_text("1,a\n2\n3,c\n")
    report = place.run(errorLimit={"record": 1})
    (line,) = place.rejects(report)
    assert (line["at"], line["row"]) == (f"{place.source}:2", {"row": "2"})
    assert place.sql("SELECT id FROM t ORDER BY id") == [(1,), (3,)]


def test_a_value_that_does_not_fit_is_rejected_with_value_and_reason(place: Place) -> None:
    place.source.write_text("1,a\n12.9,b\n99999999999999999999,c\n")
    report = place.run(errorLimit={"record": 2})
    assert [line["at"] for line in place.rejects(report)] == [f"{place.source}:2", f"{place.source}:3"]
    assert all(value in line["reason"] for line, value in zip(place.rejects(report), ("12.9", "9999"), strict=True))
    assert place.sql("SELECT id FROM t") == [(1,)]


def test_without_a_limit_given_no_row_may_be_rejected(place: Place) -> None:
    place.source.write_text("1,a\nx,b\n")
    report = place.run(writer={"writeMode": "overwrite"})
    assert (report.state, report.exit_code) == ("failed", 4)
    assert place.sql("SELECT count(*) FROM t") == [(0,)]


def test_a_row_larger_than_the_exchanger_passes(place: Place) -> None:
    place.source.write_text(f"1,{'x' * 3_000_000}\n2,b\n")
    report = place.run(exchanger={"bytes": 1000, "rows": 1})
    assert (report.state, report.written) == ("done", 2)
    assert place.sql("SELECT length(name) FROM t ORDER BY id") == [(3_000_000,), (1,)]


def test_a_column_that_the_target_lacks_is_named(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"nmae.*did you mean.*name"):
        place.run(writer={"column": ["id", "nmae"]})


def test_a_table_that_is_not_there_is_named(place: Place) -> None:
    with pytest.raises(ConfigError, match="createTable"):
        place.run(writer={"table": "tt"})


def test_a_locked_database_is_waited_for_then_named(place: Place) -> None:
    lock = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN EXCLUSIVE'); print(); input()"
    command = [sys.executable, "-u", "-c", lock, str(place.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Exception, match="locked") as caught:
            place.run(writer={"busyTimeout": 0.05})
        assert str(place.database) in str(caught.value)
        holder.communicate("\n")
    assert place.run().written == 3


def test_a_full_disk_fails_the_run_and_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    job = {
        "reader": {"name": "stream", "recordCount": 200_000, "column": [{"value": "some text that fills the disk"}]},
        "writer": {"name": "txtfilewriter", "path": str(tmp_path / "small"), "fileName": "out", "writeMode": "append"},
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    # A mount namespace of its own: the small file system is gone with the process.
    script = (
        f"mount -t tmpfs -o size=1m small {tmp_path}/small && "
        f"{sys.executable} -m starhaul run {tmp_path}/job.json --state {tmp_path}/state; "
        f"status=$?; find {tmp_path}/small -type f; exit $status"
    )
    rootless = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = subprocess.run(
        ["unshare", "--mount", *rootless, "sh", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "there is no space left" in done.stderr
    assert f"{tmp_path}/small/" not in done.stdout.replace(f"{tmp_path}/small/.", ""), "no file that looks whole"


@pytest.mark.parametrize("room", ["400k", "1200k"], ids=["for a part of the rows", "once, not to join their files"])
def test_a_full_disk_of_the_reject_file(place: Place, room: str) -> None:
    """It is told with its place, and with room again a resume ends the run with all rejected rows in the file."""
    place.source.write_text("x,a\n" * 1000 + "1,b\n")
    (place.folder / "job.json").write_text(json.dumps(place.job(errorLimit={"record": 1000})))
    state, rejects = place.folder / "state", place.folder / "state/rejects"
    rejects.mkdir(parents=True)
    starhaul = f"{sys.executable} -m starhaul"
    script = (
        f"mount -t tmpfs -o size={room} small {rejects} && "
        f"{starhaul} run {place.folder}/job.json --state {state}; echo code $?; ls {rejects}; "
        f"mount -o remount,size=10m {rejects} && {starhaul} resume --last --state {state}; echo code $?; "
        f"cat {rejects}/*.jsonl | wc -l"
    )
    rootless = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = subprocess.run(
        ["unshare", "--mount", *rootless, "sh", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    told = done.stdout.split()
    assert [told[number + 1] for number, word in enumerate(told) if word == "code"] == ["1", "0"], done.stderr
    assert f"{rejects}/" in done.stderr
    assert "rejected rows cannot be kept: No space left on device (free the disk" in done.stderr
    assert ".building" not in done.stdout
    assert told[-1] == "1000"
    assert place.sql("SELECT count(*) FROM t") == [(1,)]


def test_rejected_rows_can_be_replayed_once_the_target_takes_them(place: Place) -> None:
    from starhaul import replay

    place.sql("CREATE UNIQUE INDEX u ON t (id)")
    place.sql("INSERT INTO t VALUES (2, 'in the way')")
    job = place.job(errorLimit={"record": 1})
    report = run(job, state=place.folder / "state")
    assert (report.written, report.rejected) == (2, 1)
    place.sql("DELETE FROM t WHERE name = 'in the way'")
    again = replay(report.run, job, state=place.folder / "state")
    assert (again.state, again.written) == ("done", 1)
    assert place.sql("SELECT id, name FROM t ORDER BY id") == [(1, "a"), (2, "b"), (3, "c")]


def test_what_was_no_row_is_not_replayed_as_one(place: Place) -> None:
    """Though the job's only column has the name and, but for its length, the type that the raw line has."""
    from starhaul import replay

    place.source.write_bytes(b'a\n"\xff"\n')
    place.sql("CREATE TABLE r (row TEXT)")
    reader, writer = {"column": [{"index": 0, "name": "row"}]}, {"table": "r"}
    job = place.job(errorLimit={"record": 1}, reader=reader, writer=writer)
    report = run(job, state=place.folder / "state")
    assert place.rejects(report)[0]["row"] == {"row": '"\\xff"'}
    with pytest.raises(ConfigError, match="none of its 1 rows can be sent again"):
        replay(report.run, job, state=place.folder / "state")
