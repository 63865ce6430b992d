"""MySQL 8's login, `caching_sha2_password`: whole runs over TLS, and what is said where there is none.

The server is go-mysql-server, not MySQL: what is tested here is the login, not MySQL 8's SQL. The way without TLS, by
the server's RSA key, which this server lacks, is tested in tests/unit/stores/mysql/test_login.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from starhaul import ConfigError, Report, run
from tests.servers.versions import DoltServer

ROWS = [(number, f"é😀\t{number}\\N" if number % 3 else None) for number in range(500)]


@pytest.fixture
def db(dolt_server: DoltServer) -> Iterator[pymysql.Connection[pymysql.cursors.Cursor]]:
    """A connection that is not the plugins'. There is a table `t` with rows."""
    with dolt_server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS t, u, _starhaul_ledger")
        cursor.execute("CREATE TABLE t (id int PRIMARY KEY, v varchar(40))")
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", ROWS)
        yield connection


def place(server: DoltServer, options: str, **more: Any) -> dict[str, Any]:
    url = f"mysql://127.0.0.1:{server.port}/test?{options}"
    return {"name": "mysql", "url": url, "username": server.user, "password": server.password, **more}


def copied(server: DoltServer, state: Path, options: str = "", **more: Any) -> Report:
    """Run a job from `t` to `u`."""
    reader = place(server, options, table="t", **more)
    writer = place(server, options, table="u", createTable="ifMissing", **more)
    return run({"reader": reader, "writer": writer, "settings": {"channel": 2}}, state=state)


@pytest.mark.parametrize("options", ["", "sslMode=REQUIRED", "sslMode=VERIFY_IDENTITY&sslCa=CA"])
def test_rows_are_read_and_written_over_tls(
    db: pymysql.Connection[pymysql.cursors.Cursor], dolt_server: DoltServer, tmp_path: Path, options: str
) -> None:
    with db.cursor() as cursor:
        cursor.execute("SELECT plugin FROM mysql.user WHERE user = %s", (dolt_server.user,))
        assert cursor.fetchall() == (("caching_sha2_password",),)
    report = copied(dolt_server, tmp_path, options.replace("=CA", f"={dolt_server.certificate}"))
    assert report.state == "done", report.error
    assert report.written == len(ROWS)
    with db.cursor() as cursor:
        cursor.execute("SELECT * FROM u ORDER BY id")
        assert list(cursor.fetchall()) == ROWS


@pytest.mark.parametrize("more", [{"password": "wrong"}, {"password": ""}])
def test_a_wrong_password_fails_at_once(dolt_server: DoltServer, tmp_path: Path, more: dict[str, str]) -> None:
    begun = time.monotonic()
    with pytest.raises(ConfigError, match=r"Access denied for user .*\(check username and password\)"):
        copied(dolt_server, tmp_path, **more)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("options", ["useSSL=false", "sslMode=DISABLED"])
def test_plain_text_is_refused_with_what_to_do(dolt_server: DoltServer, tmp_path: Path, options: str) -> None:
    with pytest.raises(ConfigError, match=r"write sslMode=REQUIRED in the URL, in place of useSSL=false"):
        copied(dolt_server, tmp_path, options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "pip install 'PyMySQL"),
        ("sslMode=REQUIRED", r"server doesn't support it \(check the ssl options in the URL\)"),
    ],
)
def test_a_server_without_tls_is_told(
    dolt_server_without_tls: DoltServer, tmp_path: Path, options: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        copied(dolt_server_without_tls, tmp_path, options)
