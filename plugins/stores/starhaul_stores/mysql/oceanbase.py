"""What OceanBase (https://en.oceanbase.com/docs/oceanbase-database) has beside MySQL, in its MySQL mode: tenants in the
user's name, snapshots by number, replicas that lag behind, and a memstore that fills up."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Literal

import pyarrow as pa

from starhaul import ConfigError, StarhaulError, Task, native_type, with_native_type
from starhaul_stores.mysql.connection import Connection
from starhaul_stores.mysql.types import declared
from starhaul_stores.relational.params import RelationalParams
from starhaul_stores.relational.url import DatabaseUrl, parse_url

_MARK = "||_dsc_ob10_dsc_||"
_LONG = frozenset({"text", "mediumtext", "longtext", "blob", "mediumblob", "longblob", "json", "geometry"})
_MOST_LONG = 192
_WITH_TENANT = re.compile(
    rf"{re.escape(_MARK)}(?P<cluster>[^:|]*):(?P<tenant>[^:|]*){re.escape(_MARK)}(?P<url>.*)", re.DOTALL
)
"""DataX's `||_dsc_ob10_dsc_||CLUSTER:TENANT||_dsc_ob10_dsc_||jdbc:mysql://…`."""
_MEMSTORES = (
    "SELECT memstore_used, memstore_limit FROM oceanbase.GV$OB_MEMSTORE",
    "SELECT memstore_used, memstore_limit FROM oceanbase.__all_virtual_memstore_info LIMIT 1",  # else it has no end
    "SELECT total, mem_limit FROM oceanbase.gv$memstore",
)
"""Bytes in use and their limit, of each memstore: version 4, the engine as one process, and versions before 4."""


class OceanbaseParams(RelationalParams):
    """What the parameters of the reader and the writer share.

    `jdbcUrl` may have DataX's form with cluster and tenant before the URL, which become part of the user's name.
    """

    ob_compatibility_mode: Literal["MYSQL"] | None = None
    """`MYSQL`, the only mode that is supported: a tenant in Oracle mode is refused."""

    @classmethod
    def parse_address(cls, url: str) -> DatabaseUrl:
        matched = _WITH_TENANT.fullmatch(url.strip())
        return parse_url(matched["url"] if matched else url)

    def address(self, url: str) -> DatabaseUrl:
        address, matched = super().address(url), _WITH_TENANT.fullmatch(url.strip())
        if matched is None or not address.user or "@" in address.user:
            return address
        cluster = f"#{matched['cluster']}" if matched["cluster"] else ""
        return replace(address, user=f"{address.user}@{matched['tenant']}{cluster}")


def require_mysql_mode(db: Connection) -> None:
    """Raise `ConfigError` if the tenant is one of Oracle mode."""
    found = db.execute("SHOW VARIABLES LIKE 'ob_compatibility_mode'")
    if found and str(found[0][1]).upper() == "ORACLE":
        raise ConfigError(db.where, "the tenant is in Oracle mode", "name a tenant in MySQL mode")


def spelt_as_sent(schema: pa.Schema) -> pa.Schema:
    """The schema with JSON documents to be kept as texts in a table that is created. OceanBase's JSON has an order of
    keys, blanks and a precision of numbers of its own."""
    fields = [with_native_type(each, "longtext") if isinstance(each.type, pa.JsonType) else each for each in schema]
    return pa.schema(fields, metadata=schema.metadata)


def require_narrow(schema: pa.Schema) -> None:
    """Raise `ConfigError` if a table for this schema (what `accept` returned) has more long columns than rows hold."""
    long = [field.name for field in schema if declared(native_type(field) or "").name in _LONG]
    if len(long) > _MOST_LONG:
        limit = f"OceanBase's tables have at most {_MOST_LONG} of them"
        raise ConfigError("createTable", f"{len(long)} columns are texts or bytes of any length; {limit}")


class Memstore:
    """Watches how full the tenant's memory for new rows is, so that a writer can wait for the server to make room.

    Whoever writes on into a full memstore gets errors. For one task.
    """

    def __init__(self, db: Connection, threshold: float, interval: float) -> None:
        """`interval` is how many seconds to leave between two looks."""
        self._db = db
        self._threshold = threshold
        self._interval = interval
        self._next = 0.0
        self._queries: tuple[str, ...] = _MEMSTORES

    def used(self) -> float | None:
        """The share that is in use, of 1; None where the user may not see it."""
        for query in self._queries:
            with suppress(StarhaulError):
                found = self._db.execute(query)
                self._queries = (query,)
                return max((float(used) / float(limit) for used, limit in found if limit), default=None)
        self._queries = ()
        return None

    def wait(self, task: Task) -> None:
        """Return when there is room. Looks at most once in `interval`, however often it is called."""
        if monotonic() < self._next:
            return
        while (used := self.used()) is not None and used > self._threshold:
            task.note("pauses for a full memstore")
            task.pause(self._interval)
        self._next = monotonic() + self._interval
