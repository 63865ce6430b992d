"""Which addresses a job means by `defaultFS`, `hadoopConfig` and `webhdfsUrl`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from starhaul import ConfigError
from starhaul_readers.hdfs import HdfsReader, HdfsReaderParams
from starhaul_stores.hdfs.addresses import name_nodes
from starhaul_writers.hdfs import HdfsWriterParams

HA: dict[str, Any] = {
    "dfs.nameservices": "ns1, ns2",
    "dfs.ha.namenodes.ns1": "nn1,nn2",
    "dfs.namenode.rpc-address.ns1.nn1": "one:8020",
    "dfs.namenode.rpc-address.ns1.nn2": "two:8020",
    "dfs.namenode.http-address.ns1.nn1": "one:9000",
    "dfs.namenode.https-address.ns1.nn1": "one:9001",
    "dfs.namenode.http-address.ns1.nn2": "0.0.0.0:9002",
    "dfs.client.failover.proxy.provider.ns1": "org.apache.hadoop.ConfiguredFailoverProxyProvider",
}


@pytest.mark.parametrize(
    ("default_fs", "urls", "hadoop", "expected"),
    [
        ("hdfs://nn:8020", [], {}, ["http://nn:9870", "http://nn:50070"]),
        ("hdfs://nn", [], {}, ["http://nn:9870", "http://nn:50070"]),
        ("hdfs://nn:8020/", [], {"dfs.namenode.http-address": "web:1234"}, ["http://web:1234"]),
        ("hdfs://nn:8020", [], {"dfs.namenode.http-address": "0.0.0.0:1234"}, ["http://nn:1234"]),
        ("hdfs://nn:8020", [], {"dfs.http.policy": "HTTPS_ONLY"}, ["https://nn:9871", "https://nn:50470"]),
        ("webhdfs://nn", [], {}, ["http://nn:9870"]),
        ("swebhdfs://nn:5", [], {}, ["https://nn:5"]),
        ("hdfs://[::1]:8020", [], {}, ["http://[::1]:9870", "http://[::1]:50070"]),
        ("hdfs://nn:8020", ["http://a:1/", "https://b"], {}, ["http://a:1", "https://b:9871"]),
        ("hdfs://ns1", [], HA, ["http://one:9000", "http://two:9002"]),
        (
            "hdfs://ns1", [], {**HA, "dfs.http.policy": "HTTPS_ONLY"},
            ["https://one:9001", "https://two:9871", "https://two:50470"],
        ),
        (
            "hdfs://ns", [], {"dfs.nameservices": "ns", "dfs.namenode.rpc-address.ns": "only:8020"},
            ["http://only:9870", "http://only:50070"],
        ),
    ],
)  # fmt: skip
def test_addresses(default_fs: str, urls: list[str], hadoop: dict[str, Any], expected: list[str]) -> None:
    assert list(name_nodes(default_fs, urls, hadoop)) == expected


@pytest.mark.parametrize(
    ("default_fs", "urls", "hadoop", "words"),
    [
        ("hdfs://xxx:port", [], {}, "no address of HDFS"),
        ("/user", [], {}, "no address of HDFS"),
        ("oss://bucket", [], {}, "no address of HDFS"),
        ("hdfs://ns2", [], HA, "nothing tells where dfs.namenode.http-address.ns2 is"),
        ("hdfs://nn", ["nn:9870"], {}, "no URL"),
        ("hdfs://nn", ["http://me:secret@nn:9870"], {}, "no URL"),
    ],
)
def test_what_is_no_address(default_fs: str, urls: list[str], hadoop: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as told:
        name_nodes(default_fs, urls, hadoop)
    assert "secret" not in str(told.value)


def reader(**more: Any) -> HdfsReaderParams:
    parameters = {"defaultFS": "hdfs://nn:8020", "path": "/a", "fileType": "text", "column": ["*"], **more}
    return HdfsReaderParams.parse(parameters)


def test_paths() -> None:
    place = reader(hdfsUsername="alice").place()
    paths = {
        "/a//b/": "/a/b",
        "a": "/user/alice/a",
        "hdfs://nn:8020/x/*": "/x/*",
        "hdfs:///x": "/x",
        "/": "/",
        "hdfs://nn:8020": "/",
    }
    assert {path: place.absolute(path) for path in paths} == paths
    for path in ("hdfs://other/x", "/a/../b"):
        with pytest.raises(ConfigError):
            place.absolute(path)


def test_properties_of_new_files() -> None:
    config = {"dfs.replication": "2", "dfs.blocksize": "64m", "fs.permissions.umask-mode": "027"}
    place = reader(hadoopConfig=config).place()
    assert place.properties == {"replication": "2", "blocksize": 64 << 20, "permission": "640"}
    assert place.folder_permission == "750"
    assert reader().place().properties == {}


def test_partitions_in_the_words_of_datax() -> None:
    params = reader(hivePartitionColumn=[{"type": "string", "value": "dt"}, {"value": "hour", "type": "long"}])
    assert [(each.name, each.type) for each in params.partition_columns] == [("dt", "string"), ("hour", "long")]
    assert HdfsReader(params).place.hides == (".", "_")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"haveKerberos": True, "delegationToken": "t"}, "two ways to log in"),
        ({"haveKerberos": True, "kerberosKeytabFilePath": "/k"}, "needs `kerberosPrincipal`"),
        ({"defaultFS": "s3a://bucket"}, "no address of HDFS"),
    ],
)
def test_what_does_not_go_together(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        reader(**more)


def test_hadoop_would_not_see_the_files() -> None:
    parameters = {"defaultFS": "hdfs://nn", "path": "/a", "fileName": "_a", "fileType": "text", "writeMode": "append"}
    with pytest.raises(ValidationError, match="pass over"):
        HdfsWriterParams.parse(parameters)
