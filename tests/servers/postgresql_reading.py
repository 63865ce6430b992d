"""What tests of `postgresqlreader` share."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from starhaul.testing import RecordingTask
from starhaul_readers.postgresql import PostgresqlReader, PostgresqlReaderParams
from tests.conftest import PostgresqlSchema


def reader(schema: PostgresqlSchema, **more: Any) -> PostgresqlReader:
    params = {"url": schema.url, **more}
    return PostgresqlReader(PostgresqlReaderParams.model_validate(params))


def rows(source: PostgresqlReader, target: int = 1) -> list[dict[str, Any]]:
    source.check()
    task = RecordingTask(source.schema())
    batches = [batch for split in source.split(target) for batch in source.read(split, task)]
    assert not task.rejected
    return pa.Table.from_batches(batches, schema=task.schema).to_pylist()
