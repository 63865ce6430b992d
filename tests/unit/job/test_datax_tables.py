"""A writer with several tables takes the reader's tables in their order."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from starhaul.api.errors import ConfigError
from starhaul.job.datax_to_native import to_native
from starhaul.job.job import Job
from starhaul.job.load import load_job
from starhaul.registry import Registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def document(sources: list[dict[str, Any]], targets: list[dict[str, Any]], **setting: Any) -> dict[str, Any]:
    who = {"username": "root", "password": "hunter2"}
    source = [{"jdbcUrl": ["jdbc:mysql://h1/d"], **each} for each in sources]
    target = [{"jdbcUrl": "jdbc:mysql://h2/d", **each} for each in targets]
    content = {
        "reader": {"name": "mysqlreader", "parameter": {**who, "connection": source}},
        "transformer": [{"name": "dx_substr", "parameter": {"columnIndex": 0, "paras": ["0", "1"]}}],
        "writer": {"name": "mysqlwriter", "parameter": {**who, "connection": target, "preSql": ["truncate @table"]}},
    }
    return {"job": {"setting": setting, "content": [content]}}


def pairs(job: Job) -> list[tuple[str, str, str]]:
    """Source, target and its address, for each stream."""
    found = []
    for stream in job.streams:
        (source,), (target,) = stream.reader.parameters["connection"], stream.writer.parameters["connection"]
        assert len(stream.transformers) == 1
        found.append(
            ("".join(source.get("table") or source["querySql"]), "".join(target["table"]), "".join(target["jdbcUrl"]))
        )
    return found


def test_tables_pair_by_their_order(registry: Registry) -> None:
    job = load_job(
        document(
            [{"table": ["a[08-10]", "b, c"]}, {"querySql": ["select 1, 2"]}],
            [{"table": "x,y"}, {"jdbcUrl": "jdbc:mysql://h3/d", "table": ["t[0-3]"]}],
        ),
        registry,
    )
    second, third = "jdbc:mysql://h2/d", "jdbc:mysql://h3/d"
    assert pairs(job) == [
        ("a08", "x", second), ("a09", "y", second), ("a10", "t0", third), ("b", "t1", third), ("c", "t2", third),
        ("select 1, 2", "t3", third),
    ]  # fmt: skip
    assert len({stream.name for stream in job.streams}) == 6
    assert job.warnings == ()


def test_many_tables_into_one_stay_one_stream(registry: Registry) -> None:
    job = load_job(document([{"table": ["a[0-3]"]}], [{"table": ["x"]}]), registry)
    assert len(job.streams) == 1


@pytest.mark.parametrize(
    ("source", "target"),
    [("a[0-2]", "x[0-3]"), ("a", "x,y"), ("a[0-999999999]", "x[0-999999999]"), ("a,b", "`x,y`,z")],
)
def test_what_does_not_pair_is_refused(registry: Registry, source: str, target: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        load_job(document([{"table": [source]}], [{"table": [target]}]), registry)
    assert {each.path.rpartition(".")[2] for each in caught.value.problems} == {"parameter"}
    assert time.perf_counter() - start < 5


def test_a_mistake_is_told_once(registry: Registry) -> None:
    wrong = document([{"table": "a,b"}], [{"table": "x,y"}])
    wrong["job"]["content"][0]["writer"]["parameter"]["batchSize"] = "many"
    with pytest.raises(ConfigError) as caught:
        load_job(wrong, registry)
    assert [each.path for each in caught.value.problems] == ["job.content[0].writer.parameter.batchSize"]
    wrong["job"]["content"][0]["writer"]["parameter"] |= {"batchSize": 5, "btchSize": 6}
    (warning,) = load_job(wrong, registry).warnings
    assert warning.path == "job.content[0].writer.parameter.btchSize"


def test_the_native_job_has_the_same_streams(registry: Registry, tmp_path: Path) -> None:
    path, native = tmp_path / "job.json", tmp_path / "job.yaml"
    path.write_text(json.dumps(document([{"table": ["a${n}[0-1]"]}], [{"table": ["x[0-1]"]}])))
    text = to_native(path, registry, variables={"n": "9"}, environment={})
    assert "# A stream for each table of the writer" in text
    assert "DataX runs the first" not in text
    assert "hunter2" not in text
    native.write_text(text, encoding="utf-8")
    secrets = dict.fromkeys(text[text.index("with -D: ") + 9 :].partition("\n")[0].split(", "), "hunter2")
    assert pairs(load_job(native, registry, variables=secrets)) == [
        ("a90", "x0", "jdbc:mysql://h2/d"), ("a91", "x1", "jdbc:mysql://h2/d"),
    ]  # fmt: skip
