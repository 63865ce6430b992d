"""What can go wrong on FTP and SFTP servers, and what is told then."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from starhaul import ConfigError, PermanentError
from starhaul_readers.ftp import FtpReader, FtpReaderParams
from starhaul_stores.files.places.ftp_listing import of_lines
from starhaul_writers.ftp import FtpWriter, FtpWriterParams
from tests.servers.ftp import FtpFolder
from tests.servers.sftp import SftpFolder


def reader(folder: FtpFolder | SftpFolder, **more: Any) -> FtpReader:
    parameters = {**folder.parameters, "column": ["*"], **more}
    return FtpReader(FtpReaderParams.parse(parameters))


def writer(folder: FtpFolder | SftpFolder, **more: Any) -> FtpWriter:
    parameters = {**folder.parameters, "fileName": "t", "writeMode": "append", **more}
    return FtpWriter(FtpWriterParams.parse(parameters))


def test_a_password_that_is_wrong(ftp: FtpFolder) -> None:
    if ftp.server.user == "anonymous":
        wrong = {"username": "nobody-here", "password": "s3cret-thing"}
    else:
        wrong = {"password": "s3cret-thing"}
    with pytest.raises(ConfigError, match="refuses") as caught:
        reader(ftp, **wrong).check()
    assert "s3cret-thing" not in str(caught.value)


def test_a_host_or_path_that_is_not_there(ftp: FtpFolder) -> None:
    with pytest.raises(ConfigError, match="no host"):
        reader(ftp, host="no-such-host.invalid").check()
    with pytest.raises(ConfigError, match="no file matches"):
        reader(ftp, path=f"{ftp.path}/none.csv").check()
    (ftp.local / "file").write_text("1\n")
    with pytest.raises(ConfigError, match="is not a directory"):
        writer(ftp, path=f"{ftp.path}/file/below").check(writer(ftp).accept(reader(ftp).schema()))


def test_a_certificate_that_is_not_trusted(ftp: FtpFolder) -> None:
    (ftp.local / "file").write_text("1\n")
    with pytest.raises(ConfigError, match="cannot be trusted"):
        reader(ftp, protocol="ftps").check()
    reader(ftp, protocol="ftps", caFile=str(ftp.server.certificate)).check()
    reader(ftp, protocol="ftps", verify=False).check()


def test_names_that_are_no_utf8(ftp: FtpFolder) -> None:
    Path(os.fsdecode(os.fsencode(ftp.local) + b"/caf\xe9.csv")).write_bytes(b"1\n")
    reader(ftp, path=f"{ftp.path}/*.csv").check()
    reader(ftp, path=f"{ftp.path}/caf*.csv", nameEncoding="latin-1").check()
    with reader(ftp, nameEncoding="latin-1").place.session() as session:
        assert [entry.name for entry in session.entries(ftp.path)] == ["café.csv"]


def test_folders_deeper_than_allowed(ftp: FtpFolder) -> None:
    (ftp.local / "a" / "b").mkdir(parents=True)
    (ftp.local / "a" / "b" / "file").write_text("1\n")
    reader(ftp, maxTraversalLevel=2).check()
    with pytest.raises(ConfigError, match="maxTraversalLevel"):
        reader(ftp, maxTraversalLevel=1).check()


def test_a_host_key_that_is_not_known(sftp: SftpFolder, tmp_path: Path) -> None:
    (sftp.local / "file").write_text("1\n")
    (tmp_path / "known").write_text("")
    with pytest.raises(ConfigError, match="is not known"):
        reader(sftp, hostKey=None, knownHosts=str(tmp_path / "known")).check()
    (tmp_path / "known").write_text(f"[127.0.0.1]:{sftp.server.port} {sftp.server.host_key}\n")
    reader(sftp, hostKey=None, knownHosts=str(tmp_path / "known")).check()
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", sftp.server.folder / "host.pub"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    reader(sftp, hostKey=fingerprint).check()
    with pytest.raises(ConfigError, match="another one"):
        reader(sftp, hostKey="SHA256:" + "A" * 43).check()


def test_a_key_that_is_refused(sftp: SftpFolder, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    with pytest.raises(ConfigError, match="refuses"):
        reader(sftp, keyFile=str(tmp_path / "other")).check()
    with pytest.raises(ConfigError, match="cannot be read"):
        reader(sftp, keyFile=str(tmp_path / "none")).check()


def test_a_file_that_goes_while_it_is_read(ftp: FtpFolder) -> None:
    (ftp.local / "file").write_text("1\n")
    with ftp_session(ftp) as session:
        status = session.stat(f"{ftp.path}/file")
        (ftp.local / "file").unlink()
        with pytest.raises(PermanentError), session.open_range(status, 0, 2) as stream:
            stream.read(2)


@pytest.mark.parametrize("denied", ["denied", "a/denied"])
def test_a_folder_that_may_not_be_entered(ftp: FtpFolder, denied: str) -> None:
    """Servers say no more of it than of one that is not there."""
    (ftp.local / denied).mkdir(parents=True)
    (ftp.local / denied / "file").write_text("1\n")
    (ftp.local / "file").write_text("1\n")
    with pytest.raises(ConfigError, match=f"{denied}: cannot be entered: 550"):
        reader(ftp).check()
    reader(ftp, path=f"{ftp.path}/file").check()
    with ftp_session(ftp) as session:
        assert list(session.entries(f"{ftp.path}/none")) == []
        assert list(session.entries(f"{ftp.path}/none/below")) == []


def test_a_folder_that_may_not_be_listed(ftp: FtpFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """vsftpd, of a folder whose permissions are `x` only."""
    (ftp.local / "folder").mkdir()
    with ftp_session(ftp) as session:
        connection = session.connect()
        respond = connection.voidresp
        told = "226 Transfer done (but failed to open directory)."
        monkeypatch.setattr(connection, "voidresp", lambda: told if respond() else "")
        with pytest.raises(PermanentError, match="folder: cannot be listed: 226"):
            list(session.entries(f"{ftp.path}/folder"))


@pytest.mark.parametrize("word", ["OS.unix=symlink", "OS.unix=slink:/target", "OS.windows=link"])
def test_links_of_every_kind(ftp: FtpFolder, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """As ProFTPD tells of them."""
    (ftp.local / "folder").mkdir()
    (ftp.local / "folder" / "below").write_text("1\n")
    (ftp.local / "file").write_text("1\n")
    (ftp.local / "to folder").symlink_to("folder")
    (ftp.local / "to file").symlink_to("file")
    with ftp_session(ftp) as session:
        told = session._facts

        def facts(directory: str) -> list[tuple[str, dict[str, str]]]:
            of_links = {"type": word.lower(), "size": "4"}
            return [(name, of_links if name.startswith("to ") else each) for name, each in told(directory)]

        monkeypatch.setattr(session, "_facts", facts)
        found = {entry.name: entry for entry in session.entries(ftp.path)}
        assert found.keys() == {"file", "folder", "to file", "to folder"}
        assert (found["to file"].size, found["to folder"].directory) == (2, True)
        assert found["to file"].mark == found["file"].mark
        (ftp.local / "to nowhere").symlink_to("nowhere")
        (ftp.local / "to denied").symlink_to("denied")
        (ftp.local / "denied").mkdir()
        with pytest.raises(PermanentError, match=r"to denied: (is of type 'os|leads to 'denied', which cannot)"):
            list(session.entries(ftp.path))
        (ftp.local / "to denied").unlink()
        assert "to nowhere" not in {entry.name for entry in session.entries(ftp.path)}


def ftp_session(ftp: FtpFolder) -> Any:
    """A session with the server of a folder."""
    return reader(ftp).place.session()


def test_lines_of_lists() -> None:
    lines = [
        "total 8",
        "drwxr-xr-x    2 0        0            4096 Nov 25 23:57 a folder",
        "-rw-r--r--    1 1000     group     5000000000 Jan 02  2024  with blank",
        "lrwxrwxrwx    1 0        0               4 Nov 25 23:57 link -> file",
        "11-25-26  11:57PM       <DIR>          windows",
        "11-25-26  11:57PM                 1234 file.csv",
    ]
    assert list(of_lines(lines)) == [
        ("a folder", -1), (" with blank", 5_000_000_000), ("link", "file"), ("windows", -1), ("file.csv", 1234),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="unknown form"):
        list(of_lines(["what is this"]))
