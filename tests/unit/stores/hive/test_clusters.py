"""Which locations of Hive's are on the cluster that a job names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from starhaul import ConfigError, PermanentError
from starhaul_stores.hdfs.params import HdfsParams
from starhaul_stores.hive.clusters import Cluster
from starhaul_stores.hive.connection import Connection

HA = {
    "dfs.ha.namenodes.nsA": "nn1, nn2",
    "dfs.namenode.rpc-address.nsA.nn1": "one.lan:8020",
    "dfs.namenode.rpc-address.nsA.nn2": "two.lan:8020",
}


class _Server:
    """What HiveServer2 says of its settings."""

    def __init__(self, settings: Mapping[str, str] | None) -> None:
        self._settings = settings
        self.asked = 0

    def rows(self, statement: str) -> list[tuple[str]]:
        self.asked += 1
        if self._settings is None:
            raise PermanentError("hive", "SET is not allowed")
        key = statement.removeprefix("SET ")
        return [(f"{key}={self._settings[key]}" if key in self._settings else f"{key} is undefined",)]


def misses(
    location: str, default_fs: str, server: _Server, hadoop: Mapping[str, Any] | None = None, alias: str = ""
) -> str:
    given = {"defaultFS": default_fs, "webhdfsUrl": "http://web:9870", "hadoopConfig": hadoop or {}}
    params = HdfsParams.model_validate(given)
    return Cluster(cast(Connection, server), params, [alias] if alias else []).misses(f"{location}/wh/t")


@pytest.mark.parametrize(
    ("location", "default_fs"),
    [
        ("hdfs://nn:8020", "hdfs://nn"), ("hdfs://NN", "hdfs://nn:8020/"), ("hdfs://nn.lan:8020", "hdfs://nn:8020"),
        ("hdfs://nn", "hdfs://nn.lan"), ("hdfs://", "hdfs://nn"), ("", "hdfs://nn"), ("hdfs://nn:8020", "webhdfs://nn"),
        ("webhdfs://nn:9870", "hdfs://nn:9000"), ("hdfs://localhost:9000", "hdfs://127.0.0.1:9000"),
    ],
)  # fmt: skip
def test_names_of_one_host(location: str, default_fs: str) -> None:
    assert not misses(location, default_fs, _Server(None))


@pytest.mark.parametrize(
    ("location", "default_fs"),
    [
        ("hdfs://nn:8020", "hdfs://nn:9000"), ("hdfs://nsA", "hdfs://nsB"), ("hdfs://n1.lan", "hdfs://n1.wan"),
        ("s3a://nn", "hdfs://nn"), ("viewfs://nn", "hdfs://nn"), ("file:", "hdfs://nn"), ("hdfs://n", "webhdfs://nn"),
    ],
)  # fmt: skip
def test_other_clusters(location: str, default_fs: str) -> None:
    assert misses(location, default_fs, _Server({}))
    assert misses(location, default_fs, _Server(None))


def test_name_services() -> None:
    for job, server in ((HA, {}), ({}, HA)):
        for node in ("hdfs://one.lan", "hdfs://two.lan:8020", "hdfs://one"):
            assert not misses("hdfs://nsA", node, _Server(server), job)
            assert not misses(node, "hdfs://nsA", _Server(server), job)
        assert misses("hdfs://nsA", "hdfs://three.lan", _Server(server), job)
        assert misses("hdfs://nsB", "hdfs://nsA", _Server(server), job)
    quiet = _Server(HA)
    assert not misses("hdfs://nsA", "hdfs://nsA", quiet)
    assert not quiet.asked


def test_aliases() -> None:
    assert not misses("viewfs://Cluster", "hdfs://nn", _Server({}), alias="viewfs://cluster/")
    assert not misses("hdfs://nsA", "hdfs://nn", _Server({}), alias="hdfs://nsA")
    assert misses("hdfs://nsB", "hdfs://nn", _Server({}), alias="hdfs://nsA")


def test_what_is_elsewhere_is_not_written() -> None:
    cluster = Cluster(cast(Connection, _Server({})), HdfsParams.model_validate({"defaultFS": "hdfs://nn"}), [])
    with pytest.raises(ConfigError, match=r"`t` cannot be written: its files are in s3a://b/t, which is not on HDFS"):
        cluster.expect("s3a://b/t", "`t`")
    with pytest.raises(ConfigError, match=r"not on hdfs://nn .*`hdfsAliases`"):
        cluster.expect("hdfs://nsA/t", "`t`")
