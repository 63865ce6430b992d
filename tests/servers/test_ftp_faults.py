"""Connections with FTP and SFTP servers that are cut, and servers that refuse what a job wants to do."""

from __future__ import annotations

import ftplib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import starhaul
from tests.faults.proxy import Fault, Proxy
from tests.servers.ftp import FtpFolder
from tests.servers.sftp import SftpFolder

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
