"""What the settings of a DataX job, and its blocks `core` and `common`, mean here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from starhaul.api.errors import ConfigError
from starhaul.job.datax_framework import NO_MEANING, zone_of
from starhaul.job.job import Job

Load = Callable[..., Job]

CONTENT = {
    "reader": {"name": "fruitreader", "parameter": {"path": ["a"]}},
    "writer": {"name": "fruitwriter", "parameter": {"path": "b"}},
}


def datax(setting: dict[str, Any] | None = None, **blocks: Any) -> dict[str, Any]:
    return {"job": {"setting": setting or {}, "content": [copy.deepcopy(CONTENT)]}, **blocks}


def per_channel(**speed: Any) -> dict[str, Any]:
    return {"transport": {"channel": {"speed": speed}}}


@pytest.mark.parametrize(
    ("speed", "core", "expected"),
    [
        ({}, {}, (1, None, None)),
        ({"channel": 5}, {}, (5, None, None)),
        ({"channel": "5"}, {}, (5, None, None)),
        ({"byte": 1048576}, {}, (1, 1048576, None)),
        ({"byte": 1048576, "channel": 3}, {}, (3, 1048576, None)),
        ({"byte": 1048576}, per_channel(byte=-1), (1, 1048576, None)),
        ({"byte": 5_000_000}, per_channel(byte=1_000_000), (5, 5_000_000, None)),
        ({"byte": 5_500_000, "channel": 2}, per_channel(byte=1_000_000), (5, 5_500_000, None)),
        ({"byte": 10}, per_channel(byte=1_000_000), (1, 10, None)),
        ({"record": 100}, per_channel(record=10), (10, None, 100)),
        ({"byte": 400, "record": 100}, per_channel(byte=100, record=10), (4, 400, 100)),
        ({"byte": 400, "record": 100}, per_channel(record=50), (2, 400, 100)),
        ({"channel": 4}, per_channel(byte="1000"), (4, 4000, None)),
        ({"channel": 4}, per_channel(record=7), (4, None, 28)),
        ({"channel": 4, "byte": -1, "record": 0}, {}, (4, None, None)),
        ({"byte": 2**31 + 1}, {}, (1, 2**31 + 1, None)),
        ({"byte": 10**9}, per_channel(byte=1), (1024, 10**9, None)),
    ],
)
def test_speed(load: Load, speed: dict[str, Any], core: dict[str, Any], expected: tuple[int, Any, Any]) -> None:
    found = load(datax({"speed": speed}, core=core)).settings
    assert (found.channel, found.speed.byte, found.speed.record) == expected


@pytest.mark.parametrize("speed", [1048576, "1048576"])
def test_a_bare_number_is_a_speed_in_bytes(load: Load, speed: Any) -> None:
    job = load(datax({"speed": speed}))
    assert job.settings.speed.byte == 1048576
    assert [each.path for each in job.warnings] == ["job.setting.speed"]


def test_settings_that_datax_lacks(load: Load) -> None:
    own = {"verify": "count", "whenRunning": "wait", "rejects": {"maxBytes": "1000"}}
    job = load(datax(own | {"retry": {"attempts": 2}, "exchanger": {"rows": 5}, "conversion": "datax"}))
    settings = job.settings
    assert (settings.verify, settings.when_running, settings.rejects.max_bytes) == ("count", "wait", 1000)
    assert (settings.retry.attempts, settings.exchanger.rows, settings.conversion.rules) == (2, 5, "datax")
    assert job.warnings == ()
    with pytest.raises(ConfigError, match=r"job\.setting\.whenRunning"):
        load(datax({"whenRunning": "never"}))


def test_framework_keys_that_mean_something(load: Load) -> None:
    core = {
        "transport": {"channel": {"capacity": "2048", "byteCapacity": 1000000}},
        "container": {
            "job": {"reportInterval": 5000},
            "task": {"failOver": {"maxRetryTimes": 4, "retryIntervalInMsec": 2500}},
        },
        "statistics": {"collector": {"plugin": {"maxDirtyNumber": 20}}},
    }
    job = load(datax(core=core))
    settings = job.settings
    assert (settings.exchanger.rows, settings.exchanger.bytes) == (2048, 1000000)
    assert settings.progress_interval == 5
    assert (settings.retry.attempts, settings.retry.pause, settings.retry.max_pause) == (4, 2.5, 2.5)
    assert settings.rejects_logged == 19
    assert job.warnings == ()


@pytest.mark.parametrize(("dirty", "logged"), [(10, 9), (-1, -1), (0, 0), (1, 0)])
def test_how_many_rejected_rows_are_logged(load: Load, dirty: int, logged: int) -> None:
    core = {"statistics": {"collector": {"plugin": {"maxDirtyNumber": dirty}}}}
    assert load(datax(core=core)).settings.rejects_logged == logged
    assert load(datax()).settings.rejects_logged == 9


def test_column_formats(load: Load) -> None:
    column = {
        "datetimeFormat": "yyyy/MM/dd HH:mm:ss", "dateFormat": "yyyy/MM/dd", "timeFormat": "HHmmss",
        "extraFormats": ["yyyyMMdd"], "timeZone": "GMT+8", "encoding": "gbk",
    }  # fmt: skip
    found = load(datax(common={"column": column})).settings.conversion
    assert found.model_dump() == {
        "rules": "exact", "lossy": False, "datetime_format": "yyyy/MM/dd HH:mm:ss", "date_format": "yyyy/MM/dd",
        "time_format": "HHmmss", "extra_formats": ["yyyyMMdd"], "time_zone": "+08:00", "encoding": "gbk",
    }  # fmt: skip
    own = load(datax({"conversion": {"timeZone": "UTC"}}, common={"column": column})).settings.conversion
    assert (own.time_zone, own.encoding) == ("UTC", "gbk")


def test_conversion_by_its_rules_alone(load: Load) -> None:
    assert load(datax()).settings.conversion.rules == "exact"
    assert load(datax({"conversion": "datax"})).settings.conversion.rules == "datax"
    native = {"reader": {"name": "fruit", "path": "a"}, "writer": {"name": "fruit", "path": "b"}}
    assert load({**native, "settings": {"conversion": "datax"}}).settings.conversion.rules == "datax"
    with pytest.raises(ConfigError, match=r"settings.conversion"):
        load({**native, "settings": {"conversion": "hive"}})


@pytest.mark.parametrize(
    ("java", "ours"),
    [("GMT+8", "+08:00"), ("GMT-03:30", "-03:30"), ("UTC+0530", "+05:30"), ("Asia/Shanghai", "Asia/Shanghai")],
)
def test_time_zones(java: str, ours: str) -> None:
    assert zone_of(java) == ours
    assert zone_of(None) is None


def nested(path: str) -> dict[str, Any]:
    value: Any = {"x": 1}
    for step in reversed(path.split(".")):
        value = {step: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("path", NO_MEANING)
def test_framework_keys_without_a_meaning_are_told_with_the_reason(load: Load, path: str) -> None:
    block = nested(path)
    document = datax(**{key: value for key, value in block.items() if key != "job"})
    document["job"] |= block.get("job", {})
    job = load(document)
    assert [each.problem for each in job.warnings] == [
        f"'{path.rpartition('.')[2]}' has no meaning here: {NO_MEANING[path]}"
    ]


def test_keys_that_datax_does_not_know_either(load: Load) -> None:
    job = load(datax({"shell": {}, "speed": {"channel": 1, "concurrent": 2}}, core={"transprt": {}}))
    assert {(each.path, each.hint) for each in job.warnings} == {
        ("job.setting.shell", ""),
        ("job.setting.speed.concurrent", ""),
        ("core.transprt", "did you mean 'transport'?"),
    }


@pytest.mark.parametrize("key", ["preHandler", "postHandler"])
def test_handlers_are_refused(load: Load, key: str) -> None:
    document = datax()
    document["job"][key] = {"pluginType": "writer", "pluginName": "x"}
    with pytest.raises(ConfigError, match=rf"job\.{key}: a handler is Java code"):
        load(document)


def test_dry_run(load: Load) -> None:
    assert load(datax({"dryRun": "true"})).dry_run
    assert not load(datax()).dry_run


def test_what_datax_overlooks_in_parameters(load: Load) -> None:
    document = datax()
    document["job"]["content"][0]["reader"]["parameter"] |= {
        "pth": 1, "compress": "GZIP", "fieldDelimiter": None, "column": [{"index": 0, "type": "LONG", "note": "x"}],
    }  # fmt: skip
    job = load(document)
    assert job.streams[0].reader.parameters == {
        "path": ["a"], "compress": "gzip", "column": [{"index": 0, "type": "long"}],
    }  # fmt: skip
    place = "job.content[0].reader.parameter"
    assert {(each.path, each.problem, each.hint) for each in job.warnings} == {
        (f"{place}.pth", "unknown key 'pth' has no effect", "did you mean 'path'?"),
        (f"{place}.compress", "taken for 'gzip'", ""),
        (f"{place}.fieldDelimiter", "null is taken for nothing, as in DataX", ""),
        (f"{place}.column[0].type", "taken for 'long'", ""),
        (f"{place}.column[0].note", "unknown key 'note' has no effect", ""),
    }


def test_the_native_form_overlooks_nothing(load: Load) -> None:
    for parameter in ({"pth": 1}, {"compress": "GZIP"}, {"fieldDelimiter": None}):
        with pytest.raises(ConfigError):
            load({"reader": {"name": "fruit", "path": "a", **parameter}, "writer": {"name": "fruit", "path": "b"}})


def test_null_settings_are_no_settings(load: Load) -> None:
    job = load(datax({"speed": {"channel": 2, "byte": None}, "errorLimit": None}))
    assert job.settings.channel == 2
    assert [each.path for each in job.warnings] == ["job.setting.speed.byte", "job.setting.errorLimit"]
    document = datax(core=None, common=None)
    document["job"]["setting"] = None
    assert [each.path for each in load(document).warnings] == ["core", "common", "job.setting"]


def test_datax_runs_the_first_stream_only(load: Load) -> None:
    document = datax()
    document["job"]["content"] *= 2
    assert [each.path for each in load(document).warnings] == ["job.content"]
