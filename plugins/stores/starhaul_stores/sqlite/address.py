"""How a job names a database file."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from starhaul import Address, ConfigError, Params, WriteRequest
from starhaul_stores.relational import names
from starhaul_stores.relational.params import Texts

_SCHEMES = ("jdbc:sqlite:", "sqlite:///")
_URL = re.compile(r"(?:jdbc:)?sqlite:(?:///)?", re.IGNORECASE)


class Place(Params):
    """One element of DataX's `connection` list."""

    jdbc_url: str | tuple[str, ...] = ()
    """`jdbc:sqlite:PATH`; of a list the first is taken. `path` says the same."""
    path: str | None = None
    """The database file."""
    table: Texts = ()
    """Names of tables."""
    query_sql: Texts = ()
    """SELECT statements to read in place of tables."""

    @property
    def file(self) -> str:
        """The database file of this element. Raises `ConfigError` if it names none."""
        urls = [self.jdbc_url] if isinstance(self.jdbc_url, str) else self.jdbc_url
        return database_file(self.path or (urls[0] if urls else ""))


def database_file(text: str) -> str:
    """The path that a `path` or `jdbcUrl` means. Raises `ConfigError` if that is no file."""
    for scheme in _SCHEMES:
        if text.lower().startswith(scheme):
            text = text[len(scheme) :].partition("?")[0]
    if not text or text == ":memory:" or text.startswith(("file:", "jdbc:")) or "\0" in text:
        raise ConfigError("path", f"{text!r} is not the path of a database file", "give a path, or jdbc:sqlite:PATH")
    return text


def address_of(url: str) -> Address:
    """`sqlite:///PATH#TABLE` (percent-encoded; a fourth slash begins an absolute path), `PATH#TABLE`, or `#TABLE`. The
    table is a pattern where it holds `*` or `?` and is not quoted as in SQL. The path becomes absolute, so that a run
    can be resumed from anywhere."""
    place, _, fragment = url.partition("#")
    scheme = _URL.match(place)
    path = unquote(place[scheme.end() :].partition("?")[0]) if scheme else place
    text = unquote(fragment)
    name = unquoted(text)
    pattern = name == text and re.search(r"[*?]", text) is not None
    parameters = {"path": str(Path(database_file(path)).absolute())} if place else {}
    return Address(parameters, (name,) if text else (), pattern)


def unquoted(name: str) -> str:
    """A table's name as a job gives it, without the quotes that DataX users write around it."""
    return names.unquoted(name, ('""', "``", "[]"))


def table_parameter(address: Address, side: str) -> str:
    """The table of an address as a parameter. Raises `ConfigError` if it names none."""
    if not address.name:
        raise ConfigError(side, "names no table", "write it behind a '#': sqlite:///PATH#TABLE")
    return '"' + address.name[-1].replace('"', '""') + '"'


def to_write(address: Address, request: WriteRequest) -> Address:
    """The address completed for a writer."""
    told = {**address.parameters, "table": table_parameter(address, "target"), "writeMode": request.mode or "insert"}
    if request.create:
        told["createTable"] = "ifMissing"
    if request.keys:
        told["keys"] = [*request.keys]
    return replace(address, parameters=told)
