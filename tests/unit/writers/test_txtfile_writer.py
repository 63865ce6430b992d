"""`txtfilewriter`: what it writes reads back, how files come and go, what it refuses."""

from __future__ import annotations

import errno
import gzip
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import orc, parquet
from pydantic import ValidationError

import starhaul
from starhaul import ConfigError, PermanentError, Receipt
from starhaul.testing import RecordingTask
from starhaul.testing.delivery import Delivery
from starhaul_readers.txtfile import TxtFileReader, TxtFileReaderParams
from starhaul_stores.files.places import local
from starhaul_stores.files.places.place import Staged
from starhaul_writers.txtfile import TxtFileWriter, TxtFileWriterParams

NASTY = [
    None,
    "",
    "\\N",
    '"',
    ",",
    "\n",
    "\r\n",
    "\\",
    "  ",
    "null",
    "😀",
    "\x00",
    "#x",
    "\ufeff",
    'a"b',
    "||",
    "\r",
    "|",
]
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where to write thousands of files that are all synced to disk."""
TEXTS = st.lists(st.tuples(*[st.one_of(st.sampled_from(NASTY), st.text(max_size=4))] * 2), max_size=8)


def writer(path: Path | str, **parameters: Any) -> TxtFileWriter:
    given = {"path": str(path), "fileName": "t", "writeMode": "truncate", **parameters}
    return TxtFileWriter(TxtFileWriterParams.model_validate(given, by_alias=True, by_name=False))


def reader(path: Path | str, **parameters: Any) -> TxtFileReader:
    given = {"path": str(path), "column": ["*"], **parameters}
    return TxtFileReader(TxtFileReaderParams.model_validate(given, by_alias=True, by_name=False))


def write(target: TxtFileWriter, batch: pa.RecordBatch, run: str = "run_1", number: int = 0) -> tuple[Receipt, Any]:
    """One task, staged."""
    schema = target.accept(batch.schema)
    target.check(schema)
    target.prepare(schema, run)
    task = RecordingTask(schema, f"t{number}", run)
    return target.write(task, [batch.cast(schema)]), task.rejected


def publish(target: TxtFileWriter, batch: pa.RecordBatch, run: str = "run_1") -> list[Any]:
    """One whole run; the rejected rows."""
    receipt, rejected = write(target, batch, run)
    target.commit(run, [receipt])
    return rejected


def shown(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def content(directory: Path) -> bytes:
    (path,) = directory.iterdir()
    return path.read_bytes()


def table(*columns: list[Any]) -> pa.RecordBatch:
    return pa.record_batch({f"c{n}": pa.array(column, pa.string()) for n, column in enumerate(columns)})


def round_trip(rows: list[tuple[Any, ...]], **style: Any) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows that read back and those that were rejected."""
    width = len(rows[0])
    batch = table(*map(list, zip(*rows, strict=True)))
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        rejected = publish(writer(directory, **style), batch)
        config = {key: style[key] for key in ("fieldDelimiter", "encoding", "fileFormat") if key in style}
        csv_config = {"recordDelimiter": style.get("lineDelimiter")} if "lineDelimiter" in style else {}
        if style.get("csvWriterConfig", {}).get("escapeMode") == 2:
            csv_config["escapeMode"] = 2
        source = reader(
            directory,
            nullFormat=style.get("nullFormat", "\\N"),
            column=[{"index": index} for index in range(width)],
            csvReaderConfig=csv_config,
            **config,
        )
        task = RecordingTask(source.schema())
        batches = [batch for split in source.split(1) for batch in source.read(split, task)]
        assert task.rejected == []
    read = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    return read, [tuple(row.values()) for row, _, _ in rejected]


CSV_STYLES = [
    {},
    {"fieldDelimiter": "||"},
    {"fieldDelimiter": "\x01\x02", "lineDelimiter": "\r\n"},
    {"nullFormat": ""},
    {"nullFormat": "null", "fieldDelimiter": "\t", "lineDelimiter": "\r"},
    {"csvWriterConfig": {"forceQualifier": True}},
    {"csvWriterConfig": {"escapeMode": 2}, "nullFormat": "NULL"},
    {"encoding": "utf-16", "fieldDelimiter": "§"},
    {"lineDelimiter": ";"},
]


@pytest.mark.parametrize("style", CSV_STYLES, ids=str)
def test_nasty_texts_come_back_from_csv(style: dict[str, Any]) -> None:
    rows = [(text, other) for text in NASTY for other in (*NASTY, "x")]
    assert round_trip(rows, fileFormat="csv", **style) == (rows, [])
    alone = [(text,) for text in NASTY]
    assert round_trip(alone, fileFormat="csv", **style) == (alone, [])


@settings(max_examples=100, deadline=None)
@given(rows=TEXTS.filter(bool), style=st.sampled_from(CSV_STYLES))
def test_any_text_comes_back_from_csv(rows: list[tuple[Any, ...]], style: dict[str, Any]) -> None:
    assert round_trip(rows, fileFormat="csv", **style) == (rows, [])


@settings(max_examples=100, deadline=None)
@given(rows=TEXTS.filter(bool), style=st.sampled_from([{}, {"fieldDelimiter": "||"}, {"nullFormat": ""}]))
def test_any_text_comes_back_from_text_or_is_rejected(rows: list[tuple[Any, ...]], style: dict[str, Any]) -> None:
    read, rejected = round_trip(rows, fileFormat="text", **style)
    assert sorted(map(repr, [*read, *rejected])) == sorted(map(repr, rows))
    plain = [row for row in rows if all(value is None or value.isalnum() for value in row)]
    assert not set(plain) & set(rejected)


def test_one_column_of_text_keeps_empty_values() -> None:
    rows = [("a",), ("",), (None,), ("b",)]
    assert round_trip(rows, fileFormat="text") == (rows, [])


def test_reasons_of_text() -> None:
    with tempfile.TemporaryDirectory() as directory:
        rejected = publish(writer(directory), table(["a,b", "a\nb", "\\N", "ok"], ["x"] * 4))
        assert [(row["c0"], reason) for row, reason, _ in rejected] == [
            ("a,b", "c0: holds ',', which text without quotes cannot tell apart"),
            ("a\nb", "c0: holds '\\n', which text without quotes cannot tell apart"),
            ("\\N", "c0: is '\\\\N', the text that stands for null, which text without quotes cannot tell apart"),
        ]
        assert content(Path(directory)) == b"ok,x\n"


def test_only_what_needs_quotes_has_them(tmp_path: Path) -> None:
    publish(writer(tmp_path, fileFormat="csv"), table(["a", 'b"', None, "\\N"], ["1", "2,3", "", None]))
    assert content(tmp_path) == b'a,1\n"b""","2,3"\n\\N,\n"\\N",\\N\n'


def test_characters_that_the_encoding_lacks(tmp_path: Path) -> None:
    rejected = publish(writer(tmp_path, encoding="gbk"), table(["中", "😀", "a"], ["1", "2", "a,b"]))
    assert [(row["c0"], reason) for row, reason, _ in rejected] == [
        ("😀", "holds a character that gbk has not"),
        ("a", "c1: holds ',', which text without quotes cannot tell apart"),
    ]
    assert content(tmp_path) == "中,1\n".encode("gbk")


def test_header_suffix_and_compression(tmp_path: Path) -> None:
    target = writer(tmp_path, fileFormat="csv", header=["a", "b,c"], suffix=".csv", compress="gzip")
    publish(target, table(["1"], ["2"]))
    assert shown(tmp_path) == ["t__run_1_t0.csv.gz"]
    assert gzip.decompress(content(tmp_path)) == b'a,"b,c"\n1,2\n'


@pytest.mark.parametrize(
    ("compress", "suffix"), [("gzip", ".gz"), ("bz2", ".bz2"), ("bzip2", ".bz2"), ("zstd", ".zst")]
)
def test_what_is_packed_reads_back(tmp_path: Path, compress: str, suffix: str) -> None:
    publish(writer(tmp_path, compress=compress, header=True), table(["x"] * 1000))
    assert shown(tmp_path) == [f"t__run_1_t0{suffix}"]
    source = reader(tmp_path, skipHeader=True)
    task = RecordingTask(source.schema())
    assert task.schema.names == ["c0"]
    assert sum(len(batch) for split in source.split(1) for batch in source.read(split, task)) == 1000


def test_patterns_and_bytes(tmp_path: Path) -> None:
    batch = pa.record_batch({"at": [datetime(2024, 1, 2, 3, 4, 5)], "raw": [b"\xff\x00"]})
    target = writer(tmp_path, dateFormat="yyyy/MM/dd HH:mm:ss", byteEncoding="base64")
    delivery = Delivery(target, batch.schema)
    delivery.prepare()
    (converted,) = delivery.converted(pa.Table.from_batches([batch]))
    delivery.commit(delivery.write(delivery.task(), [converted]))
    assert content(tmp_path) == b"2024/01/02 03:04:05,/wA=\n"


@pytest.mark.parametrize(
    ("parameters", "written"),
    [
        ({"fileFormat": "csv", "byteEncoding": "base64"}, b"YWI=\n\\N\n"),
        ({"fileFormat": "json", "byteEncoding": "base64"}, b'{"raw":"YWI="}\n{"raw":null}\n'),
        ({"fileFormat": "sql", "table": "t"}, b'INSERT INTO "t" ("raw") VALUES\n(\'\\x6162\'),\n(NULL);\n'),
    ],
)
def test_bytes_of_one_length_are_bytes(tmp_path: Path, parameters: dict[str, Any], written: bytes) -> None:
    batch = pa.record_batch({"raw": pa.array([b"ab", None], pa.binary(2))})
    delivery = Delivery(writer(tmp_path, **parameters), batch.schema)
    delivery.prepare()
    (converted,) = delivery.converted(pa.Table.from_batches([batch]))
    delivery.commit(delivery.write(delivery.task(), [converted]))
    assert content(tmp_path) == written


def test_truncate_replaces_when_the_run_has_succeeded(tmp_path: Path) -> None:
    for name in ("t__old", "t", "other", ".t__hidden"):
        (tmp_path / name).touch()
    (tmp_path / "t_directory").mkdir()
    target = writer(tmp_path)
    receipt, _ = write(target, table(["x"]))
    assert "t__old" in shown(tmp_path)
    target.commit("run_1", [receipt])
    assert shown(tmp_path) == [".t__hidden", "other", "t__run_1_t0", "t_directory"]


def _second_column(path: Path, form: str) -> list[str]:
    if form == "csv":
        return [line.split(",")[-2] for line in path.read_text().splitlines()[1:]]
    found: list[str] = {"parquet": parquet.ParquetFile, "orc": orc.ORCFile}[form](path).read()["c1"].to_pylist()
    return found


@pytest.mark.parametrize("form", ["csv", "parquet", "orc"])
@pytest.mark.parametrize("partitions", [[], ["c0"]])
def test_a_task_goes_on_in_another_file(tmp_path: Path, form: str, partitions: list[str]) -> None:
    target = writer(tmp_path, fileFormat=form, maxFileSize=1, partitionColumns=partitions, compress="none", header=True)
    numbers = [[f"{batch}-{row}" for row in range(1000)] for batch in range(40)]
    batches = [
        table([["a", "b"][n % 2]] * 1000, texts, [os.urandom(256).hex() for _ in texts])
        for n, texts in enumerate(numbers)
    ]
    schema = target.accept(batches[0].schema)
    target.prepare(schema, "run_1")
    receipt = target.write(RecordingTask(schema, "t0", "run_1"), batches)
    target.commit("run_1", [receipt])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert receipt.rows == sum(map(len, numbers))
    assert sorted(text for path in files for text in _second_column(path, form)) == sorted(chain(*numbers))
    full = [path for path in files if path.stat().st_size >= 1 << 20]
    folders = len({path.parent for path in files})
    assert len(full) >= 2 * folders
    assert len(files) - len(full) <= folders, "none but the last one is small"
    assert max(path.stat().st_size for path in files) < 20 << 20, "larger by no more than a row group or a stripe"


def test_append_adds(tmp_path: Path) -> None:
    for run in ("run_1", "run_2"):
        publish(writer(tmp_path, writeMode="append"), table(["x"]), run)
    assert shown(tmp_path) == ["t__run_1_t0", "t__run_2_t0"]


def test_non_conflict_refuses(tmp_path: Path) -> None:
    target = writer(tmp_path, writeMode="nonConflict")
    publish(target, table(["x"]))
    schema = pa.schema([("c0", pa.string())])
    message = r"1 files in .* begin with 't', such as t__run_1_t0"
    with pytest.raises(ConfigError, match=message):
        target.check(schema)
    with pytest.raises(ConfigError, match=message):
        target.prepare(schema, "run_2")


def test_a_conflict_that_comes_while_the_run_is_under_way(tmp_path: Path) -> None:
    target = writer(tmp_path, writeMode="nonConflict")
    receipt, _ = write(target, table(["x"]))
    publish(writer(tmp_path, writeMode="append"), table(["y"]), "run_2")
    with pytest.raises(ConfigError, match=r"1 files in .* begin with 't', such as t__run_2_t0"):
        target.commit("run_1", [receipt])
    (tmp_path / "t__run_2_t0").unlink()
    target.commit("run_1", [receipt])
    target.commit("run_1", [receipt])
    assert shown(tmp_path) == ["t__run_1_t0"]


def test_two_runs_that_replace_at_once_do_not_remove_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = writer(tmp_path), writer(tmp_path)
    receipts = {run: write(target, table([run]), run)[0] for run, target in (("run_1", one), ("run_2", other))}
    publish_one = local.LocalSession.publish

    def publish_both(session: local.LocalSession, directory: str, staged: Sequence[Staged]) -> None:
        monkeypatch.undo()
        publish_one(session, directory, staged)
        publish_one(session, directory, [Staged.of(each) for each in receipts["run_2"].data["files"]])

    monkeypatch.setattr(local.LocalSession, "publish", publish_both)
    with pytest.raises(PermanentError, match="t__run_2_t0: came while this run replaced the files that begin with 't'"):
        one.commit("run_1", [receipts["run_1"]])
    assert shown(tmp_path) == ["t__run_1_t0", "t__run_2_t0"]
    one.commit("run_1", [receipts["run_1"]])
    assert shown(tmp_path) == ["t__run_1_t0"]


@pytest.mark.parametrize("mode", ["truncate", "overwrite", "nonConflict", "append"])
def test_two_streams_of_a_job_do_not_replace_each_other(tmp_path: Path, mode: str) -> None:
    target = {"name": "csv", "path": str(tmp_path / "out"), "fileName": "t", "writeMode": mode, "fileFormat": "csv"}
    constant = {"value": "x", "type": "string"}
    source = {"name": "stream", "column": [constant, constant], "sliceRecordCount": 2}
    streams = [{"name": name, "reader": source, "writer": target} for name in "ab"]
    for _ in range(1 if mode == "nonConflict" else 2):
        report = starhaul.run({"streams": streams}, state=tmp_path / "state")
        assert report.state == "done", report.error
    rows = sum(len(path.read_text().splitlines()) for path in (tmp_path / "out").iterdir())
    assert rows == (8 if mode == "append" else 4)


@pytest.mark.parametrize("parameters", [{}, {"compress": "gzip"}, {"fileFormat": "json"}])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8"])
def test_one_file_has_one_byte_order_mark(tmp_path: Path, encoding: str, parameters: dict[str, Any]) -> None:
    given = {"singleFile": True, "encoding": encoding, "fileFormat": "csv", **parameters}
    for header in ([], ["c0"]):
        target = writer(tmp_path, header=header, **given)
        target.commit("run_1", [write(target, table([each]), number=n)[0] for n, each in enumerate("xyz")])
        data = content(tmp_path)
        text = (gzip.decompress(data) if "compress" in parameters else data).decode(encoding)
        lines = [f'{{"c0":"{each}"}}' for each in "xyz"] if "fileFormat" in parameters else [*header, *"xyz"]
        assert text.split("\n") == [*lines, ""]


def test_one_file_of_sql_has_the_names_that_the_job_gives(tmp_path: Path) -> None:
    target = writer(tmp_path, singleFile=True, fileFormat="sql", table="t", header=["a"])
    target.commit("run_1", [write(target, table(["x"]))[0]])
    assert content(tmp_path) == b"""INSERT INTO "t" ("a") VALUES\n('x');\n"""


def test_one_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    target = writer(tmp_path, singleFile=True, writeMode="nonConflict")
    receipt, _ = write(target, table(["x"]))
    (tmp_path / "t").write_text("another's")
    with pytest.raises(PermanentError, match="t: came while the run was under way"):
        target.commit("run_1", [receipt])
    assert (tmp_path / "t").read_text() == "another's"
    (tmp_path / "t").unlink()
    target.commit("run_1", [receipt])
    target.commit("run_1", [receipt])
    assert content(tmp_path) == b"x\n"


def test_staging_of_others_stays(tmp_path: Path) -> None:
    """A run clears its own staging, and what nobody has touched for a week."""
    other, _ = write(writer(tmp_path, writeMode="append"), table(["x"]), "run_2")
    old = tmp_path / ".t__run_0_t0.1.part"
    old.touch()
    os.utime(old, (time.time() - 8 * 24 * 3600,) * 2)
    publish(writer(tmp_path), table(["y"]))
    assert shown(tmp_path) == [".t__run_2_t0.1.part", "t__run_1_t0"]
    writer(tmp_path, writeMode="append").commit("run_2", [other])
    assert shown(tmp_path) == ["t__run_1_t0", "t__run_2_t0"]


def test_commit_after_a_crash_in_its_midst(tmp_path: Path) -> None:
    target = writer(tmp_path)
    receipts = [write(target, table([str(n)]), number=n)[0] for n in range(3)]
    (tmp_path / ".t__run_1_t0.1.part").rename(tmp_path / "t__run_1_t0")
    target.commit("run_1", receipts)
    assert shown(tmp_path) == ["t__run_1_t0", "t__run_1_t1", "t__run_1_t2"]
    (tmp_path / "t__run_1_t1").unlink()
    with pytest.raises(PermanentError, match="staged file is gone"):
        target.commit("run_1", receipts)


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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
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
