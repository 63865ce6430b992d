"""A whole job in a test: the engine, with this process's memory on the side that is not under test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pyarrow as pa

from starhaul.engine.library import run
from starhaul.registry import Registry
from starhaul.report.report import Report
from starhaul.testing import memory
from starhaul.testing.memory import MemoryReader, MemoryStore, MemoryWriter


@dataclass(frozen=True)
class JobResult:
    """What a job left behind."""

    report: Report
    rows: pa.Table
    """What arrived in memory; no rows and no columns if the job wrote elsewhere, or nothing."""
    rejects: Sequence[Mapping[str, Any]]
    """The lines of the reject file."""


def run_job(
    *,
    rows: pa.Table | None = None,
    reader: Mapping[str, Any] | None = None,
    transformers: Sequence[Mapping[str, Any]] = (),
    writer: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    plugins: Sequence[object] = (),
) -> JobResult:
    """Run one stream and say what became of it; a run that failed is in `report.state`, not an exception.

    `reader`, `transformers`, `writer` and `settings` are what a job document holds under these names. Without a
    `reader` the job reads `rows`; without a `writer` it writes to memory. `plugins` are the objects or modules with
    hooks under test, beside those that are installed. Leaves no files. Raises what `starhaul.run` raises.

        result = run_job(reader={"name": "shelfreader", "path": "shelf"}, plugins=[my_module])
        assert result.rows.num_rows == 3
    """
    if (rows is None) == (reader is None):
        raise ValueError("give either `rows` to read or a `reader`")
    registry = Registry()
    for plugin in (memory, *plugins):
        registry.register(plugin)
    source, target = MemoryStore(f"source {uuid4()}", rows), MemoryStore(f"target {uuid4()}")
    job = {
        "name": "test",
        "reader": reader or {"name": MemoryReader.name, "store": source.name},
        "transformers": list(transformers),
        "writer": writer or {"name": MemoryWriter.name, "store": target.name},
        "settings": dict(settings or {}),
    }
    with TemporaryDirectory(prefix="starhaul-") as state:
        report = run(job, registry=registry, state=Path(state))
        rejects = Path(report.rejects).read_text(encoding="utf-8").splitlines() if report.rejects else []
    return JobResult(report, target.table(), [json.loads(line) for line in rejects])
