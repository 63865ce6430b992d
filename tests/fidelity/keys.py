"""Rows whose key is in the target already: ids 1 to 3 into a table that holds id 2."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path

from starhaul import run
from starhaul.runs.rejects import read_rejects
from tests.fidelity.databases import Database

KEYS: Mapping[str, str] = {
    "insert": "rejected: duplicate", "ignore": "skipped, and counted so", "replace": "the new row stands",
    "update": "the new row stands",
}  # fmt: skip
"""What becomes of the row by `writeMode`, in MySQL as in PostgreSQL. The two other rows arrive."""
_numbers = count(1)


def met(mode: str, source: Database, target: Database, folder: Path) -> str:
    """What became of the row, in the words above."""
    table = f"keys_{next(_numbers)}"
    for base in (source, target):
        base.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, v varchar(9))")
    source.execute(f"INSERT INTO {table} VALUES (1, 'new'), (2, 'new'), (3, 'new')")
    target.execute(f"INSERT INTO {table} VALUES (2, 'old')")
    job = {
        "reader": {**source.address(), "table": table},
        "writer": {**target.address(), "table": table, "writeMode": mode},
        "settings": {"errorLimit": {"record": 1}},
    }
    report = run(job, state=folder)
    assert report.state == "done", report.error
    (_, one), (_, two), (_, three) = target.execute(f"SELECT id, v FROM {table} ORDER BY id")
    assert one == three == "new"
    if report.rejects is not None:
        (line,) = read_rejects(Path(report.rejects))
        assert (int(line["row"]["id"]), two, report.skipped) == (2, "old", 0)
        return f"rejected: {line['reason']}"
    if report.skipped:
        assert (two, report.skipped, report.written) == ("old", 1, 2)
        return "skipped, and counted so"
    return f"the {two} row stands"
