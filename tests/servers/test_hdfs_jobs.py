"""DataX's jobs for HDFS, with its parameters, and partitions both ways."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest

import starhaul
from tests.servers.hdfs import HdfsDirectory

pytestmark = pytest.mark.slow


def run(tmp_path: Path, reader: dict[str, Any], writer: dict[str, Any]) -> starhaul.Report:
    """Run a job in DataX's form."""
    path = tmp_path / "job.json"
    sides = {
        side: {"name": parameter.pop("name"), "parameter": parameter}
        for side, parameter in (("reader", dict(reader)), ("writer", dict(writer)))
    }
    path.write_text(json.dumps({"job": {"setting": {"speed": {"channel": 2}}, "content": [sides]}}))
    return starhaul.run(path, state=tmp_path / "state")


def datax(hdfs: HdfsDirectory) -> dict[str, Any]:
    """The cluster as DataX's jobs name one with standby name nodes."""
    config = {
        "dfs.nameservices": "ns",
        "dfs.ha.namenodes.ns": "nn1,nn2",
        "dfs.namenode.rpc-address.ns.nn1": "127.0.0.1:1",
        "dfs.namenode.rpc-address.ns.nn2": f"127.0.0.1:{hdfs.cluster.port}",
        "dfs.namenode.http-address.ns.nn1": "127.0.0.1:1",
        "dfs.namenode.http-address.ns.nn2": f"127.0.0.1:{hdfs.cluster.http_port}",
        "dfs.client.failover.proxy.provider.ns": "org.apache.hadoop.ConfiguredFailoverProxyProvider",
    }
    return {"defaultFS": "hdfs://ns", "hadoopConfig": config, "encoding": "UTF-8", "fieldDelimiter": "\t"}


def test_orc_there_and_back(tmp_path: Path, hdfs: HdfsDirectory) -> None:
    (tmp_path / "in.txt").write_text("1\tü\t2.5\t2026-11-22\n2\t\\N\t\\N\t\\N\n")
    types = ["long", "string", "double", "date"]
    source = {
        "name": "txtfilereader", "path": [str(tmp_path / "in.txt")], "encoding": "UTF-8", "fieldDelimiter": "\t",
        "nullFormat": "\\N", "column": [{"index": n, "type": kind} for n, kind in enumerate(types)],
    }  # fmt: skip
    hive = {"c1": "INT", "c2": "STRING", "c3": "FLOAT", "c4": "date"}
    target = {
        "name": "hdfswriter", **datax(hdfs), "fileType": "orc", "path": f"{hdfs.path}/orc", "fileName": "xxxx",
        "column": [{"name": name, "type": kind} for name, kind in hive.items()], "writeMode": "append",
        "compress": "NONE",
    }  # fmt: skip
    hdfs.cluster.ask("PUT", "MKDIRS", f"{hdfs.path}/orc", permission="777")
    assert run(tmp_path, source, target).written == 2
    (name,) = hdfs.cluster.names(f"{hdfs.path}/orc")
    assert name.startswith("xxxx__")
    table = pa.orc.ORCFile(io.BytesIO(hdfs.cluster.content(f"{hdfs.path}/orc/{name}"))).read()
    assert table.schema.types == [pa.int32(), pa.string(), pa.float32(), pa.date32()]
    assert [str(value) for value in table.to_pylist()[0].values()] == ["1", "ü", "2.5", "2026-11-22"]

    back = {
        "name": "hdfsreader", **datax(hdfs), "fileType": "ORC", "path": f"{hdfs.path}/orc/*",
        "column": [{"index": 0, "type": "long"}, {"type": "string", "value": "hello"}, {"index": 1, "type": "string"}],
    }  # fmt: skip
    files = {"name": "txtfilewriter", "path": str(tmp_path / "out"), "fileName": "o", "writeMode": "truncate"}
    assert run(tmp_path, back, files).written == 2
    (out,) = (tmp_path / "out").iterdir()
    assert out.read_text() == "1,hello,ü\n2,hello,\\N\n"


def test_text_in_partitions_there_and_back(tmp_path: Path, hdfs: HdfsDirectory) -> None:
    (tmp_path / "in.txt").write_text("".join(f"{n}\t2026-11-{n % 3 + 1:02}\n" for n in range(30)))
    source = {
        "name": "txtfilereader", "path": [str(tmp_path / "in.txt")], "fieldDelimiter": "\t",
        "column": [{"index": 0, "type": "long", "name": "id"}, {"index": 1, "type": "string", "name": "dt"}],
    }  # fmt: skip
    target = {
        "name": "hdfswriter", **datax(hdfs), "fileType": "text", "path": f"{hdfs.path}/text", "fileName": "p",
        "writeMode": "nonConflict", "compress": "GZIP", "partitionColumns": ["dt"],
        "column": [{"name": "id", "type": "BIGINT"}, {"name": "dt", "type": "STRING"}],
    }  # fmt: skip
    assert run(tmp_path, source, target).written == 30
    assert hdfs.cluster.names(f"{hdfs.path}/text") == [f"dt=2026-11-0{day}" for day in (1, 2, 3)]
    assert all(name.endswith(".gz") for name in hdfs.cluster.names(f"{hdfs.path}/text/dt=2026-11-01"))

    back = {
        "name": "hdfsreader", **datax(hdfs), "fileType": "text", "path": f"{hdfs.path}/text", "compress": "gzip",
        "column": [{"index": 0, "type": "long"}], "hivePartitionColumn": [{"type": "string", "value": "dt"}],
    }  # fmt: skip
    files = {"name": "txtfilewriter", "path": str(tmp_path / "out"), "fileName": "o", "writeMode": "truncate"}
    assert run(tmp_path, back, files).written == 30
    lines = [line for out in (tmp_path / "out").iterdir() for line in out.read_text().splitlines()]
    assert sorted(lines) == sorted(f"{n},2026-11-{n % 3 + 1:02}" for n in range(30))
    with pytest.raises(starhaul.ConfigError, match="begin with 'p'"):
        run(tmp_path, source, target)


def out_of(tmp_path: Path, hdfs: HdfsDirectory, **reader: Any) -> list[str]:
    """The lines that a job of DataX's reads, in order."""
    files = {"name": "txtfilewriter", "path": str(tmp_path / "out"), "fileName": "o", "writeMode": "truncate"}
    source = {"name": "hdfsreader", **datax(hdfs), **reader}
    report = run(tmp_path, source, files)
    lines = [line for out in (tmp_path / "out").iterdir() for line in out.read_text().splitlines()]
    assert report.written == len(lines)
    return sorted(lines)


def put(hdfs: HdfsDirectory, name: str, table: pa.Table, **options: Any) -> None:
    """A Parquet file."""
    sink = io.BytesIO()
    pa.parquet.write_table(table, sink, **options)
    hdfs.cluster.put(f"{hdfs.path}/{name}", sink.getvalue())


PARQUET_SCHEMA = """message hive_schema {
    required int64 id;
    optional binary name (UTF8);
    optional fixed_len_byte_array(9) price (DECIMAL(20,4));
    optional int32 day (DATE);
    optional int96 at;
    optional binary at_text (UTF8);
}"""


def test_parquet_by_its_schema_with_every_key_of_datax(tmp_path: Path, hdfs: HdfsDirectory) -> None:
    (tmp_path / "in.txt").write_text(
        "1\tü\t-12.5\t2026-11-22\t2026-11-22 01:02:03\n2\t\\N\t\\N\t\\N\t\\N\n\\N\tno id\t0\t\\N\t\\N\n"
    )
    kinds = ["long", "string", "string", "string", "date", "date"]
    source = {
        "name": "txtfilereader", "path": [str(tmp_path / "in.txt")], "encoding": "UTF-8", "fieldDelimiter": "\t",
        "nullFormat": "\\N", "column": [{"index": min(n, 4), "type": kind} for n, kind in enumerate(kinds)],
    }  # fmt: skip
    target = {
        "name": "hdfswriter", **datax(hdfs), "fileType": "parquet", "path": f"{hdfs.path}/parquet", "fileName": "p",
        "writeMode": "append", "compress": "SNAPPY", "parquetSchema": PARQUET_SCHEMA, "dataxParquetMode": "fields",
        "useRawDataTransf": False, "parquetUtcTimestamp": True, "dateFormat": "yyyy/MM/dd HH:mm:ss",
        "nullFormat": "\\N", "parquetMergeResult": False, "hdfsUsername": "root",
        "column": [{"name": "stale", "type": "STRING"}],
    }  # fmt: skip
    report = run(tmp_path, source, target)
    assert (report.written, report.rejected) == (2, 1)
    names = hdfs.cluster.names(f"{hdfs.path}/parquet")
    content = next(each for name in names if (each := hdfs.cluster.content(f"{hdfs.path}/parquet/{name}")))
    schema = pa.parquet.ParquetFile(io.BytesIO(content)).schema
    columns = [schema.column(place) for place in range(6)]
    assert [(each.physical_type, each.length, each.max_definition_level) for each in columns] == [
        ("INT64", 0, 0), ("BYTE_ARRAY", 0, 1), ("FIXED_LEN_BYTE_ARRAY", 9, 1), ("INT32", 0, 1), ("INT96", 0, 1),
        ("BYTE_ARRAY", 0, 1),
    ]  # fmt: skip
    keys = {
        "parquetSchema": PARQUET_SCHEMA, "parquetUtcTimestamp": True, "pathFilter": "p__.*", "filterTagFile": True,
        "successOnNoFile": False, "skipEmptyOrcFile": False, "orcFileEmptySize": 49, "skipOrcMetaInfo": False,
        "supportAddMiddleColumn": False, "ignoreIndex": [1], "printNullValueException": True,
    }  # fmt: skip
    back = [{"index": n, "type": kind} for n, kind in enumerate(["long", "string", "string", "string", "date"])]
    back.append({"index": 5, "type": "string"})
    lines = out_of(tmp_path, hdfs, fileType="PARQUET", path=f"{hdfs.path}/parquet/*", column=back, **keys)
    assert lines == [
        "1,\\N,-12.5000,2026-11-22,2026-11-22 01:02:03.000000,2026/11/22 01:02:03", "2" + ",\\N" * 5,
    ]  # fmt: skip


def test_a_table_that_got_a_column_between_others(tmp_path: Path, hdfs: HdfsDirectory) -> None:
    """The older file, which lacks it, is the first; in DataX a column's index is its place in the job."""
    put(hdfs, "1", pa.table({"id": [1], "last": ["x"]}))
    put(hdfs, "2", pa.table({"id": [2], "new": [2.5], "last": ["y"]}))
    columns = [
        {"index": n, "name": name, "type": kind}
        for n, (name, kind) in enumerate({"id": "long", "new": "double", "gone": "date", "last": "string"}.items())
    ]
    given = {"fileType": "parquet", "path": hdfs.path, "supportAddMiddleColumn": True}
    assert out_of(tmp_path, hdfs, **given, column=columns) == ["1,\\N,\\N,x", "2,2.5,\\N,y"]
    assert out_of(tmp_path, hdfs, **given, column=columns, ignoreIndex=[3]) == ["1,\\N,\\N,\\N", "2,2.5,\\N,\\N"]
    text = "message m { optional int64 id; optional double new; optional binary last (UTF8); }"
    assert out_of(tmp_path, hdfs, **given, column=columns, parquetSchema=text) == ["1,\\N,\\N,x", "2,2.5,\\N,y"]
    wrong = [{"index": n, "name": name, "type": "string"} for n, name in enumerate(["nil", "none"])]
    with pytest.raises(starhaul.ConfigError, match="no file has any of the columns nil, none"):
        out_of(tmp_path, hdfs, **given, column=wrong)
    with pytest.raises(starhaul.ConfigError, match=r"finds columns by `name`, and column\[0\] has none"):
        out_of(tmp_path, hdfs, **given, column=[{"index": 0, "type": "long"}])
    with pytest.raises(starhaul.ConfigError, match=r"finds columns by `name`, and `\*` has none"):
        out_of(tmp_path, hdfs, **given, column=["*"])


def test_a_filter_of_names(tmp_path: Path, hdfs: HdfsDirectory) -> None:
    for name in ("a1.txt", "a2.txt", "b1.txt", "a3.txt.bak", "deep/a4.txt"):
        hdfs.cluster.put(f"{hdfs.path}/{name}", f"{name}\n".encode())
    given = {"fileType": "text", "path": hdfs.path, "column": [{"index": 0, "type": "string"}]}
    found = out_of(tmp_path, hdfs, **given, pathFilter=r"a\d\.txt")
    assert found == ["a1.txt", "a2.txt", "deep/a4.txt"]
    with pytest.raises(starhaul.ConfigError, match=r"pathFilter: matches none .* 5 files, such as 'a1.txt'"):
        out_of(tmp_path, hdfs, **given, pathFilter="a")
    assert out_of(tmp_path, hdfs, **given, pathFilter="a", successOnNoFile=True) == []
    for text in ("a(", "[a-z&&[^b]]", r"\p{L}+"):
        with pytest.raises(starhaul.ConfigError, match=r"pathFilter.*is no regular expression that is understood here"):
            out_of(tmp_path, hdfs, **given, pathFilter=text)


def test_orc_files_that_hive_left_empty(tmp_path: Path, hdfs: HdfsDirectory) -> None:
    """They have no columns, and come first."""
    for name, table in (
        ("1", pa.table({})),
        ("2", pa.table({"a": pa.array([], pa.int64())})),
        ("3", pa.table({"a": [7]})),
    ):
        sink = io.BytesIO()
        pa.orc.write_table(table, sink)
        hdfs.cluster.put(f"{hdfs.path}/{name}", sink.getvalue())
    columns = [{"index": 0, "type": "long"}]
    given = {"fileType": "orc", "path": hdfs.path, "column": columns}
    for more in ({}, {"skipEmptyOrcFile": True, "orcFileEmptySize": 100_000}):
        assert out_of(tmp_path, hdfs, **given, **more) == ["7"]


def test_int96_that_a_file_says_to_be_instants(tmp_path: Path, hdfs: HdfsDirectory) -> None:
    at = pa.array([dt.datetime(2026, 7, 1, 12)], pa.timestamp("us"))
    named = pa.table({"at": at}).replace_schema_metadata({"writer.time.zone": "Asia/Shanghai"})
    put(hdfs, "1", named, use_deprecated_int96_timestamps=True)
    given = {"fileType": "parquet", "path": hdfs.path, "column": [{"index": 0, "type": "date"}]}
    assert out_of(tmp_path, hdfs, **given) == ["2026-07-01 20:00:00.000000"]
    assert out_of(tmp_path, hdfs, **given, parquetUtcTimestamp=True) == ["2026-07-01 12:00:00.000000"]
    with pytest.raises(starhaul.ConfigError, match="`parquetUtcTimestamp` says that `int96Zone` is UTC"):
        out_of(tmp_path, hdfs, **given, parquetUtcTimestamp=True, int96Zone="Asia/Shanghai")
