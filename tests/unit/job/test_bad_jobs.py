"""Documents that are wrong: everything that is wrong is said at once, with its place and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import ValidationError, model_validator

from starhaul import ConfigError, Params, PluginError
from starhaul.job.faults import faults
from starhaul.job.job import Job

Load = Callable[..., Job]

READER = {"name": "fruit", "path": ["a"]}
WRITER = {"name": "fruit", "path": "b"}
DATAX = [
    {"reader": {"name": "fruit", "parameter": {"path": ["a"]}}, "writer": {"name": "fruit", "parameter": {"path": "b"}}}
]


def reader(**parameters: Any) -> dict[str, Any]:
    return {"reader": {**READER, **parameters}, "writer": WRITER}


def writer(**parameters: Any) -> dict[str, Any]:
    return {"reader": READER, "writer": {**WRITER, **parameters}}


def problems(load: Load, document: Any, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(document, **options)
    return [f"{each.path}: {each.problem}" + (f" ({each.hint})" if each.hint else "") for each in caught.value.problems]


def test_all_errors_are_told_at_once_in_the_order_of_the_file(load: Load) -> None:
    text = """\
reader: {name: fruit, path: data/*.csv, feildDelimiter: ";", fetchSize: 3x,
         compress: gz}
writer:
  name: Fruit
  path: ${OUT}
  username: joe
  password: [hunter2]
transformers:
- {name: dx_cut, columnIndex: -1, paras: [0, 2]}
- {name: dx_cot}
settings: {channel: 0, errorLimit: {record: ten}, chanel: 2}
"""
    with pytest.raises(ConfigError) as caught:
        load(text)
    told = [line.partition("job.yaml")[2] for line in str(caught.value).splitlines()]
    assert [each.partition(" ")[0] for each in told] == [f":{line}" for line in (1, 1, 2, 5, 7, 9, 10, 11, 11, 11)]
    assert sorted(told) == sorted([
        ":1 reader.feildDelimiter: unknown key 'feildDelimiter' (did you mean 'fieldDelimiter'?)",
        ":1 reader.fetchSize: must be an integer, found the text '3x'",
        ":2 reader.compress: must be one of 'gzip', 'bz2', found the text 'gz' (did you mean 'gzip'?)",
        ":5 writer.path: unknown variable 'OUT' (give it with -D OUT=… or set it in the environment)",
        ":7 writer.password: must be a text or null, found a list",
        ":9 transformers[0].columnIndex: must be at least 0, found the number -1",
        ":10 transformers[1].name: no transformer named 'dx_cot' (did you mean 'dx_cut'?)",
        ":11 settings.channel: must be at least 1, found the number 0",
        ":11 settings.chanel: unknown key 'chanel' (did you mean 'channel'?)",
        ":11 settings.errorLimit.record: must be an integer or null, found the text 'ten'",
    ])  # fmt: skip


def test_lines_of_json(load: Load) -> None:
    text = json.dumps({"job": {"content": [{"reader": {"name": "fruit", "parameter": {"pth": "a"}}}]}}, indent=1)
    with pytest.raises(ConfigError) as caught:
        load(text, "a.json")
    assert [(each.line, each.path, each.problem) for each in caught.value.problems] == [
        (4, "job.content[0].writer", "'writer' is required and missing"),
        (7, "job.content[0].reader.parameter.path", "'path' is required and missing"),
        (8, "job.content[0].reader.parameter.pth", "unknown key 'pth' has no effect"),
    ]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, ["reader: 'reader' is required and missing (Where rows come from)",
              "writer: 'writer' is required and missing (Where rows go to)"]),
        ({"reader": READER, "writr": WRITER},
         ["writer: 'writer' is required and missing (Where rows go to)",
          "writr: unknown key 'writr' (did you mean 'writer'?)"]),
        ({"reader": [READER], "writer": WRITER}, ["reader: must be a mapping, found a list"]),
        ({"reader": {"path": "a"}, "writer": WRITER},
         ["reader.name: 'name' is required and missing (The plugin's name or an alias, in any case)"]),
        ({"reader": {**READER, "name": ["fruit"]}, "writer": WRITER}, ["reader.name: must be a text, found a list"]),
        ({"reader": {**READER, "parameter": {"path": "b"}}, "writer": WRITER},
         ["reader.path: unknown key 'path' (known: name, parameter)"]),
        ({"reader": {"name": "fruit", "parameter": 5}, "writer": WRITER},
         ["reader.parameter: must be a mapping, found the number 5"]),
        ({"streams": []}, ["streams: must have at least 1 items, found a list"]),
        ({"streams": 5}, ["streams[0]: must be a mapping, found the number 5"]),
        ({"streams": [{"reader": READER, "writer": WRITER}], "reader": READER},
         ["reader: unknown key 'reader' (known: $schema, settings, name, streams)"]),
        ({"job": 5}, ["job: must be a mapping, found the number 5"]),
        ({"job": {"content": []}}, ["job.content: must have at least 1 items, found a list"]),
        ({"job": {"content": DATAX, "setting": {"dryRun": "perhaps"}}},
         ["job.setting.dryRun: must be true or false, found the text 'perhaps'"]),
        ({"job": {"content": DATAX, "setting": {"speed": []}}},
         ["job.setting.speed: must be a mapping, found a list"]),
        (reader(path=[]), ["reader.path: must have at least 1 items, found a list"]),
        (reader(skipHeader="yes"), ["reader.skipHeader: must be true or false, found the text 'yes'"]),
        (reader(fetchSize=1.5), ["reader.fetchSize: must be an integer, found the number 1.5"]),
        (reader(fetchSize=True), ["reader.fetchSize: must be an integer, found true"]),
        (reader(fetchSize="012"), ["reader.fetchSize: must be an integer, found the text '012'"]),
        (reader(column=["*", {"index": -1}]),
         ["reader.column[1].index: must be at least 0, found the number -1"]),
        (reader(column=["*", {"typ": "long"}]),
         ["reader.column[1].typ: unknown key 'typ' (did you mean 'type'?)"]),
        (reader(limits={"rows": 5000, "ratio": 0}),
         ["reader.limits.rows: must be at most 1000, found the number 5000",
          "reader.limits.ratio: must be more than 0, found the number 0"]),
        (reader(options={"a": 1.5}), ["reader.options.a: must be a text, found the number 1.5 (put it in quotes)"]),
        (writer(mode="Insert"), ["writer.mode: must be one of 'insert', 'replace', found the text 'Insert' "
                                 "(did you mean 'insert'?)"]),
        (writer(username="joe"), ["writer: username without password"]),
        ({**reader(), "settings": {"conversion": {"lossy": 1}}},
         ["settings.conversion.lossy: must be true or false, found the number 1"]),
        ({**reader(), "settings": {"errorLimit": {"percentage": 2}}},
         ["settings.errorLimit.percentage: must be at most 1, found the number 2"]),
        ({**reader(), "columns": "order"},
         ["columns: must be one of 'position', 'name', found the text 'order'"]),
    ],
)  # fmt: skip
def test_each_thing_that_can_be_wrong(load: Load, document: dict[str, Any], told: list[str]) -> None:
    assert sorted(problems(load, document)) == sorted(told)


class Both(Params):
    index: int | None = None
    value: int | None = None

    @model_validator(mode="after")
    def _one(self) -> Both:
        if self.index is not None and self.value is not None:
            raise ValueError("not both")
        return self


class Columns(Params):
    column: list[Literal["*"] | Both]


def test_what_an_alternative_that_was_not_meant_would_want_is_not_told() -> None:
    value = {"column": [{"index": 1, "value": 2}]}
    with pytest.raises(ValidationError) as caught:
        Columns.parse(value)
    found = faults(value, Columns.json_schema(), caught.value)
    assert [(each.at, each.problem) for each in found] == [(("column", 0), "not both")]


@pytest.mark.parametrize("document", [{"Job": {"content": []}}, {"setting": {}, "content": []}])
def test_a_job_of_datax_without_its_outermost_key(load: Load, document: dict[str, Any]) -> None:
    (told,) = problems(load, document)
    assert "the job stands in no key 'job'" in told
    assert '{"job": {"content"' in told


def test_unknown_plugins(load: Load) -> None:
    text = "reader: {name: friut, path: a}\nwriter: {name: fruit, path: b}\n"
    with pytest.raises(PluginError) as caught:
        load(text)
    assert str(caught.value).endswith("job.yaml:1 reader.name: no reader named 'friut' (did you mean 'fruit'?)")
    assert caught.value.exit_code == 3
    with pytest.raises(PluginError) as caught:
        load(text.replace("name: fruit", "name: furit"))
    assert "no reader named 'friut'" in str(caught.value)
    assert "no writer named 'furit'" in str(caught.value)
    told = problems(load, text + "settings: {chanel: 1}\n")
    assert told[0].startswith("reader.name: no reader named 'friut'")
    assert told[1].startswith("settings.chanel: unknown key")


def test_a_plugin_that_cannot_be_imported(load: Load) -> None:
    with pytest.raises(PluginError, match=r"reader rotten cannot be loaded from no_such_module_anywhere:Reader"):
        load({"reader": {"name": "rotten"}, "writer": WRITER})


@pytest.mark.parametrize("document", ["- a\n", "just text\n", "5\n"])
def test_documents_that_are_no_mapping(load: Load, document: str) -> None:
    assert problems(load, document)[0].startswith(": a job document is a mapping")


def test_a_variable_in_braces_needs_quotes_in_yaml(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"put '\$\{…\}' in quotes"):
        load("reader: {name: fruit, path: ${X}}\nwriter: {name: fruit, path: b}\n")


def test_what_follows_from_an_unknown_variable_is_not_reported(load: Load) -> None:
    document = reader(fetchSize="${N}", compress="${C}")
    assert [each.partition(" (")[0] for each in problems(load, document)] == [
        "reader.fetchSize: unknown variable 'N'",
        "reader.compress: unknown variable 'C'",
    ]


@pytest.mark.parametrize(
    "document",
    [
        writer(password="hunter2"),  # its model puts the password into the message
        writer(username=["joe"], password=["hunter2"]),
        writer(username="joe", password={"x": "hunter2"}),
        writer(tokens=["a", ["hunter2"]]),
        writer(tokens={"hunter2": 1}, passwrd="hunter2"),
        reader(password=19.25, limits=0),
        reader(password=True),
    ],
)
def test_secrets_are_never_shown(load: Load, document: dict[str, Any]) -> None:
    told = " ".join(problems(load, document))
    assert "hunter2" not in told.replace("tokens.hunter2", "")
    assert "19.25" not in told
    assert "found true" not in told


def test_deep_and_huge_values_are_refused(load: Load) -> None:
    deep: Any = "x"
    for _ in range(70):
        deep = [deep]
    with pytest.raises(ConfigError, match="levels deep"):
        load(reader(options=deep))
    text = f"reader: {'[' * 60}{']' * 60}\nwriter: x"
    assert problems(load, text)


def test_parameters_that_a_datax_job_lacks_are_missed(load: Load) -> None:
    """As a job has that writes them under another key."""
    entries = {"reader": {"name": "fruitreader", "parametr": READER}, "writer": {"name": "fruitwriter"}}
    told = problems(load, {"job": {"setting": {}, "content": [entries]}})
    assert [each for each in told if "path" in each] == [
        "job.content[0].reader.parameter.path: 'path' is required and missing (Files to read)",
        "job.content[0].writer.parameter.path: 'path' is required and missing (Target)",
    ]
