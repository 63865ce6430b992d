"""FTP and SFTP servers keep the contract of a place."""

from __future__ import annotations

import getpass

import pytest

from starhaul_stores.files.places.ftp import FtpPlace
from starhaul_stores.files.places.sftp import SftpPlace
from tests.places import PlaceConformance
from tests.servers.ftp import FtpFolder
from tests.servers.sftp import SftpFolder


class TestFtpPlace(PlaceConformance):
    @pytest.fixture
    def place(self, ftp: FtpFolder) -> FtpPlace:
        return FtpPlace("127.0.0.1", ftp.server.port, ftp.server.user, ftp.server.password)

    @pytest.fixture
    def root(self, ftp: FtpFolder) -> str:
        return f"{ftp.path}/root"

    def test_a_listing_leaves_files_as_they_are(self, place: FtpPlace, root: str) -> None:
        self.put(place, root, {"a": b"1\n2\r\n3\r"})
        with place.session() as session:
            [file] = [entry for entry in session.entries(root) if entry.name == "a"]
            with session.open_range(file, 0, file.size) as stream:
                assert stream.read(100) == b"1\n2\r\n3\r"


class TestFtpsPlace(TestFtpPlace):
    """With TLS, and the data connections from the server to here."""

    @pytest.fixture
    def place(self, ftp: FtpFolder) -> FtpPlace:
        server = ftp.server
        return FtpPlace(
            "127.0.0.1", server.port, server.user, server.password, tls="explicit", ca_file=str(server.certificate),
            passive=False,
        )  # fmt: skip


class TestSftpPlace(PlaceConformance):
    @pytest.fixture
    def place(self, sftp: SftpFolder) -> SftpPlace:
        server = sftp.server
        return SftpPlace(
            "127.0.0.1", server.port, getpass.getuser(), key_file=str(server.key), host_key=server.host_key
        )

    @pytest.fixture
    def root(self, sftp: SftpFolder) -> str:
        return f"{sftp.local}/root"
