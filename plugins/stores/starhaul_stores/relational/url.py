"""Database URLs, as JDBC drivers and SQLAlchemy write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote

from starhaul import ConfigError

_URL = re.compile(
    r"(?:jdbc:)?(?P<kind>[a-z][a-z0-9+._:-]*?)://(?:(?P<user>[^@/?]*)@)?(?P<hosts>[^/?#]*)(?:/(?P<database>[^?#]*))?"
    r"(?:\?(?P<options>.*))?",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>\d{1,5}))?")
_FORM = "KIND://USER@HOST:PORT/DATABASE?OPTIONS, with or without jdbc: before it"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A URL taken apart. `repr` and `str` never show the password."""

    kind: str
    """The scheme without `jdbc:` and without a driver's name (`mysql`, `postgresql`), lower case."""
    hosts: tuple[tuple[str, int | None], ...]
    """Host and port, in the order in which they are to be tried; several in one URL are several servers of one
    database."""
    database: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    scheme: str = ""
    """The scheme as the URL has it, without `jdbc:`, lower case: it may name a driver (`mysql+pymysql`)."""

    def for_user(self, user: str | None, password: str | None) -> DatabaseUrl:
        """The same with another user and password, where they are given. The options `user` and `password`, which
        JDBC drivers know, count as the URL's own."""
        options = {name: value for name, value in self.options.items() if name not in ("user", "password")}
        return replace(
            self,
            user=user if user is not None else self.user if self.user is not None else self.options.get("user"),
            password=password
            if password is not None
            else self.password
            if self.password is not None
            else self.options.get("password"),
            options=options,
        )

    def option(self, name: str) -> str:
        """An option, whose name has any case; empty if it is not there."""
        return next((value for known, value in self.options.items() if known.lower() == name.lower()), "")

    def __str__(self) -> str:
        hosts = ",".join(host if port is None else f"{host}:{port}" for host, port in self.hosts)
        return f"{self.kind}://{hosts}/{self.database}"


def parse_url(text: str) -> DatabaseUrl:
    """Take a URL apart. Raises `ConfigError`, without the text itself, which may hold a password."""
    matched = _URL.fullmatch(text.strip())
    if matched is None:
        raise ConfigError("url", "is not the URL of a database", f"write {_FORM}")
    kind = matched["kind"].lower()
    user, separator, password = (matched["user"] or "").partition(":")
    hosts = []
    for each in matched["hosts"].split(","):
        host = _HOST.fullmatch(each)
        if host is None or (host["port"] and not 0 < int(host["port"]) < 65536):
            raise ConfigError("url", "has a host or port that is none", f"write {_FORM}")
        hosts.append((unquote(host["host"].strip("[]")), int(host["port"]) if host["port"] else None))
    return DatabaseUrl(
        kind.partition("+")[0],
        tuple(hosts),
        unquote(matched["database"] or ""),
        unquote(user) if matched["user"] else None,
        unquote(password) if separator else None,
        dict(parse_qsl(matched["options"] or "", keep_blank_values=True)),
        kind,
    )


def options_of(url: DatabaseUrl, known: Mapping[str, str]) -> dict[str, str]:
    """The options of a URL under the driver's names (`known`: lower-case name in the URL → driver's name; an empty one
    means that the option does not matter here). Raises `ConfigError` for others."""
    found = {}
    for name, value in url.options.items():
        driver = known.get(name.lower())
        if driver is None:
            raise ConfigError("url", f"unknown option {name!r}", f"known are {', '.join(sorted(known))}")
        if driver:
            found[driver] = value
    return found
