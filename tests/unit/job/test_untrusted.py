"""Job files of people who must not see what the operator sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from starhaul import ConfigError
from starhaul.job.load import load_job
from starhaul.registry import Registry


def job(value: str, **writer: Any) -> dict[str, Any]:
    return {
        "reader": {"name": "stream", "column": [{"type": "string", "value": value}], "sliceRecordCount": 1},
        "writer": {"name": "stream", **writer},
    }


def load(value: str, **options: Any) -> str:
    loaded = load_job(job(value), Registry(), environment={"HOME_SECRET": "s3cret"}, **options)
    return str(loaded.streams[0].reader.parameters["column"][0]["value"])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("${env:HOME_SECRET}", "reads the environment, which untrusted jobs may not"),
        ("${env:HOME_SECRET:-x}", "reads the environment, which untrusted jobs may not"),
        ("${HOME_SECRET}", "unknown variable 'HOME_SECRET'"),
        ("${file:/etc/hostname}", "reads a file, which untrusted jobs may not"),
    ],
)
def test_what_the_operator_has_is_out_of_reach(value: str, problem: str) -> None:
    if not value.startswith("${file:"):
        assert load(value) == "s3cret"
    with pytest.raises(ConfigError) as caught:
        load(value, trusted=False)
    assert problem in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_names_of_the_environment_are_not_proposed() -> None:
    with pytest.raises(ConfigError, match="HOME_SECRET"):
        load("${HOME_SECRT}")
    with pytest.raises(ConfigError) as caught:
        load("${HOME_SECRT}", trusted=False)
    assert "HOME_SECRET" not in str(caught.value)


def test_given_variables_and_defaults_work() -> None:
    assert load("${DAY}", trusted=False, variables={"DAY": "2026-01-31"}) == "2026-01-31"
    assert load("${HOME_SECRET:-nothing}", trusted=False) == "nothing"


def test_the_operator_can_say_so_once_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARHAUL_UNTRUSTED_JOBS", "1")
    with pytest.raises(ConfigError, match="untrusted"):
        load("${env:HOME_SECRET}")
    assert load("${env:HOME_SECRET}", trusted=True) == "s3cret"


def test_the_operators_connections_still_work(tmp_path: Path) -> None:
    connections = tmp_path / "connections.yaml"
    connections.write_text("out: {type: stream, path: '${env:HOME_SECRET}'}\n")
    connections.chmod(0o600)
    loaded = load_job(
        job("x", connection="out", fileName="f"),
        Registry(),
        environment={"HOME_SECRET": "s3cret"},
        connections=connections,
        trusted=False,
    )
    assert loaded.streams[0].writer.parameters["path"] == "s3cret"
