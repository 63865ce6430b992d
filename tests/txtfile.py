"""`txtfilereader` and `txtfilewriter` as tests make and read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from starhaul.testing import RecordingTask
from starhaul_readers.txtfile import TxtFileReader, TxtFileReaderParams
from starhaul_writers.txtfile import TxtFileWriter, TxtFileWriterParams


def reader(path: Path | str | list[str], **parameters: Any) -> TxtFileReader:
    """A reader of these parameters as a job gives them; all columns unless they say otherwise."""
    given = {"path": str(path) if isinstance(path, Path) else path, "column": ["*"], **parameters}
    return TxtFileReader(TxtFileReaderParams.parse(given))


def writer(path: Path | str, **parameters: Any) -> TxtFileWriter:
    """A writer of files that are called `t`, in place of older ones, unless the parameters say otherwise."""
    given = {"path": str(path), "fileName": "t", "writeMode": "truncate", **parameters}
    return TxtFileWriter(TxtFileWriterParams.parse(given))


def read(source: TxtFileReader, target: int = 1) -> tuple[pa.Table, list[str]]:
    """The rows, and why others were rejected and where they stood, without the directory."""
    source.check()
    task = RecordingTask(source.schema())
    batches = [batch for split in source.split(target) for batch in source.read(split, task)]
    reasons = [f"{at.rpartition('/')[2]}: {reason}" for _, reason, at in task.rejected]
    return pa.Table.from_batches(batches, schema=task.schema), reasons
