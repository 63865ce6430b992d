"""docs/guarantees.md says what the fault tests saw, of every writer, and nothing else."""

from __future__ import annotations

import json

from tests.faults.outcomes import KEPT, Outcome, load, together
from tests.faults.page import PAGE, bundled_writers, page, text


def test_the_page_is_what_the_outcomes_make_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "run `python -m tests.faults.page`"


def test_every_writer_is_on_the_page() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for name in bundled_writers():
        rows = [line for line in lines if line.startswith(f"| [`{name}`]")]
        assert rows, name
        if name not in {each.writer for each in load()}:
            assert all("not run" in row for row in rows), name


def test_nothing_kept_was_wrong_and_readers_saw_no_part() -> None:
    kept = load()
    assert not [(each.kind, each.wrong) for each in kept if each.wrong or each.partial]
    assert sum(each.blows for each in kept) >= 200
    assert {each.how for each in kept} >= {"SIGKILL", "SIGTERM", "SIGSTOP"}


def test_a_wrong_outcome_shows_on_the_page() -> None:
    wrong = Outcome("A → B", "sqlitewriter", "insert", "after a task", "SIGKILL", blows=1, wrong=["5999 rows for 6000"])
    told = page([wrong], json.loads(KEPT.read_text(encoding="utf-8"))["about"])
    assert "sqlitewriter, insert, after a task: 5999 rows for 6000" in told
    assert "| A → B | 1 |  |  | 1 |" in told


def test_outcomes_of_a_kind_are_added() -> None:
    one = Outcome("A → B", "w", "insert", "p", "SIGKILL", blows=1, resumed=1, wrong=["x"])
    other = Outcome("A → B", "w", "insert", "p", "SIGKILL", blows=2, by_itself=1)
    assert together([one, other]) == [
        Outcome("A → B", "w", "insert", "p", "SIGKILL", blows=3, resumed=1, by_itself=1, wrong=["x"])
    ]
    assert len(together([one, Outcome("A → B", "w", "update", "p", "SIGKILL")])) == 2
