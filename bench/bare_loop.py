"""Reads with a job's reader and writes with its writer, with nothing in between: `python bare_loop.py JOB`.

Needs a job whose writer takes what its reader gives, without conversion.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pyarrow as pa

from starhaul.job.load import instantiate, load_job
from starhaul.registry import Registry


class BareTask:
    """A `Task` without an engine."""

    run = "bare"
    id = "t0"
    attempt = 1
    cancelled = False

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema

    def reject(self, batch: pa.RecordBatch, row: int, reason: str, *, at: str = "") -> None:
        """There is nobody to give it to."""
        raise RuntimeError(reason)

    def note(self, counter: str, rows: int = 1) -> None:
        """Nobody counts."""

    def pause(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


def main(job: Path) -> None:
    """The whole job in one loop of one thread."""
    registry = Registry()
    (stream,) = load_job(job, registry).streams
    reader = instantiate(registry, "reader", stream.reader)
    writer = instantiate(registry, "writer", stream.writer)
    schema = writer.accept(reader.schema())
    if schema != reader.schema():
        raise SystemExit("the writer wants a conversion")
    task = BareTask(schema)
    writer.prepare(schema, task.run)
    receipts = [writer.write(task, reader.read(split, task)) for split in reader.split(1)]
    writer.commit(task.run, receipts)
    print(sum(receipt.rows for receipt in receipts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
