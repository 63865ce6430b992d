"""Many partitions at a time on servers that limit connections, and within bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import starhaul
from starhaul_stores.files.places.ftp import FtpSession
from starhaul_stores.files.places.s3 import S3Place
from starhaul_stores.files.places.sftp import SftpSession
from tests.servers.ftp import FtpFolder
from tests.servers.s3 import ACCESS, SECRET, Bucket
from tests.servers.sftp import SftpFolder

FOLDERS, ROWS, CHANNELS = 40, 8000, 2


def write(tmp_path: Path, target: Mapping[str, Any], folders: int = FOLDERS) -> None:
    """Rows into so many folders, by turns."""
    for half in range(CHANNELS):
        rows = range(half * ROWS // CHANNELS, (half + 1) * ROWS // CHANNELS)
        (tmp_path / f"{half}.csv").write_text("".join(f"{n},{n % folders}\n" for n in rows))
    columns = [{"index": 0, "type": "long", "name": "n"}, {"index": 1, "type": "string", "name": "part"}]
    source = {"name": "csv", "path": str(tmp_path / "*.csv"), "column": columns, "splitSize": 20_000}
    writer = {"fileName": "t", "writeMode": "truncate", "fileFormat": "csv", "partitionColumns": ["part"], **target}
    job = {"reader": source, "writer": writer, "settings": {"channel": CHANNELS, "retry": {"attempts": 1}}}
    report = starhaul.run(job, state=tmp_path / "state")
    assert (report.state, report.written) == ("done", ROWS), report.error


def expect_rows(files: Mapping[str, str], folders: int = FOLDERS) -> None:
    """Each row is there once, in its folder."""
    found: dict[str, list[int]] = {}
    for path, text in files.items():
        found.setdefault(path.split("/")[-2], []).extend(map(int, text.split()))
    assert {part: sorted(rows) for part, rows in found.items()} == {
        f"part={part}": list(range(part, ROWS, folders)) for part in range(folders)
    }


def within(folder: Path) -> dict[str, str]:
    """The files below a folder."""
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}


def counted(monkeypatch: pytest.MonkeyPatch, kind: type[Any]) -> Callable[[], tuple[int, int]]:
    """How many sessions of a kind there were, and how many at the same time."""
    opened: list[int] = []
    there: set[int] = set()
    connect, close = kind.connect, kind.close

    def connecting(session: Any) -> Any:
        there.add(id(session))
        opened.append(len(there))
        return connect(session)

    def closing(session: Any) -> None:
        close(session)
        there.discard(id(session))

    monkeypatch.setattr(kind, "connect", connecting)
    monkeypatch.setattr(kind, "close", closing)
    return lambda: (len(opened), max(opened))


def test_sftp_takes_one_login_for_all_files_of_a_task(
    sftp: SftpFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logins = counted(monkeypatch, SftpSession)
    write(tmp_path, {"name": "ftp", **sftp.parameters})
    expect_rows(within(sftp.local))
    assert logins()[0] < 20
    assert logins()[1] <= CHANNELS


def test_ftp_takes_few_logins(ftp: FtpFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """vsftpd here lets 20 in."""
    logins = counted(monkeypatch, FtpSession)
    write(tmp_path, {"name": "ftp", **ftp.parameters})
    expect_rows(within(ftp.local))
    assert logins()[1] <= 8 * CHANNELS


def test_objects_in_many_partitions(bucket: Bucket, tmp_path: Path) -> None:
    write(tmp_path, {"name": "s3writer", **bucket.parameters, "path": "out"})
    expect_rows({key: content.decode() for key, content in bucket.objects().items()})
    assert bucket.uploads() == []


def test_memory_of_many_objects_at_a_time(bucket: Bucket) -> None:
    """Each holds back a part of the smallest size that the API allows; all together send three at a time."""
    objects, size, piece = 32, 7 << 20, bytes(range(256))
    place = S3Place(bucket.name, bucket.server.endpoint, access_id=ACCESS, access_key=SECRET)
    block = piece * 1024
    with place.session() as session:
        tracemalloc.start()
        try:
            with ExitStack() as stack:
                staged = [stack.enter_context(session.stage("/out", f"t_{n}", 1)) for n in range(objects)]
                for _ in range(size // len(block)):
                    for each in staged:
                        each.write(block)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < (objects * 5 + 8 + 3 * 5 + 12) << 20
        session.publish("/out", [each.staged for each in staged])
    with bucket.server.client() as client:
        found = client.list_objects_v2(Bucket=bucket.name)["Contents"]
        first = client.get_object(Bucket=bucket.name, Key="out/t_0")["Body"].read()
    assert {each["Size"] for each in found} == {size}
    assert len(found) == objects
    assert first == block * (size // len(block))
