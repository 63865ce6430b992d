"""How a job names a database and who asks: parameters that all relational readers and writers have."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from starhaul import ConfigError, Params
from starhaul_stores.relational.names import expanded
from starhaul_stores.relational.url import DatabaseUrl, parse_url

_IS_A_PASSWORD = re.compile(r"(?:password|passwd|pwd|passphrase)\Z", re.IGNORECASE)
"""Of the name of an option."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Texts: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""A list of texts, in place of which a single one may stand."""


class Place(Params):
    """One element of DataX's `connection` list."""

    jdbc_url: Texts = ()
    """The database, `jdbc:KIND://HOST:PORT/DATABASE?OPTIONS` or the same without `jdbc:`. Of a list, the first that can
    be connected to."""
    url: Texts = ()
    """Another name of `jdbcUrl`."""
    table: Texts = ()
    """Names of tables. One text may hold several, separated by commas; `t[00-31]` stands for `t00` to `t31`."""
    query_sql: Texts = ()
    """SELECT statements to read in place of tables."""

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs as the job gives them, at least one. Raises `ConfigError` if there is none, or two names for it."""
        if bool(self.jdbc_url) == bool(self.url):
            raise ConfigError("url", "every connection needs one of url and jdbcUrl")
        return self.jdbc_url or self.url


class RelationalParams(Place):
    """Where the database is and who asks. The base of the parameters of relational readers and writers.

    The database and what to read or write there stand either flat (`url`, `table`) or in DataX's `connection` list.
    """

    connection: tuple[Place, ...] = ()
    """DataX's form of `url`, `table` and `querySql`: a list of `{"jdbcUrl": …, "table": […]}`."""
    username: str | None = None
    """The user. What the URL says otherwise."""
    password: SecretStr | None = None
    """The user's password. May be empty."""
    session: Texts = ()
    """Statements to run first on every connection (`SET lock_timeout = '5s'`)."""
    connect_timeout: float = Field(default=15.0, gt=0)
    """Seconds to wait for a connection to be made."""

    @model_validator(mode="after")
    def _flat_or_listed(self) -> RelationalParams:
        repeated = self.table and self.table == tuple(name for place in self.connection for name in place.table)
        flat = bool(self.jdbc_url or self.url or (self.table and not repeated) or self.query_sql)
        if flat == bool(self.connection):
            raise ValueError("give either url and table, or connection with both")
        for place in self.places:
            if bool(place.jdbc_url) == bool(place.url):
                raise ValueError("every connection needs one of url and jdbcUrl")
            for url in place.urls:
                self._require_understood(url)
            for table in place.table:
                _understood_table(table)
        return self

    @property
    def places(self) -> tuple[Place, ...]:
        """The elements of `connection`; the flat form as its only element."""
        if self.connection:
            return self.connection
        return (Place(jdbc_url=self.jdbc_url, url=self.url, table=self.table, query_sql=self.query_sql),)

    @classmethod
    def parse_address(cls, url: str) -> DatabaseUrl:
        """A URL taken apart. Stores whose URLs look different override it. Raises `ConfigError`."""
        return parse_url(url)

    def address(self, url: str) -> DatabaseUrl:
        """A URL of one of `places` with the user and password of the parameters, which go before its own."""
        password = self.password.get_secret_value() if self.password is not None else None
        return self.parse_address(url).for_user(self.username, password)

    def _require_understood(self, url: str) -> None:
        try:
            self.parse_address(url)
        except ConfigError as error:
            raise ValueError(str(error)) from error

    def addresses(self, place: Place) -> list[DatabaseUrl]:
        """`address` of each URL of a place."""
        return [self.address(url) for url in place.urls]

    @property
    def every_address(self) -> list[DatabaseUrl]:
        """`address` of each URL of all places."""
        return [address for place in self.places for address in self.addresses(place)]

    def secrets(self) -> frozenset[str]:
        """The password, also where a URL holds it, and those among a URL's options (`sslpassword`)."""
        addresses = self.every_address
        found = [address.password for address in addresses]
        for address in addresses:
            found += [value for name, value in address.options.items() if _IS_A_PASSWORD.search(name)]
        return super().secrets() | {password for password in found if password}


def _understood_table(text: str) -> None:
    try:
        expanded(text)
    except ConfigError as error:
        raise ValueError(str(error)) from error
