"""Jobs of DataX and its launcher, in this process and in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import starhaul
from starhaul.cli.datax import datax

SCRIPT = Path(starhaul.__file__).parent / "bin" / "datax.py"

Datax = Callable[..., Result]
Write = Callable[[str], Path]


def job(rows: Any = 13, value: str = "x", column: dict[str, Any] | None = None, **writer: Any) -> str:
    columns = [column or {"type": "string", "value": value}]
    reader = {"name": "streamreader", "parameter": {"column": columns, "sliceRecordCount": rows}}
    target = {"name": "StreamWriter", "parameter": {"print": True, **writer}}
    return json.dumps(
        {"job": {"setting": {"speed": {"channel": 1}}, "content": [{"reader": reader, "writer": target}]}}
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "job.json"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def call() -> Datax:
    """Calls the command in this process."""

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(datax, [str(each) for each in arguments], standalone_mode=False)

    return call


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, text=True, encoding="utf-8", capture_output=True, timeout=60, **options)
