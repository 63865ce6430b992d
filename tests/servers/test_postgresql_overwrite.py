"""`overwrite` of `postgresqlwriter`: all rows at once, and nothing else is touched."""

from __future__ import annotations

import threading

import pyarrow as pa
import pytest

from starhaul import ConfigError, PermanentError
from starhaul.testing.delivery import Delivery
from tests.conftest import PostgresqlSchema
from tests.servers.postgresql import GUARDED
from tests.servers.postgresql_writing import ODD, contents, writer
from tests.servers.whole_runs import write

DRESSED = """
    CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1), (2), (3);
    CREATE TABLE t (id int PRIMARY KEY, ref int DEFAULT 1 REFERENCES other, v text NOT NULL DEFAULT 'd', up text
      GENERATED ALWAYS AS (upper(v)) STORED, CHECK (id > 0), CONSTRAINT "Odd Name" UNIQUE (v, ref));
    CREATE INDEX "t by upper" ON t (upper(v) DESC NULLS LAST) WHERE id < 100; CREATE UNIQUE INDEX t_both ON t (id, v);
    COMMENT ON TABLE t IS 'the table''s own'; COMMENT ON COLUMN t.v IS 'of v';
    INSERT INTO t VALUES (1, 1, 'old')
"""


DRESS = """
    SELECT 'index', indexname || ' ' || indexdef FROM pg_indexes WHERE schemaname = current_schema AND tablename = 't'
    UNION ALL SELECT 'constraint', conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
      WHERE conrelid = 't'::regclass
    UNION ALL SELECT 'comment', obj_description('t'::regclass, 'pg_class') || col_description('t'::regclass, 3)
    UNION ALL SELECT 'grant', grantee || privilege_type FROM information_schema.role_table_grants
      WHERE table_schema = current_schema AND table_name = 't' AND grantee <> 'postgres'
    UNION ALL SELECT 'column', attname || format_type(atttypid, atttypmod) || attnotnull || atthasdef FROM pg_attribute
      WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY 1, 2
"""  # fmt: skip


@pytest.mark.parametrize("build", ["afterLoad", "beforeLoad"])
@pytest.mark.parametrize("hanging", ["", "CREATE VIEW w AS SELECT count(*) FROM t"])
def test_overwrite_keeps_what_belongs_to_the_table(postgresql: PostgresqlSchema, build: str, hanging: str) -> None:
    db = postgresql.db
    db.execute(GUARDED)
    db.execute(DRESSED.encode())
    db.execute("GRANT SELECT, INSERT ON t TO guarded")
    if hanging:
        db.execute(hanging.encode())
    before = contents(postgresql, DRESS)
    target = writer(postgresql, writeMode="overwrite", buildKeys=build, column=["id", "ref", "v"])
    rows = pa.table({"id": [2, 3], "ref": [2, 3], "v": ["new", "newer"]})
    delivery = Delivery(target, rows.schema)
    delivery.prepare()
    receipt = delivery.write(delivery.task(), delivery.converted(rows))
    assert contents(postgresql, "SELECT id FROM t") == [(1,)]
    assert any(("copied over" if hanging else "takes the table's place") in fact for fact in target.describe())
    delivery.commit(receipt)
    assert contents(postgresql) == [(2, 2, "new", "NEW"), (3, 3, "newer", "NEWER")]
    assert contents(postgresql, DRESS) == before
    if hanging:
        assert contents(postgresql, "SELECT * FROM w") == [(2,)]


def _altered_meanwhile(postgresql: PostgresqlSchema, change: str) -> None:
    """A whole run, in which somebody else alters the table when its rows are staged."""
    postgresql.db.execute("CREATE TABLE t (id int, v varchar(9), CHECK (id > 0)); INSERT INTO t VALUES (9, 'old')")
    rows = pa.table({"id": pa.array([1, 2], pa.int32()), "v": ["a", "b"]})
    delivery = Delivery(writer(postgresql, writeMode="overwrite"), rows.schema)
    delivery.prepare()
    receipt = delivery.write(delivery.task(), delivery.converted(rows))
    postgresql.db.execute(change.encode())
    delivery.commit(receipt)


@pytest.mark.parametrize(
    ("change", "place", "told"),
    [
        ("ALTER TABLE t ALTER v SET DEFAULT 'x'", "pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE ad", "%x%"),
        (
            "ALTER TABLE t ALTER v SET NOT NULL",
            "attname FROM pg_attribute WHERE attnotnull AND att",
            "v",
        ),
        ("ALTER TABLE t ADD CONSTRAINT late CHECK (v <> 'x')", "conname FROM pg_constraint WHERE con", "late"),
        ("COMMENT ON COLUMN t.v IS 'late'", "col_description(attrelid, 2) FROM pg_attribute WHERE att", "late"),
        ("CREATE INDEX late ON t (v)", "indexrelid::regclass::text FROM pg_index WHERE ind", "late"),
        ("CREATE TRIGGER late AFTER DELETE ON t EXECUTE FUNCTION f()", "tgname FROM pg_trigger WHERE tg", "late"),
    ],
)
def test_overwrite_keeps_what_the_table_is_given_meanwhile(
    postgresql: PostgresqlSchema, change: str, place: str, told: str
) -> None:
    postgresql.db.execute("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    _altered_meanwhile(postgresql, change)
    assert contents(postgresql) == [(1, "a"), (2, "b")]
    found = f"SELECT count(*) FROM (SELECT {place}relid = 't'::regclass) AS _ (told) WHERE told LIKE '{told}'"
    assert contents(postgresql, found) != [(0,)]


@pytest.mark.parametrize("hanging", ["", "; CREATE VIEW w AS SELECT id FROM t"])
@pytest.mark.parametrize(
    "change",
    ["ADD COLUMN late int DEFAULT 7", "DROP COLUMN v", "RENAME COLUMN v TO late", "ALTER v TYPE varchar(1) USING 'x'"],
)
def test_overwrite_fails_where_columns_are_altered_meanwhile(
    postgresql: PostgresqlSchema, change: str, hanging: str
) -> None:
    """Its rows would be cut, or the alteration undone."""
    with pytest.raises(PermanentError, match=r"the columns of .* have changed since the run began"):
        _altered_meanwhile(postgresql, f"ALTER TABLE t {change}{hanging}")
    assert contents(postgresql, "SELECT id FROM t") == [(9,)]


def test_a_key_twice_leaves_the_table_as_it_was(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (7)")
    with pytest.raises(PermanentError, match=r"Key \(id\)=\(1\) is duplicated.*beforeLoad"):
        write(writer(postgresql, writeMode="overwrite"), pa.table({"id": [1, 1]}))
    assert contents(postgresql) == [(7,)]


REFERRED = "CREATE TABLE t (id int PRIMARY KEY){}; {}INSERT INTO t VALUES (1), (2)"


REFERRING = "CREATE TABLE child (id int DEFAULT 9 CONSTRAINT to_t REFERENCES t {}); INSERT INTO child VALUES (1)"


@pytest.mark.parametrize("parts", ["", "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100); "])
@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("ON DELETE CASCADE", "ON DELETE CASCADE, would delete its rows"),
        ("ON DELETE SET NULL", "ON DELETE SET NULL, would alter its rows"),
        ("ON DELETE SET DEFAULT DEFERRABLE", "ON DELETE SET DEFAULT, would alter its rows"),
        ("", "its rows keep those from being replaced"),
        ("ON DELETE RESTRICT DEFERRABLE", "its rows keep those from being replaced"),
    ],
)
def test_overwrite_does_not_touch_the_rows_of_other_tables(
    postgresql: PostgresqlSchema, action: str, told: str, parts: str
) -> None:
    db = postgresql.db
    db.execute(REFERRED.format(" PARTITION BY RANGE (id)" if parts else "", parts).encode())
    target = writer(postgresql, writeMode="overwrite")
    rows = pa.table({"id": pa.array([1, 3], pa.int32())})
    late = Delivery(target, rows.schema)
    late.prepare()
    receipt = late.write(late.task(), late.converted(rows))
    db.execute(REFERRING.format(action).encode())
    with pytest.raises(ConfigError, match=f"foreign key 'to_t' .*{told}"):
        target.check(rows.schema)
    with pytest.raises(ConfigError, match=told):
        Delivery(writer(postgresql, writeMode="overwrite", preSql="SELECT 1"), rows.schema, run="other").prepare()
    with pytest.raises(ConfigError, match=told):
        late.commit(receipt)
    assert contents(postgresql) == [(1,), (2,)]
    assert contents(postgresql, "SELECT id FROM child") == [(1,)]
    if told.startswith("its rows"):
        db.execute("DELETE FROM child")
        late.commit(receipt)
        assert contents(postgresql) == [(1,), (3,)]


@pytest.mark.parametrize("parts", ["", "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100); "])
@pytest.mark.parametrize("deferrable", ["DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"])
def test_overwrite_of_a_table_that_others_refer_to_where_that_can_wait(
    postgresql: PostgresqlSchema, deferrable: str, parts: str
) -> None:
    db = postgresql.db
    db.execute(REFERRED.format(" PARTITION BY RANGE (id)" if parts else "", parts).encode())
    db.execute(REFERRING.format(deferrable).encode())
    write(writer(postgresql, writeMode="overwrite"), pa.table({"id": pa.array([1, 3], pa.int32())}))
    assert contents(postgresql) == [(1,), (3,)]
    with pytest.raises(PermanentError, match=r"Key \(id\)=\(1\) is still referenced.*the table is as it was"):
        write(writer(postgresql, writeMode="overwrite"), pa.table({"id": pa.array([5], pa.int32())}))
    assert contents(postgresql) == [(1,), (3,)]
    assert contents(postgresql, "SELECT id FROM child") == [(1,)]


def test_overwrite_leaves_no_row_that_a_policy_hides(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute(GUARDED)
    db.execute(REFERRED.format("", "").encode())
    db.execute("CREATE TABLE child (id int REFERENCES t DEFERRABLE)")
    db.execute("ALTER TABLE t OWNER TO guarded; ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    db.execute(f"CREATE POLICY shown ON t USING (id <> 2); GRANT ALL ON SCHEMA {postgresql.name} TO guarded".encode())
    rows = pa.table({"id": pa.array([1], pa.int32())})
    with pytest.raises(ConfigError, match="would be affected by row-level security"):
        write(writer(postgresql, writeMode="overwrite", session=["SET ROLE guarded"]), rows)
    assert contents(postgresql) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("ALTER TABLE t ADD PRIMARY KEY (id) WITH (fillfactor = 50)", "fillfactor=50"),
        ("CREATE INDEX ON t ((v || v)); ALTER INDEX t_expr_idx ALTER COLUMN 1 SET STATISTICS 7", "t_expr_idx 7"),
        ("ALTER TABLE t ALTER v SET STATISTICS 0", "t 0"),
        ("ALTER TABLE t SET (toast.autovacuum_enabled = false)", "autovacuum_enabled=false"),
    ],
)
def test_overwrite_keeps_storage_options_and_targets_of_statistics(
    postgresql: PostgresqlSchema, given: str, told: str
) -> None:
    postgresql.db.execute(f"CREATE TABLE t (id int, v text); {given}".encode())
    write(writer(postgresql, writeMode="overwrite"), pa.table({"id": pa.array([1], pa.int32()), "v": ["x"]}))
    found = contents(postgresql, """
        WITH ours AS (SELECT oid, relname, reloptions FROM pg_class WHERE oid = 't'::regclass
            OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 't'::regclass)
            OR oid = (SELECT reltoastrelid FROM pg_class WHERE oid = 't'::regclass))
        SELECT unnest(reloptions) FROM ours UNION ALL SELECT relname || ' ' || attstattarget
        FROM ours JOIN pg_attribute ON attrelid = ours.oid WHERE attnum > 0 AND attstattarget >= 0
    """)  # fmt: skip
    assert (told,) in found


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE", "ON DELETE RESTRICT", "ON DELETE SET NULL"])
def test_overwrite_of_a_table_that_refers_to_itself(postgresql: PostgresqlSchema, action: str) -> None:
    db = postgresql.db
    db.execute(f"CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t {action})".encode())
    db.execute("INSERT INTO t VALUES (1, 1), (2, 1)")
    rows = pa.table({"id": pa.array([3, 4], pa.int32()), "up": pa.array([4, 3], pa.int32())})
    write(writer(postgresql, writeMode="overwrite"), rows)
    assert contents(postgresql) == [(3, 4), (4, 3)]


def test_overwrite_fails_where_a_trigger_leaves_rows_out(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (7)")
    db.execute(ODD)
    with pytest.raises(PermanentError, match=r"a trigger or rule of the table makes 2 rows of 3.*writeMode insert"):
        write(writer(postgresql, writeMode="overwrite"), pa.table({"id": [1, 2, 3]}))
    assert contents(postgresql) == [(7,)]


def test_overwrite_where_a_trigger_puts_rows_elsewhere(postgresql: PostgresqlSchema) -> None:
    """As partitions were made before version 10."""
    db = postgresql.db
    db.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (7); CREATE TABLE odds () INHERITS (t)")
    db.execute(ODD)
    db.execute(
        f"CREATE OR REPLACE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id % 2 = 1 THEN "
        f"INSERT INTO {postgresql.name}.odds VALUES (NEW.id); RETURN NULL; END IF; RETURN NEW; END $$".encode()
    )
    write(writer(postgresql, writeMode="overwrite"), pa.table({"id": [1, 2, 3]}))
    assert contents(postgresql) == [(1,), (2,), (3,)]


def test_readers_never_see_an_empty_table(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)")
    seen: set[int] = set()
    stop = threading.Event()

    def look() -> None:
        with postgresql.server.connect(options=f"-c search_path={postgresql.name}") as db:
            while not stop.is_set():
                seen.update(int(row[0]) for row in db.execute("SELECT count(*) FROM t"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for size in (2000, 3000):
            write(writer(postgresql, writeMode="overwrite"), pa.table({"id": range(size)}))
    finally:
        stop.set()
        thread.join()
    assert seen <= {1000, 2000, 3000}
