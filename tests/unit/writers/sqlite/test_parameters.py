"""What is refused before anything is written, and in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul import ConfigError, PermanentError
from starhaul_writers.sqlite import SqliteWriter, SqliteWriterParams
from tests.unit.writers.sqlite.conftest import rows_of, run, sql, writer

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])


def refused(target: SqliteWriter) -> str:
    with pytest.raises(ConfigError) as caught:
        target.check(target.accept(SCHEMA) or SCHEMA)
    return str(caught.value)


def test_missing_things_are_named(path: Path, tmp_path: Path) -> None:
    assert "createTable" in refused(writer(path))
    assert "no such directory" in refused(writer(tmp_path / "no" / "x.db", createTable="ifMissing"))
    sql(
        path,
        "CREATE TABLE Orders (id INTEGER, name TEXT, twice INTEGER AS (id * 2))",
        "CREATE VIEW w AS SELECT 1 AS id",
    )
    assert "did you mean 'Orders'" in refused(writer(path, table="ordrs"))
    assert "did you mean 'name'" in refused(writer(path, table="orders", column=["id", "nam"]))
    assert "generated" in refused(writer(path, table="orders", column=["id", "twice"]))
    assert "no primary key" in refused(writer(path, table="orders", writeMode="update"))
    assert "is on (id)" in refused(writer(path, table="orders", writeMode="update", keys=["id"]))
    assert "is a view" in refused(writer(path, table="w", column=["id"]))
    assert "same column" in refused(writer(path, table="orders", column=["id", "ID"]))


def test_an_upsert_needs_what_it_goes_by(path: Path) -> None:
    sql(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, a TEXT, code INTEGER UNIQUE)")
    update: dict[str, Any] = {"writeMode": "update", "column": ["id", "name"]}
    assert "lacks 'a', which updateColumns needs" in refused(writer(path, **update, updateColumns=["[a]"]))
    assert "lacks 'code', which update needs" in refused(writer(path, **update, keys=["code"]))
    assert "lacks 'id', which update needs" in refused(writer(path, writeMode="update", column=["a", "name"]))
    assert "lacks 'id', which replace needs" in refused(writer(path, writeMode="replace", column=["a", "name"]))
    writer(path, writeMode="replace", column=["code", "name"]).check(SCHEMA)
    writer(path, **update, updateColumns=['"NAME"']).check(SCHEMA)


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"hello" * 1000)
    with pytest.raises(PermanentError, match=f"{path}: file is not a database"):
        writer(path).accept(SCHEMA)


@pytest.mark.parametrize(
    "wrong",
    [
        {"table": None},
        {"writeMode": "append"},
        {"preSql": ["BEGIN"]},
        {"updateColumns": ["a"]},
        {"connection": [{"path": "x", "table": ["a"]}]},
    ],
)
def test_wrong_parameters(path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        writer(path, **wrong)


def test_datax_form(path: Path) -> None:
    sql(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    document = {
        "connection": [{"jdbcUrl": f"jdbc:sqlite:{path}", "table": ["`t`"]}],
        "writeMode": "REPLACE INTO",
        "column": ["`id`", "name"],
    }
    params = SqliteWriterParams.parse(json.loads(json.dumps(document)))
    assert isinstance(params, SqliteWriterParams)
    receipt, _ = run(SqliteWriter(params), rows_of((1, "a"), (1, "b")))
    assert receipt.rows == 2
    assert sql(path, "SELECT * FROM t") == [(1, "b")]
