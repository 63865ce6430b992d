"""Whole jobs to and from an object store, and what can go wrong there."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import starhaul
from starhaul_stores.files.places.place import Staged
from starhaul_stores.files.places.s3 import S3Session
from tests.faults import process
from tests.faults.proxy import Fault, Proxy
from tests.servers.s3 import Bucket

ROWS = 3000
CSV = "".join(f"{n},row {n}\n" for n in range(ROWS)).encode()
COLUMN = [{"index": 0, "type": "long", "name": "id"}, {"index": 1, "type": "string", "name": "text"}]
STORE, WRITER = "starhaul.runs.store:RunStore", "starhaul_writers.s3:S3Writer"


def run(tmp_path: Path, reader: dict[str, Any], writer: dict[str, Any], kill_at: str = "", code: int = 0) -> str:
    """Run a job to its end, and give what it printed."""
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"reader": reader, "writer": writer, "settings": {"channel": 2}}))
    done = process.starhaul(tmp_path / "state", "run", str(job), kill_at=kill_at)
    assert done.returncode == code, done.stderr + done.stdout
    return done.stderr + done.stdout


def source(tmp_path: Path) -> dict[str, Any]:
    """Two local files of `CSV` in all."""
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    middle = CSV.index(b"\n", len(CSV) // 2) + 1
    for name, content in (("a.csv", CSV[:middle]), ("b.csv", CSV[middle:])):
        (folder / name).write_bytes(content)
    return {"name": "csv", "path": str(folder), "column": COLUMN, "splitSize": len(CSV) // 2}


def target(bucket: Bucket, /, **more: Any) -> dict[str, Any]:
    """A writer."""
    return {"name": "s3writer", **bucket.parameters, "object": "out/t", "writeMode": "truncate", **more}


def origin(bucket: Bucket, /, **more: Any) -> dict[str, Any]:
    """A reader."""
    return {"name": "s3reader", **bucket.parameters, "object": "in/*.csv", "column": COLUMN, **more}


def local(tmp_path: Path) -> dict[str, Any]:
    """A writer of local files."""
    return {"name": "csv", "path": str(tmp_path / "out"), "fileName": "t", "writeMode": "truncate"}


def in_order(text: bytes) -> bytes:
    """Its lines by their numbers."""
    lines: list[bytes] = re.findall(rb"[^\n]*\n", text)
    ordered: list[bytes] = sorted(lines, key=lambda line: int(line.split(b",")[0]))
    return b"".join(ordered)


def written(bucket: Bucket) -> bytes:
    """All rows, in the order of the source."""
    return in_order(b"".join(content for key, content in bucket.objects().items() if key.startswith("out/")))


def received(tmp_path: Path) -> bytes:
    """All rows in local files, in the order of the source."""
    return in_order(b"".join(path.read_bytes() for path in (tmp_path / "out").glob("[!.]*")))


def test_there_and_back(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("out/t_old", b"-1,old\n")
    bucket.put("out/other", b"-2,other\n")
    run(tmp_path, source(tmp_path), target(bucket, suffix=".csv"))
    assert bucket.objects()["out/other"] == b"-2,other\n"
    assert "out/t_old" not in bucket.objects()
    assert written(bucket) == b"-2,other\n" + CSV
    run(tmp_path, origin(bucket, object="out/t*.csv", splitSize=10_000), local(tmp_path))
    assert received(tmp_path) == CSV


def test_in_the_words_of_oss(bucket: Bucket, tmp_path: Path) -> None:
    words = {**bucket.parameters, "addressing": "path"}
    writer = {"name": "osswriter", **words, "object": "out/t", "writeMode": "nonConflict", "fileFormat": "text",
              "fieldDelimiter": ",", "encoding": "UTF-8", "maxFileSize": 100000, "encrypt": False}  # fmt: skip
    run(tmp_path, source(tmp_path), writer)
    assert written(bucket) == CSV
    assert "begin with 't'" in run(tmp_path, source(tmp_path), writer, code=2)
    run(tmp_path, {"name": "ossreader", **words, "object": ["out/*"], "column": COLUMN}, local(tmp_path))
    assert received(tmp_path) == CSV


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("even_empty", [True, False])
def test_tasks_without_rows(bucket: Bucket, tmp_path: Path, even_empty: bool, file_format: str) -> None:
    """An object of nothing but a header or a footer, or none. The older one goes either way."""
    bucket.put("out/t_old", b"-1,old\n")
    rows = {**source(tmp_path), "skipHeader": True}
    for path in (tmp_path / "in").iterdir():
        path.write_text("id,text\n")
    empty = {"generateEmptyFile": even_empty, "fileFormat": file_format, "header": file_format == "csv"}
    run(tmp_path, rows, target(bucket, name="osswriter", addressing="path", **empty))
    assert len(bucket.objects()) == (2 if even_empty else 0)
    assert bucket.uploads() == []
    run(tmp_path, source(tmp_path), target(bucket, name="osswriter", addressing="path", generateEmptyFile=even_empty))
    assert written(bucket) == CSV


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"cname": True}, "name the region's address"),
        ({"writeSingleObject": True}, "a source in one piece"),
        ({"partition": ["dt=2026-11-22"]}, "partitionColumns"),
    ],
)
def test_what_is_refused_of_oss(bucket: Bucket, tmp_path: Path, given: dict[str, Any], told: str) -> None:
    said = run(tmp_path, source(tmp_path), target(bucket, name="osswriter", **given), code=2)
    assert told in " ".join(said.split())


def test_a_threshold_of_oss_changes_no_row(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("in/a.csv", CSV)
    run(tmp_path, origin(bucket, name="ossreader", addressing="path", balanceThreshold=10.0), local(tmp_path))
    assert received(tmp_path) == CSV


def test_a_task_goes_on_in_another_object(bucket: Bucket, tmp_path: Path) -> None:
    big = b"".join(b"%d,%s\n" % (number, b"x" * 100) for number in range(60_000))
    (tmp_path / "big.csv").write_bytes(big)
    rows = {"name": "csv", "path": str(tmp_path / "big.csv"), "column": COLUMN, "splitSize": len(big)}
    run(tmp_path, rows, target(bucket, maxFileSize=1))
    objects = bucket.objects()
    assert len(objects) >= 2
    assert all(len(content) >= 1 << 20 for key, content in objects.items() if key != max(objects))
    assert written(bucket) == big


def test_at_the_root_of_the_bucket(bucket: Bucket, tmp_path: Path) -> None:
    run(tmp_path, source(tmp_path), target(bucket, object="t"))
    assert in_order(b"".join(bucket.objects().values())) == CSV


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"accessKey": "wrong secret"}, "the secret is wrong"),
        ({"accessId": "nobody"}, "no such access key"),
        ({"bucket": "no-such-bucket"}, "no such bucket"),
        ({"object": "in/none*"}, "no file matches"),
        ({"object": "in/none.csv"}, "no file matches"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(
    bucket: Bucket, tmp_path: Path, change: dict[str, str], told: str
) -> None:
    bucket.put("in/a.csv", CSV)
    said = run(tmp_path, origin(bucket, **change), local(tmp_path), code=2)
    assert told in said
    assert "wrong secret" not in said
    if "object" not in change:
        assert told in run(tmp_path, source(tmp_path), target(bucket, **change), code=2)


def test_no_object_may_be_no_rows(bucket: Bucket, tmp_path: Path) -> None:
    run(tmp_path, origin(bucket, successOnNoObject=True), local(tmp_path))
    assert received(tmp_path) == b""


def test_uploads_are_abandoned_by_their_numbers(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MinIO lists uploads by whole keys only, so that none is found by the beginning of its key."""
    monkeypatch.setattr(S3Session, "clear", lambda *_, **__: None)
    abandoned: list[Staged] = []
    abandon = S3Session.abandon

    def abandoning(session: S3Session, directory: str, staged: Sequence[Staged]) -> None:
        assert len(bucket.uploads()) == len(staged)
        abandoned.extend(staged)
        abandon(session, directory, staged)
        abandon(session, directory, staged)  # which may be repeated

    monkeypatch.setattr(S3Session, "abandon", abandoning)
    rows = source(tmp_path)
    with (tmp_path / "in" / "b.csv").open("a") as file:
        file.write("no number,bad\n")
    report = starhaul.run({"reader": rows, "writer": target(bucket)}, state=tmp_path / "state")
    assert report.state == "failed"
    assert len(abandoned) == 1
    assert bucket.uploads() == []


@pytest.mark.slow
def test_a_connection_cut_while_reading_is_taken_up_again(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("in/a.csv", CSV * 20)
    faults = [Fault("reset", "down", after=300_000), Fault("close", "down", after=200_000)]
    with Proxy(bucket.server.port, *faults) as proxy:
        run(tmp_path, origin(bucket, endpoint=f"http://127.0.0.1:{proxy.port}"), local(tmp_path))
    assert [fault.happened for fault in faults] == [1, 1]
    assert received(tmp_path) == in_order(CSV * 20)


@pytest.mark.slow
@pytest.mark.parametrize("after", [100, 20_000])
def test_a_connection_cut_while_writing_is_tried_again(bucket: Bucket, tmp_path: Path, after: int) -> None:
    fault = Fault("reset", "up", after=after)
    with Proxy(bucket.server.port, fault) as proxy:
        run(tmp_path, source(tmp_path), target(bucket, endpoint=f"http://127.0.0.1:{proxy.port}"))
    assert fault.happened == 1
    assert written(bucket) == CSV
    assert bucket.uploads() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [f"{WRITER}.write:after:1", f"{STORE}.task_done:after:2", f"{WRITER}.commit:before:1", f"{WRITER}.commit:after:1",
     "starhaul_stores.files.places.s3:S3Session._expect_published:before:1"],
)  # fmt: skip
def test_a_killed_run_resumes(bucket: Bucket, tmp_path: Path, point: str) -> None:
    bucket.put("out/t_old", b"-1,old\n")
    run(tmp_path, source(tmp_path), target(bucket), kill_at=point, code=-signal.SIGKILL)
    if "commit" not in point and "published" not in point:
        assert bucket.objects() == {"out/t_old": b"-1,old\n"}
    resumed = process.starhaul(tmp_path / "state", "resume", "--last")
    assert resumed.returncode == 0, resumed.stderr
    assert written(bucket) == CSV
    assert bucket.uploads() == []
