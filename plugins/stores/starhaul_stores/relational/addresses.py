"""URLs of tables: `KIND://USER:PASSWORD@HOST:PORT/DATABASE.SCHEMA.TABLE?OPTIONS`, and the parameters that they mean.

Each part of the path may be quoted as in SQL and percent-encoded. The table may also stand behind a `#`. Its last part
is a pattern where it holds `*` or `?` and is not quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote, urlencode

from starhaul import Address, ConfigError, ReadRequest, WriteRequest
from starhaul_stores.relational.names import name_parts
from starhaul_stores.relational.url import DatabaseUrl, parse_url

_WILD = re.compile(r"[*?]")


def address_of(url: str, quotes: str, fold: Callable[[str], str]) -> Address:
    """Take a URL apart. `quotes` and `fold` are those of `name_parts`. Raises `ConfigError`, without the password."""
    start, at, rest = url.rpartition("@")
    rest, mark, fragment = rest.partition("#")
    name = name_of(fragment, quotes, fold) if mark else Address()
    if not (start or rest):
        return name
    parsed = parse_url(start + at + rest).for_user(None, None)
    if parsed.database:
        try:
            raw, folded = (name_parts(parsed.database, quotes, each) for each in (str, fold))
        except ConfigError as error:
            raise ConfigError("url", error.problem, "write KIND://HOST/DATABASE.TABLE") from error
        if len(raw) > 1 and name.name:
            raise ConfigError("url", "names a table in its path and another one after '#'", "name one")
        if len(raw) > 1:
            name = Address(name=tuple(folded[1:]), pattern=_is_pattern(parsed.database, quotes))
        parsed = replace(parsed, database=raw[0])
    told: dict[str, Any] = {"url": bare_url(parsed)}
    if parsed.user is not None:
        told["username"] = parsed.user
    if parsed.password is not None:
        told["password"] = parsed.password
    return Address(told, name.name, name.pattern, asks="password")


def name_of(fragment: str, quotes: str, fold: Callable[[str], str]) -> Address:
    """What stands behind the `#` of a URL, as an address without a place."""
    text = unquote(fragment)
    return Address(name=tuple(name_parts(text, quotes, fold)), pattern=_is_pattern(text, quotes), asks="password")


def bare_url(url: DatabaseUrl) -> str:
    """A URL as text, without user and password."""
    hosts = ",".join(
        (f"[{host}]" if ":" in host else quote(host, safe="")) + ("" if port is None else f":{port}")
        for host, port in url.hosts
    )
    options = f"?{urlencode(url.options)}" if url.options else ""
    return f"{url.kind}://{hosts}/{quote(url.database, safe='')}{options}"


def to_read(address: Address, request: ReadRequest, quoted: Callable[[str], str]) -> Address:
    """The address completed for a relational reader."""
    if request.types:
        raise ConfigError("--types", "the database knows the types of its columns", "use --query with a cast in it")
    told = {key: value for key, value in address.parameters.items() if key not in ("table", "querySql")}
    if request.query:
        if address.name or request.where or request.columns:
            raise ConfigError("--query", "stands in place of a table, --where and --columns", "leave those out")
        return replace(address, parameters={**told, "querySql": [request.query]})
    told["table"] = [_table(address, quoted, "source")]
    if request.columns:
        told["column"] = [*request.columns]
    if request.where:
        told["where"] = request.where
    return replace(address, parameters=told)


def to_write(address: Address, request: WriteRequest, quoted: Callable[[str], str]) -> Address:
    """The address completed for a relational writer."""
    told = {**address.parameters, "table": [_table(address, quoted, "target")], "writeMode": request.mode or "insert"}
    if request.create:
        told["createTable"] = "ifMissing"
    if request.keys:
        told["keys"] = [*request.keys]
    return replace(address, parameters=told)


def matches(address: Address, name: str) -> bool:
    """Whether the last part of an address means a table of this name."""
    if not address.name or not address.pattern:
        return not address.name or address.name[-1] == name
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in address.name[-1])
    return re.fullmatch("".join(parts), name, re.DOTALL) is not None


def is_ours(name: str) -> bool:
    """Whether a table is a ledger or staging table of a run, which nobody wants to copy."""
    return name.startswith("_starhaul_")


def _table(address: Address, quoted: Callable[[str], str], side: str) -> str:
    if not address.name:
        raise ConfigError(side, "names no table", "write DATABASE.TABLE, or #TABLE behind the URL")
    return ".".join(map(quoted, address.name))


def _is_pattern(text: str, quotes: str) -> bool:
    last = name_parts(f"x.{text}", "", str)[-1] if text else ""
    return last[-1:] not in quotes and _WILD.search(last) is not None
