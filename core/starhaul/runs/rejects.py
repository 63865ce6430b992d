"""Rows that were set aside: their file, one part per task attempt, one whole per run.

A reject file is JSON lines, version 1. Each line is an object:

* `v` 1, `stream` (name), `task`, `attempt`, `at` (where the row stood in the source, if known)
* `stage`: `read`, `transform:K` (before transformer K, from 0), `convert` or `write`: how far the row came
* `reason`: why, for people
* `row`: column → value as text (null is null), for people
* `arrow`: the row as an Arrow IPC stream of one batch, base64: what `replay` sends through again. Missing where
  the row holds the value of a secret parameter; then `row` is missing too.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from starhaul.redactor import Redactor

VERSION = 1


class RejectPart:
    """The rejected rows of one attempt. The file comes to be with the first row. Safe from any thread."""

    def __init__(self, path: Path, origin: dict[str, Any], redact: Redactor) -> None:
        self._path = path
        self._origin = origin
        self._redact = redact
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self.rows = 0

    def add(self, batch: pa.RecordBatch, row: int, stage: str, reason: str, at: str) -> dict[str, Any]:
        """Write one row, and return its line. It is with the operating system by then, so a killed process does not
        lose it."""
        one = batch.slice(row, 1)
        shown = {name: _text(column) for name, column in zip(one.schema.names, one.columns, strict=True)}
        line: dict[str, Any] = {
            "v": VERSION, **self._origin, "at": at, "stage": stage, "reason": self._redact(reason),
        }  # fmt: skip
        if not self._redact.touches(json.dumps(shown, ensure_ascii=False)):
            line |= {"row": shown, "arrow": _encode(one)}
        self._write(line)
        return line

    def drained(self, filtered: int) -> None:
        """Note, before the writer commits, how many rows were filtered: a resumed run counts with it."""
        if filtered:
            self._write({"v": VERSION, **self._origin, "filtered": filtered}, counts=False)

    def _write(self, line: dict[str, Any], *, counts: bool = True) -> None:
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                # Rows may be confidential: the file is its owner's alone.
                self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", 0)
            self._file.write(data)
            self.rows += counts

    def close(self) -> None:
        """Close the file, if there is one."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def part_path(folder: Path, stream: int, task: str, attempt: int) -> Path:
    """Where the part of one attempt is kept until the run is over."""
    return folder / f"{stream}.{task}.{attempt}.part"


def counted(path: Path) -> tuple[int, int]:
    """(rejected, filtered) rows of the attempt whose part this is; zeros if there is none."""
    rejected = filtered = 0
    for line in read_rejects(path):
        if "filtered" in line:
            filtered += line["filtered"]
        else:
            rejected += 1
    return rejected, filtered


def merge(parts: list[Path], whole: Path) -> Path | None:
    """Join the parts of the attempts that count into the run's reject file; None if no row was rejected.

    Parts are read one line at a time. Repeating it gives the same file.
    """
    wanted = [path for path in parts if path.exists()]
    if not any(counted(path)[0] for path in wanted):
        return None
    building = whole.with_suffix(".building")
    with os.fdopen(os.open(building, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        for path in wanted:
            with path.open("rb") as part:
                out.writelines(line for line in part if b'"filtered"' not in line or "reason" in json.loads(line))
    building.replace(whole)
    return whole


def read_rejects(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a reject file or part. A last line cut short by a kill is left out: its row was not counted."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield json.loads(line)


def decode(text: str) -> pa.RecordBatch:
    """The one-row batch of a line's `arrow`."""
    with pa.ipc.open_stream(base64.b64decode(text)) as stream:
        return stream.read_next_batch()


def _encode(batch: pa.RecordBatch) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return base64.b64encode(sink.getvalue()).decode()


def _text(column: pa.Array) -> str | None:
    """The only value of a column."""
    try:
        value = column[0].as_py()
    except (ValueError, OverflowError):  # Python has no nanoseconds and no year 10000; Arrow's own text has
        text: str = column.to_string(skip_new_lines=True)
        return text[1:-1]
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)
