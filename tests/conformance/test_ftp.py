"""`ftpreader` keeps the contract over FTP, `ftpwriter` over SFTP."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.ftp import FtpReader, FtpReaderParams
from starhaul_writers.ftp import FtpWriter, FtpWriterParams
from tests.conformance.test_txtfile import COLUMNS, _fill, _Reader, _records
from tests.servers.ftp import FtpFolder, FtpServer
from tests.servers.sftp import SftpFolder


class TestFtpReader(ReaderConformance):
    expected = _Reader.expected

    @pytest.fixture
    def folder(self, pyftpdlib_server: FtpServer, tmp_path: Path) -> FtpFolder:
        return _new(pyftpdlib_server, tmp_path)

    @pytest.fixture
    def reader(self, folder: FtpFolder, expected: pa.Table) -> FtpReader:
        _fill(folder.local / "full", expected, expected.num_rows)
        return self._of(folder.parameters, "full")

    @pytest.fixture
    def empty_reader(self, folder: FtpFolder, expected: pa.Table) -> FtpReader:
        _fill(folder.local / "empty", expected, 0)
        return self._of(folder.parameters, "empty")

    def _of(self, parameters: dict[str, Any], name: str) -> FtpReader:
        parameters = {
            **parameters, "path": [f"{parameters['path']}/{name}/part*.csv"], "column": COLUMNS, "skipHeader": True,
            "nullFormat": "\\N", "splitSize": 150,
        }  # fmt: skip
        return FtpReader(FtpReaderParams.parse(parameters))


@pytest.mark.slow
class TestFtpWriter(WriterConformance):
    @pytest.fixture
    def folder(self, sftp: SftpFolder) -> SftpFolder:
        return sftp

    @pytest.fixture
    def writer(self, folder: SftpFolder) -> FtpWriter:
        parameters = {**folder.parameters, "fileName": "t", "writeMode": "truncate", "fileFormat": "csv"}
        return FtpWriter(FtpWriterParams.parse(parameters))

    @pytest.fixture
    def leftovers(self, folder: SftpFolder) -> Callable[[], Collection[str]]:
        return lambda: [path.name for path in folder.local.glob(".*")]

    @pytest.fixture
    def unwritable(self) -> pa.Schema | None:
        return pa.schema([])

    @pytest.fixture
    def readback(self, folder: SftpFolder) -> Callable[[pa.Schema], pa.Table]:
        def read(schema: pa.Schema) -> pa.Table:
            texts = [path.read_bytes().decode() for path in sorted(folder.local.glob("[!.]*"))]
            columns = list(zip(*[record for text in texts for record in _records(text)], strict=True))
            arrays = [pa.array(list(column), pa.string()) for column in columns or [()] * len(schema)]
            return pa.Table.from_arrays(arrays, schema=schema)

        return read


def _new(server: FtpServer, tmp_path: Path) -> FtpFolder:
    folder = FtpFolder(server, tmp_path.name)
    folder.local.mkdir()
    return folder
