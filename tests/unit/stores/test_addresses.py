"""URLs of tables: what they mean, and that their passwords are not shown."""

from __future__ import annotations

from typing import Any

import pytest

from starhaul import Address, ConfigError, Reader, ReadRequest, Writer, WriteRequest
from starhaul_readers.mysql import MysqlReader
from starhaul_readers.postgresql import PostgresqlReader
from starhaul_readers.sqlite import SqliteReader
from starhaul_stores.relational.addresses import matches
from starhaul_writers.mysql import MysqlWriter
from starhaul_writers.postgresql import PostgresqlWriter
from starhaul_writers.sqlite import SqliteWriter

PLUGINS = [MysqlReader, PostgresqlReader, SqliteReader, MysqlWriter, PostgresqlWriter, SqliteWriter]


@pytest.mark.parametrize(
    ("plugin", "url", "name", "pattern", "parameters"),
    [
        (MysqlReader, "mysql://me@host/shop.orders", ("orders",), False,
         {"url": "mysql://host/shop", "username": "me"}),
        (MysqlReader, "mysql://host:3307/shop", (), False, {"url": "mysql://host:3307/shop"}),
        (MysqlReader, "mysql://host/shop.order_*", ("order_*",), True, {"url": "mysql://host/shop"}),
        (MysqlReader, "mysql://host/`my.db`.`or``d*`", ("or`d*",), False, {"url": "mysql://host/my.db"}),
        (MysqlReader, "mysql://host/shop#a%23b.c", ("a#b", "c"), False, {"url": "mysql://host/shop"}),
        (MysqlReader, "jdbc:mysql://host/shop.T?useSSL=false&user=me&password=x", ("T",), False,
         {"url": "mysql://host/shop?useSSL=false", "username": "me", "password": "x"}),
        (MysqlReader, "mysql://u%40x:p%3A%40@[::1]:1/d.t", ("t",), False,
         {"url": "mysql://[::1]:1/d", "username": "u@x", "password": "p:@"}),
        (PostgresqlReader, "postgresql://h/dw.Orders", ("orders",), False, {"url": "postgresql://h/dw"}),
        (PostgresqlReader, 'postgresql://h/dw.Sales."Or.ders"', ("sales", "Or.ders"), False, {"url": "postgresql://h/dw"}),
        (PostgresqlReader, "postgres://a,b:5433/dw.s.*", ("s", "*"), True, {"url": "postgres://a,b:5433/dw"}),
        (PostgresqlReader, "#Sales.*", ("sales", "*"), True, {}),
        (SqliteReader, "sqlite:////x/a%20b.db#or.ders", ("or.ders",), False, {"path": "/x/a b.db"}),
        (SqliteReader, "/x/a.db#*", ("*",), True, {"path": "/x/a.db"}),
        (SqliteReader, '/x/a.db#"*"', ("*",), False, {"path": "/x/a.db"}),
        (SqliteReader, "/x/a.db", (), False, {"path": "/x/a.db"}),
        (SqliteReader, "#t", ("t",), False, {}),
    ],
)  # fmt: skip
def test_a_url_is_taken_apart(
    plugin: type[Reader[Any]], url: str, name: tuple[str, ...], pattern: bool, parameters: dict[str, str]
) -> None:
    address = plugin.from_url(url)
    assert (address.name, address.pattern, dict(address.parameters)) == (name, pattern, parameters)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_table_must_be_named(plugin: Any) -> None:
    request = ReadRequest() if issubclass(plugin, Reader) else WriteRequest()
    with pytest.raises(ConfigError, match="names no table"):
        plugin.complete(Address({"path": "x"}), request)


@pytest.mark.parametrize("plugin", PLUGINS[:2] + PLUGINS[3:5])
@pytest.mark.parametrize(
    "url", ["kind://me:s3cr3t@host:x/d.t", "kind://me:s3cr3t@host:99999/d", "kind://me:s3cr3t/!@host/d", "s3cr3t@"]
)
def test_a_wrong_url_is_refused_without_its_password(plugin: Any, url: str) -> None:
    with pytest.raises(ConfigError, match="url") as caught:
        plugin.from_url(url)
    assert "s3cr3t" not in str(caught.value)


def test_two_tables() -> None:
    with pytest.raises(ConfigError, match="another one after '#'"):
        MysqlReader.from_url("mysql://h/d.t#u")


@pytest.mark.parametrize("plugin", PLUGINS[:3])
def test_what_a_reader_is_asked(plugin: type[Reader[Any]]) -> None:
    place = plugin.from_url("/d.db" if plugin is SqliteReader else "kind://h/d")
    request = ReadRequest(columns=("a", "b c"), where="a > 1")
    parameters = plugin.complete(place.called("t"), request).parameters
    assert {key: parameters[key] for key in ("column", "where")} == {"column": ["a", "b c"], "where": "a > 1"}
    assert dict(plugin.complete(place, ReadRequest(query="SELECT 1")).parameters)["querySql"] == ["SELECT 1"]
    for wrong in (ReadRequest(query="SELECT 1", where="x"), ReadRequest(types={"a": "int64"})):
        with pytest.raises(ConfigError, match=r"--query|--types"):
            plugin.complete(place, wrong)
    with pytest.raises(ConfigError, match="--query"):
        plugin.complete(place.called("t"), ReadRequest(query="SELECT 1"))


@pytest.mark.parametrize("plugin", PLUGINS[3:])
def test_what_a_writer_is_asked(plugin: type[Writer[Any]]) -> None:
    place = plugin.from_url("/d.db" if plugin is SqliteWriter else "kind://h/d")
    parameters = dict(plugin.complete(place.called("t"), WriteRequest("update", True, ("id",))).parameters)
    assert (parameters["writeMode"], parameters["createTable"], parameters["keys"]) == ("update", "ifMissing", ["id"])
    assert dict(plugin.complete(place.called("t"), WriteRequest()).parameters)["writeMode"] == "insert"


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [("order_*", "order_1", True), ("order_*", "Order_1", False), ("a?", "ab", True), ("a?", "abc", False),
     ("*", "x\ny", True), ("a[1]*", "a[1]x", True), ("a.c", "abc", False)],
)  # fmt: skip
def test_patterns(pattern: str, name: str, fits: bool) -> None:
    assert matches(Address(name=(pattern,), pattern=True), name) is fits
    assert matches(Address(name=(pattern,)), pattern)
