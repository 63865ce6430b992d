"""A plan is plain data, and everything that is wrong with a job is found while it is made."""

from __future__ import annotations

import itertools
import json
import threading
from typing import Any

import pyarrow as pa
import pytest

import starhaul.testing.memory
from starhaul.api.capability import Capability
from starhaul.api.errors import ConfigError, PermanentError, PluginError
from starhaul.api.task import Split
from starhaul.job.load import load_job
from starhaul.plan.build import make_plan
from starhaul.plan.plan import Plan, StreamPlan, guarantee
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


def streams(count: int, channels: int) -> Plan:
    registry = Registry()
    registry.register(starhaul.testing.memory)
    each = {"reader": {"name": "memoryreader", "store": "from"}, "writer": {"name": "memorywriter", "store": "to"}}
    named = [{"name": f"s{number}", **each} for number in range(count)]
    return make_plan(
        load_job({"streams": named, "settings": {"channel": channels}}, registry, environment={}), registry
    )


@pytest.mark.parametrize(("count", "slices"), [(1, 3), (4, 3), (5, 3), (6, 2), (11, 2), (12, 1), (30, 1)])
def test_where_many_streams_keep_the_channels_busy_none_is_cut(
    stores: tuple[MemoryStore, MemoryStore], count: int, slices: int
) -> None:
    planned = streams(count, channels=3).streams
    assert [stream.name for stream in planned] == [f"s{number}" for number in range(count)]
    assert {len(stream.splits) for stream in planned} == {slices}


def test_streams_are_planned_as_many_at_a_time_as_there_are_channels(
    stores: tuple[MemoryStore, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=20)
    monkeypatch.setattr(MemoryReader, "check", lambda self: both.wait())
    assert len(streams(4, channels=2).streams) == 4, "each of two waits for the other"


def test_an_error_of_one_stream_lets_go_of_the_others(
    stores: tuple[MemoryStore, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, released = itertools.count(), []
    monkeypatch.setattr(StreamPlan, "release", lambda self: released.append(self.name))

    def check(self: MemoryReader) -> None:
        if next(began) == 2:
            raise PermanentError("there", "is down")

    monkeypatch.setattr(MemoryReader, "check", check)
    with pytest.raises(PermanentError, match="is down"):
        streams(9, channels=2)
    assert len(released) == next(began) - 1, "all that were planned"
    assert not [each for each in threading.enumerate() if each.name.startswith("plan")]


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
