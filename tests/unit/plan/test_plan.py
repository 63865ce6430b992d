"""A plan is plain data, and everything that is wrong with a job is found while it is made."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

import starhaul.testing.memory
from starhaul.api.capability import Capability
from starhaul.api.errors import ConfigError, PluginError
from starhaul.api.task import Split
from starhaul.job.load import load_job
from starhaul.plan.build import make_plan
from starhaul.plan.plan import Plan, guarantee
from starhaul.registry import Registry
from starhaul.testing.memory import MemoryReader, MemoryStore, MemoryWriter


@pytest.fixture
def stores() -> tuple[MemoryStore, MemoryStore]:
    return MemoryStore("from", pa.table({"id": [1, 2, 3], "name": ["a", "b", None]})), MemoryStore("to")


def plan(**document: Any) -> Plan:
    registry = Registry()
    registry.register(starhaul.testing.memory)
    whole = {
        "reader": {"name": "memoryreader", "store": "from"},
        "writer": {"name": "memorywriter", "store": "to"},
        **document,
    }
    return make_plan(load_job(whole, registry, environment={}), registry)


def test_a_plan_is_json_data(stores: tuple[MemoryStore, MemoryStore]) -> None:
    (stream,) = json.loads(json.dumps(plan(settings={"channel": 3}).as_dict()))["streams"]
    assert [(each["source"], each["target"], each["fit"], each["note"]) for each in stream["columns"]] == [
        ("id", "id", "same", ""),
        ("name", "name", "same", ""),
    ]
    assert [split["rows"] for split in stream["splits"]] == [1, 1, 1]
    assert stream["promises"] == ["atomic"]
    assert stream["guarantee"].startswith("All or nothing")
    assert len(stream["facts"]) == 2


def test_the_problems_of_all_streams_come_together(stores: tuple[MemoryStore, MemoryStore]) -> None:
    streams = [
        {
            "name": name,
            "reader": {"name": "memoryreader", "store": store},
            "writer": {"name": "memorywriter", "store": "to"},
        }
        for name, store in [("one", "nobody"), ("two", "from"), ("three", "nothing")]
    ]
    registry = Registry()
    registry.register(starhaul.testing.memory)
    with pytest.raises(ConfigError) as caught:
        make_plan(load_job({"streams": streams}, registry, environment={}), registry)
    assert [problem.path for problem in caught.value.problems] == [
        "streams[0].reader.store",
        "streams[2].reader.store",
    ]


def test_columns_that_cannot_be_converted_are_all_named(
    stores: tuple[MemoryStore, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = pa.schema([("a", pa.date32()), ("b", pa.list_(pa.int64()))])
    monkeypatch.setattr(MemoryWriter, "accept", lambda self, source: wanted)
    with pytest.raises(ConfigError) as caught:
        plan()
    assert len(caught.value.problems) == 2


def test_splits_that_would_lose_or_double_rows_are_refused(
    stores: tuple[MemoryStore, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryReader, "split", lambda self, target: [Split("x"), Split("x")])
    with pytest.raises(PluginError, match="the same id"):
        plan()
    monkeypatch.setattr(MemoryReader, "split", lambda self, target: [Split("x"), Split("y")])
    monkeypatch.setattr(MemoryReader, "capabilities", frozenset())
    with pytest.raises(PluginError, match="without the promise SPLIT"):
        plan()


@pytest.mark.parametrize(
    ("promises", "words"),
    [
        ({Capability.ATOMIC, Capability.EXACTLY_ONCE}, "All or nothing"),
        ({Capability.EXACTLY_ONCE}, "Exactly once"),
        ({Capability.IDEMPOTENT}, "At least once"),
        (set(), "None"),
    ],
)
def test_the_guarantee_is_put_into_words(promises: set[Capability], words: str) -> None:
    assert guarantee(frozenset(promises)).startswith(words)
