"""Connections with FTP and SFTP servers that are cut, and servers that refuse what a job wants to do."""

from __future__ import annotations

import ftplib
import json
import os
import re
import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import starhaul
from tests.faults import process
from tests.faults.proxy import Fault, Proxy
from tests.servers.ftp import FtpFolder, FtpServer, PyftpdlibServer, VsftpdServer
from tests.servers.full_disk import can_fill_up, fill_up, make_room
from tests.servers.process import new_folder, started
from tests.servers.sftp import SftpFolder, SftpServer

Remote: TypeAlias = FtpFolder | SftpFolder
STORE, WRITER = "starhaul.runs.store:RunStore", "starhaul_writers.ftp:FtpWriter"
_numbers = count(1)
ROWS = 60_000
TEXT = "".join(f"{n},text of row {n}\n" for n in range(ROWS))


def run(tmp_path: Path, reader: dict[str, Any], writer: dict[str, Any]) -> None:
    job = {"reader": reader, "writer": writer, "settings": {"channel": 1, "retry": {"attempts": 4, "pause": 0.1}}}
    report = starhaul.run(job, state=tmp_path / "state")
    assert (report.state, report.read, report.written, report.rejected) == ("done", ROWS, ROWS, 0)


def read(tmp_path: Path, folder: FtpFolder | SftpFolder, *faults: Fault) -> None:
    """From the server into a local file, while these things happen."""
    (folder.local / "rows.csv").write_text(TEXT)
    with Proxy(folder.server.port, *faults) as proxy:
        source = {
            **folder.parameters,
            "port": proxy.port,
            "path": f"{folder.parameters['path']}/rows.csv",
            "fileFormat": "csv",
        }
        target = {"path": str(tmp_path), "fileName": "rows", "writeMode": "truncate", "fileFormat": "csv"}
        run(tmp_path, {"name": "ftp", "column": ["*"], **source}, {"name": "txtfile", "singleFile": True, **target})
    assert all(fault.happened for fault in faults)
    assert (tmp_path / "rows").read_text() == TEXT


def write(tmp_path: Path, folder: FtpFolder | SftpFolder, *faults: Fault) -> None:
    """From a local file onto the server, while these things happen."""
    (tmp_path / "rows.csv").write_text(TEXT)
    with Proxy(folder.server.port, *faults) as proxy:
        source = {"path": str(tmp_path / "rows.csv"), "fileFormat": "csv", "column": ["*"]}
        target = {**folder.parameters, "port": proxy.port, "fileName": "rows", "writeMode": "truncate"}
        run(tmp_path, {"name": "txtfile", **source}, {"name": "ftp", "fileFormat": "csv", **target})
    assert all(fault.happened for fault in faults)
    (path,) = folder.local.iterdir()
    assert path.read_text() == TEXT


def test_a_command_to_read_that_gets_no_answer(tmp_path: Path, ftp: FtpFolder) -> None:
    read(tmp_path, ftp, Fault(at=b"RETR"))


@pytest.mark.parametrize(("at", "direction"), [(b"STOR", "up"), (b"226", "down"), (b"RNTO", "up")])
def test_uploads_that_are_cut(tmp_path: Path, ftp: FtpFolder, at: bytes, direction: Any) -> None:
    write(tmp_path, ftp, Fault(at=at, direction=direction))


@contextmanager
def data_connections(monkeypatch: pytest.MonkeyPatch, *faults: Fault) -> Iterator[None]:
    """Connections for data, whose port the server names in its answer, go through proxies."""
    ask = ftplib.FTP.makepasv
    with ExitStack() as proxies:

        def makepasv(ftp: ftplib.FTP) -> tuple[str, int]:
            host, port = ask(ftp)
            return host, proxies.enter_context(Proxy(port, *faults)).port

        monkeypatch.setattr(ftplib.FTP, "makepasv", makepasv)
        yield
    assert all(fault.happened for fault in faults)


@pytest.mark.parametrize("how", ["reset", "end early"])
def test_data_that_is_cut_while_it_is_read(
    tmp_path: Path, ftp: FtpFolder, monkeypatch: pytest.MonkeyPatch, how: Any
) -> None:
    faults = [Fault(direction="down", after=after, how=how) for after in (300_000, 500_000)]
    with data_connections(monkeypatch, *faults):
        read(tmp_path, ftp)


@pytest.mark.parametrize("how", ["reset", "end early"])
def test_data_that_is_cut_while_it_is_written(
    tmp_path: Path, ftp: FtpFolder, monkeypatch: pytest.MonkeyPatch, how: Any
) -> None:
    with data_connections(monkeypatch, *(Fault(after=after, how=how) for after in (300_000, 500_000))):
        write(tmp_path, ftp)


def test_reading_from_sftp_that_is_cut(tmp_path: Path, sftp: SftpFolder) -> None:
    read(tmp_path, sftp, Fault(direction="down", after=300_000), Fault(direction="down", after=500_000, how="close"))


def test_writing_to_sftp_that_is_cut(tmp_path: Path, sftp: SftpFolder) -> None:
    write(tmp_path, sftp, Fault(after=300_000), Fault(after=500_000, how="close"))


def test_a_user_who_may_not_write(ftp: FtpFolder, tmp_path: Path) -> None:
    target = {**ftp.parameters, "fileName": "denied", "writeMode": "append"}
    if ftp.server.user != "anonymous":
        target |= {"username": "guest", "password": ""}
    source = {"name": "stream", "column": [{"value": "x", "type": "string"}], "sliceRecordCount": 1}
    report = starhaul.run({"reader": source, "writer": {"name": "ftp", **target}}, state=tmp_path)
    assert report.error is not None
    assert "the server answers 550" in report.error.problem
    assert list(ftp.local.iterdir()) == []


@pytest.fixture(params=["sftp", "pyftpdlib", "vsftpd"])
def folder(request: pytest.FixtureRequest) -> Remote:
    """A folder on each server."""
    if request.param == "sftp":
        found: Remote = request.getfixturevalue("sftp")
        return found
    made = FtpFolder(request.getfixturevalue(f"{request.param}_server"), f"killed_{next(_numbers)}")
    made.local.mkdir()
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [f"{WRITER}.write:after:1", f"{STORE}.task_done:after:2", f"{WRITER}.commit:before:1", f"{WRITER}.commit:after:1",
     "starhaul_stores.files.places.{kind}:{Kind}Session.rename:before:2",
     "starhaul_stores.files.places.{kind}:{Kind}Session.remove_one:before:1"],
)  # fmt: skip
def test_a_killed_run_resumes(folder: Remote, tmp_path: Path, point: str) -> None:
    """All rows once, nothing staged is left, and the old file goes only when the new ones stand."""
    (folder.local / "t_old").write_text("old\n")
    (tmp_path / "in").mkdir()
    lines = TEXT.splitlines(keepends=True)
    for number in range(3):
        (tmp_path / "in" / f"{number}.csv").write_text("".join(lines[number::3]))
    source = {"name": "csv", "path": str(tmp_path / "in"), "column": ["*"], "splitSize": len(TEXT) // 3}
    target = {"name": "ftp", **folder.parameters, "fileName": "t", "writeMode": "truncate", "fileFormat": "csv"}
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"reader": source, "writer": target, "settings": {"channel": 2}}))
    kind = "sftp" if isinstance(folder, SftpFolder) else "ftp"
    at = point.replace("{kind}", kind).replace("{Kind}", kind.capitalize())
    killed = process.starhaul(tmp_path / "state", "run", str(job), kill_at=at)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    there = [path.read_text() for path in folder.local.glob("[!.]*")]
    if "commit:after" not in point:
        assert "old\n" in there
    resumed = process.starhaul(tmp_path / "state", "resume", "--last")
    assert resumed.returncode == 0, resumed.stderr
    files = list(folder.local.iterdir())
    assert not [path for path in files if path.name.startswith(".")]
    assert sorted("".join(path.read_text() for path in files).splitlines()) == sorted(TEXT.splitlines())


@pytest.fixture(params=["pyftpdlib", "vsftpd"])
def tight(request: pytest.FixtureRequest) -> Iterator[FtpFolder]:
    """A folder on each server, with a disk that can fill up."""
    kinds: dict[str, type[FtpServer]] = {"pyftpdlib": PyftpdlibServer, "vsftpd": VsftpdServer}
    with new_folder("tight") as home:
        server = kinds[request.param](home)
        can_fill_up(server, "/data/here/")
        with started(server):
            (home / "data" / "here").mkdir()
            yield FtpFolder(server, "here")


def job_of(tmp_path: Path, folder: Remote, **more: Any) -> dict[str, Any]:
    """Local rows onto the server, in place of an old file that is there."""
    if not (tmp_path / "rows.csv").exists():
        (tmp_path / "rows.csv").write_text(TEXT)
        (folder.local / "rows_old").write_text("old\n")
    source = {"name": "csv", "path": str(tmp_path / "rows.csv"), "column": ["*"]}
    target = {"name": "ftp", **folder.parameters, "fileName": "rows", "writeMode": "truncate", "fileFormat": "csv"}
    patience = {"retry": {"attempts": 2, "pause": 0.1}}
    return {"reader": source, "writer": {**target, **more}, "settings": patience}


@pytest.mark.parametrize("after", [0, 500_000], ids=["from the beginning", "in the midst"])
def test_an_ftp_server_whose_disk_is_full(
    tight: FtpFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """These do not say that there is no space, but that it failed, or nothing. The old file stays, and with room again
    a resume delivers everything."""
    job = job_of(tmp_path, tight, timeout=3000)
    with data_connections(monkeypatch, Fault("pass", after=after, act=lambda: fill_up(tight.server))):
        report = starhaul.run(job, state=tmp_path / "state")
        assert report.state == "failed"
        assert report.error is not None
        assert report.error.kind == "TransientError"
        assert re.search("Failure writing to local file|timed out", report.error.problem), report.error
        assert [path.read_text() for path in tight.local.glob("[!.]*")] == ["old\n"]
        make_room(tight.server)
        report = starhaul.resume(report.run, job, state=tmp_path / "state")
    assert report.state == "done", report.error
    (path,) = tight.local.iterdir()
    assert path.read_text() == TEXT


class SmallSftpServer(SftpServer):
    """One with a disk of 4 MiB, which only it sees."""

    def command(self) -> Sequence[str]:
        serve = shlex.join(super().command())
        return ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs -o size=4m small {self.folder}/data && exec {serve}"]


@dataclass(frozen=True)
class SmallFolder(SftpFolder):
    """Its disk."""

    @property
    def parameters(self) -> dict[str, Any]:
        return {**super().parameters, "path": str(self.server.folder / "data")}


@pytest.mark.skipif(os.geteuid() != 0, reason="sshd and a disk of its own take root")
@pytest.mark.parametrize("room", [0, 500_000], ids=["from the beginning", "in the midst"])
def test_an_sftp_server_whose_disk_is_full(tmp_path: Path, room: int) -> None:
    """The run fails and says so, the old file stays, and with room again a resume delivers everything."""
    with new_folder("tight") as home:
        server = SmallSftpServer(home)
        with started(server):
            folder = SmallFolder(server, Path(f"/proc/{server.pid}/root{home}/data"))
            job = job_of(tmp_path, folder)
            (folder.local / "filler").write_bytes(bytes((4 << 20) - 8192 - room))
            report = starhaul.run(job, state=tmp_path / "state")
            assert report.state == "failed"
            assert report.error is not None
            assert (report.error.kind, report.error.problem) == ("PermanentError", "the server answers: Failure")
            assert "disk is full" in report.error.hint
            assert {path.name for path in folder.local.iterdir()} == {"rows_old", "filler"}
            (folder.local / "filler").unlink()
            report = starhaul.resume(report.run, job, state=tmp_path / "state")
            assert report.state == "done", report.error
            (path,) = folder.local.iterdir()
            assert path.read_text() == TEXT
