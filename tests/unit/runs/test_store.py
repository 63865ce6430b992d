from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from starhaul.api.errors import ConfigError, PermanentError
from starhaul.api.task import Receipt, Split
from starhaul.runs import store
from starhaul.runs.store import RunStore, new_run_id


def plan(splits: int = 2, name: str = "orders") -> Any:
    job = SimpleNamespace(
        name="nightly", source="nightly.yaml", fingerprint="f00d", variables={"DAY": "2024-02-29"},
        secret_variables=frozenset({"PASSWORD"}),
    )  # fmt: skip
    cut = tuple(Split(f"part-{number}", {"from": number}, rows=10) for number in range(splits))
    return SimpleNamespace(job=job, streams=(SimpleNamespace(index=0, name=name, fingerprint="id: int64", splits=cut),))


def test_a_run_is_stored_whole_and_read_back(tmp_path: Path) -> None:
    with RunStore(tmp_path) as store:
        store.begin("r1", plan())
    with RunStore(tmp_path) as store:
        record = store.run("r1")
        assert (record.job, record.state, record.report) == ("nightly", "running", None)
        assert record.variables == {"DAY": "2024-02-29"}
        assert record.secret_variables == {"PASSWORD"}
        assert [(each.name, each.source, each.state) for each in store.streams("r1")] == [
            ("orders", "id: int64", "planned")
        ]
        first, second = store.tasks("r1")
        assert (first.id, first.split.args, first.split.rows, first.attempt, first.receipt) == (
            "t0", {"from": 0}, 10, 0, None,
        )  # fmt: skip
        assert second.id == "t1"


def test_receipts_survive_and_an_abort_takes_them_back(tmp_path: Path) -> None:
    receipt = Receipt("t1", rows=9, skipped=1, attempt=3, data={"file": "x"})
    with RunStore(tmp_path) as store:
        store.begin("r1", plan())
        store.task_done("r1", 0, receipt, {"read": 10})
        assert store.tasks("r1")[1].receipt == receipt
        assert store.tasks("r1")[1].counts == {"read": 10}
        store.stream_is("r1", 0, "aborted")
        assert store.tasks("r1")[1].receipt is None
        assert store.streams("r1")[0].state == "aborted"


def test_an_unknown_run_is_an_error(tmp_path: Path) -> None:
    with RunStore(tmp_path) as store, pytest.raises(ConfigError, match="no such run"):
        store.run("nope")


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with RunStore(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "runs.db").stat().st_mode) == 0o600


def test_newest_runs_first(tmp_path: Path) -> None:
    with RunStore(tmp_path) as store:
        for run in ("a", "b", "c"):
            store.begin(run, plan())
            time.sleep(0.002)
        assert [record.id for record in store.runs(limit=2)] == ["c", "b"]


def test_a_claimed_run_is_refused_to_others_until_released(tmp_path: Path) -> None:
    with RunStore(tmp_path) as store:
        store.begin("r1", plan())
        assert not store.alive("r1")
        with store.claim("r1"):
            assert store.alive("r1")
            with pytest.raises(ConfigError, match="by another process"), store.claim("r1"):
                pass
        assert not store.alive("r1")
        with store.claim("r1"):
            pass


def test_the_claim_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from starhaul.runs.store import RunStore\n"
        "store = RunStore(Path(sys.argv[1]))\n"
        "with store.claim('r1'):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with RunStore(tmp_path) as store:
            assert store.alive("r1")
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert not store.alive("r1")
            with store.claim("r1"):
                pass


def test_another_version_is_refused(tmp_path: Path) -> None:
    RunStore(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "runs.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(PermanentError, match="is of version 99"):
        RunStore(tmp_path)


def test_a_damaged_store_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"not a database" * 100)
    with pytest.raises(PermanentError, match=r"runs\.db: the run store cannot be used"):
        RunStore(tmp_path)


def test_what_to_do_about_the_store_depends_on_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_BUSY_SECONDS", 0.01)
    with RunStore(tmp_path / "locked") as held, closing(sqlite3.connect(tmp_path / "locked" / "runs.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(PermanentError, match="another program has held it"):
            held.forget("nothing")
    (tmp_path / "runs.db").write_bytes(b"no database" * 1000)
    with pytest.raises(PermanentError, match="move the state directory away"):
        RunStore(tmp_path)


def test_a_state_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PermanentError, match="STARHAUL_STATE_DIR"):
        RunStore(tmp_path / "file" / "state")


def test_run_ids_fit_everywhere_and_are_unique() -> None:
    ids = {new_run_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(run.replace("_", "").isalnum() and run == run.lower() and len(run) <= 36 for run in ids)


def test_many_may_make_the_store_at_once(tmp_path: Path) -> None:
    """Each in a process of its own, as from a crontab with many lines for the same minute."""
    code = (
        "import sys; from pathlib import Path; from starhaul.runs.store import RunStore; print(flush=True); input()\n"
        "for number in range(20): RunStore(Path(sys.argv[1]) / str(number)).close()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=30)[1] for process in processes]
    assert told == [""] * 4
