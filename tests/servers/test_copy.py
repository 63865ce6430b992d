"""`starhaul copy` and `starhaul discover` between real servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from starhaul.cli.group import starhaul
from starhaul.job.yaml_text import parse_yaml

if TYPE_CHECKING:
    from tests.conftest import MysqlDatabase, PostgresqlSchema

Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """The program, with a state directory and connections of the test's own."""
    (tmp_path / "connections.yaml").write_text("{}")
    (tmp_path / "connections.yaml").chmod(0o600)

    def run(*arguments: object, **environment: str) -> Result:
        asked = [*map(str, arguments), "--connections", str(tmp_path / "connections.yaml")]
        if arguments[0] != "discover":
            asked += ["--state", str(tmp_path / "state")]
        return CliRunner().invoke(starhaul, asked, env={"COLUMNS": "200", **environment})

    return run


@pytest.fixture
def shop(mysql: MysqlDatabase) -> MysqlDatabase:
    """Tables with names that need care."""
    mysql.execute(
        "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, `select` VARCHAR(20) NOT NULL, price DECIMAL(10,2))",
        "INSERT INTO orders VALUES (1, 'a', 1.50), (2, 'b', NULL), (3, 'é😀', -0.01)",
        'CREATE TABLE `or.d``e"r*` (`a b` INT PRIMARY KEY)',
        'INSERT INTO `or.d``e"r*` VALUES (7)',
        "CREATE VIEW dear AS SELECT * FROM orders WHERE price > 1",
    )
    return mysql


def test_a_table_to_another_server(shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call) -> None:
    target = f"{postgresql.url}#Dear"
    done = call("copy", f"{shop.url}.orders", target, "--create", "--where", "price > 0", "--columns", "select,id")
    assert done.exit_code == 0, done.output
    assert "1" in done.output
    assert postgresql.db.execute('SELECT "select", id FROM dear').fetchall() == [("a", 1)]
    again = call("copy", f"{shop.url}.orders", target, "--mode", "overwrite", "--columns", "select,id")
    assert again.exit_code == 0, again.output
    assert len(postgresql.db.execute("SELECT * FROM dear").fetchall()) == 3


def test_a_whole_database_and_back(shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call) -> None:
    done = call("copy", f"{shop.url}.*", postgresql.url, "--create")
    assert done.exit_code == 0, done.output
    assert postgresql.db.execute('SELECT * FROM "or.d`e""r*"').fetchall() == [(7,)]
    assert postgresql.db.execute("SELECT count(*) FROM orders").fetchall() == [(3,)]
    back = call("copy", f"{postgresql.url}#*", f"{shop.url}#back_*", "--create")
    assert back.exit_code == 0, back.output
    assert shop.execute('SELECT * FROM `back_or.d``e"r*`') == [(7,)]
    assert shop.execute("SELECT count(*) FROM back_orders") == [(3,)]


def test_a_table_to_a_file(shop: MysqlDatabase, call: Call, tmp_path: Path) -> None:
    done = call("copy", f"{shop.url}.orders", tmp_path / "orders.csv")
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "orders.csv").read_text(encoding="utf-8").splitlines()
    assert (lines[0], sorted(lines[1:])) == ("id,select,price", ["1,a,1.50", "2,b,", "3,é😀,-0.01"])


def test_a_query_and_an_upsert(shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call) -> None:
    postgresql.db.execute("CREATE TABLE sums (id int PRIMARY KEY, price numeric)")
    postgresql.db.execute("INSERT INTO sums VALUES (1, 0)")
    query = "SELECT id, price FROM orders WHERE price IS NOT NULL"
    done = call("copy", shop.url, f"{postgresql.url}#sums", "--query", query, "--mode", "update", "--keys", "id")
    assert done.exit_code == 0, done.output
    rows = postgresql.db.execute("SELECT id, price::text FROM sums ORDER BY id").fetchall()
    assert rows == [(1, "1.50"), (3, "-0.01")]


def test_passwords_come_from_the_environment_and_are_stored_nowhere(
    shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call, tmp_path: Path
) -> None:
    shop.execute("CREATE USER keeper IDENTIFIED BY 'p:w/@#?${x}'", f"GRANT ALL ON {shop.name}.* TO keeper")
    try:
        source = shop.url.replace("root@", "keeper@") + ".orders"
        saved = tmp_path / "job.yaml"
        secret = {"STARHAUL_SOURCE_PASSWORD": "p:w/@#?${x}"}
        done = call("copy", source, postgresql.url, "--create", "--mode", "overwrite", "--save", saved, **secret)
        assert done.exit_code == 0, done.output
        document, _ = parse_yaml(saved.read_text(), "saved")
        assert document["reader"]["password"] == "${STARHAUL_SOURCE_PASSWORD}"
        again = call("run", saved, **secret)
        assert again.exit_code == 0, again.output
        inside = source.replace("keeper@", "keeper:p%3Aw%2F%40%23%3F%24%7Bx%7D@")
        assert call("copy", inside, postgresql.url, "--mode", "overwrite").exit_code == 0
        for file in (each for each in tmp_path.rglob("*") if each.is_file()):
            assert b"p:w/@" not in file.read_bytes(), f"{file} holds the password"
            assert b"p%3Aw" not in file.read_bytes(), f"{file} holds the password"
    finally:
        shop.execute("DROP USER keeper")


def test_secrets_in_the_options_of_a_url_are_stored_nowhere(
    shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call, tmp_path: Path
) -> None:
    target = f"{postgresql.url}&sslpassword=t0p%26+s%24%7Bcret%7D&application_name=%24%7Bx#orders"
    saved = tmp_path / "job.yaml"
    done = call("copy", f"{shop.url}.orders", target, "--create", "--mode", "overwrite", "--save", saved)
    assert done.exit_code == 0, done.output
    assert "The target's sslpassword is a secret: the job holds ${STARHAUL_TARGET_SSLPASSWORD}" in done.output
    text = saved.read_text()
    assert text.startswith("# Needs the variables STARHAUL_TARGET_SSLPASSWORD: set them")
    assert "# Percent-encoded, as they stand in a URL: STARHAUL_TARGET_SSLPASSWORD." in text
    assert "sslpassword=${STARHAUL_TARGET_SSLPASSWORD}&" in parse_yaml(text, "saved")[0]["writer"]["url"]
    missing = call("run", saved)
    assert missing.exit_code == 2, missing.output
    assert "STARHAUL_TARGET_SSLPASSWORD" in missing.output
    again = call("run", saved, STARHAUL_TARGET_SSLPASSWORD="t0p%26+s%24%7Bcret%7D")
    assert again.exit_code == 0, again.output
    given = call("run", saved, "-D", "STARHAUL_TARGET_SSLPASSWORD=t0p%26+s%24%7Bcret%7D")
    assert given.exit_code == 0, given.output
    for file in (each for each in tmp_path.rglob("*") if each.is_file()):
        for secret in (b"t0p%26", b"t0p& s"):
            assert secret not in file.read_bytes(), f"{file} holds the password"


def test_a_wrong_password_fails_at_once(shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call) -> None:
    shop.execute("CREATE USER guest IDENTIFIED BY 'right'")
    try:
        source = shop.url.replace("root@", "guest:wr0ng@") + ".orders"
        for command in (("copy", source, postgresql.url), ("discover", source)):
            done = call(*command)
            assert done.exit_code == 2, done.output
            assert "guest" in done.output
            assert "wr0ng" not in done.output
    finally:
        shop.execute("DROP USER guest")


def test_a_run_is_resumed(shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call) -> None:
    postgresql.db.execute("CREATE TABLE orders (id int PRIMARY KEY, s varchar(1) CHECK (s <> 'b'), p numeric)")
    done = call("copy", f"{shop.url}.orders", postgresql.url)
    assert done.exit_code == 4, done.output
    postgresql.db.execute("ALTER TABLE orders DROP CONSTRAINT orders_s_check, ALTER s TYPE text")
    resumed = call("resume", "--last")
    assert resumed.exit_code == 0, resumed.output
    assert len(postgresql.db.execute("SELECT * FROM orders").fetchall()) == 3


def test_names_that_are_not_there(shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call) -> None:
    for source, told in (
        (f"{shop.url}.order", "did you mean 'orders'"),
        (f"{shop.url}.nothing_*", "means no table"),
        (f"{shop.url}x.orders", "database"),
        ("mysqI://host/d.t", "did you mean"),
        ("somewhere#t", "neither the URL of a store"),
    ):
        done = call("copy", source, postgresql.url)
        assert done.exit_code == 2, done.output
        assert told in done.output
    done = call("copy", f"{shop.url}.orders", f"{postgresql.url}#none")
    assert done.exit_code == 2, done.output
    assert "createTable" in done.output
    done = call("copy", f"{shop.url}.*", f"{postgresql.url}#none", "--create")
    assert done.exit_code == 2, done.output
    assert "one table for several" in done.output


def test_a_dry_run_changes_nothing(shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call) -> None:
    done = call("copy", f"{shop.url}.orders", postgresql.url, "--create", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "decimal128(10, 2)" in done.output
    assert postgresql.db.execute("SELECT to_regclass('orders')").fetchall() == [(None,)]


def test_named_connections(shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "connections.yaml"
    text = f"shop: {{type: mysql, url: {shop.url}}}\nwarehouse: {{type: postgresqlwriter, url: '{postgresql.url}'}}\n"
    file.write_text(text)
    file.chmod(0o600)
    saved = tmp_path / "job.yaml"
    done = call("copy", "shop#orders", "warehouse#copies", "--create", "--save", saved)
    assert done.exit_code == 0, done.output
    assert len(postgresql.db.execute("SELECT * FROM copies").fetchall()) == 3
    document, _ = parse_yaml(saved.read_text(), "saved")
    assert document["reader"] == {"name": "mysqlreader", "connection": "shop", "table": ["`orders`"]}
    found = call("discover", "shop", "or*")
    assert found.exit_code == 0, found.output
    assert "orders" in found.output


def test_discovery(shop: MysqlDatabase, postgresql: PostgresqlSchema, call: Call) -> None:
    found = json.loads(call("discover", shop.url, "--json").output)
    assert [(each["name"], each["kind"]) for each in found] == [
        ("dear", "view"), ('or.d`e"r*', "table"), ("orders", "table"),
    ]  # fmt: skip
    assert [column["type"] for column in found[2]["columns"]] == ["int(11)", "varchar(20)", "decimal(10,2)"]
    one = call("discover", f"{shop.url}.orders")
    assert "about 3 rows" in one.output
    postgresql.db.execute('CREATE TABLE "A b" (x int)')
    found = json.loads(call("discover", f"{postgresql.url}", "A*", "--json").output)
    assert found == []  # as in SQL, names that are not quoted are lower case
    found = json.loads(call("discover", f"{postgresql.url}", "*b", "--json").output)
    assert [each["name"] for each in found] == ["A b"]
