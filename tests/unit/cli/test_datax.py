"""The command `datax` and `bin/datax.py`, as wrapper scripts call them."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.datax import Datax, Write, job
from tests.unit.cli.datax import call as call
from tests.unit.cli.datax import write as write


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
