"""What there is to read on a server."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TypeVar

import pyarrow as pa

from starhaul import Address, Found, Reader, ReadRequest
from starhaul_stores.mysql.catalog import no_such_table
from starhaul_stores.mysql.connection import Connection, connect, quoted
from starhaul_stores.relational.addresses import address_of, is_ours, matches, to_read
from starhaul_stores.relational.read_params import RelationalReaderParams, Source

P = TypeVar("P", bound=RelationalReaderParams)

_KINDS = {"BASE TABLE": "table", "SYSTEM VERSIONED": "table", "VIEW": "view", "SYSTEM VIEW": "view"}


def tables(db: Connection, address: Address) -> Iterator[tuple[tuple[str, ...], str, int | None]]:
    """Name, kind and estimated rows of every table and view that an address means: in the database that it names, else
    in that of the connection. Raises `ConfigError` if it names one that is not there."""
    within = address.name[:-1]
    schema = within[-1] if within else db.database
    rows = db.execute(
        "SELECT table_name, table_type, table_rows FROM information_schema.tables "
        "WHERE table_schema = %s ORDER BY table_name",
        [schema],
    )
    found = [
        ((*within, str(name)), _KINDS[str(kind)], None if estimate is None else int(estimate))
        for name, kind, estimate in rows
        if str(kind) in _KINDS and matches(address, str(name)) and not is_ours(str(name))
    ]
    if not found and address.name and not address.pattern:
        raise no_such_table(db, ".".join(map(quoted, address.name)))
    yield from found


class FindingReader(Reader[P]):
    """What every reader of MySQL's wire makes of URLs, and finds there. A base."""

    @abstractmethod
    def described(self, db: Connection, source: Source) -> pa.Schema:
        """The schema of a source, over a connection that is there already."""

    @classmethod
    def from_url(cls, url: str) -> Address:
        return address_of(url, '`"', str)

    @classmethod
    def complete(cls, address: Address, request: ReadRequest) -> Address:
        return to_read(address, request, quoted)

    @classmethod
    def discover(cls, address: Address, *, details: bool = True) -> Iterator[Found]:
        params = cls._params_of(address.called("_"))
        with connect(params.addresses(params.places[0]), params.session, params.connect_timeout) as db:
            for name, kind, rows in tables(db, address):
                reader = cls(cls._params_of(address.called(*name)))
                schema = reader.described(db, reader.params.sources()[0]) if details else None
                yield Found(name, kind, rows, schema)

    @classmethod
    def _params_of(cls, address: Address) -> P:
        params: P = cls.params_type.parse(cls.complete(address, ReadRequest()).parameters)  # type: ignore[assignment]
        return params
