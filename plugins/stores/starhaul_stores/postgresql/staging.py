"""Overwriting a table: a staging table in the same schema, and the transaction that puts its rows in the table's
place."""

from __future__ import annotations

from dataclasses import dataclass

from starhaul import ConfigError, PermanentError
from starhaul_stores.postgresql.catalog import Table
from starhaul_stores.postgresql.connection import Connection, literal, quoted
from starhaul_stores.postgresql.dependants import column_types, details, what_a_swap_would_lose
from starhaul_stores.postgresql.ledger import Ledger
from starhaul_stores.postgresql.referrers import require_replaceable
from starhaul_stores.relational.refusal import Refused
from starhaul_stores.relational.staging import staging_name, stale_runs

_AS_IT_WAS = "the table is as it was; set buildKeys to beforeLoad to have rows that break its own keys rejected"
_LIKE = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS"


@dataclass(frozen=True, slots=True)
class Staging:
    """The staging table of one run for one target."""

    target: Table
    run: str

    @property
    def name(self) -> str:
        """Its name in the target's schema."""
        return staging_name(f"{self.target.schema}.{self.target.name}", self.run)

    @property
    def sql(self) -> str:
        """Its full name as SQL."""
        return f"{quoted(self.target.schema)}.{quoted(self.name)}"

    def create(self, db: Connection, *, with_keys: bool) -> None:
        """Create it empty, with the target's columns, defaults and checks, in the caller's transaction; `with_keys`
        with its unique keys and other indexes too, so that a row that breaks one is rejected when it is written."""
        if self.target.kind not in ("r", "p"):
            raise ConfigError("table", f"{self.target.name!r} is no table", "overwrite needs one")
        also = " INCLUDING GENERATED" if db.version >= 120000 else ""
        also += " INCLUDING COMPRESSION" if db.version >= 140000 else ""
        indexes = " INCLUDING INDEXES" if with_keys else ""
        db.execute(f"CREATE TABLE {self.sql} (LIKE {self.target.sql} {_LIKE}{also}{indexes})")

    def drop(self, db: Connection) -> None:
        """Remove it, if it is there."""
        db.execute(f"SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS {self.sql}")

    def drop_stale(self, db: Connection, ledger: Ledger) -> None:
        """Remove what other runs into this table left in staging and nobody has resumed for a week. They are
        given up, so that resuming one fails."""
        for run in stale_runs(ledger.notes(), f"{self.target.schema}.{self.target.name}", self.run):
            Staging(self.target, run).drop(db)
            ledger.give_up(run)

    def publish(self, db: Connection) -> None:
        """Put the staged rows in the target's place, in the caller's transaction: others see the old rows until it
        commits, then the new ones."""
        if not what_a_swap_would_lose(db, self.target):
            db.execute(f"LOCK TABLE {self.target.sql} IN SHARE ROW EXCLUSIVE MODE")  # readers go on, it stays put
            if details(db, self.target.sql) == details(db, self.sql):
                self._swap(db)
                return
        self._refill(db)

    def _refill(self, db: Connection) -> None:
        """Copy the rows over. Everything that hangs on the table stays, as the table itself does."""
        columns = ", ".join(quoted(column.name) for column in self.target.columns if not column.generated)
        db.execute(f"LOCK TABLE {self.target.sql} IN ACCESS EXCLUSIVE MODE")
        if column_types(db, self.target.sql) != column_types(db, self.sql):
            problem = f"the columns of {self.target.sql} have changed since the run began"
            raise PermanentError(db.where, problem, "the table is as it was; run the job anew")
        keys = require_replaceable(db, self.target)
        later = ", ".join(each.sql for each in keys if each.waits)
        if later:
            db.execute(f"SET CONSTRAINTS {later} DEFERRED")
        if keys and db.version >= 90500:
            db.execute("SET LOCAL row_security = off")  # refuses to delete only what a policy shows
        overriding = " OVERRIDING SYSTEM VALUE" if any(each.always_identity for each in self.target.columns) else ""
        try:
            db.execute(f"DELETE FROM {self.target.sql}" if keys else f"TRUNCATE {self.target.sql}")
            rows = db.changed(f"INSERT INTO {self.target.sql} ({columns}){overriding} SELECT {columns} FROM {self.sql}")
            if later:
                db.execute(f"SET CONSTRAINTS {later} IMMEDIATE")
        except Refused as refused:
            raise PermanentError(db.where, refused.problem, _AS_IT_WAS) from refused
        self._require_all(db, rows)
        self.drop(db)

    def _require_all(self, db: Connection, inserted: int) -> None:
        """Raise `PermanentError` if a trigger or rule of the target kept staged rows out of it. One that put them into
        a table which inherits from it did no harm."""
        staged = int(db.value(f"SELECT count(*) FROM {self.sql}"))
        if inserted != staged and (found := int(db.value(f"SELECT count(*) FROM {self.target.sql}"))) != staged:
            problem = f"a trigger or rule of the table makes {found} rows of {staged}"
            hint = "the table is as it was; write with writeMode insert, which counts such rows, and empty it in preSql"
            raise PermanentError(db.where, problem, hint)

    def _swap(self, db: Connection) -> None:
        """Build the keys and indexes on the staging table, give it the old one's grants and comment, then drop the
        old one and take its name."""
        old, oid = self.target.sql, self.target.oid
        self._drop_indexes(db)
        renames = self._constraints(db) + self._indexes(db)
        db.execute(f"ANALYZE {self.sql}")
        for (statement,) in db.execute(_GRANTS.format(oid=oid, new=literal(self.sql))):
            db.execute(statement)
        db.execute(f"DROP TABLE {old}")
        db.execute(f"ALTER TABLE {self.sql} RENAME TO {quoted(self.target.name)}")
        for statement in renames:
            db.execute(statement)

    def _drop_indexes(self, db: Connection) -> None:
        staged = literal(self.sql)
        constraints = db.execute(
            "SELECT conname::text FROM pg_constraint "
            f"WHERE conrelid = {staged}::regclass AND contype IN ('p', 'u', 'x')"
        )
        for (name,) in constraints:
            db.execute(f"ALTER TABLE {self.sql} DROP CONSTRAINT {quoted(name)}")
        for (name,) in db.execute(
            f"SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = {staged}::regclass"
        ):
            db.execute(f"DROP INDEX {name}")

    def _constraints(self, db: Connection) -> list[str]:
        """Add the old table's keys and foreign keys, under names of their own; the statements that give them theirs."""
        found = db.execute(
            "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint "
            f"WHERE conrelid = {self.target.oid} AND contype IN ('p', 'u', 'x', 'f') ORDER BY contype = 'f', oid"
        )
        renames = []
        for number, (name, definition) in enumerate(found):
            staged = quoted(f"{self.name[:56]}_k{number}")
            self._may_refuse(db, f"ALTER TABLE {self.sql} ADD CONSTRAINT {staged} {definition}")
            renames.append(f"ALTER TABLE {self.target.sql} RENAME CONSTRAINT {staged} TO {quoted(name)}")
        return renames

    def _indexes(self, db: Connection) -> list[str]:
        """The same for indexes that belong to no constraint. `pg_get_indexdef` writes `CREATE [UNIQUE] INDEX name ON
        [ONLY] schema.table USING …`, with both names quoted where they must be."""
        found = db.execute(
            "SELECT c.relname::text, pg_get_indexdef(i.indexrelid) "
            "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            f"WHERE i.indrelid = {self.target.oid} AND NOT EXISTS (SELECT 1 FROM pg_constraint k "
            "WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid) ORDER BY i.indexrelid"
        )
        renames = []
        for number, (name, definition) in enumerate(found):
            staged = quoted(f"{self.name[:56]}_i{number}")
            unique = definition.startswith("CREATE UNIQUE ")
            method = definition[definition.index(" USING ", len(name)) :]
            self._may_refuse(db, f"CREATE {'UNIQUE ' if unique else ''}INDEX {staged} ON {self.sql}{method}")
            schema = quoted(self.target.schema)
            renames.append(f"ALTER INDEX {schema}.{staged} RENAME TO {quoted(name)}")
        return renames

    def _may_refuse(self, db: Connection, statement: str) -> None:
        try:
            db.execute(statement)
        except Refused as refused:
            raise PermanentError(db.where, refused.problem, _AS_IT_WAS) from refused


_GRANTS = """
    SELECT format('GRANT %s ON %s TO %s%s', privilege_type, {new}, CASE grantee WHEN 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(grantee)) END, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = {oid} AND grantee <> relowner
    UNION ALL
    SELECT format('COMMENT ON TABLE %s IS %L', {new}, obj_description({oid}, 'pg_class'))
    WHERE obj_description({oid}, 'pg_class') IS NOT NULL
"""
