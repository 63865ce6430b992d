"""The wheel, installed alone into an empty environment, is all that a user needs."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, Environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PACKAGES = {"starhaul", "starhaul_readers", "starhaul_writers", "starhaul_transformers", "starhaul_stores"}


def test_the_wheel_holds_our_packages_and_nothing_else(starhaul_wheel: Path) -> None:
    with zipfile.ZipFile(starhaul_wheel) as wheel:
        names = wheel.namelist()
    folders = {name.partition("/")[0] for name in names}
    metadata = next(folder for folder in folders if folder.endswith(".dist-info"))
    assert folders == {*PACKAGES, metadata}
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert f"{metadata}/licenses/LICENSE" in names


def test_nothing_of_the_project_is_on_the_path(environment: Environment) -> None:
    listing = environment.python("import starhaul, sys; print(starhaul.__file__, *sys.path, sep='\\n')").splitlines()
    assert not [place for place in listing if place and Path(place).is_relative_to(ROOT)]
    installed = {path.name for path in environment.site().iterdir()}
    assert not {"core", "plugins", "tests", "pytest"} & installed
    assert not [name for name in installed if "editable" in name or name.endswith(".pth")]


def test_the_command_is_there(environment: Environment) -> None:
    version = environment.python("import starhaul; print(starhaul.__version__)")
    assert version in environment.run("starhaul", "--version")
    assert version in environment.run("python", "-m", "starhaul", "--version")


def test_every_public_name_can_be_imported(environment: Environment) -> None:
    program = "import starhaul; print(*sorted(n for n in starhaul.__all__ if getattr(starhaul, n, None) is None))"
    assert environment.python(program) == ""


def test_every_plugin_without_a_driver_can_be_imported(environment: Environment) -> None:
    program = """
from starhaul.registry import KINDS, Registry
registry = Registry()
for kind in KINDS:
    for name in registry.listed(kind):
        registry.plugin(kind, name)
print(registry.broken)
"""
    assert environment.python(program) == "{}"


def test_a_stream_to_stream_job(environment: Environment) -> None:
    job = {
        "reader": {"name": "stream", "recordCount": 3, "column": [{"type": "string", "value": "salut"}]},
        "writer": {"name": "stream"},
    }
    path = environment.home / "stream.json"
    path.write_text(json.dumps(job))
    assert environment.run("starhaul", "run", path).count("salut") == 3


def test_a_csv_to_csv_job(environment: Environment) -> None:
    (environment.home / "in.csv").write_text('id,name\n1,"a,b"\n2,ü\n', encoding="utf-8")
    job = {
        "reader": {"name": "csv", "path": "in.csv", "column": ["*"], "skipHeader": True},
        "writer": {"name": "csv", "path": "out", "fileName": "rows", "writeMode": "truncate", "fileFormat": "csv"},
    }
    path = environment.home / "csv.json"
    path.write_text(json.dumps(job))
    report = environment.home / "report.json"
    environment.run("starhaul", "run", path, "--report", report)
    assert json.loads(report.read_text())["written"] == 2
    (written,) = (environment.home / "out").iterdir()
    assert written.read_text(encoding="utf-8").split() == ['1,"a,b"', "2,ü"]
