"""DataX's log records, byte for byte."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.events import RunFinished, RunStarted
from starhaul.engine.progress import Counts, Progress, StreamProgress
from starhaul.job.settings import Settings
from starhaul.redactor import Redactor
from starhaul.report.datax_block import closing_blocks, stringify
from starhaul.report.datax_dirty import DirtyRecords
from starhaul.report.datax_log import DataxLog
from starhaul.report.report import ErrorReport, Report, StreamReport
from starhaul.runs.rejects import RejectPart, read_rejects

RECORD = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[[\w-]+\] (INFO |WARN |ERROR) \w+ - "


def stream(**figures: Any) -> StreamReport:
    known: dict[str, Any] = {
        "name": "orders", "reader": "streamreader", "writer": "streamwriter", "state": "committed", "promises": [],
        "tasks": 1, "tasks_done": 1, "read": 13, "written": 13, "skipped": 0, "rejected": 0, "filtered": 0,
        "bytes": 591, "seconds_reader_waited": 0.25, "seconds_writer_waited": 1234.5,
    }  # fmt: skip
    return StreamReport(**known | figures)


def report(**figures: Any) -> Report:
    known: dict[str, Any] = {
        "run": "r1", "job": "orders", "state": "done", "started": "2021-09-10T16:38:23.100+08:00",
        "ended": "2021-09-10T16:38:34.050+08:00", "seconds": 10.95, "streams": [stream()], "read": 13, "written": 13,
        "skipped": 0, "rejected": 0, "filtered": 0,
    }  # fmt: skip
    return Report(**known | figures)


def test_the_closing_block() -> None:
    """The figures of the block that DataX's documentation shows."""
    assert list(closing_blocks(report())) == [
        "\n"
        "任务启动时刻                    : 2021-09-10 16:38:23\n"
        "任务结束时刻                    : 2021-09-10 16:38:34\n"
        "任务总计耗时                    :                 10s\n"
        "任务平均流量                    :               59B/s\n"
        "记录写入速度                    :              1rec/s\n"
        "读出记录总数                    :                  13\n"
        "读写失败总数                    :                   0\n"
    ]


def test_the_closing_block_of_a_job_with_transformers() -> None:
    busy = stream(transformers=["dx_filter"], transformed=97, untransformed=2, filtered=30)
    with_transformers = report(streams=[busy], read=100, rejected=4, filtered=30)
    assert list(closing_blocks(with_transformers))[1] == (
        "\n"
        "Transformer成功记录总数         :                  97\n"
        "Transformer失败记录总数         :                   2\n"
        "Transformer过滤记录总数         :                  30\n"
    )
    idle = report(streams=[stream(transformers=["dx_filter"], read=0)], read=0)
    assert len(list(closing_blocks(idle))) == 1


def test_a_job_that_took_no_time() -> None:
    block = next(closing_blocks(report(seconds=0.02, streams=[stream(bytes=3 * 2**20)], read=5000, rejected=1)))
    assert "任务总计耗时                    :                  0s\n" in block
    assert "任务平均流量                    :            3.00MB/s\n" in block
    assert "记录写入速度                    :           4999rec/s\n" in block
    assert "读写失败总数                    :                   1\n" in block


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (1023, "1023B"), (1024, "1.00KB"), (1536, "1.50KB"), (2**20 - 1, "1024.00KB"), (2**20, "1.00MB"),
     (5 * 2**30, "5.00GB"), (3 * 2**40 + 2**39, "3.50TB"), (2**51, "2048.00TB")],
)  # fmt: skip
def test_bytes(size: int, text: str) -> None:
    assert stringify(size) == text


def log_of(*streams: StreamProgress, interval: float = 10.0, **options: Any) -> tuple[DataxLog, Progress]:
    progress = Progress()
    progress.begin(list(streams), Settings(progress_interval=max(interval, 0.1)))
    return DataxLog(progress, **options), progress


def test_the_progress_line() -> None:
    log, progress = log_of(StreamProgress("a", tasks=4, tasks_done=1), StreamProgress("b", tasks=2))
    now = time.monotonic()
    progress.moved(0, 1000, 204800)
    progress.rejected(1, 3)
    assert log.line(now + 10) == (
        "Total 1000 records, 204800 bytes | Speed 20.00KB/s, 100 records/s | Error 3 records, 0 bytes |  "
        "All Task WaitWriterTime 0.000s |  All Task WaitReaderTime 0.000s | Percentage 16.67%"
    )
    progress.moved(1, 50, 100)
    assert "Total 1050 records, 204900 bytes | Speed 10B/s, 5 records/s | Error" in log.line(now + 20)


def test_what_is_printed_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    log, _ = log_of(StreamProgress("a", tasks=1), job=7)
    with log:
        log.observe(RunStarted(run="r", streams=1, tasks=1))
        log.observe(RunFinished(run="r", state="done"))
    log.finish(report(warnings=["beware"]))
    lines = capsys.readouterr().out.splitlines()
    assert all(re.match(RECORD, line) for line in (*lines[:3],))
    assert [line.partition(" [job-7] ")[2] for line in lines[:3]] == [
        "WARN  JobContainer - beware",
        "INFO  StandAloneJobContainerCommunicator - Total 13 records, 591 bytes | Speed 591B/s, 13 records/s | "
        "Error 0 records, 0 bytes |  All Task WaitWriterTime 0.250s |  All Task WaitReaderTime 1,234.500s | "
        "Percentage 100.00%",
        "INFO  JobContainer - ",
    ]
    assert lines[3].startswith("任务启动时刻")
    assert lines[-1] == ""


def test_progress_is_printed_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    log, _ = log_of(StreamProgress("a", tasks=1), interval=0.1)
    with log:
        log.observe(RunStarted(run="r", streams=1, tasks=1))
        time.sleep(0.55)
    lines = capsys.readouterr().out.splitlines()
    assert 2 <= len(lines) <= 6
    assert all(re.match(RECORD + "Total 0 records, 0 bytes", line) for line in lines)


def test_the_level_hides_what_lies_below(capsys: pytest.CaptureFixture[str]) -> None:
    log, _ = log_of(StreamProgress("a", tasks=1), interval=0.01, level="error")
    with log:
        log.observe(RunStarted(run="r", streams=1, tasks=1))
        time.sleep(0.15)
    log.finish(report(warnings=["beware"]))
    assert capsys.readouterr().out == ""
    log.finish(report(state="failed", error=ErrorReport("PermanentError", "t", "no such table", "")))
    assert re.fullmatch(
        RECORD + "\n\n经DataX智能分析,该任务最可能的错误原因是:\nt: no such table\n", capsys.readouterr().out
    )


def test_there_is_no_closing_block_without_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    log, _ = log_of()
    log.finish(report(run=""))
    log.finish(report(state="stopped"))
    assert "任务" not in capsys.readouterr().out.replace("该任务最可能", "")


def test_the_line_of_a_job_with_transformers(capsys: pytest.CaptureFixture[str]) -> None:
    log, _ = log_of()
    busy = stream(transformers=["dx_filter"], transformed=98, untransformed=2, filtered=30, seconds_transforming=1234.5)
    log.finish(report(streams=[busy], read=100, rejected=2, filtered=30))
    assert (
        "0 bytes |  All Task WaitWriterTime 0.250s |  All Task WaitReaderTime 1,234.500s | Transfermor Success 98 "
        "records | Transformer Error 2 records | Transformer Filter 30 records | Transformer usedTime 1,234.500s | "
        "Percentage 100.00%"
    ) in capsys.readouterr().out


def test_the_live_line_tells_waits_and_transformers() -> None:
    before = Counts(seconds_reader_waited=1.0, transformed=10, filtered=1)
    log, progress = log_of(StreamProgress("a", tasks=3, tasks_done=1, counts=before))
    under_way = Counts(seconds_reader_waited=0.5, seconds_writer_waited=1500.25, transformed=5, untransformed=2)

    def meter() -> Counts:
        return under_way

    told = (
        "WaitWriterTime {}s |  All Task WaitReaderTime {}s | Transfermor Success {} records | Transformer Error {} "
        "records | Transformer Filter 1 records | Transformer usedTime 0.000s | Percentage 33.33%"
    )
    progress.attempt(0, meter)
    assert log.line(1.0).endswith(told.format("1.500", "1,500.250", 15, 2))
    assert log.line(2.0).endswith(told.format("1.500", "1,500.250", 15, 2))
    progress.attempt_over(0, meter, under_way)
    assert log.line(3.0).endswith(told.format("1.500", "1,500.250", 15, 2))
    progress.attempt(0, meter)
    progress.attempt_over(0, meter, None)  # an attempt in vain
    assert log.line(4.0).endswith(told.format("1.500", "1,500.250", 15, 2))


def rejected(
    folder: Path, stages: list[tuple[str, int]], secrets: frozenset[str] = frozenset()
) -> list[dict[str, Any]]:
    path = folder / "rejects.jsonl"
    batch = pa.record_batch({"id": [5], "name": ["Söhne"], "at": pa.array([0], pa.timestamp("us")), "none": [None]})
    part = RejectPart(path, {"stream": "orders", "task": "t1", "attempt": 1}, Redactor(secrets))
    for stage, rows in stages:
        for _ in range(rows):
            part.add(batch, 0, stage, "column 'name': 'Söhne' does not fit int64", "")
    part.close()
    return list(read_rejects(path))


def told(lines: list[dict[str, Any]], logged: int, *, values: bool) -> list[tuple[str, str]]:
    dirty = DirtyRecords(values=values)
    return [record for line in lines if (record := dirty.record(line, logged)) is not None]


def test_rejected_rows(tmp_path: Path) -> None:
    records = told(rejected(tmp_path, [("read", 1), ("write", 1)]), 9, values=True)
    assert [side for side, _ in records] == ["reader", "writer"]
    assert records[1][1] == (
        '脏数据: {"type":"writer","message":"column \'name\': \'Söhne\' does not fit int64",'
        '"exception":"column \'name\': \'Söhne\' does not fit int64","record":['
        '{"byteSize":1,"index":0,"rawData":"5","type":"LONG"},'
        '{"byteSize":5,"index":1,"rawData":"Söhne","type":"STRING"},'
        '{"byteSize":19,"index":2,"rawData":"1970-01-01 00:00:00","type":"DATE"},'
        '{"byteSize":0,"index":3,"rawData":null,"type":"NULL"}]}'
    )


def test_rejected_rows_are_logged_without_their_values(tmp_path: Path) -> None:
    ((_, message),) = told(rejected(tmp_path, [("convert", 1)]), 9, values=False)
    assert "Söhne" not in message
    shown = json.loads(message.removeprefix("脏数据: "))
    assert shown["message"] == "hidden; the reject file tells it"
    assert [column["rawData"] for column in shown["record"]] == ["***", "***", "***", None]


def test_how_many_rejected_rows_are_logged(tmp_path: Path) -> None:
    lines = rejected(tmp_path, [("read", 12), ("transform:0", 3), ("convert", 4), ("write", 20)])

    def sides(logged: int) -> list[str]:
        return [side for side, _ in told(lines, logged, values=False)]

    assert sides(9) == ["reader"] * 9 + ["writer"] * 9
    assert len(sides(-1)) == 39
    assert sides(0) == []


def test_rows_with_secrets_have_no_columns(tmp_path: Path) -> None:
    ((_, message),) = told(rejected(tmp_path, [("write", 1)], frozenset({"Söhne"})), 9, values=True)
    assert "Söhne" not in message
    assert json.loads(message.removeprefix("脏数据: "))["record"] == []


def test_rejected_rows_are_logged_as_they_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, progress = log_of(StreamProgress("fruit", tasks=1), StreamProgress("orders", tasks=2), job=7)
    for line in rejected(tmp_path, [("read", 1), ("write", 12)]):
        progress.tell(line)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert re.fullmatch(r"\S+ \S+ \[7-1-1-reader\] ERROR StdoutPluginCollector - 脏数据: \{.*\}", lines[0])
    assert all("[7-1-1-writer]" in line for line in lines[1:])
