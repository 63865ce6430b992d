"""`hellowriter`: rows as Arrow files in a folder of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from starhaul import Capability, ConfigError, Params, PermanentError, Receipt, Task, Writer


class HelloWriterParams(Params):
    """Parameters of `hellowriter`."""

    path: Path
    """The folder to make. It must not exist."""


class HelloWriter(Writer[HelloWriterParams]):
    """Keeps the rows as Arrow files in a new folder, one file per task.

    The files are written into a folder beside it, which takes its name once all of them are there. So the rows
    appear all at once, or not at all.
    """

    name = "hellowriter"
    params_type = HelloWriterParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.ATOMIC})

    def accept(self, source: pa.Schema) -> pa.Schema:
        """Any schema as it is: the files keep every type."""
        return source

    def check(self, schema: pa.Schema) -> None:
        if self.params.path.exists():
            raise ConfigError("path", f"{self.params.path} exists", "name a folder that does not")

    def prepare(self, schema: pa.Schema, run: str) -> None:
        try:
            self._staging(run).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PermanentError(str(self.params.path), f"cannot be made: {error.strerror}") from error

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        rows = 0
        file = self._staging(task.run) / f"{task.id}.arrow"
        try:
            with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, task.schema) as arrow:
                for batch in batches:
                    arrow.write_batch(batch)
                    rows += batch.num_rows
        except OSError as error:
            raise PermanentError(str(file), f"cannot be written: {error}") from error
        return Receipt(task.id, rows, attempt=task.attempt)

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        staging = self._staging(run)
        if staging.exists():  # else an earlier call came this far
            staging.rename(self.params.path)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        shutil.rmtree(self._staging(run), ignore_errors=True)

    def _staging(self, run: str) -> Path:
        return self.params.path.with_name(f".{self.params.path.name}.{run}")
