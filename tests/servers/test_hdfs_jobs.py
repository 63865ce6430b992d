"""DataX's jobs for HDFS, with its parameters, and partitions both ways."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
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
