"""`starhaul plugins`, `init` and `connections`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from starhaul.cli.template import job_template
from starhaul.registry import Registry
from tests.unit.cli.conftest import PLUGIN, Starhaul


class TestPlugins:
    def test_the_list(self, starhaul: Starhaul) -> None:
        result = starhaul("plugins")
        assert result.exit_code == 0
        rows = {tuple(line.split()[:2]): line for line in result.stdout.splitlines()}
        assert rows["reader", "countreader"].split(maxsplit=4) == [
            "reader", "countreader", "count", "split", "Counts from zero.",
        ]  # fmt: skip
        assert ("writer", "streamwriter") in rows
        assert ("transformer", "dx_substr") in rows

    def test_what_is_broken_is_told_and_harms_nothing(self, starhaul: Starhaul, tmp_path: Path) -> None:
        file = tmp_path / "half.py"
        file.write_text(
            "from starhaul import hookimpl\n"
            "@hookimpl\n"
            "def starhaul_readers():\n"
            "    return {'halfreader': 'no_such_module:Half', 'half': 'no_such_module:Half'}\n"
        )
        result = starhaul("plugins", "--plugin", file)
        assert result.exit_code == 0
        assert "countreader" in result.stdout
        warnings = [line for line in result.stderr.splitlines() if "half" in line]
        assert len(warnings) == 1
        assert warnings[0].startswith("warning: ")
        assert "no_such_module" in warnings[0]

    def test_one_plugin(self, starhaul: Starhaul) -> None:
        result = starhaul("plugins", "COUNT")
        assert result.exit_code == 0
        assert result.stdout.startswith("countreader, reader, also count\n\nCounts from zero.\n\npromises: split\n")
        rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line}
        assert rows["rows"][:4] == ["rows", "integer", "required", "Rows"]
        assert rows["oddTable"][:3] == ["oddTable", "string", '""']
        assert rows["password"][:3] == ["password", "secret", "null"]
        assert rows["reject"][1:5] == ["array", "of", "integer", "[]"]

    def test_a_name_of_two_plugins(self, starhaul: Starhaul) -> None:
        shown = starhaul("plugins", "stream").stdout
        assert "streamreader, reader" in shown
        assert "streamwriter, writer" in shown

    def test_an_unknown_one(self, starhaul: Starhaul) -> None:
        result = starhaul("plugins", "contreader")
        assert result.exit_code == 3
        assert "countreader" in result.stderr


class TestInit:
    def test_a_filled_template_is_valid(self, starhaul: Starhaul, tmp_path: Path) -> None:
        job = tmp_path / "job.yaml"
        assert starhaul("init", "count", "streamwriter", "-o", job).exit_code == 0
        assert starhaul("check", job).exit_code == 2
        job.write_text(job.read_text().replace('"<rows: integer>"', "3"))
        assert starhaul("check", job).exit_code == 0
        assert starhaul("init", "count", "streamwriter", "-o", job).exit_code == 2

    def test_it_names_every_parameter_with_its_default(self, starhaul: Starhaul) -> None:
        lines = starhaul("init", "count", "stream").stdout.splitlines()
        assert "  # Rows per task." in lines
        assert '  rows: "<rows: integer>"' in lines
        assert "  # tasks: 1" in lines
        assert "  # stubborn: false" in lines
        assert "  # channel: 1" in lines

    def test_a_template_with_all_comments_taken_away_is_valid_yaml(self, starhaul: Starhaul) -> None:
        lines = starhaul("init", "count", "stream").stdout.splitlines()
        first = lines.index("reader:")
        kept = [line.replace("# ", "", 1) for line in lines[first:] if ": " in line or line.endswith(":")]
        assert yaml.safe_load("\n".join(kept))["settings"]["errorLimit"] == {"record": 0, "percentage": None}

    @pytest.mark.parametrize("kind", ["reader", "writer"])
    def test_every_plugin_has_one(self, kind: str) -> None:
        registry = Registry((PLUGIN,))
        for name in registry.canonical("reader" if kind == "reader" else "writer"):
            reader = registry.reader(name if kind == "reader" else "stream")
            writer = registry.writer(name if kind == "writer" else "stream")
            document = yaml.safe_load(job_template(reader, writer))
            plugin = reader if kind == "reader" else writer
            assert document[kind]["name"] == name
            assert set(plugin.params_type.json_schema().get("required", ())) <= set(document[kind])


class TestConnections:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "connections.yaml"
        path.write_text(
            'good: {type: count, rows: "${ROWS}", password: null}\n'
            "bad: {type: countreader, oddTable: missing, rows: 1}\n"
            "secret: {type: countreader, password: hunter2}\n"
            "untyped: {rows: 1}\n"
        )
        path.chmod(0o600)
        return path

    def test_the_list_shows_no_values(self, starhaul: Starhaul, file: Path) -> None:
        result = starhaul("connections", "--connections", file)
        assert result.exit_code == 0
        assert ["secret", "countreader", "password"] in [line.split() for line in result.stdout.splitlines()]
        assert "hunter2" not in result.output
        assert result.stderr == ""

    def test_a_file_open_to_all_is_warned_of(self, starhaul: Starhaul, file: Path) -> None:
        file.chmod(0o644)
        assert "chmod 600" in starhaul("connections", "list", "--connections", file).stderr

    def test_testing_one(self, starhaul: Starhaul, file: Path) -> None:
        good = starhaul("connections", "test", "good", "--connections", file, "-DROWS=1")
        assert (good.exit_code, good.stdout) == (0, "good: count answers\n")
        bad = starhaul("connections", "test", "bad", "--connections", file)
        assert bad.exit_code == 2
        assert "no table 'missing'" in bad.stderr

    def test_more_parameters_can_be_given(self, starhaul: Starhaul, file: Path) -> None:
        lacking = starhaul("connections", "test", "secret", "--connections", file)
        assert lacking.exit_code == 2
        assert "rows" in lacking.stderr
        assert "hunter2" not in lacking.output
        given = starhaul("connections", "test", "secret", "--with", "rows=1", "--connections", file)
        assert given.exit_code == 1
        assert "hunter2" not in given.output

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [(["test"], "Name the connection"), (["test", "goood"], "did you mean 'good'"), (["test", "untyped"], "type")],
    )
    def test_what_can_be_wrong(self, starhaul: Starhaul, file: Path, arguments: list[str], problem: str) -> None:
        result = starhaul("connections", *arguments, "--connections", file)
        assert result.exit_code == 2
        assert problem in result.stderr

    def test_no_file(self, starhaul: Starhaul) -> None:
        assert starhaul("connections").stdout.startswith("no connections in ")


MISTAKEN = """
import pyarrow as pa
from starhaul import Params, RowReader, hookimpl

class Nothing(Params):
    pass

class Mistaken(RowReader[Nothing]):
    '''Makes a mistake.'''
    name = "mistakenreader"
    params_type = Nothing

    def schema(self):
        return pa.schema([("a", pa.int64())])

    def rows(self, split, task):
        yield {"a": {}["missing"]}

@hookimpl
def starhaul_readers():
    return {"mistakenreader": f"{__name__}:Mistaken"}
"""


def test_a_mistake_in_a_plugin_is_shown_with_its_line(starhaul: Starhaul, tmp_path: Path) -> None:
    (tmp_path / "mistaken.py").write_text(MISTAKEN)
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"reader": {"name": "mistakenreader"}, "writer": {"name": "streamwriter"}}))
    plain = starhaul("--plugin", tmp_path / "mistaken.py", "run", job)
    line = MISTAKEN[: MISTAKEN.index("yield")].count("\n") + 1
    told = f"KeyError: 'missing' (raised at {tmp_path}/mistaken.py:{line}; --debug shows the traceback)"
    assert plain.exit_code == 1
    assert plain.stderr == f"error: reader mistakenreader: {told}\n"
    debugged = starhaul("--plugin", tmp_path / "mistaken.py", "run", job, "--debug")
    assert "Traceback (most recent call last)" in debugged.stderr
    assert 'yield {"a": {}["missing"]}' in debugged.stderr
