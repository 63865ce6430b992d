"""`ftpwriter`: files on FTP, FTPS and SFTP servers."""

from __future__ import annotations

from starhaul_stores.files.ftp_params import RemoteParams
from starhaul_stores.files.places.ftp import FtpPlace
from starhaul_stores.files.places.sftp import SftpPlace
from starhaul_stores.files.write_params import FileWriterParams
from starhaul_stores.files.writer import FileWriter


class FtpWriterParams(FileWriterParams, RemoteParams):
    """Parameters of `ftpwriter`."""

    path: str
    """The folder of the files, from the server's root as the user sees it. It is made if it is not there."""


class FtpWriter(FileWriter[FtpWriterParams]):
    """Writes files to FTP, FTPS and SFTP servers, which get their names when the run has succeeded.

    Until then they have names with a dot in front. Their sizes are asked for and compared. The user must be allowed to
    rename and to remove files. A server's SSH key must be known (`knownHosts`, `hostKey`); DataX trusts any.
    """

    name = "ftpwriter"
    params_type = FtpWriterParams

    @property
    def place(self) -> FtpPlace | SftpPlace:
        return self.params.place()

    @property
    def directory(self) -> str:
        return self.place.absolute(self.params.path)
