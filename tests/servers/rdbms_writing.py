"""Runs of `rdbmswriter` over a table with rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import starhaul
from tests.servers.rdbms import RdbmsDatabase


def run(tmp_path: Path, url: str, rows: str, **writer: Any) -> starhaul.Report:
    """Rows of a CSV file, `id,a`, into table `t`."""
    source = tmp_path / "rows.csv"
    source.write_text(rows)
    reader = {
        "name": "csv",
        "path": str(source),
        "column": [{"index": 0, "type": "long"}, {"index": 1, "type": "string"}],
    }
    job = {
        "reader": {**reader, "skipHeader": False},
        "writer": {"name": "rdbms", "url": url, "table": "t", "column": ["id", "a"], **writer},
        "settings": {"errorLimit": {"record": 10}},
    }
    return starhaul.run(job, state=tmp_path / "state")


@pytest.fixture
def filled(rdbms: RdbmsDatabase) -> RdbmsDatabase:
    rdbms.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, a varchar(5), b varchar(5) DEFAULT 'new')",
        "INSERT INTO t VALUES (1, 'one', 'old')",
        "INSERT INTO t VALUES (2, 'two', 'old')",
    )
    return rdbms


def rows_of(db: RdbmsDatabase) -> list[tuple[Any, ...]]:
    return db.execute("SELECT id, a, b FROM t ORDER BY id")
