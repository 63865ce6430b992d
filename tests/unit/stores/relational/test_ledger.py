"""The ledger of stores whose attempts do not wait for each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from starhaul import PermanentError, Receipt, TransientError
from starhaul.testing import RecordingTask
from starhaul_stores.relational.ledger import Ledger
from starhaul_stores.relational.refusal import Refused


class Rows:
    """A database whose ledger table holds these tasks of the run `r`, and takes none of them again."""

    def __init__(self, *tasks: str) -> None:
        self.tasks = tasks

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        run, task, *_ = parameters
        if sql.startswith("INSERT") and task in self.tasks:
            raise Refused("db", "duplicate key")
        return [(1, "")] if sql.startswith("SELECT") and run == "r" and task in self.tasks else []


class Kept(Ledger):
    def exists(self) -> bool:
        return True

    def make(self) -> None:
        pass


def task(run: str = "r") -> RecordingTask:
    return RecordingTask(pa.schema([]), "t", run, 2)


def test_an_attempt_that_was_overtaken_is_tried_again_so_that_its_receipt_is_found() -> None:
    with pytest.raises(TransientError, match="task t of run r was delivered by another attempt"):
        Kept(Rows("", "t"), "db", "l").fence(task())
    with pytest.raises(TransientError, match="delivered by another attempt: duplicate key"):
        Kept(Rows("", "t"), "db", "l").record(Receipt("t", 1, 0, 2), "r")


def test_a_run_that_is_over_is_not_tried_again() -> None:
    with pytest.raises(PermanentError, match="run other is not open"):
        Kept(Rows("", "t"), "db", "l").fence(task("other"))
