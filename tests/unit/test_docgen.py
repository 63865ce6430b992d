"""The generated documentation: up to date, complete, and true of what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

import starhaul
from starhaul import docgen
from starhaul.job.load import load_job
from starhaul.registry import KINDS, Registry

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs/examples").rglob("*.yaml"))


def test_the_documentation_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert docgen.main(["--check", "--root", str(ROOT)]) == 0, capsys.readouterr().out


def test_the_same_code_gives_the_same_bytes() -> None:
    assert docgen.generate(ROOT, Registry()) == docgen.generate(ROOT, Registry())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_smallest_jobs_are_valid(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in re.findall(r"\$\{env:(\w+)\}", example.read_text(encoding="utf-8")):
        monkeypatch.setenv(name, "x")
    registry = Registry()
    wanted = re.findall(r"\$\{env:(\w+)\}", example.read_text())
    job = load_job(example, registry, environment=dict.fromkeys(wanted, "secret"))
    kind = example.parent.name.removesuffix("s")
    (stream,) = job.streams
    uses = {"reader": [stream.reader], "writer": [stream.writer], "transformer": stream.transformers}
    assert kind in uses
    assert [use.name for use in uses[kind]] == [example.stem]


def test_there_is_no_example_of_a_plugin_that_is_gone() -> None:
    registry = Registry()
    known = {(f"{kind}s", name) for kind in KINDS for name in registry.canonical(kind)}
    assert {(path.parent.name, path.stem) for path in EXAMPLES} <= known


def test_a_real_report_fits_its_schema(tmp_path: Path) -> None:
    job = {
        "reader": {"name": "stream", "recordCount": 3, "column": [{"value": "x"}]},
        "writer": {"name": "stream", "print": False},
    }
    report = starhaul.run(job, state=tmp_path)
    schema = json.loads((ROOT / "docs/schemas/report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(json.dumps(report.as_dict())), {**schema, "additionalProperties": False})
    assert report.state == "done"


def test_a_failed_report_fits_its_schema(tmp_path: Path) -> None:
    job = {
        "reader": {"name": "stream", "recordCount": 3, "column": [{"value": "x"}]},
        "writer": {"name": "stream", "print": False},
        "transformers": [{"name": "cast", "columns": {"c0": "int64"}}],
    }
    report = starhaul.run(job, state=tmp_path)
    schema = json.loads((ROOT / "docs/schemas/report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(json.dumps(report.as_dict())), schema)
    assert report.error is not None
    assert report.exit_code == 4


@pytest.mark.parametrize("path", sorted((ROOT / "docs/schemas").rglob("*.json")), ids=lambda path: path.stem)
def test_the_schemas_are_schemas(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project of which everything generated is missing."""
    pages = ["README.md", "docs/job-file.md", "docs/operations.md"]
    for path in [*(ROOT / page for page in pages), *EXAMPLES]:
        there = tmp_path / path.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(path.read_bytes())
    return tmp_path


def test_check_names_what_is_stale_and_writes_nothing(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert docgen.main(["--check", "--root", str(copy)]) == 1
    assert "docs/plugins/readers/streamreader.md: stale" in capsys.readouterr().out
    assert not (copy / "docs/plugins").exists()


def test_what_was_written_is_up_to_date(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert docgen.main(["--root", str(copy)]) == 0
    assert docgen.main(["--check", "--root", str(copy)]) == 0
    capsys.readouterr()
    (copy / "docs/plugins/readers/streamreader.md").write_text("changed by hand")
    (copy / "docs/plugins/readers/no_such_reader.md").write_text("left behind")
    assert docgen.main(["--check", "--root", str(copy)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "docs/plugins/readers/streamreader.md: stale",
        "docs/plugins/readers/no_such_reader.md: stale",
    ]
    assert docgen.main(["--root", str(copy)]) == 0
    assert not (copy / "docs/plugins/readers/no_such_reader.md").exists()
    assert docgen.main(["--check", "--root", str(copy)]) == 0


def test_a_plugin_without_an_example_is_an_error(copy: Path) -> None:
    (copy / "docs/examples/readers/streamreader.yaml").unlink()
    with pytest.raises(FileNotFoundError, match="streamreader"):
        docgen.main(["--root", str(copy)])


def test_a_block_keeps_what_stands_around_it() -> None:
    page = "a\n<!-- begin generated: one -->\nold\n<!-- end generated: one -->\nb\n"
    filled = docgen.fill_blocks(page, {"one": "new\n"})
    assert filled == "a\n<!-- begin generated: one -->\n\nnew\n\n<!-- end generated: one -->\nb\n"
    assert docgen.fill_blocks(filled, {"one": "new\n"}) == filled


class Inner(BaseModel):
    """What is inside."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    depth: int = Field(0, ge=0, le=9)
    """How deep."""


class Outer(BaseModel):
    """Every kind of parameter."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    needed: str
    """Asked for."""
    mode: Literal["a", "b|c"] = "a"
    """A choice | with a bar."""
    secret: SecretStr | None = None
    """Not shown."""
    paths: str | list[str] = "x"
    """One or several."""
    parts: list[Inner] = []
    """Models."""
    rows: int | None = Field(None, ge=1)
    """A limit
    in two lines."""


def test_the_table_of_parameters() -> None:
    schema: dict[str, Any] = Outer.model_json_schema()
    assert "\n".join(docgen.parameter_tables(schema)) == (
        "| parameter | type | default | meaning |\n"
        "| --- | --- | --- | --- |\n"
        "| `needed` | string | **required** | Asked for. |\n"
        '| `mode` | `"a"` or `"b\\|c"` | `"a"` | A choice \\| with a bar. |\n'
        "| `secret` | string, secret |  | Not shown. |\n"
        '| `paths` | string or list of string | `"x"` | One or several. |\n'
        "| `parts` | list of object | `[]` | Models. |\n"
        "| `rows` | integer, 1 or more |  | A limit in two lines. |\n"
        "\n### parts[]\n\nWhat is inside.\n\n"
        "| parameter | type | default | meaning |\n"
        "| --- | --- | --- | --- |\n"
        "| `depth` | integer, 0 to 9 | `0` | How deep. |\n"
    )
