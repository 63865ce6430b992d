"""`s3reader` and `s3writer` keep the contract."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul.testing import ReaderConformance, WriterConformance
from starhaul_readers.s3 import S3Reader, S3ReaderParams
from starhaul_writers.s3 import S3Writer, S3WriterParams
from tests.conformance.test_txtfile import COLUMNS, _fill, _Reader, _records
from tests.servers.s3 import Bucket


class TestS3Reader(ReaderConformance):
    expected = _Reader.expected

    @pytest.fixture
    def reader(self, bucket: Bucket, tmp_path: Path, expected: pa.Table) -> S3Reader:
        return self._of(bucket, _fill(tmp_path / "full", expected, expected.num_rows))

    @pytest.fixture
    def empty_reader(self, bucket: Bucket, tmp_path: Path, expected: pa.Table) -> S3Reader:
        return self._of(bucket, _fill(tmp_path / "empty", expected, 0))

    def _of(self, bucket: Bucket, folder: Path) -> S3Reader:
        parameters = {**_filled(bucket, folder), "splitSize": 150}
        return S3Reader(S3ReaderParams.parse(parameters))


@pytest.mark.slow
class TestS3Writer(WriterConformance):
    @pytest.fixture
    def writer(self, bucket: Bucket) -> S3Writer:
        return S3Writer(S3WriterParams.parse(_target(bucket)))

    @pytest.fixture
    def leftovers(self, bucket: Bucket) -> Callable[[], Collection[str]]:
        return bucket.uploads

    @pytest.fixture
    def unwritable(self) -> pa.Schema | None:
        return pa.schema([])

    @pytest.fixture
    def readback(self, bucket: Bucket) -> Callable[[pa.Schema], pa.Table]:
        def read(schema: pa.Schema) -> pa.Table:
            texts = [content.decode() for _, content in sorted(bucket.objects().items())]
            columns = list(zip(*[record for text in texts for record in _records(text)], strict=True))
            arrays = [pa.array(list(column), pa.string()) for column in columns or [()] * len(schema)]
            return pa.Table.from_arrays(arrays, schema=schema)

        return read


def _filled(bucket: Bucket, folder: Path) -> dict[str, Any]:
    for file in folder.iterdir():
        bucket.put(f"in/{file.name}", file.read_bytes())
    return {**bucket.parameters, "object": "in/*", "column": COLUMNS, "skipHeader": True, "nullFormat": "\\N"}


def _target(bucket: Bucket) -> dict[str, Any]:
    return {**bucket.parameters, "object": "out/t", "writeMode": "truncate", "fileFormat": "csv"}
