from __future__ import annotations

import datetime
import decimal
import io
import json
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import starhaul.runs.rejects as rejects_module
from starhaul.redactor import Redactor
from starhaul.runs.rejects import RejectPart, Room, counted, decode, files_of, merge, part_path, read_rejects

NOTHING_SECRET = Redactor(frozenset())
ORIGIN = {"stream": "s", "task": "t0", "attempt": 1}
BATCH = pa.record_batch(
    {
        "id": [1, 2],
        "amount": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(10, 2)),
        "at": pa.array([datetime.datetime(2024, 2, 29, 1, 2, 3, 456789)] * 2, pa.timestamp("us")),
        "text": ["a", "hunter2 inside"],
        "raw": [b"\x00\xff", None],
    }
)


def part(folder: Path, redact: Redactor = NOTHING_SECRET, attempt: int = 1) -> RejectPart:
    return RejectPart(part_path(folder, 0, "t0", attempt), {**ORIGIN, "attempt": attempt}, redact)


def test_a_row_comes_back_as_it_was(tmp_path: Path) -> None:
    rejects = part(tmp_path)
    rejects.add(BATCH, 0, "write", "no room", "data.csv:7")
    rejects.close()
    (line,) = read_rejects(part_path(tmp_path, 0, "t0", 1))
    assert decode(line["arrow"]).equals(BATCH.slice(0, 1))
    assert (line["v"], line["stage"], line["reason"], line["at"]) == (1, "write", "no room", "data.csv:7")
    assert line["row"] == {
        "id": "1", "amount": "1.50", "at": "2024-02-29 01:02:03.456789", "text": "a", "raw": "00ff",
    }  # fmt: skip


def test_a_disk_that_takes_a_row_in_parts_gets_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does that is nearly full, until somebody makes room: half a line would be a row that is lost."""

    class Slow(io.FileIO):
        def write(self, data: Any, /) -> int:
            return super().write(memoryview(data)[:100])

    monkeypatch.setattr(rejects_module, "_private", lambda path, buffering: Slow(path, "w"))
    rejects = part(tmp_path)
    for row in (0, 1):
        rejects.add(BATCH, row, "write", "no room", "")
    rejects.close()
    assert [line["row"]["id"] for line in read_rejects(part_path(tmp_path, 0, "t0", 1))] == ["1", "2"]


def test_secrets_stay_out(tmp_path: Path) -> None:
    rejects = part(tmp_path, Redactor(frozenset({"hunter2"})))
    rejects.add(BATCH, 1, "write", "login hunter2 failed", "")
    rejects.close()
    text = part_path(tmp_path, 0, "t0", 1).read_text()
    assert "hunter2" not in text
    assert "arrow" not in json.loads(text), "the row holds the secret: it is kept out whole"


def test_the_file_is_its_owners_alone_and_comes_to_be_only_when_needed(tmp_path: Path) -> None:
    rejects = part(tmp_path)
    rejects.drained(filtered=0)
    rejects.close()
    path = part_path(tmp_path, 0, "t0", 1)
    assert not path.exists()
    rejects = part(tmp_path)
    rejects.add(BATCH, 0, "read", "ragged", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert rejects.rows == 1, "and it is on disk before the file is closed"
    assert len(path.read_text().splitlines()) == 1
    rejects.close()


def test_merge_takes_what_counts_and_can_be_repeated(tmp_path: Path) -> None:
    for attempt in (1, 2):
        rejects = part(tmp_path, attempt=attempt)
        rejects.add(BATCH, 0, "convert", f"reason {attempt}", "")
        rejects.drained(filtered=5)
        rejects.close()
    kept = part_path(tmp_path, 0, "t0", 2)
    assert counted(kept) == (1, 5)
    whole = tmp_path / "run.jsonl"
    for _ in range(2):
        assert merge([kept, part_path(tmp_path, 0, "t9", 1)], whole, 1 << 30) == (whole, 0)
        assert [line["reason"] for line in read_rejects(whole)] == ["reason 2"]
    assert stat.S_IMODE(whole.stat().st_mode) == 0o600


def test_merge_of_nothing_leaves_no_file(tmp_path: Path) -> None:
    rejects = part(tmp_path)
    rejects.drained(filtered=3)
    rejects.close()
    assert merge([part_path(tmp_path, 0, "t0", 1)], tmp_path / "run.jsonl", 1 << 30) == (None, 0)
    assert not (tmp_path / "run.jsonl").exists()


def test_a_long_file_goes_on_in_others(tmp_path: Path) -> None:
    rejects = part(tmp_path)
    for number in range(10):
        rejects.add(BATCH, 0, "convert", f"reason {number}", "")
    rejects.close()
    path, whole = part_path(tmp_path, 0, "t0", 1), tmp_path / "run.jsonl"
    line = path.stat().st_size // 10
    assert merge([path], whole, 3 * line + 5) == (whole, 0)
    assert [each.name for each in files_of(whole)] == ["run.jsonl", "run.2.jsonl", "run.3.jsonl", "run.4.jsonl"]
    assert [each["reason"] for each in read_rejects(whole)] == [f"reason {number}" for number in range(10)]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files_of(whole)} == {0o600}
    assert merge([path], whole, 6 * line + 5) == (whole, 0)
    assert len(files_of(whole)) == 2
    assert len(list(read_rejects(whole))) == 10


def test_rows_beyond_the_room_count_but_are_not_kept(tmp_path: Path) -> None:
    room = Room(4000)
    path, whole = part_path(tmp_path, 0, "t0", 1), tmp_path / "run.jsonl"
    rejects = RejectPart(path, ORIGIN, Redactor(frozenset()), room)
    for _ in range(20):
        rejects.add(BATCH, 0, "convert", "reason", "")
    rejects.drained(filtered=2)
    rejects.close()
    assert counted(path) == (20, 2)
    assert path.stat().st_size < 5000
    merged, unkept = merge([path], whole, 1 << 30)
    kept = len(list(read_rejects(whole)))
    assert (merged, kept + unkept) == (whole, 20)
    assert 0 < kept < 10


def test_a_line_cut_short_by_a_kill_is_left_out(tmp_path: Path) -> None:
    rejects = part(tmp_path)
    rejects.add(BATCH, 0, "read", "one", "")
    rejects.add(BATCH, 0, "read", "two", "")
    rejects.close()
    path = part_path(tmp_path, 0, "t0", 1)
    path.write_bytes(path.read_bytes()[:-10])
    assert [line["reason"] for line in read_rejects(path)] == ["one"]


def test_longer_secrets_go_first() -> None:
    assert Redactor(frozenset({"abcd", "abcdef", ""}))("xabcdefx abcd") == "x***x ***"


def test_a_short_secret_is_one_where_it_stands_alone() -> None:
    """In the midst of words the gaps would tell what it is, and hide each row that holds the letter."""
    redact = Redactor(frozenset({"x", "1"}))
    assert redact("Expecting 10 of x:1@h") == "Expecting 10 of ***:***@h"
    assert redact.touches('{"a": "1"}')
    assert not redact.touches('{"a": "10x"}')
