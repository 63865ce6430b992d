"""Foreign keys that refer to a table: what hangs on its rows, and goes with them when they are deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from starhaul import ConfigError
from starhaul_stores.rdbms.catalog import Table
from starhaul_stores.rdbms.connection import MARK, Connection
from starhaul_stores.relational.target import refuse_cascading

_MYSQL = (
    "SELECT k.constraint_name, concat(k.table_schema, '.', k.table_name), r.delete_rule, "
    "k.table_schema = k.referenced_table_schema AND k.table_name = k.referenced_table_name "
    "FROM information_schema.key_column_usage k LEFT JOIN information_schema.referential_constraints r "
    "ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name "
    "AND r.table_name = k.table_name "
    f"WHERE @@foreign_key_checks = 1 AND k.ordinal_position = 1 AND k.referenced_table_name = {MARK} "
    f"AND k.referenced_table_schema = coalesce({MARK}, database()) ORDER BY 2, 1"
)
_QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "mysql": _MYSQL,
        "mariadb": _MYSQL,
        "postgresql": "SELECT conname::text, conrelid::regclass::text, confdeltype::text, conrelid = confrelid "
        f"FROM pg_constraint WHERE contype = 'f' AND confrelid = to_regclass({MARK}) ORDER BY 2, 1",
        "sqlite": "SELECT DISTINCT '', m.name, f.on_delete, lower(m.name) = lower(f.\"table\") "
        "FROM {within}sqlite_master m, pragma_foreign_keys p, "
        f"pragma_foreign_key_list(m.name, {MARK}) f WHERE p.foreign_keys = 1 AND m.type = 'table' "
        f'AND lower(f."table") = lower({MARK}) ORDER BY 2, 3',
        "oracle": "SELECT c.constraint_name, c.owner || '.' || c.table_name, c.delete_rule, "
        "CASE WHEN c.owner = p.owner AND c.table_name = p.table_name THEN 1 ELSE 0 END FROM all_constraints c "
        "JOIN all_constraints p ON p.owner = c.r_owner AND p.constraint_name = c.r_constraint_name "
        f"WHERE c.constraint_type = 'R' AND p.table_name = {MARK} "
        f"AND p.owner = coalesce({MARK}, sys_context('USERENV', 'CURRENT_SCHEMA')) ORDER BY 2, 1",
        "mssql": "SELECT f.name, s.name + '.' + o.name, f.delete_referential_action_desc, "
        "CASE WHEN f.parent_object_id = f.referenced_object_id THEN 1 ELSE 0 END FROM {within}sys.foreign_keys f "
        "JOIN {within}sys.objects o ON o.object_id = f.parent_object_id "
        "JOIN {within}sys.schemas s ON s.schema_id = o.schema_id "
        f"WHERE f.referenced_object_id = OBJECT_ID({MARK}) ORDER BY 2, 1",
    }
)
"""Name, table and ON DELETE of each foreign key, enforced now, that refers to a table, and whether it is the table's
own."""
_RULES = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
"""Those of `pg_constraint` that do something to the rows which refer."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key that refers to a table."""

    name: str
    """Empty where it has none."""
    table: str
    """Whose it is."""
    rule: str
    """What it does ON DELETE, where that deletes or alters the rows which refer; else empty."""
    own: bool
    """Whether the table refers to itself."""

    def __str__(self) -> str:
        told = f"{self.name} of {self.table}" if self.name else f"one of {self.table}"
        return f"{told} (ON DELETE {self.rule})" if self.rule else told


def refuse_references(db: Connection, table: Table) -> None:
    """Raise `ConfigError` if other tables refer to this one: to delete its rows would delete or alter theirs, or fail.
    A reference of the table to itself does no harm where all its rows go at once: not so in InnoDB, which deletes and
    inserts row by row, and would miss the row that another refers to."""
    row_by_row = db.dialect in ("mysql", "mariadb")
    found = [each for each in references(db, table) if row_by_row or not each.own]
    if not found:
        return
    hint = (
        "drop the foreign key, or use writeMode update, or insert with preSql that deletes what is to go, "
        "in the order that the keys ask for"
    )
    problem = f"overwrite deletes all rows of {table.name!r}, to which foreign keys refer: {', '.join(_told_of(found))}"
    raise ConfigError("writeMode", problem, hint)


def refuse_cascades(db: Connection, table: Table) -> None:
    """Raise `ConfigError` if to delete a row of this table, as `replace` does, would delete or alter rows that refer to
    it, its own among them. What forbids that is no harm: the row is rejected."""
    refuse_cascading(_told_of(each for each in references(db, table) if each.rule))


def references(db: Connection, table: Table) -> list[Reference]:
    """The foreign keys that refer to a table, as far as the user may see them."""
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
    return [Reference(str(name or ""), str(other), _rule(told), bool(own)) for name, other, told, own in rows]


def _reflected(db: Connection, table: Table) -> list[Reference]:
    """Of a database without a query above: by SQLAlchemy's reflection, of all schemas that it tells."""
    inspector = db.inspector()
    with db.failures():
        home = inspector.default_schema_name
        own = (table.name, table.schema or home)
        others = [name for name in _told(inspector.get_schema_names, ()) if name != own[1]]
        return [
            Reference(
                str(key.get("name") or ""),
                other if schema is None else f"{schema}.{other}",
                _rule((key.get("options") or {}).get("ondelete")),
                (other, schema or home) == own,
            )
            for schema in (table.schema, *others)
            for (_, other), keys in _told(partial(inspector.get_multi_foreign_keys, schema=schema), {}).items()
            for key in keys
            if (key["referred_table"], key.get("referred_schema") or schema or home) == own
        ]


def _rule(told: Any) -> str:
    """`Reference.rule` out of what a database says: `CASCADE`, `SET_NULL`, `NO ACTION`, `c`, nothing."""
    text = str(told or "")
    rule = _RULES.get(text, text.upper().replace("_", " "))
    return rule if rule in _RULES.values() else ""


def _told_of(found: Iterable[Reference]) -> list[str]:
    return [*dict.fromkeys(map(str, found))]


def _told(ask: Callable[[], Any], nothing: Any) -> Any:
    """What a dialect answers, or `nothing` where it knows no answer. To refuse `overwrite` for that would refuse it on
    databases that have no foreign keys, as those of most such dialects; the plugin's page says so."""
    try:
        return ask()
    except NotImplementedError:
        return nothing
