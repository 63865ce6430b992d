"""Tables of SQLite that are created from tables of SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from starhaul import run
from starhaul.job.load import load_job
from starhaul.plan.build import make_plan
from starhaul.registry import Registry

TABLE = """CREATE TABLE "or""d,(ers" (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- the number, of course
  "na me" VARCHAR(30) COLLATE NOCASE NOT NULL DEFAULT 'a''b, (',
  [select] TEXT UNIQUE,
  price DECIMAL(10,2) NOT NULL DEFAULT 1.50 CHECK (price >= 0),
  seen DATETIME DEFAULT CURRENT_TIMESTAMP,
  half DEFAULT (1.0 / 2),
  parent INTEGER REFERENCES "or""d,(ers" (id) ON DELETE CASCADE,
  CONSTRAINT c UNIQUE (price, seen),
  FOREIGN KEY (parent) REFERENCES other (id)
)"""
INDEXES = (
    'CREATE INDEX plain ON "or""d,(ers" (price, "na me" COLLATE BINARY)',
    'CREATE UNIQUE INDEX "by (it" ON "or""d,(ers" (lower("na me")) WHERE price > 0',
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.db"
    with closing(sqlite3.connect(path)) as db, db:
        for statement in (TABLE, *INDEXES):
            db.execute(statement)
        db.execute('INSERT INTO "or""d,(ers" ("na me", "select", half) VALUES (?, ?, 1)', ("x", "y"))
    return path


def _copy(tmp_path: Path, source: Path, target: Path, table: str, *transformers: Any, **more: Any) -> Any:
    writer = {"name": "sqlite", "path": str(target), "table": table, "createTable": "ifMissing", **more}
    reader = {"name": "sqlite", "path": str(source), "table": '"or""d,(ers"'}
    job = {"reader": reader, "writer": writer, "transformers": [*transformers]}
    registry = Registry()
    told = make_plan(load_job(job, registry), registry).as_dict()["streams"][0]["creation"]
    report = run(job, state=tmp_path / "state")
    assert report.state == "done", report.error
    return told


def _shape(path: Path, table: str) -> list[Any]:
    parts = 'SELECT name, "desc", coll FROM pragma_index_xinfo(?)'
    with closing(sqlite3.connect(path)) as db:
        return [
            db.execute("SELECT * FROM pragma_table_xinfo(?)", [table]).fetchall(),
            sorted(
                (
                    unique,
                    origin,
                    partial,
                    tuple(db.execute(parts, [name])),
                )
                for _, name, unique, origin, partial in db.execute("SELECT * FROM pragma_index_list(?)", [table])
            ),
        ]


@pytest.mark.parametrize("mode", ["insert", "overwrite", "update"])
def test_the_copy_is_the_same(tmp_path: Path, source: Path, mode: str) -> None:
    target = tmp_path / "target.db"
    told = _copy(tmp_path, source, target, "copy", writeMode=mode)
    assert _shape(target, "copy") == _shape(source, 'or"d,(ers')
    assert [each.partition(" of ")[0].partition(" F")[0] for each in told["left_out"]] == ["foreign key", "foreign key"]
    with closing(sqlite3.connect(target)) as db:
        sql = db.execute("SELECT sql FROM sqlite_master WHERE name = 'copy'").fetchone()[0]
        assert "AUTOINCREMENT" in sql
        assert "CHECK (price >= 0)" in sql
        assert "REFERENCES" not in sql
        assert not db.execute("SELECT name FROM sqlite_master WHERE name LIKE '_starhaul%'").fetchall()


def test_in_one_database_indexes_get_other_names(tmp_path: Path, source: Path) -> None:
    _copy(tmp_path, source, source, "copy")
    assert _shape(source, "copy") == _shape(source, 'or"d,(ers')


def test_other_names_and_fewer_columns(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "target.db"
    rename = {"name": "rename", "columns": {"id": "number", "price": "cost"}}
    select = {"name": "select", "columns": ["cost", "number", "na me"]}
    told = _copy(tmp_path, source, target, "copy", rename, select)
    columns, indexes = _shape(target, "copy")
    assert [(name, notnull, key) for _, name, _, notnull, _, key, _ in columns] == [
        ("cost", 1, 0), ("number", 1, 1), ("na me", 1, 0),
    ]  # fmt: skip
    assert len(indexes) == 1
    left = "\n".join(told["left_out"])
    assert "by (it" in left
    assert "unique key" in left


def test_a_run_that_fails_leaves_the_table_complete(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "target.db"
    with closing(sqlite3.connect(source)) as db, db:
        db.execute('INSERT INTO "or""d,(ers" ("na me", seen) VALUES (?, ?)', ("z", "no date"))
    writer = {"name": "sqlite", "path": str(target), "table": "copy", "createTable": "ifMissing"}
    reader = {"name": "sqlite", "path": str(source), "table": '"or""d,(ers"'}
    report = run({"reader": reader, "writer": writer}, state=tmp_path / "state")
    assert report.state == "failed"
    assert len(_shape(target, "copy")[1]) == 4
