"""What `txtfilewriter` says where it cannot write, and what it refuses."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from starhaul import ConfigError, PermanentError
from starhaul.testing import RecordingTask
from starhaul_stores.files.places import local
from tests.unit.writers.txtfile.conftest import shown, table, write, writer


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = local._Written.write

    def write_little(self: Any, data: Any, /) -> None:
        if len(memoryview(data)) > 100:
            raise local._failure(str(tmp_path / "x"), OSError(errno.ENOSPC, "No space left on device"), "written")
        real(self, data)

    monkeypatch.setattr(local._Written, "write", write_little)
    with pytest.raises(PermanentError, match="there is no space left"):
        write(writer(tmp_path), table(["x" * 1000]))
    assert shown(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux and the BSDs have /dev/full")
def test_no_space_left_names_the_path(tmp_path: Path) -> None:
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(PermanentError, match=r"here: there is no space"),
    ):
        local._Written(full, "here").write(b"x")


def test_failures_of_the_source_pass_through_packing(tmp_path: Path) -> None:
    target = writer(tmp_path, compress="gzip")
    schema = pa.schema([("c0", pa.string())])
    target.prepare(schema, "run_1")

    def failing() -> Iterator[pa.RecordBatch]:
        yield table(["x"])
        raise OSError(errno.ENOSPC, "the source's own")

    with pytest.raises(OSError, match="the source's own"):
        target.write(RecordingTask(schema), failing())
    assert shown(tmp_path) == []


def test_check_refuses_a_directory_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    schema = pa.schema([("c0", pa.string())])
    with pytest.raises(ConfigError, match="is not a directory"):
        writer(tmp_path / "file" / "below").check(schema)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match="no permission to write"):
        writer(tmp_path / "new" / "below").check(schema)
    assert shown(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"compress": "zip"}, "compress"),
        ({"encoding": "klingon"}, "no encoding"),
        ({"fieldDelimiter": ""}, "fieldDelimiter"),
        ({"fieldDelimiter": '"', "fileFormat": "csv"}, "fieldDelimiter"),
        ({"lineDelimiter": "END"}, "lineDelimiter"),
        ({"nullFormat": "a,b"}, "nullFormat"),
        ({"nullFormat": "|", "fieldDelimiter": "||"}, "nullFormat"),
        ({"singleFile": True, "fileFormat": "parquet"}, "singleFile joins"),
        ({"singleFile": True, "compress": "zlib"}, "singleFile joins"),
        ({"fileName": "../x"}, "fileName"),
        ({"fileName": ".x"}, "dot"),
        ({"writeMode": "replace"}, "writeMode"),
        ({"csvWriterConfig": {"unknown": 1}}, "unknown"),
    ],
)
def test_parameters_that_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        writer("/tmp/x", **parameters)


def test_headers_that_are_refused(tmp_path: Path) -> None:
    schema = pa.schema([("c0", pa.string())])
    for parameters, message in (
        ({"header": ["a", "b"]}, "names 2 columns, but 1"),
        ({"header": ["a,b"]}, "holds ','"),
        ({"header": ["😀"], "encoding": "gbk"}, "a character that gbk has not"),
    ):
        with pytest.raises(ConfigError, match=message):
            writer(tmp_path, **parameters).check(schema)
