"""From documents that are right to jobs."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from starhaul import ConfigError
from starhaul.job.job import Job, PluginUse
from starhaul.job.load import instantiate
from starhaul.registry import Registry

Load = Callable[..., Job]

NATIVE = """\
reader:
  name: fruit
  path: data/*.csv
  column: ["*", {index: 1, type: long}]
  password: ${PW}
writer: {name: FRUIT, path: "${DB}"}
transformers: [{name: dx_cut, columnIndex: 0, paras: [0, 2]}]
settings: {channel: 2, errorLimit: {record: 10}}
"""


def datax(**setting: object) -> dict[str, object]:
    content = {
        "reader": {"name": "fruitreader", "parameter": {"path": ["a"]}},
        "writer": {"name": "FruitWriter", "parameter": {"path": "b"}},
        "transformer": [{"name": "dx_cut", "parameter": {"columnIndex": "0", "paras": ["1"]}}],
    }
    return {"job": {"setting": setting, "content": [content]}}


def test_native_form(load: Load) -> None:
    job = load(NATIVE, "orders.yaml", variables={"PW": "hunter2", "DB": "out.db"})
    assert job.name == "orders"
    stream = job.streams[0]
    assert stream.name == "orders"
    assert stream.reader.name == "fruit"
    assert stream.reader.path == "reader"
    assert stream.reader.parameters == {
        "path": ["data/*.csv"],
        "column": ["*", {"index": 1, "type": "long"}],
        "password": "hunter2",
    }
    assert stream.writer.parameters == {"path": "out.db"}
    assert stream.transformers[0].parameters == {"columnIndex": 0, "paras": ["0", "2"]}
    assert stream.transformers[0].path == "transformers[0]"
    assert stream.columns == "position"
    assert job.settings.channel == 2
    assert job.settings.error_limit.record == 10
    assert job.settings.retry.attempts == 3
    assert job.variables == {"DB": "out.db"}
    assert job.secret_variables == {"PW"}
    assert job.warnings == ()
    assert "hunter2" not in repr(job)


def test_datax_form(load: Load) -> None:
    job = load(
        json.dumps(datax(speed={"channel": "3", "byte": 1048576, "record": -1}, errorLimit={"record": "0"})), "a.json"
    )
    stream = job.streams[0]
    assert job.name == stream.name == "a"
    assert (stream.reader.path, stream.writer.path) == ("job.content[0].reader", "job.content[0].writer")
    assert stream.writer.name == "FruitWriter"
    assert stream.transformers[0].parameters == {"columnIndex": 0, "paras": ["1"]}
    assert job.settings.channel == 3
    assert (job.settings.speed.byte, job.settings.speed.record) == (1048576, None)
    assert (job.settings.error_limit.record, job.settings.error_limit.percentage) == (0, None)
    assert job.warnings == ()


def test_error_limits(load: Load) -> None:
    def limits(job: Job) -> tuple[int | None, float | None]:
        return job.settings.error_limit.record, job.settings.error_limit.percentage

    def native(**limit: object) -> dict[str, object]:
        return {
            "reader": {"name": "fruit", "path": "a"},
            "writer": {"name": "fruit", "path": "b"},
            "settings": {"errorLimit": limit},
        }

    assert limits(load(native())) == (0, None)
    assert limits(load(native(percentage=0.5))) == (None, 0.5)
    assert limits(load(native(record=None))) == (None, None)
    assert limits(load(datax())) == (None, None)
    assert limits(load(datax(errorLimit={"percentage": 0.02}))) == (None, 0.02)
    both = load(datax(errorLimit={"record": 5, "percentage": 0.02}))
    assert limits(both) == (5, 0.02)
    assert both.warnings == ()


def test_keys_that_datax_ignores_are_warned_of(load: Load) -> None:
    document = datax(speed={"channel": 1, "concurrent": 2}, jvmOptions="", errorLimits={})
    document["core"] = {"transport": {"exchanger": {"bufferSize": 32}}}
    document["job"]["content"][0]["reader"]["comment"] = "x"  # type: ignore[index]
    job = load(document)
    assert {(each.path, each.hint) for each in job.warnings} == {
        ("core.transport.exchanger", ""),
        ("job.setting.speed.concurrent", ""),
        ("job.setting.jvmOptions", ""),
        ("job.setting.errorLimits", "did you mean 'errorLimit'?"),
        ("job.content[0].reader.comment", ""),
    }


def test_several_streams(load: Load) -> None:
    two = load("""\
        name: all tables
        streams:
        - {name: a, reader: {name: fruit, path: a}, writer: {name: fruit, path: a}, columns: name}
        - {reader: {name: fruit, path: b}, writer: {name: fruit, path: b}}
        settings: {channel: 4}
        """)
    assert two.name == "all tables"
    assert [(each.name, each.columns, each.reader.path) for each in two.streams] == [
        ("a", "name", "streams[0].reader"),
        ("stream2", "position", "streams[1].reader"),
    ]
    document = datax()
    document["job"]["content"] *= 2  # type: ignore[index]
    assert [each.name for each in load(document).streams] == ["stream1", "stream2"]
    with pytest.raises(ConfigError, match=r"streams\[1\].name: the name 'a' belongs to streams\[0\] already"):
        load("""\
            streams:
            - {name: a, reader: {name: fruit, path: a}, writer: {name: fruit, path: a}}
            - {name: a, reader: {name: fruit, path: b}, writer: {name: fruit, path: b}}
            """)


def test_native_parameters_may_be_nested(load: Load) -> None:
    job = load("reader: {name: fruit, parameter: {path: a}}\nwriter: {name: fruit, path: b}\n")
    assert job.streams[0].reader.parameters == {"path": ["a"]}


def test_a_document_as_mapping_is_not_changed(load: Load) -> None:
    document = {"reader": {"name": "fruit", "path": "a"}, "writer": {"name": "fruit", "path": "b"}}
    before = json.dumps(document)
    assert load(document).source == "<dict>"
    assert json.dumps(document) == before


def test_values_become_what_is_asked_for_where_that_is_exact(load: Load) -> None:
    job = load("""\
        reader: {name: fruit, path: 5, skipHeader: "true", fetchSize: "100", compress: null, factor: "1.10",
                 limits: {ratio: "0.5", rows: 10.0}, options: {a: 1}}
        writer: {name: fruit, path: b, username: 007, password: 1234, tokens: x}
        """)
    assert job.streams[0].reader.parameters == {
        "path": ["5"],
        "skipHeader": True,
        "fetchSize": 100,
        "compress": None,
        "factor": "1.10",
        "limits": {"ratio": 0.5, "rows": 10},
        "options": {"a": "1"},
    }
    assert job.streams[0].writer.parameters == {"path": "b", "username": "007", "password": "1234", "tokens": ["x"]}


def test_variables_become_numbers(load: Load) -> None:
    job = load(
        """
        reader: {name: fruit, path: a, fetchSize: "${N}"}
        writer: {name: fruit, path: b}
        settings: {channel: "${C:-7}"}
        """,
        variables={"N": "5"},
    )
    assert job.streams[0].reader.parameters["fetchSize"] == 5
    assert job.settings.channel == 7
    assert job.variables == {"N": "5"}


def test_a_given_variable_without_use_is_warned_of(load: Load) -> None:
    job = load(NATIVE, variables={"PW": "x", "DB": "y", "DBB": "hunter2"})
    assert [str(each) for each in job.warnings] == ["-D: variable 'DBB' is given, but the job does not use it"]
    assert "DBB" not in job.variables


def test_a_variable_that_went_into_a_secret_as_well_is_secret(load: Load) -> None:
    job = load(
        """
        reader: {name: fruit, path: "${A}"}
        writer: {name: fruit, path: b, username: "${A}", password: "x${A}", tokens: "${B}"}
        """,
        variables={"A": "1", "B": "2"},
    )
    assert job.variables == {}
    assert job.secret_variables == {"A", "B"}


def test_fingerprint(load: Load) -> None:
    def fingerprint(text: str, **variables: str) -> str:
        return load(text, variables={"PW": "x", "DB": "y", **variables}).fingerprint

    same = fingerprint(NATIVE)
    assert len(same) == 64
    assert fingerprint(NATIVE, PW="other") == same, "a new password is the same job"
    assert fingerprint(NATIVE.replace("FRUIT", "fruitwriter")) == same, "an alias is the same plugin"
    assert fingerprint(NATIVE.replace("channel: 2", "channel: 4")) == same, "a resumed run may have more channels"
    assert fingerprint(NATIVE, DB="z") != same
    assert fingerprint(NATIVE.replace("[0, 2]", "[0, 3]")) != same
    assert fingerprint(NATIVE.replace("settings: {", "columns: name\nsettings: {")) != same
    assert fingerprint(NATIVE.replace("settings: {", "settings: {conversion: {lossy: true}, ")) != same


def test_jobs_can_be_pickled(load: Load) -> None:
    job = load(NATIVE, variables={"PW": "x", "DB": "y"})
    assert pickle.loads(pickle.dumps(job)) == job


def test_instantiate(load: Load, registry: Registry) -> None:
    job = load(NATIVE, variables={"PW": "hunter2", "DB": "y"})
    reader = instantiate(registry, "reader", job.streams[0].reader)
    assert reader.params.path == ["data/*.csv"]
    assert reader.params.password.get_secret_value() == "hunter2"
    assert instantiate(registry, "transformer", job.streams[0].transformers[0]).params.column_index == 0
    with pytest.raises(ConfigError, match=r"^writer\.path: Field required$"):
        instantiate(registry, "writer", PluginUse("fruit", {}, "writer"))
    with pytest.raises(ConfigError) as caught:
        instantiate(registry, "writer", PluginUse("fruit", {"path": "a", "password": "hunter2"}, "writer"))
    assert str(caught.value) == "writer: password *** without username"


def test_schema_key_and_name(load: Load) -> None:
    job = load("$schema: job.schema.json\nname: n\nreader: {name: fruit, path: a}\nwriter: {name: fruit, path: b}\n")
    assert job.name == "n"


def test_the_environment_is_the_process_s_own_unless_given(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STARHAUL_TEST_PATH", "x")
    text = "reader: {name: fruit, path: '${STARHAUL_TEST_PATH}'}\nwriter: {name: fruit, path: b}\n"
    assert load(text, environment=None).streams[0].reader.parameters["path"] == ["x"]
    with pytest.raises(ConfigError, match="unknown variable"):
        load(text)
