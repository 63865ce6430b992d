"""What REPLACE reaches beside the rows that it replaces: it deletes the old ones, and foreign keys act on that."""

from __future__ import annotations

from contextlib import suppress

from starhaul import ConfigError, PermanentError
from starhaul_stores.mysql.catalog import Table
from starhaul_stores.mysql.connection import Connection

_REFERRING = (
    "SELECT constraint_name, constraint_schema, table_name, delete_rule "
    "FROM information_schema.referential_constraints WHERE unique_constraint_schema = %s "
    "AND referenced_table_name = %s AND delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY 2, 3, 1"
)


def what_replace_reaches(db: Connection, table: Table) -> list[str]:
    """A sentence for each foreign key that deletes or alters the rows which refer to a row that REPLACE deletes, as far
    as the server tells of them."""
    found = []
    with suppress(ConfigError, PermanentError):  # not every server of this wire has such a view
        found = db.execute(_REFERRING, [table.schema, table.name])
    return [
        f"REPLACE deletes the old row, and by ON DELETE {rule} of the foreign key {name} "
        f"{'deletes' if rule == 'CASCADE' else 'alters'} the rows of {schema}.{other} that refer to it: "
        "writeMode update does not."
        for name, schema, other, rule in found
    ]
