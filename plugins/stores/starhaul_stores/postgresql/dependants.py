"""What hangs on a table, and would be lost if another one took its place."""

from __future__ import annotations

from starhaul_stores.postgresql.catalog import Table
from starhaul_stores.postgresql.connection import Connection, literal

_HANGING = {
    "partitions or inheritance": """
        SELECT 1 FROM pg_class WHERE oid = {oid} AND (relkind <> 'r' OR relispartition OR relpersistence <> 'p')
        UNION ALL SELECT 1 FROM pg_inherits WHERE inhrelid = {oid} OR inhparent = {oid}""",
    "another owner": """
        SELECT 1 FROM pg_class WHERE oid = {oid} AND relowner <> current_user::regrole::oid""",
    "storage options or a tablespace": """
        SELECT 1 FROM pg_class WHERE oid = {oid}
        AND (reloptions IS NOT NULL OR reltablespace <> 0 OR reloftype <> 0 OR relreplident <> 'd')
        UNION ALL SELECT 1 FROM pg_class t JOIN pg_class c ON c.reltoastrelid = t.oid
        WHERE c.oid = {oid} AND t.reloptions IS NOT NULL
        UNION ALL SELECT 1 FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE i.indrelid = {oid}
        AND (c.reltablespace <> 0
             OR (c.reloptions IS NOT NULL AND EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = c.oid)))""",
    "row security": """
        SELECT 1 FROM pg_class WHERE oid = {oid} AND (relrowsecurity OR relforcerowsecurity)
        UNION ALL SELECT 1 FROM pg_policy WHERE polrelid = {oid}""",
    "triggers": """
        SELECT 1 FROM pg_trigger WHERE tgrelid = {oid} AND NOT tgisinternal""",
    "foreign keys of other tables": """
        SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confrelid = {oid}""",
    "default privileges, which a new table would get": """
        SELECT 1 FROM pg_default_acl WHERE defaclobjtype = 'r'""",
    "publications": """
        SELECT 1 FROM pg_publication_rel WHERE prrelid = {oid}""",
    "identity columns": """
        SELECT 1 FROM pg_attribute WHERE attrelid = {oid} AND attidentity <> ''""",
    "grants or options of columns": """
        SELECT 1 FROM pg_attribute WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped
        AND (attacl IS NOT NULL OR attoptions IS NOT NULL OR attstattarget >= 0)
        UNION ALL SELECT 1 FROM pg_attribute JOIN pg_index ON attrelid = indexrelid
        WHERE indrelid = {oid} AND attstattarget > 0""",
    "comments on indexes or constraints, or labels": """
        SELECT 1 FROM pg_description WHERE classoid = 'pg_class'::regclass
        AND objoid IN (SELECT indexrelid FROM pg_index WHERE indrelid = {oid})
        UNION ALL SELECT 1 FROM pg_description WHERE classoid = 'pg_constraint'::regclass
        AND objoid IN (SELECT oid FROM pg_constraint WHERE conrelid = {oid})
        UNION ALL SELECT 1 FROM pg_seclabel WHERE objoid = {oid}""",
    "constraints or indexes in a special state": """
        SELECT 1 FROM pg_constraint WHERE conrelid = {oid} AND (NOT convalidated OR contype = 't')
        UNION ALL SELECT 1 FROM pg_index WHERE indrelid = {oid}
        AND (indisclustered OR indisreplident OR NOT indisvalid)""",
    "views, rules, statistics, functions or sequences": """
        SELECT 1 FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid = {oid}
        AND classid <> 'pg_attrdef'::regclass AND deptype <> 'i'
        AND NOT (classid = 'pg_class'::regclass AND objid IN (SELECT indexrelid FROM pg_index WHERE indrelid = {oid}))
        AND NOT (classid = 'pg_constraint'::regclass
                 AND objid IN (SELECT oid FROM pg_constraint WHERE conrelid = {oid}))
        UNION ALL SELECT 1 FROM pg_depend WHERE refclassid = 'pg_type'::regclass AND deptype <> 'i'
        AND refobjid IN (SELECT reltype FROM pg_class WHERE oid = {oid})""",
}
"""What → a query that gives a row if a table has it. Cautious: all that is not known to be carried over counts."""


def what_a_swap_would_lose(db: Connection, table: Table) -> str:
    """What hangs on a table that a new one in its place would not have, for the user; empty if there is nothing."""
    for what, sql in _HANGING.items():
        if db.value(f"SELECT EXISTS ({sql.format(oid=table.oid)})"):
            return what
    return ""


def column_types(db: Connection, table: str) -> set[tuple[object, ...]]:
    """Name, type and collation of the columns of a table (full name as SQL)."""
    return set(
        db.execute(
            "SELECT attname::text, format_type(atttypid, atttypmod), attcollation::int8 FROM pg_attribute "
            f"WHERE attrelid = {literal(table)}::regclass AND attnum > 0 AND NOT attisdropped"
        )
    )


def details(db: Connection, table: str) -> set[tuple[object, ...]]:
    """The same with all else that a copy of the table is given when it is made, but for indexes."""
    compression = "attcompression::text" if db.version >= 140000 else "''"
    return column_types(db, table) | set(
        db.execute(
            f"SELECT attname::text, attnotnull, pg_get_expr(adbin, adrelid), attstorage::text, {compression}, "
            "col_description(attrelid, attnum) FROM pg_attribute "
            "LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
            f"WHERE attrelid = {literal(table)}::regclass AND attnum > 0 AND NOT attisdropped "
            "UNION ALL SELECT conname::text, true, pg_get_constraintdef(oid), '', '', obj_description(oid, "
            f"'pg_constraint') FROM pg_constraint WHERE conrelid = {literal(table)}::regclass AND contype = 'c'"
        )
    )
