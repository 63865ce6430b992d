"""`ftpreader`: files on FTP, FTPS and SFTP servers."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from starhaul_stores.files.ftp_params import RemoteParams
from starhaul_stores.files.places.ftp import FtpPlace
from starhaul_stores.files.places.sftp import SftpPlace
from starhaul_stores.files.read_params import FileReaderParams
from starhaul_stores.files.reader import FileReader


class FtpReaderParams(FileReaderParams, RemoteParams):
    """Parameters of `ftpreader`."""

    path: str | list[str] = Field(min_length=1)
    """The files, from the server's root as the user sees it: a path, a folder (all files below it), a pattern with `*`,
    `?` and `**` (folders of any depth), or a list of these. Files whose names begin with a dot are left out."""


class FtpReader(FileReader[FtpReaderParams]):
    """Reads files from FTP, FTPS and SFTP servers, several at once and large ones in pieces.

    A transfer that breaks is taken up where it broke. The sizes that the server told when the run was planned must
    arrive in full. FTP tells times of modification in seconds: a file that is replaced within one by another of the
    same size passes for the same. A server's SSH key must be known (`knownHosts`, `hostKey`); DataX trusts any.
    """

    name = "ftpreader"
    params_type = FtpReaderParams

    @property
    def place(self) -> FtpPlace | SftpPlace:
        return self.params.place()

    @property
    def patterns(self) -> Sequence[str]:
        return [self.params.path] if isinstance(self.params.path, str) else self.params.path
