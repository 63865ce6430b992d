"""Columns that look at many rows tell of the whole table, not of each slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import starhaul
from tests.servers.rdbms import RdbmsDatabase


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["count(*)", "max(v)"], [(100, 9)]),
        (["DISTINCT v", "'count(*) over ()'"], [(v, "count(*) over ()") for v in range(10)]),
        (["row_number() OVER (ORDER BY id)", "id"], [(n, n) for n in range(1, 101)]),
    ],
)
def test_they_are_read_in_one_slice(
    rdbms: RdbmsDatabase, tmp_path: Path, column: list[str], expected: list[tuple[Any, ...]]
) -> None:
    rdbms.execute("CREATE TABLE s (id int PRIMARY KEY, v int)", "CREATE TABLE t (a int, b varchar(20))")
    rdbms.execute("INSERT INTO s VALUES (:id, :v)", rows=[{"id": n, "v": n % 10} for n in range(1, 101)])
    own = rdbms.url.replace("+psycopg", "").replace("+pymysql", "").replace("mariadb:", "mysql:")
    readers: list[dict[str, Any]] = [{"name": "rdbms", "url": rdbms.url}]
    if rdbms.engine == "sqlite":
        readers.append({"name": "sqlite", "path": own.removeprefix("sqlite:///")})
    else:
        readers.append({"name": "mysql" if rdbms.engine == "mariadb" else "postgresql", "url": own})
    for reader in readers:
        rdbms.execute("DELETE FROM t")
        job = {
            "reader": {**reader, "table": "s", "column": column},
            "writer": {"name": "rdbms", "url": rdbms.url, "table": "t"},
            "settings": {"channel": 3, "conversion": {"lossy": True}},
        }
        report = starhaul.run(job, state=tmp_path)
        assert report.state == "done", report.error
        assert sorted(rdbms.execute("SELECT a, b FROM t")) == sorted((a, str(b)) for a, b in expected)
