"""What the tests of the command line share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

from starhaul.cli.group import starhaul as program

PLUGIN = Path(__file__).with_name("plugin_for_tests.py")

Starhaul: TypeAlias = Callable[..., Result]
MakeJob: TypeAlias = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the runs and connections of whoever runs it."""
    monkeypatch.setenv("STARHAUL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def starhaul() -> Starhaul:
    """Calls the program in this process."""

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(program, ["--plugin", str(PLUGIN), *map(str, arguments)])

    return call


@pytest.fixture
def process() -> Callable[..., subprocess.Popen[str]]:
    """Starts the program in a process of its own."""

    def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "starhaul", "--plugin", str(PLUGIN), *map(str, arguments)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}, **streams)

    return start


@pytest.fixture
def make_job(tmp_path: Path) -> MakeJob:
    """Writes a job from `countreader`, with the given parameters, to a `streamwriter` that prints nothing."""

    def make(
        name: str = "job.json",
        *,
        writer: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        **reader: Any,
    ) -> Path:
        document = {
            "reader": {"name": "countreader", **({"rows": 3} | reader)},
            "writer": writer or {"name": "streamwriter", "print": False},
            "settings": settings or {},
        }
        path = tmp_path / name
        path.write_text(json.dumps(document))
        return path

    return make
