"""URLs of tables, `URL#SCHEMA.TABLE`, and what there is to read in a database.

The URL is SQLAlchemy's or a JDBC driver's. The table stands behind a `#`: databases differ in what their path means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from starhaul import Address, ConfigError
from starhaul_stores.rdbms.addresses import DIALECTS
from starhaul_stores.rdbms.catalog import no_such_table, parts_of
from starhaul_stores.rdbms.connection import Connection
from starhaul_stores.rdbms.traits import traits_of
from starhaul_stores.relational.addresses import bare_url, is_ours, matches, name_of
from starhaul_stores.relational.url import DatabaseUrl


def address_of(url: str, parse: Callable[[str], DatabaseUrl]) -> Address:
    """Take a URL apart, of which `parse` understands what stands before the `#`. Raises `ConfigError`, without the
    password."""
    start, at, rest = url.rpartition("@")
    rest, mark, fragment = rest.partition("#")
    if not (start or rest):
        return _name("", fragment) if mark else Address()
    parsed = parse(start + at + rest).for_user(None, None)
    name = _name(parsed.scheme.partition("+")[0], fragment) if mark else Address()
    kind = next((kind for kind, dialect in DIALECTS.items() if dialect.name == parsed.scheme), parsed.scheme)
    told: dict[str, Any] = {"url": bare_url(replace(parsed, kind=kind))}
    if parsed.user is not None:
        told["username"] = parsed.user
    if parsed.password is not None:
        told["password"] = parsed.password
    return Address(told, name.name, name.pattern, asks="password")


def quoted(name: str) -> str:
    """A plain name as the parameter `table` takes it."""
    return '"' + name.replace('"', '""') + '"'


def tables(db: Connection, address: Address) -> Iterator[tuple[tuple[str, ...], str]]:
    """Name and kind of every table and view that an address means, in the schema that it names, else in the
    connection's own. Raises `ConfigError` if it names one that is not there."""
    within = address.name[:-1]
    schema = ".".join(within) or None
    inspector = db.inspector()
    with db.failures():
        there = [(str(name), "table") for name in inspector.get_table_names(schema=schema)]
        with suppress(NotImplementedError):
            there += [(str(name), "view") for name in inspector.get_view_names(schema=schema)]
    found = [((*within, name), kind) for name, kind in sorted(there) if matches(address, name) and not is_ours(name)]
    if not found and address.name and not address.pattern:
        raise _missing(db, address)
    yield from found


def _name(dialect: str, fragment: str) -> Address:
    """What stands behind the `#`: names without quotes become what the database makes of them."""
    traits = traits_of(dialect)
    parts = parts_of(traits, unquote(fragment))
    return replace(name_of(fragment, '"`]', str), name=tuple(parts))


def _missing(db: Connection, address: Address) -> ConfigError:
    return no_such_table(db, ".".join(map(quoted, address.name)))
