"""Attempts, tasks and other programs that want to write at once."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from starhaul import Cancelled, PermanentError, Receipt, TransientError
from starhaul.testing import RecordingTask
from tests.unit.writers.sqlite.conftest import KEYED, prepared, rows_of, run, sql, writer


def test_two_attempts_at_one_task_race(path: Path) -> None:
    """Exactly one goes through, whoever it is, and the other one is told."""
    sql(path, KEYED)
    schema = prepared(writer(path))
    barrier, results = threading.Barrier(2), list[object]()

    def attempt(number: int) -> None:
        barrier.wait()
        try:
            task = RecordingTask(schema, "t0", "r1", number)
            results.append(writer(path).write(task, rows_of((1, "a"), (2, "b")).to_batches()))
        except TransientError as error:
            results.append(error)

    threads = [threading.Thread(target=attempt, args=[number]) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    receipts = [each for each in results if isinstance(each, Receipt)]
    errors = [each for each in results if isinstance(each, TransientError)]
    assert len(receipts) == len(errors) == 1
    assert "delivered by another attempt" in str(errors[0])
    assert writer(path).delivered(RecordingTask(schema, "t0", "r1", 3)) == receipts[0]
    writer(path).commit("r1", receipts)
    assert sql(path, "SELECT id FROM t") == [(1,), (2,)]


def test_an_attempt_that_outlives_its_run_is_fenced(path: Path) -> None:
    sql(path, KEYED)
    target = writer(path)
    run(target, rows_of((1, "a")))
    with pytest.raises(PermanentError, match="not open"):
        target.write(RecordingTask(rows_of().schema, "t1", "r1"), rows_of((2, "b")).to_batches())
    assert sql(path, "SELECT id FROM t") == [(1,)]


def test_a_slow_task_of_the_same_writer_is_waited_for(path: Path) -> None:
    """However long it takes, and not limited by busyTimeout."""
    sql(path, KEYED)
    target = writer(path, busyTimeout=0.1)
    schema = prepared(target)
    begun = threading.Event()

    def slow() -> Iterator[pa.RecordBatch]:
        yield rows_of((1, "a")).to_batches()[0]
        begun.set()
        time.sleep(0.8)
        yield rows_of((2, "b")).to_batches()[0]

    first = threading.Thread(target=lambda: target.write(RecordingTask(schema, "t0", "r1"), slow()))
    first.start()
    assert begun.wait(10)
    receipt = target.write(RecordingTask(schema, "t1", "r1"), rows_of((3, "c")).to_batches())
    first.join()
    target.commit("r1", [receipt])
    assert sql(path, "SELECT id FROM t ORDER BY id") == [(1,), (2,), (3,)]


def test_another_programs_lock_is_transient_and_cancellable(path: Path) -> None:
    sql(path, KEYED)
    target = writer(path, busyTimeout=0.5)
    schema = prepared(target)
    code = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    )
    lock = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert lock.stdout is not None
    assert lock.stdout.readline() == b"locked\n"
    with pytest.raises(TransientError, match=r"database is locked .*busyTimeout"):
        target.write(RecordingTask(schema, "t0", "r1"), rows_of((1, "a")).to_batches())
    stopped = RecordingTask(schema, "t0", "r1", cancelled=True)
    with pytest.raises(Cancelled):
        writer(path).write(stopped, rows_of((1, "a")).to_batches())
    lock.communicate(timeout=10)
    receipt = target.write(RecordingTask(schema, "t0", "r1"), rows_of((1, "a")).to_batches())
    target.commit("r1", [receipt])
    assert sql(path, "SELECT id FROM t") == [(1,)]
