"""Runs of a writer from `prepare` to `commit`, for tests of writers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from starhaul import Receipt, Writer
from starhaul.testing import RecordingTask
from starhaul.testing.delivery import Delivery


def write(target: Writer[Any], *tables: pa.Table) -> tuple[list[Receipt], list[RecordingTask]]:
    """A whole run with one task for each table, one after the other."""
    delivery = Delivery(target, tables[0].schema)
    delivery.prepare()
    tasks = [delivery.task(number) for number in range(len(tables))]
    receipts = [delivery.write(task, delivery.converted(table)) for task, table in zip(tasks, tables, strict=True)]
    delivery.commit(*receipts)
    return receipts, tasks
