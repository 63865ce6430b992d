"""What the jobs of the cases, and the commands beside them, are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import join
from typing import Any

from bench.setup import LINEITEM_COLUMNS, Setup


def job(reader: Mapping[str, Any], writer: Mapping[str, Any], channels: int) -> dict[str, Any]:
    """A job with so many channels."""
    return {"reader": reader, "writer": writer, "settings": {"channel": channels}}


def csv_reader(data: Path) -> dict[str, Any]:
    """Lineitem from a file, with its types."""
    return {"name": "csv", "path": str(data), "skipHeader": True, "column": LINEITEM_COLUMNS}


def csv_writer(setup: Setup, name: str) -> dict[str, Any]:
    """Into files of a folder of this name."""
    path = str(setup.folder / name)
    return {"name": "csv", "path": path, "fileName": "lineitem", "writeMode": "truncate", "fileFormat": "csv"}


def piped(out: Sequence[str], into: Sequence[str]) -> list[str]:
    """The command that pipes one into another, and fails if either does."""
    return ["bash", "-c", f"set -o pipefail; {join(out)} | {join(into)}"]
