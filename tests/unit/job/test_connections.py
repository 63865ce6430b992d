"""Named connections: found, merged, resolved, and watched over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from starhaul import ConfigError
from starhaul.job.connections import Connections
from starhaul.job.job import Job

Load = Callable[..., Job]

CONNECTIONS = """\
warehouse:
  type: fruit
  path: from connection
  username: loader
  password: ${PW}
other: {path: x}
wrong: [a]
typo: {pth: x}
number: {path: x, username: u, password: [1]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "connections.yaml"
    path.write_text(CONNECTIONS)
    path.chmod(0o600)
    return path


def job(connection: str, rest: str = "") -> str:
    return f"reader: {{name: fruit, path: a}}\nwriter: {{name: fruit, connection: {connection}{rest}}}\n"


def test_a_connection_s_parameters_go_under_the_job_s_own(load: Load, file: Path) -> None:
    loaded = load(job("warehouse", ", path: own"), connections=file, variables={"PW": "hunter2"})
    assert loaded.streams[0].writer.parameters == {"path": "own", "username": "loader", "password": "hunter2"}
    assert loaded.secret_variables == {"PW"}
    assert loaded.variables == {}
    assert loaded.warnings == ()
    nested = 'reader: {name: fruit, path: a}\nwriter: {name: fruit, parameter: {connection: "${C}"}}\n'
    loaded = load(nested, connections=file, variables={"PW": "hunter2", "C": "warehouse"})
    assert loaded.streams[0].writer.parameters["path"] == "from connection"
    assert loaded.variables == {"C": "warehouse"}


def test_a_list_is_the_plugin_s_own_parameter(load: Load, file: Path) -> None:
    text = "reader: {name: fruit, path: a, connection: [{jdbcUrl: x}]}\nwriter: {name: fruit, path: b}\n"
    assert load(text, connections=file).streams[0].reader.parameters["connection"] == [{"jdbcUrl": "x"}]


def test_only_connections_that_are_used_are_resolved(load: Load, file: Path) -> None:
    assert load(job("other"), connections=file).streams[0].writer.parameters == {"path": "x"}


def test_problems_are_told_with_the_place_in_the_connections_file(load: Load, file: Path) -> None:
    def told(connection: str) -> list[tuple[str, int | None, str, str]]:
        with pytest.raises(ConfigError) as caught:
            load(job(connection), connections=file)
        return [(Path(each.file).name, each.line, each.path, each.problem) for each in caught.value.problems]

    assert told("warehouse") == [("connections.yaml", 5, "warehouse.password", "unknown variable 'PW'")]
    assert told("wrong") == [("connections.yaml", 7, "wrong", "a connection is a mapping of parameters")]
    assert told("typo") == [
        ("job.yaml", 2, "writer.path", "'path' is required and missing"),
        ("connections.yaml", 8, "typo.pth", "unknown key 'pth'"),
    ]
    assert told("number") == [("connections.yaml", 9, "number.password", "must be a text or null, found a list")]
    assert told("warehose") == [("job.yaml", 2, "writer.connection", "unknown connection 'warehose'")]
    assert told("'${nope}'") == [("job.yaml", 2, "writer.connection", "unknown variable 'nope'")]


def test_an_unknown_connection_gets_a_hint(load: Load, file: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'warehouse'"):
        load(job("warehose"), connections=file)
    with pytest.raises(ConfigError, match=r"known: warehouse, other, .*looked up in .*connections\.yaml"):
        load(job("xyz"), connections=file)


def test_a_connection_for_another_plugin_is_refused(load: Load, file: Path) -> None:
    file.write_text("a: {type: mysql, path: b}\nb: {type: fruitwriter, path: b}\n")
    with pytest.raises(ConfigError, match="connection 'a' is for mysql, not for writer 'fruit'"):
        load(job("a"), connections=file)
    assert load(job("b"), connections=file)


def test_a_file_open_to_others_is_warned_of(load: Load, file: Path) -> None:
    file.chmod(0o644)
    warnings = load(job("other"), connections=file).warnings
    assert [each.problem for each in warnings] == ["others than you can read this file (mode 0644)"]
    assert warnings[0].hint == f"chmod 600 {file}"


def test_the_user_s_own_file_is_read_only_if_a_job_names_a_connection(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = tmp_path / "starhaul" / "connections.yaml"
    own.parent.mkdir()
    own.write_text("{")
    assert load("reader: {name: fruit, path: a}\nwriter: {name: fruit, path: b}\n")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load(job("mine"))
    own.write_text("mine: {path: p}")
    own.chmod(0o600)
    assert load(job("mine")).streams[0].writer.parameters == {"path": "p"}
    own.unlink()
    with pytest.raises(ConfigError, match=r"unknown connection 'mine' \(there are none; .*looked up in"):
        load(job("mine"))


def test_connections_as_a_list_for_the_command_line(file: Path, tmp_path: Path) -> None:
    connections = Connections(file)
    assert connections.names() == ["warehouse", "other", "wrong", "typo", "number"]
    assert connections.type_of("warehouse") == "fruit"
    assert connections.type_of("other") is None
    with pytest.raises(ConfigError, match="no such file"):
        Connections(tmp_path / "none.yaml")
    file.write_text("- a\n")
    with pytest.raises(ConfigError, match="is not a mapping"):
        Connections(file)
