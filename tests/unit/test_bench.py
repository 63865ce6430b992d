"""The benchmarks can be started: their jobs are valid, their arithmetic is right. The figures are not judged here."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from bench.comparison import Comparison, Contender, Figures
from bench.cpu import tree_seconds
from bench.measure import compare, failures, measure, ratio
from bench.run import CASES
from bench.servers import S3, Hbase, Hdfs, Mariadb, Postgresql, Servers
from bench.setup import LINEITEM_COLUMNS, Setup
from bench.tables import block

from starhaul.job.load import load_job
from starhaul.registry import Registry
from tests.servers.postgresql import PostgresqlServer
from tests.servers.s3 import Bucket, S3Server

NOTHING = Contender("nothing", [sys.executable, "-c", "pass"])


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    """A setup whose data is there without being made, and whose servers are addresses only."""
    monkeypatch.setattr(Setup, "lineitem", lambda self, rows: self.folder / f"lineitem-{rows}.csv")
    monkeypatch.setattr(Setup, "lineitem_parquet", lambda self, rows: self.folder / f"lineitem-{rows}.parquet")
    monkeypatch.setattr(Servers, "postgresql", Postgresql(1))
    monkeypatch.setattr(Servers, "mariadb", Mariadb(1))
    for kind in (Postgresql, Mariadb):
        monkeypatch.setattr(kind, "sql", lambda self, *statements: None)
        monkeypatch.setattr(kind, "lineitem", lambda self, path: path.stem.replace("-", "_"))
    monkeypatch.setattr(Servers, "hdfs", Hdfs("hdfs://127.0.0.1:1", "http://127.0.0.1:1", "bench"))
    monkeypatch.setattr(Hdfs, "removed", lambda self, path: None)
    monkeypatch.setattr(Hdfs, "lineitem", lambda self, path: f"/{path.name}")
    monkeypatch.setattr(Servers, "hbase", Hbase(SimpleNamespace(thrift={"binary": 1})))  # type: ignore[arg-type]
    monkeypatch.setattr(Hbase, "target", lambda self, name, rows: None)
    monkeypatch.setattr("bench.cases.hbase._fill", lambda setup, server, data: None)
    monkeypatch.setattr(Servers, "s3", S3(Bucket(S3Server(tmp_path), "bench")))
    monkeypatch.setattr(S3, "upload", lambda self, path: path.name)
    monkeypatch.setattr(S3, "removed", lambda self, key: None)
    monkeypatch.setattr(Setup, "environment", _environment)
    return Setup(tmp_path, scale=0.001)


def _environment(setup: Setup, name: str, packages: Sequence[str]) -> Path:
    """An environment with nothing in it but the one program that a case looks for."""
    program = setup.folder / name / "lib/python3/site-packages/sling_linux_amd64/bin/sling"
    program.parent.mkdir(parents=True)
    program.touch()
    return setup.folder / name


def comparison(figure: str, bound: float, **limits: float) -> Comparison:
    return Comparison("name", "what", NOTHING, NOTHING, figure, bound, **limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES)
def test_the_jobs_of_a_case_are_valid(case: str, setup: Setup) -> None:
    comparisons = list(import_module(f"bench.cases.{case}").comparisons(setup))
    assert comparisons
    for job in setup.folder.glob("*.json"):
        assert not load_job(job, Registry()).warnings
    for contender in (side for each in comparisons for side in (each.ours, each.theirs)):
        contender.before()
        assert contender.command


def test_every_case_has_a_module() -> None:
    modules = {path.stem for path in (Path(__file__).parents[2] / "bench/cases").glob("[!_]*.py")}
    assert modules == set(CASES)


def test_the_bare_loop_moves_every_row(setup: Setup) -> None:
    (stream,) = import_module("bench.cases.stream").comparisons(setup)
    measure(stream.theirs, setup.folder)
    assert (setup.folder / "last.log").read_text() == "10000\n"


def test_a_process_is_measured(tmp_path: Path) -> None:
    ours, theirs = compare(comparison("time", 1.0), 2, tmp_path)
    assert len(ours.seconds) == len(theirs.peak_bytes) == 2
    assert all(0 < seconds < 60 for seconds in ours.seconds)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # with which a child's peak begins
    assert all(1e6 < peak <= max(1e9, own) for peak in ours.peak_bytes)
    assert all(0 < seconds < 60 for seconds in ours.cpu_seconds)


def test_what_is_measured_is_compiled_but_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "imported.py").touch()
    measure(Contender("it", [sys.executable, "-c", "import imported"]), tmp_path)
    assert list((tmp_path / "__pycache__").glob("imported.*.pyc"))


def test_the_servers_are_measured_beside_the_process(tmp_path: Path) -> None:
    clock = iter([0, 0, 1, 3, 3, 6])  # one reading for each run that warms up, then two
    ours, theirs = compare(comparison("time", 1.0), 1, tmp_path, lambda: next(clock))
    assert (ours.server_cpu_seconds, theirs.server_cpu_seconds) == ([2], [3])


def test_cpu_is_counted_with_children_that_live_and_those_that_ended() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    script = f"""if True:
        import subprocess, sys
        subprocess.run([sys.executable, "-c", {burn!r}])
        with subprocess.Popen([sys.executable, "-c", {burn!r} + "\\nprint(flush=True); input()"]) as child:
            child.wait()
    """
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert 0.3 <= tree_seconds(process.pid) < 60  # in ticks of 10 ms, cut off; one child alone spends 0.2
        process.communicate(b"\n")


@pytest.mark.slow
@pytest.mark.parametrize("case", ["postgresql"])
def test_a_case_with_servers_runs(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql_server: PostgresqlServer
) -> None:
    """With a few rows, so that a command is found that a client or a server does not take."""
    monkeypatch.setattr(Setup, "lineitem", lambda self, rows: lineitem(self.folder, rows))
    monkeypatch.setattr(Setup, "lineitem_parquet", lambda self, rows: self.folder / f"lineitem-{rows}.parquet")
    monkeypatch.setattr(Servers, "postgresql", Postgresql(postgresql_server.port))
    few = Setup(tmp_path, scale=0.00005)
    for each in import_module(f"bench.cases.{case}").comparisons(few):
        for contender in (each.ours, each.theirs):
            contender.before()
            measure(contender, tmp_path)


def lineitem(folder: Path, rows: int) -> Path:
    """A file as tpchgen-cli would make it, though not with its values."""
    path = folder / f"lineitem-{rows}.csv"
    lines = [",".join(column["name"] for column in LINEITEM_COLUMNS)]
    lines += [
        f"{row // 4},{row},{row % 7},{row % 4},{row}.00,{row}.25,0.05,0.08,N,O,1996-03-13,1996-02-12,1996-03-22,"
        f'DELIVER IN PERSON,TRUCK,"blithely, {row}"'
        for row in range(rows)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    failing = Contender("failing", [sys.executable, "-c", "raise SystemExit('oh')"])
    with pytest.raises(RuntimeError, match="failing exits with 1:\noh"):
        measure(failing, tmp_path)


def test_ratios_are_of_medians() -> None:
    ours, theirs = Figures([1.0, 9.0, 2.0], [10, 20, 900]), Figures([4.0, 1.0, 4.0], [10, 10, 10])
    assert ratio(comparison("time", 1), ours, theirs) == 0.5
    assert ratio(comparison("speed", 1), ours, theirs) == 2.0
    assert ratio(comparison("memory", 1), ours, theirs) == 2.0


def test_what_is_missed_is_told() -> None:
    ours, theirs = Figures([2.0], [400]), Figures([1.0], [100])
    assert not failures(comparison("time", 2.0, most_seconds=2.0), ours, theirs)
    assert failures(comparison("time", 1.9), ours, theirs) == ["the ratio is 2.00, it must be 1.9 or less"]
    assert failures(comparison("speed", 0.6), ours, theirs) == ["the ratio is 0.50, it must be 0.6 or more"]
    assert failures(comparison("time", 2, most_seconds=1.5), ours, theirs) == ["it takes 2.00 s, 1.5 are allowed"]
    assert len(failures(comparison("time", 2, rows=10, least_rows_per_second=6), ours, theirs)) == 1
    assert len(failures(comparison("time", 2, most_bytes=399), ours, theirs)) == 1


def test_the_table_names_ratio_bound_and_machine() -> None:
    side = {"label": "them", "seconds": [2.0, 1.0, 3.0], "peak_bytes": [5_000_000]}
    kept = {
        "name": "csv_csv", "what": "CSV → CSV", "figure": "speed", "bound": 0.7, "ratio": 0.5, "rows": 1_000_000,
        "ours": side, "theirs": side, "failures": ["slow"], "machine": {"date": "2024-02-29", "Python": "3.11.2"},
    }  # fmt: skip
    lines = block([json.loads(json.dumps(kept))]).splitlines()
    assert "| CSV → CSV | 2.00 s, 5 MB, 0.50 M rows/s | them | 2.00 s, 5 MB | 0.50 | at least 0.7 **missed** |" in lines
    assert "csv_csv: date 2024-02-29, Python 3.11.2." in lines
