"""The command `datax` and `bin/datax.py`, as wrapper scripts call them."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

import starhaul
from starhaul.cli.datax import datax
from starhaul.job import address

SCRIPT = Path(starhaul.__file__).parent / "bin" / "datax.py"

Datax = Callable[..., Result]


def job(rows: Any = 13, value: str = "x", column: dict[str, Any] | None = None, **writer: Any) -> str:
    columns = [column or {"type": "string", "value": value}]
    reader = {"name": "streamreader", "parameter": {"column": columns, "sliceRecordCount": rows}}
    target = {"name": "StreamWriter", "parameter": {"print": True, **writer}}
    return json.dumps(
        {"job": {"setting": {"speed": {"channel": 1}}, "content": [{"reader": reader, "writer": target}]}}
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "job.json"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def call() -> Datax:
    """Calls the command in this process."""

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(datax, [str(each) for each in arguments], standalone_mode=False)

    return call


Write = Callable[[str], Path]


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, text=True, encoding="utf-8", capture_output=True, timeout=60, **options)


def test_a_job_of_datax_runs(call: Datax, write: Write) -> None:
    done = call(write(job()))
    assert done.return_value == 0, done.output
    assert done.stdout.count("x\n") == 13
    block = re.sub(r"[0-9]+(?:\.[0-9]+)?", "#", done.stdout[done.stdout.index("任务启动时刻") :])
    assert re.sub(": +", ": ", block) == (
        "任务启动时刻                    : #-#-# #:#:#\n"
        "任务结束时刻                    : #-#-# #:#:#\n"
        "任务总计耗时                    : #s\n"
        "任务平均流量                    : #B/s\n"
        "记录写入速度                    : #rec/s\n"
        "读出记录总数                    : #\n"
        "读写失败总数                    : #\n\n"
    )
    assert "读出记录总数                    :                  13\n" in done.stdout
    line = r"^\S+ \S+ \[job-0\] INFO  StandAloneJobContainerCommunicator - Total 13 records, "
    assert re.search(line, done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "options",
    [
        ["-p", "-Dn=2 -Dv='a b'"],
        ["--params", "-Dn=2", "-p", '-Dv="a b"'],
        ["-j", "-Xms1g -Xmx4g", "-p", "-Dn=2 -Dv='a b'", "-m", "standalone"],
        ["--jvm=-Xmx4g", "-p", "-Dn=2 -Dv='a b'", "--jobid", "5", "-m", "local"],
        ["-p", "-Dn=2 -Dv='a b'", "--loglevel", "debug", "-d"],
    ],
)
def test_options(call: Datax, write: Write, options: list[str]) -> None:
    done = call(write(job("${n}", "$v")), *options)
    assert done.return_value == 0, done.output
    assert done.stdout.startswith("a b\na b\n")


def test_numbers_in_log_lines(call: Datax, write: Write) -> None:
    assert "[job-42] INFO  JobContainer" in call(write(job()), "--jobid", "42").stdout


@pytest.mark.parametrize(("level", "told"), [("info", True), ("DEBUG", True), ("warn", False), ("error", False)])
def test_levels(call: Datax, write: Write, level: str, told: bool) -> None:
    done = call(write(job()), "--loglevel", level)
    assert done.return_value == 0
    assert ("任务启动时刻" in done.stdout) == told


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"job": {"content": [', "the text ends too early"),
        (job().replace("streamreader", "gdbreader"), "no reader named 'gdbreader'"),
        (job(rows="many"), "sliceRecordCount: must be an integer"),
    ],
)
def test_what_fails_before_it_begins(call: Datax, write: Write, text: str, reason: str) -> None:
    failed = call(write(text))
    assert failed.return_value == 1
    assert re.search(rf"ERROR Engine - \n\n经DataX智能分析,该任务最可能的错误原因是:\n.*{reason}", failed.stdout)
    assert "任务启动时刻" not in failed.stdout
    assert reason in failed.stderr


def failing_job(**error_limit: Any) -> str:
    """Reads texts that are no numbers, from a file beside it."""
    document = json.loads(job())
    document["job"]["content"][0]["reader"] = {
        "name": "txtfilereader",
        "parameter": {"path": "${folder}/in.csv", "column": [{"index": 0, "type": "long"}]},
    }
    document["job"]["setting"]["errorLimit"] = error_limit
    return json.dumps(document)


def test_rejected_rows(call: Datax, write: Write, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1\nhunter2\n3\n")
    path = write(failing_job())
    done = call(path, "-p", f"-Dfolder={tmp_path}")
    assert done.return_value == 0
    assert "读出记录总数                    :                   3\n" in done.stdout
    assert "读写失败总数                    :                   1\n" in done.stdout
    (dirty,) = re.findall(r"\[0-0-0-reader\] ERROR StdoutPluginCollector - 脏数据: (.*)", done.stdout)
    assert json.loads(dirty)["type"] == "reader"
    assert "hunter2" not in done.stdout
    shown = call(path, "-p", f"-Dfolder={tmp_path}", "--dirty-values")
    assert "hunter2" in shown.stdout


def test_too_many_rejected_rows(call: Datax, write: Write, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1\nhunter2\n3\n")
    failed = call(write(failing_job(record=0, percentage=0.9)), "-p", f"-Dfolder={tmp_path}")
    assert failed.return_value == 1
    assert "1 rows rejected, 0 allowed" in failed.stdout
    assert "脏数据" in failed.stdout
    assert "任务启动时刻" not in failed.stdout
    failed = call(write(failing_job(record=5, percentage=0.1)), "-p", f"-Dfolder={tmp_path}")
    assert failed.return_value == 1
    assert "a share of 0.1 allowed" in failed.stdout


def test_usage(write: Write) -> None:
    assert run().returncode == 255
    assert run("a.json", "b.json").returncode == 255
    assert run("-m", "distribute", write(job())).returncode == 255
    assert run("-r", "streamreader").returncode == 255
    assert run("--nonsense").returncode == 255


def test_templates(call: Datax) -> None:
    done = call("-r", "txtFileReader", "-w", "streamwriter")
    assert done.return_value == 0
    document = json.loads(done.stdout[done.stdout.index("\n{") :])
    content = document["job"]["content"][0]
    assert content["reader"]["name"] == "txtfilereader"
    assert content["reader"]["parameter"].keys() >= {"path"}
    assert content["writer"] == {"name": "streamwriter", "parameter": {}}
    assert document["job"]["setting"] == {"speed": {"channel": ""}}
    assert call("-r", "nosuchreader", "-w", "streamwriter").return_value == 1


def test_transformers_see_values_as_the_conversion_spells_them(call: Datax, write: Write) -> None:
    document = json.loads(job(1, column={"type": "timestamp(us)", "value": "2024-02-29 10:00:00"}))
    wanted = {"columnIndex": 0, "paras": ["like", "2024-02-29 10:00:00"]}
    document["job"]["content"][0]["transformer"] = [{"name": "dx_filter", "parameter": wanted}]
    path = write(json.dumps(document))
    assert "Transformer Filter 1 records" in call(path, "--conversion", "datax").stdout
    assert "Transformer Filter 0 records" in call(path).stdout


def test_dry_run(call: Datax, write: Write) -> None:
    done = call(write(job().replace('"speed"', '"dryRun": true, "speed"')))
    assert done.return_value == 0
    assert "x\n" not in done.stdout
    assert "nothing was moved" in done.stdout


def test_the_script_in_a_process_of_its_own(write: Write) -> None:
    """With a locale that knows no Chinese."""
    done = run(write(job()), env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "读出记录总数                    :                  13\n" in done.stdout


def test_a_stopped_job(write: Write) -> None:
    document = json.loads(job(rows=10**15, print=False)) | {"core": {"container": {"job": {"reportInterval": 100}}}}
    command = [sys.executable, str(SCRIPT), str(write(json.dumps(document)))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert b" - Total " in process.stdout.readline()  # it is under way
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "任务启动时刻".encode() not in output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux and the BSDs have /dev/full")
@pytest.mark.parametrize("command", [[str(SCRIPT)], ["-m", "starhaul", "run"]])
def test_a_run_that_went_well_is_no_failure_because_its_log_is_full(write: Write, command: list[str]) -> None:
    """A scheduler would run it again."""
    path = write(job(print=False))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, *command, str(path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == "warning: standard output cannot be written, and ends here: No space left on device\n"
        full_too = subprocess.run(
            [sys.executable, *command, str(path)], stdout=full, stderr=full, check=False, timeout=60
        )
    assert full_too.returncode == 0


WRAPPER = r"""
# As schedulers do it: run the job, keep the log, take the figures out of the closing block.
log=$(mktemp)
python3 "$DATAX_HOME/bin/datax.py" -j "-Xms1g -Xmx1g" -p "-Drows=$1" "$2" > "$log" 2>&1
code=$?
start=$(grep '任务启动时刻' "$log" | sed 's/^[^:]*: *//')
total=$(grep '读出记录总数' "$log" | awk -F':' '{gsub(/ /, "", $2); print $2}')
failed=$(grep '读写失败总数' "$log" | awk -F':' '{gsub(/ /, "", $2); print $2}')
flow=$(grep '任务平均流量' "$log" | cut -d: -f2 | tr -d ' ')
percent=$(grep -o 'Percentage [0-9.]*%' "$log" | tail -1)
rm -f "$log"
echo "$code|${#start}|$total|$failed|$flow|$percent"
"""


def test_a_wrapper_script_that_scrapes_the_closing_block(tmp_path: Path, write: Write) -> None:
    script = tmp_path / "wrapper.sh"
    script.write_text(WRAPPER)
    environment = {**os.environ, "DATAX_HOME": str(SCRIPT.parents[1])}
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    (tmp_path / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "python3").chmod(0o755)

    def scraped(rows: str) -> str:
        command = ["sh", str(script), rows, str(write(job("${rows}")))]
        return subprocess.run(command, env=environment, text=True, capture_output=True, timeout=60, check=True).stdout

    assert re.fullmatch(r"0\|19\|250\|0\|[0-9.]+(B|KB)/s\|Percentage 100\.00%\n", scraped("250"))
    assert scraped("many") == "1|0||||\n"


class _Server(http.server.BaseHTTPRequestHandler):
    text: ClassVar = job()
    failures: ClassVar = 0
    authorizations: ClassVar[list[str | None]]

    def do_GET(self) -> None:
        type(self).authorizations.append(self.headers.get("Authorization"))
        if type(self).failures:
            type(self).failures -= 1
            self.send_error(503)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(type(self).text.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[_Server]]]:
    monkeypatch.setattr(address, "PAUSE_SECONDS", 0.01)

    class Server(_Server):
        authorizations: ClassVar[list[str | None]] = []

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as each:
        thread = threading.Thread(target=each.serve_forever)
        thread.start()
        yield f"127.0.0.1:{each.server_port}", Server
        each.shutdown()
        thread.join()


def test_jobs_from_a_server(call: Datax, server: tuple[str, type[_Server]]) -> None:
    host, handler = server
    handler.failures = 1
    done = call(f"http://{host}/inner/job/77/config")
    assert done.return_value == 0, done.output
    assert "[job-77] INFO  JobContainer" in done.stdout
    assert handler.authorizations == [None, None]
    handler.failures = 2
    failed = call(f"http://{host}/job.json")
    assert failed.return_value == 1
    assert "cannot be fetched: 503" in failed.stdout


def test_a_server_of_jobs_that_does_not_answer_is_asked_twice(call: Datax, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(address, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failed = call(f"http://joe:hunter2@127.0.0.1:{silent.getsockname()[1]}/job.json")
        silent.settimeout(1)
        for _ in range(2):
            silent.accept()[0].close()
        with pytest.raises(TimeoutError):
            silent.accept()
    assert failed.return_value == 1
    assert "cannot be fetched: timed out" in failed.stdout
    assert "hunter2" not in failed.output


def test_who_fetches_a_job(
    call: Datax, server: tuple[str, type[_Server]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, handler = server
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / ".secret.properties").write_text("auth.user=joe\nauth.pass=hunter2\n")
    monkeypatch.setenv("DATAX_HOME", str(tmp_path))
    assert call(f"http://{host}/job.json").return_value == 0
    assert call(f"http://jane:s%20x@{host}/job.json").return_value == 0
    sent = [base64.b64decode((each or "").removeprefix("Basic ")).decode() for each in handler.authorizations]
    assert sent == ["joe:hunter2", "jane:s x"]
    handler.text = "{"
    failed = call(f"http://jane:hunter2@{host}/job.json")
    assert f"http://{host}/job.json" in failed.stdout
    assert "hunter2" not in failed.output


def test_jobs_by_file_address(call: Datax, write: Write) -> None:
    assert call(f"file://{write(job())}").return_value == 0


@pytest.mark.parametrize(("options", "setting", "stored"), [
    ([], {}, []), (["--conversion", "datax"], {}, [12]), ([], {"conversion": "datax"}, [12]),
    ([], {"conversion": {"rules": "datax"}}, [12]), (["--conversion", "exact"], {"conversion": "datax"}, []),
])  # fmt: skip
def test_conversion(
    call: Datax, write: Write, tmp_path: Path, options: list[str], setting: dict[str, Any], stored: list[int]
) -> None:
    database = tmp_path / "db.sqlite"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("create table t (a integer)")
    document = json.loads(job(rows=1, value="12.9"))
    document["job"]["setting"] |= setting
    parameter = {"path": str(database), "table": "t", "column": ["a"]}
    document["job"]["content"][0]["writer"] = {"name": "sqlitewriter", "parameter": parameter}
    done = call(write(json.dumps(document)), *options)
    assert done.return_value == 0, done.output
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert [value for (value,) in connection.execute("select a from t")] == stored
