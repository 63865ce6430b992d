"""Foreign keys that refer to a table: what hangs on its rows, and goes with them when they are deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from starhaul import ConfigError
from starhaul_stores.rdbms.catalog import Table
from starhaul_stores.rdbms.connection import MARK, Connection

_MYSQL = (
    "SELECT constraint_name, concat(table_schema, '.', table_name) FROM information_schema.key_column_usage "
    f"WHERE @@foreign_key_checks = 1 AND ordinal_position = 1 AND referenced_table_name = {MARK} "
    f"AND referenced_table_schema = coalesce({MARK}, database()) ORDER BY 2, 1"
)  # of the table itself, too: InnoDB deletes and inserts row by row, and would miss the row that another refers to
_QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "mysql": _MYSQL,
        "mariadb": _MYSQL,
        "postgresql": "SELECT conname::text, conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' "
        f"AND confrelid = to_regclass({MARK}) AND conrelid <> confrelid ORDER BY 2, 1",
        "sqlite": "SELECT DISTINCT '', m.name FROM {within}sqlite_master m, pragma_foreign_keys p, "
        f"pragma_foreign_key_list(m.name, {MARK}) f WHERE p.foreign_keys = 1 AND m.type = 'table' "
        f'AND lower(f."table") = lower({MARK}) AND lower(m.name) <> lower(f."table") ORDER BY 2',
        "oracle": "SELECT c.constraint_name, c.owner || '.' || c.table_name FROM all_constraints c "
        "JOIN all_constraints p ON p.owner = c.r_owner AND p.constraint_name = c.r_constraint_name "
        f"WHERE c.constraint_type = 'R' AND p.table_name = {MARK} "
        f"AND p.owner = coalesce({MARK}, sys_context('USERENV', 'CURRENT_SCHEMA')) "
        "AND (c.owner <> p.owner OR c.table_name <> p.table_name) ORDER BY 2, 1",
        "mssql": "SELECT f.name, s.name + '.' + o.name FROM {within}sys.foreign_keys f "
        "JOIN {within}sys.objects o ON o.object_id = f.parent_object_id "
        "JOIN {within}sys.schemas s ON s.schema_id = o.schema_id "
        f"WHERE f.referenced_object_id = OBJECT_ID({MARK}) AND f.parent_object_id <> f.referenced_object_id "
        "ORDER BY 2, 1",
    }
)
"""Name and table of each foreign key of another table, enforced now, that refers to a table."""


def refuse_references(db: Connection, table: Table) -> None:
    """Raise `ConfigError` if other tables refer to this one: to delete its rows would delete or alter theirs, or fail.
    A reference of the table to itself does no harm where all its rows go at once."""
    found = references(db, table)
    if not found:
        return
    told = ", ".join(f"{name} of {other}".strip() if name else f"one of {other}" for name, other in found)
    hint = (
        "drop the foreign key, or use writeMode update, or insert with preSql that deletes what is to go, "
        "in the order that the keys ask for"
    )
    raise ConfigError(
        "writeMode", f"overwrite deletes all rows of {table.name!r}, to which foreign keys refer: {told}", hint
    )


def references(db: Connection, table: Table) -> list[tuple[str, str]]:
    """Name and table of each foreign key that `refuse_references` minds, as far as the user may see it."""
    sql = _QUERIES.get(db.dialect)
    if sql is None:
        return _reflected(db, table)
    schema = table.schema
    within = ""
    if db.dialect == "sqlite":
        parameters: Sequence[str | None] = [schema or "main", table.name]
        within = f"{db.quoted(schema)}." if schema else ""
    elif db.dialect in ("postgresql", "mssql"):
        parameters = [table.sql]
        if schema is not None and "." in schema:  # of another database
            within = f"{db.quoted(schema.partition('.')[0])}."
    else:
        parameters = [db.catalog_name(table.name), None if schema is None else db.catalog_name(schema)]
    rows = db.execute(sql.replace("{within}", within), parameters)
    return [(str(name or ""), str(other)) for name, other in rows]


def _reflected(db: Connection, table: Table) -> list[tuple[str, str]]:
    """Of a database without a query above: by SQLAlchemy's reflection, of all schemas that it tells."""
    inspector = db.inspector()
    with db.failures():
        home = inspector.default_schema_name
        own = table.schema or home
        others = [name for name in _told(inspector.get_schema_names, ()) if name != own]
        return [
            (str(key.get("name") or ""), other if schema is None else f"{schema}.{other}")
            for schema in (table.schema, *others)
            for (_, other), keys in _told(partial(inspector.get_multi_foreign_keys, schema=schema), {}).items()
            for key in keys
            if (other, schema or home) != (table.name, own)
            and (key["referred_table"], key.get("referred_schema") or schema or home) == (table.name, own)
        ]


def _told(ask: Callable[[], Any], nothing: Any) -> Any:
    """What a dialect answers, or `nothing` where it knows no answer. To refuse `overwrite` for that would refuse it on
    databases that have no foreign keys, as those of most such dialects; the plugin's page says so."""
    try:
        return ask()
    except NotImplementedError:
        return nothing
