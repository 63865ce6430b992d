"""What there is to read in a database."""

from __future__ import annotations

from collections.abc import Iterator

from starhaul import Address
from starhaul_stores.postgresql.catalog import no_such_table
from starhaul_stores.postgresql.connection import Connection, quoted
from starhaul_stores.relational.addresses import is_ours, matches

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}
_SELECT = (
    "SELECT n.nspname::text, c.relname::text, c.relkind::text, c.reltuples::int8, pg_table_is_visible(c.oid) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') "
    "AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1, 2"
)


def tables(db: Connection, address: Address) -> Iterator[tuple[tuple[str, ...], str, int | None]]:
    """Name, kind and estimated rows of every table and view that an address means: in the schema that it names, else in
    the search path, else, if it names nothing, in all schemas. Partitions are read with their table. Raises
    `ConfigError` if it names one that is not there."""
    within = address.name[:-1][-1:]
    partitions = "AND NOT c.relispartition ORDER BY" if db.version >= 100000 else "ORDER BY"
    found = []
    for schema, name, kind, estimate, visible in db.execute(_SELECT.replace("ORDER BY", partitions)):
        inside = schema == within[0] if within else visible or not address.name
        if inside and matches(address, name) and not is_ours(name):
            full = (schema, name) if within or not visible else (name,)
            found.append((full, _KINDS[kind], int(estimate) if estimate >= 0 and kind in ("r", "m") else None))
    if not found and address.name and not address.pattern:
        raise no_such_table(db, ".".join(map(quoted, address.name)))
    yield from found
