"""What the runs that are hit read: the same rows in every store."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from tests.conftest import MysqlDatabase, PostgresqlSchema

ROWS = 6000
"""Their ids are 1 to `ROWS`, their texts `row ID`."""
_FILES = 3


class Fixtures(Protocol):
    """What gives servers and places in them: pytest's `request`, or `soak.py`."""

    def getfixturevalue(self, argname: str, /) -> Any:
        """As in pytest."""


def _csv(request: Fixtures, folder: Path) -> Mapping[str, Any]:
    for number in range(_FILES):
        with (folder / f"in{number}.csv").open("w", newline="") as out:
            csv.writer(out).writerows([n + 1, f"row {n + 1}"] for n in range(number, ROWS, _FILES))
    columns = [{"index": 0, "type": "long", "name": "id"}, {"index": 1, "type": "string", "name": "v"}]
    return {"name": "txtfilereader", "path": f"{folder}/in*.csv", "column": columns}


def _mysql(request: Fixtures, folder: Path) -> Mapping[str, Any]:
    database: MysqlDatabase = request.getfixturevalue("mysql")
    rows = ", ".join(f"({n}, 'row {n}')" for n in range(1, ROWS + 1))
    database.execute("CREATE TABLE s (id int PRIMARY KEY, v varchar(80))", f"INSERT INTO s VALUES {rows}")
    return {"name": "mysqlreader", "url": database.url, "table": "s"}


def _postgresql(request: Fixtures, folder: Path) -> Mapping[str, Any]:
    schema: PostgresqlSchema = request.getfixturevalue("postgresql")
    schema.db.execute(
        f"CREATE TABLE s AS SELECT n AS id, 'row ' || n AS v FROM generate_series(1, {ROWS}) n;"
        "ALTER TABLE s ADD PRIMARY KEY (id); ANALYZE s".encode()
    )
    return {"name": "postgresqlreader", "url": schema.url, "table": "s"}


SOURCES: Mapping[str, Callable[[Fixtures, Path], Mapping[str, Any]]] = {
    "CSV": _csv, "MySQL": _mysql, "PostgreSQL": _postgresql,
}  # fmt: skip
"""Each fills one and gives the reader's parameters."""
