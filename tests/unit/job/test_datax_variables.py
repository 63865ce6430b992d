"""Variables by DataX's rule, in jobs of DataX's form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starhaul.api.errors import ConfigError
from starhaul.job.job import Job

Load = Callable[..., Job]


def job(path: str, **more: str) -> str:
    """The text of a job; the values of `more` go in as they are written."""
    rest = "".join(f', "{key}": {value}' for key, value in more.items())
    return (
        f'{{"job": {{"content": [{{"reader": {{"name": "fruit", "parameter": {{"path": {path}{rest}}}}}, '
        '"writer": {"name": "fruit", "parameter": {"path": "b"}}}]}}'
    )


def read(load: Load, text: str, **given: str) -> dict[str, Any]:
    return dict(load(text, "a.json", variables=given).streams[0].reader.parameters)


@pytest.mark.parametrize(
    ("written", "given", "path"),
    [
        ('"${a}"', {"a": "x"}, ["x"]),
        ('"$a"', {"a": "x"}, ["x"]),
        ('"/data/${day}/$name.csv"', {"day": "2024-02-29", "name": "t"}, ["/data/2024-02-29/t.csv"]),
        ('"$ab"', {"a": "x"}, ["$ab"]),
        ('"$a_1"', {"a": "x", "a_1": "y"}, ["y"]),
        ('"${a}$a"', {"a": "$a"}, ["$a$a"]),
        ('"{$a}"', {"a": "x"}, ["{x}"]),
        ('"a$"', {}, ["a$"]),
        ('"$$a"', {"a": "x"}, ["$x"]),
        ('"$.store.book"', {}, ["$.store.book"]),
        ('"${a"', {"a": "x"}, ["${a"]),
        ('"${a-b}"', {"a": "x"}, ["${a-b}"]),
        ('["${a}", "c"]', {"a": 'x","y'}, ["x", "y", "c"]),
        ("[${a}]", {"a": '"x","y"'}, ["x", "y"]),
        ("${a}", {"a": '["x", "y"]'}, ["x", "y"]),
        ("${a}", {"a": "x"}, ["x"]),
        ("[$a, $b]", {"a": "x", "b": "y"}, ["x", "y"]),
        ("[${a}_${b}]", {"a": "x", "b": "y"}, ["x_y"]),
        ('"${a}"', {"a": r"x\ty"}, ["x\ty"]),
        ('"${a}"', {"a": 'it "is"'}, ['it "is"']),
        ('"${a}"', {"a": "x\\"}, ["x\\"]),
        ('"a\\t${a}"', {"a": r"\u0041"}, ["a\tA"]),
        ('"${a}"', {"a": "x\ny"}, ["x\ny"]),
        ('"${a:-x}"', {}, ["x"]),
        ('"${a:-x}"', {"a": "y"}, ["y"]),
        ('"${env:PLACE}"', {}, ["home"]),
    ],
)
def test_values(load: Load, written: str, given: dict[str, str], path: list[str]) -> None:
    found = load(job(written), "a.json", variables=given, environment={"PLACE": "home"})
    assert found.streams[0].reader.parameters["path"] == path


@pytest.mark.parametrize(
    ("value", "rows"), [("5", 5), ("${n}", 7), ("$n", 7), ('"${n}"', 7), ('"$n"', 7), ("1${n}", 17)]
)
def test_numbers_need_no_quotes(load: Load, value: str, rows: int) -> None:
    assert read(load, job('"a"', fetchSize=value), n="7")["fetchSize"] == rows


def test_a_part_of_the_job_may_be_a_variable(load: Load) -> None:
    text = job('"a"', column="${columns}")
    columns = '[{"index": 0, "type": "long"}, {"value": "x"}]'
    assert read(load, text, columns=columns)["column"] == [{"index": 0, "type": "long"}, {"value": "x"}]


def test_keys_may_be_variables(load: Load) -> None:
    assert read(load, job('"a"', options='{"${k}": "v"}'), k="key")["options"] == {"key": "v"}


def test_what_is_not_given_or_blank_stays(load: Load) -> None:
    found = load(job('["${a}", "${b}", "$c"]'), "a.json", variables={"b": " "}, environment={"a": "x", "b": "x"})
    assert found.streams[0].reader.parameters["path"] == ["${a}", "${b}", "$c"]
    assert [(each.path, each.problem.partition(":")[0]) for each in found.warnings] == [
        ("job.content[0].reader.parameter.path[0]", "variable 'a' is not given"),
        ("job.content[0].reader.parameter.path[1]", "variable 'b' is blank"),
        ("-D", "variable 'b' is given, but the job does not use it"),
    ]


def test_what_is_wrong_with_other_references_is_told(load: Load) -> None:
    with pytest.raises(ConfigError, match="unknown variable 'env:NOPE'"):
        load(job('"${env:NOPE}"'), "a.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(job('"${file:nope.txt}"'), "a.json")


def test_files(load: Load, tmp_path: Path) -> None:
    (tmp_path / "password").write_text('p"a\\ss\n')
    assert read(load, job('"a"', password='"${file:password}"'))["password"] == 'p"a\\ss'


def test_a_secret_value_stays_secret(load: Load) -> None:
    found = load(job('"${a}"', password='"${pw}"'), "a.json", variables={"a": "x", "pw": "hunter2"})
    assert found.variables == {"a": "x"}
    assert found.secret_variables == {"pw"}
    with pytest.raises(ConfigError) as caught:
        load(job('"a"', password="[${pw}, {}]"), "a.json", variables={"pw": '"hunter2"'})
    assert "hunter2" not in str(caught.value)


def test_half_a_surrogate_pair_is_refused(load: Load) -> None:
    with pytest.raises(ConfigError, match="surrogate"):
        load(job('"${a}"'), "a.json", variables={"a": "x\udc80"})


def test_yaml_follows_the_form_and_not_the_file(load: Load) -> None:
    assert read(load, job('"$a"').replace("\t", " "), a="x")["path"] == ["x"]
    text = json.dumps({"reader": {"name": "fruit", "path": "$a"}, "writer": {"name": "fruit", "path": "b"}})
    assert load(text, "a.json").streams[0].reader.parameters == {"path": ["$a"]}
