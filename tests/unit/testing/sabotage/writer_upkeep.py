"""Writers that are good but for one thing that they leave behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pyarrow as pa
from pydantic import SecretStr

from starhaul import PermanentError, Receipt, Task
from starhaul.testing.memory import MemoryStore, MemoryWriter, MemoryWriterParams
from tests.unit.testing.sabotage.spoiled_writer import tests_of


class PasswordParams(MemoryWriterParams):
    password: SecretStr = SecretStr("hunter22")
    """Password of the store."""


class AbortEmptiesTarget(MemoryWriter):
    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        super().abort(run, receipts)
        MemoryStore.named(self.params.store).visible.clear()


class PreparesOnce(MemoryWriter):
    """Makes its table, and stumbles over a table that is there."""

    def prepare(self, schema: pa.Schema, run: str) -> None:
        if MemoryStore.named(self.params.store).schema is not None:
            raise PermanentError("target", "the table exists")
        super().prepare(schema, run)


class LeaksDescriptor(MemoryWriter):
    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        os.open(os.devnull, os.O_RDONLY)
        return super().write(task, batches)


class LeaksThreadOfFailure(MemoryWriter):
    """Has a thread feed the store, and leaves it waiting when the source fails."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        over = threading.Event()
        threading.Thread(target=over.wait, args=(10,), name="feeder", daemon=True).start()
        receipt = super().write(task, batches)
        over.set()
        return receipt


class ReceiptHoldsPassword(MemoryWriter):
    params_type = PasswordParams

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        params: Any = self.params
        login = {"login": f"root:{params.password.get_secret_value()}"}
        return replace(super().write(task, batches), data=login)


class SwallowsBreakdown(MemoryWriter):
    """Believes that what it sent has arrived."""

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        whole = list(batches)
        with suppress(PermanentError):
            super().write(task, whole)
        return Receipt(task.id, sum(batch.num_rows for batch in whole), attempt=task.attempt)

    def _accepted(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        if MemoryStore.named(self.params.store).schema is None:
            raise PermanentError("target", "does not answer")
        return super()._accepted(batch, task)


CAUGHT_BY: Mapping[type[MemoryWriter], tuple[str, str]] = {
    AbortEmptiesTarget: ("atomic", "test_abort_keeps_what_was_there"),
    PreparesOnce: ("atomic", "test_prepare_twice_is_once"),
    LeaksDescriptor: ("atomic", "test_writing_frees_everything"),
    LeaksThreadOfFailure: ("atomic", "test_writing_frees_everything"),
    ReceiptHoldsPassword: ("atomic", "test_receipts_keep_secrets"),
    SwallowsBreakdown: ("atomic", "test_a_breakdown_is_told"),
}

globals().update(tests_of(CAUGHT_BY))
