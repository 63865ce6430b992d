"""Rows that were set aside: their file, one part per task attempt, one whole per run (or several, one after the other).

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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from starhaul.api.errors import PermanentError
from starhaul.redactor import Redactor

VERSION = 1
_UNKEPT = {"v": VERSION, "unkept": 1}
_SHORT = 1000
"""Lines that only count are shorter."""


class Room:
    """How many bytes of rejected rows a run may still keep. Safe from any thread."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Take so many bytes; false if they are not there, and then none will be any more."""
        with self._lock:
            self._left = self._left - size if size <= self._left else -1
            return self._left >= 0


class RejectPart:
    """The rejected rows of one attempt. The file comes to be with the first row. Safe from any thread."""

    def __init__(self, path: Path, origin: dict[str, Any], redact: Redactor, room: Room | None = None) -> None:
        self._path = path
        self._origin = origin
        self._redact = redact
        self._room = room
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self.rows = 0

    def add(self, batch: pa.RecordBatch, row: int, stage: str, reason: str, at: str) -> dict[str, Any]:
        """Write one row, as long as there is room, and return its line. It is with the operating system by then, so a
        killed process does not lose it. Raises `PermanentError` if the disk does not take it."""
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
        if counts and self._room is not None and not self._room.take(len(data)):
            data = json.dumps(_UNKEPT).encode() + b"\n"
        with self._lock, _kept_at(self._path):
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._file = _private(self._path, buffering=0)
            rest = memoryview(data)
            while rest:  # a disk that is nearly full takes a part, and says so
                rest = rest[self._file.write(rest) :]
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


def merge(parts: list[Path], whole: Path, max_file_bytes: int) -> tuple[Path | None, int]:
    """Join the parts of the attempts that count into the run's reject file, which goes on in further files where it
    would be too long (see `files_of`). That file, None if no row was rejected; and how many rows were not kept.

    Parts are read one line at a time. Repeating it gives the same files. Raises `PermanentError` if the disk does not
    take them; the parts stay.
    """
    with _kept_at(whole):
        return _merged(parts, whole, max_file_bytes)


def _merged(parts: list[Path], whole: Path, max_file_bytes: int) -> tuple[Path | None, int]:
    wanted = [path for path in parts if path.exists()]
    if not any(counted(path)[0] for path in wanted):
        return None, 0
    unkept, number, size = 0, 1, 0
    building = whole.with_suffix(".building")
    out = _private(building)
    try:
        for line in _lines(wanted):
            told = json.loads(line) if len(line) < _SHORT else {}
            if "unkept" in told:
                unkept += 1
            elif "filtered" not in told:
                if size and size + len(line) > max_file_bytes:
                    out.close()
                    building.replace(_numbered(whole, number))
                    number, size = number + 1, 0
                    out = _private(building)
                size += len(line)
                out.write(line)
        out.close()
    except OSError:
        with suppress(OSError):  # what could not be written before cannot be now
            out.close()
        building.unlink(missing_ok=True)
        raise
    building.replace(_numbered(whole, number))
    for surplus in files_of(whole)[number:]:  # of an earlier sitting, whose failed attempt does not count any more
        surplus.unlink()
    return whole, unkept


@contextmanager
def _kept_at(path: Path) -> Iterator[None]:
    """Within the block, what the system says of a file is told as an error of ours."""
    try:
        yield
    except OSError as error:
        hint = "free the disk or mend its permissions, then `starhaul resume`"
        raise PermanentError(str(path), f"rejected rows cannot be kept: {error.strerror}", hint) from error


def files_of(whole: Path) -> list[Path]:
    """The files of a reject file: `RUN.jsonl`, `RUN.2.jsonl`, … as far as they are there. A part is one file."""
    found: list[Path] = []
    while (path := _numbered(whole, len(found) + 1)).exists():
        found.append(path)
        if whole.suffix != ".jsonl":
            break
    return found


def read_rejects(whole: Path) -> Iterator[dict[str, Any]]:
    """The lines of a reject file or part. A last line cut short by a kill is left out: its row was not counted."""
    for line in _lines(files_of(whole)):
        yield json.loads(line)


def _lines(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as lines:
            yield from (line for line in lines if line.endswith(b"\n"))


def _numbered(whole: Path, number: int) -> Path:
    return whole if number == 1 else whole.with_name(f"{whole.name.partition('.')[0]}.{number}{_after_run(whole)}")


def _after_run(whole: Path) -> str:
    return whole.name[whole.name.index(".") :]


def _private(path: Path, buffering: int = -1) -> IO[bytes]:
    """A new file that is its owner's alone, as rows may be confidential."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering)


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
