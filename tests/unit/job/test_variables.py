"""Variables: where values come from, and that they are replaced once and exactly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starhaul import ConfigError
from starhaul.job.document import Document, document_of
from starhaul.job.variables import Resolved, Variables, parse_datax_params, parse_variable


def resolve(value: Any, given: Mapping[str, str] | None = None, folder: Path | None = None, **env: str) -> Resolved:
    document = document_of({"a": value})
    document = Document("job.yaml", document.value, folder or Path())
    return Variables(given or {}, env).resolve(document)


def text(value: str, given: Mapping[str, str] | None = None, **env: str) -> str:
    resolved = resolve(value, given, None, **env)
    assert not resolved.problems
    return str(resolved.value["a"])


def test_given_variables_go_before_the_environment() -> None:
    assert text("${X}", {"X": "1"}, X="2") == "1"
    assert text("${X}", X="2") == "2"
    assert text("${env:X}", {"X": "1"}, X="2") == "2"
    assert text("a${X}b${Y}c", {"X": "1", "Y": ""}) == "a1bc"
    assert text("${a.b-c}", {"a.b-c": "1"}) == "1"


def test_defaults_count_where_a_variable_is_missing_or_empty() -> None:
    assert text("${X:-d}") == "d"
    assert text("${X:-}") == ""
    assert text("${X:-d}", {"X": ""}) == "d"
    assert text("${X:-d}", {"X": "1"}) == "1"
    assert text("${env:X:-a:-b}") == "a:-b"


def test_dollars_that_are_no_variables_stay() -> None:
    assert text("$${X}") == "${X}"
    assert text("$$${X}") == "$${X}"
    assert text("$X costs 5$ $$ {X}") == "$X costs 5$ $$ {X}"


@given(value=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_value_arrives_as_it_is_and_is_not_looked_at_again(value: str) -> None:
    assert text("<${X}>", {"X": value}) == f"<{value}>"
    assert text("<${X}>", {"X": value, "Y": "no"}) == f"<{value}>"
    assert text("${X}${X}", {"X": "${X}"}) == "${X}${X}"


def test_files(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"one\ntwo\n")
    (tmp_path / "dos.txt").write_bytes(b"one\r\n")
    assert resolve("${file:secret.txt}", folder=tmp_path).value == {"a": "one\ntwo"}
    assert resolve("${file:dos.txt}!", folder=tmp_path).value == {"a": "one!"}
    assert resolve(f"${{file:{tmp_path}/dos.txt}}").value == {"a": "one"}


@pytest.mark.parametrize(
    ("value", "problem", "hint"),
    [
        ("${TABEL}", "unknown variable 'TABEL'", "did you mean 'TABLE'?"),
        ("${X}", "unknown variable 'X'", "give it with -D X="),
        ("${env:X}", "unknown variable 'env:X'", "set X in the environment"),
        ("${}", "'${}' names no variable", "$${"),
        ("${a b}", "'${a b}' names no variable", "$${"),
        ("${X", "'${' without '}'", "$${"),
        ("${file:no such}", "No such file or directory", ""),
        ("${file:latin}", "is not UTF-8", ""),
        ("${file:.}", "cannot be read", ""),
        ("${file:a\0b}", "cannot be read", ""),
        ("${file:big}", "more than", ""),
    ],
)
def test_unknown_variables_are_problems_with_a_place(tmp_path: Path, value: str, problem: str, hint: str) -> None:
    (tmp_path / "latin").write_bytes(b"\xe9")
    (tmp_path / "big").write_bytes(b"x" * (1024 * 1024 + 1))
    resolved = resolve(["ok", value], {"TABLE": "t"}, tmp_path)
    assert len(resolved.problems) == 1
    assert resolved.problems[0].path == "a[1]"
    assert problem in resolved.problems[0].problem
    assert hint in resolved.problems[0].hint
    assert resolved.value == {"a": ["ok", value]}
    assert resolved.unknown == {("a", 1)}


def test_it_is_known_where_given_variables_went() -> None:
    resolved = resolve({"b": ["${X}", "${env:Y}", "${X}${Z}"], "c": "${Y}"}, {"X": "1", "Z": "2"}, Y="3")
    assert resolved.given == {("a", "b", 0): {"X"}, ("a", "b", 2): {"X", "Z"}}


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ConfigError, match="half of a surrogate pair"):
        resolve("\ud800")
    with pytest.raises(ConfigError, match="half of a surrogate pair"):
        resolve("${X}", X="\udce9")


def test_datax_params() -> None:
    assert parse_datax_params("-Dk=v -Dk2='x y' -Dk3=\"a=b\" -De=") == {"k": "v", "k2": "x y", "k3": "a=b", "e": ""}
    assert parse_datax_params("") == {}
    for wrong in ("k=v", "-Dk='x", "-D=v", "-D", "-foo", "-Da b=hunter2", "-Dday=2024-01-01 00:00:00"):
        with pytest.raises(ConfigError) as caught:
            parse_datax_params(wrong)
        assert "hunter2" not in str(caught.value)
    assert "in quotes" in str(caught.value)


def test_datax_params_are_those_of_a_jvm() -> None:
    assert parse_datax_params("-Xms1g -D1=a -Dflag -XX:+UseG1GC -Dfile.encoding=UTF-8 -server") == {
        "1": "a", "flag": "", "file.encoding": "UTF-8",
    }  # fmt: skip


def test_a_wrong_variable_does_not_show_its_value() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_variable("pass word=hunter2")
    assert "hunter2" not in str(caught.value)
    assert parse_variable("a=b=c") == ("a", "b=c")
