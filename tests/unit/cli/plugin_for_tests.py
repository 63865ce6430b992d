"""Plugins as users load them with `--plugin FILE.py`: a reader that can be slow, stubborn, picky and faulty, and a
writer that does not take every row."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
from pydantic import SecretStr

from starhaul import Capability, ConfigError, Params, PermanentError, Reader, Receipt, Split, Task, Writer, hookimpl


class CountParams(Params):
    """Parameters of `countreader`."""

    rows: int
    """Rows per task. More of them take longer."""
    tasks: int = 1
    """Tasks."""
    pause: float = 0.0
    """Seconds before each row."""
    stubborn: bool = False
    """Sleep without looking whether the run is to stop."""
    reject: tuple[int, ...] = ()
    """Numbers to reject."""
    fail_at: int | None = None
    """The number at which to fail."""
    odd_table: str = ""
    """A table that is missing if it is named."""
    password: SecretStr | None = None
    """Raised in an unexpected exception, if given."""


class CountReader(Reader[CountParams]):
    """Counts from zero."""

    name = "countreader"
    params_type = CountParams
    capabilities = frozenset({Capability.SPLIT})

    def check(self) -> None:
        if self.params.odd_table:
            raise ConfigError("oddTable", f"no table {self.params.odd_table!r}", "name another")
        if self.params.password is not None:
            raise RuntimeError(f"cannot log in with {self.params.password.get_secret_value()}")

    def schema(self) -> pa.Schema:
        return pa.schema([("number", pa.int64()), ("word", pa.string())])

    def split(self, target: int) -> Sequence[Split]:
        rows = self.params.rows
        return [Split(f"part {task}", {"start": task * rows}, rows) for task in range(self.params.tasks)]

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        start = split.args["start"]
        for number in range(start, start + self.params.rows):
            if self.params.stubborn:
                time.sleep(self.params.pause)
            else:
                task.pause(self.params.pause)
            if number == self.params.fail_at:
                raise PermanentError(f"row {number}", "went missing", "look under the table")
            batch = pa.record_batch({"number": [number], "word": [f"w{number}\x1b[2J"]}, schema=self.schema())
            if number in self.params.reject:
                task.reject(batch, 0, f"{number} is not wanted", at=f"row {number}")
            else:
                yield batch


class GateParams(Params):
    """Parameters of `gatewriter`."""

    path: str
    """The file to append numbers to."""
    gate: str
    """As long as this file is missing, odd numbers are refused."""


class GateWriter(Writer[GateParams]):
    """Appends numbers to a file."""

    name = "gatewriter"
    params_type = GateParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        return source

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        rows = 0
        with Path(self.params.path).open("a") as file:
            for batch in batches:
                for row, number in enumerate(batch.column(0).to_pylist()):
                    if number % 2 and not Path(self.params.gate).exists():
                        task.reject(batch, row, "the gate is closed")
                    else:
                        file.write(f"{number}\n")
                        rows += 1
        return Receipt(task.id, rows, attempt=task.attempt)

    def appending(self) -> GateWriter:
        return self


@hookimpl
def starhaul_readers() -> Mapping[str, str]:
    """The reader of this file."""
    return {"countreader": f"{__name__}:CountReader", "count": f"{__name__}:CountReader"}


@hookimpl
def starhaul_writers() -> Mapping[str, str]:
    """The writer of this file."""
    return {"gatewriter": f"{__name__}:GateWriter"}
