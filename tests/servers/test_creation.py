"""Tables that are created from what the source knows of its own: the same in one store, the equal of it in another."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy

from starhaul import run
from starhaul.job.load import load_job
from starhaul.plan.build import make_plan
from starhaul.registry import Registry

if TYPE_CHECKING:
    from tests.conftest import MysqlDatabase, PostgresqlSchema
    from tests.servers.rdbms import RdbmsDatabase

Job = dict[str, Any]


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Runs a job that creates its target; gives what the plan told of the creation."""

    def carry_out(reader: Job, writer: Job, *transformers: Job) -> dict[str, Any]:
        job = {"reader": reader, "writer": {"createTable": "ifMissing", **writer}, "transformers": [*transformers]}
        registry = Registry()
        told = make_plan(load_job(job, registry), registry).as_dict()["streams"][0]["creation"]
        report = run(job, state=tmp_path / "state")
        assert report.state == "done", report.error
        assert told is not None
        return dict(told)

    return carry_out


MYSQL_TABLE = """CREATE TABLE `or``d"ers` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT COMMENT 'the ''number''; \\\\ one',
  `select` varchar(20) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL DEFAULT 'a''b, (c',
  `kind` enum('x,y','z''') DEFAULT 'z''',
  `price` decimal(12,2) unsigned zerofill NOT NULL DEFAULT 000000001.50,
  `at` timestamp(3) NOT NULL DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3),
  `doc` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`doc`)),
  `u` char(36) DEFAULT uuid(),
  `flags` bit(3) DEFAULT b'101',
  `note` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `un ique` (`select`,`kind`) COMMENT 'k',
  KEY `prefix` (`note`(10)),
  KEY `price` (`price`),
  FULLTEXT KEY `words` (`note`),
  CONSTRAINT `positive` CHECK (`price` >= 0)
) ENGINE=InnoDB AUTO_INCREMENT=77 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table'"""


def _shown(mysql: MysqlDatabase, table: str) -> str:
    quoted = table.replace("`", "``")
    text = str(mysql.execute(f"SHOW CREATE TABLE `{quoted}`")[0][1])
    return re.sub(r"AUTO_INCREMENT=\d+", "", text.partition("\n")[2])


@pytest.mark.parametrize("mode", ["insert", "overwrite"])
def test_mysql_to_mysql_is_the_same(mysql: MysqlDatabase, copy: Callable[..., dict[str, Any]], mode: str) -> None:
    rows = 'INSERT INTO `or``d"ers` (id, `select`, note) VALUES (5, "p", "x"), (9, "q", NULL)'
    mysql.execute(MYSQL_TABLE, rows)
    source = {"name": "mysql", "url": mysql.url, "table": '`or``d"ers`'}
    told = copy(source, {"name": "mysql", "url": mysql.url, "table": "`co``py`", "writeMode": mode})
    assert _shown(mysql, "co`py") == _shown(mysql, 'or`d"ers')
    assert mysql.execute("SELECT * FROM `co``py`") == mysql.execute('SELECT * FROM `or``d"ers`')
    assert told["left_out"] == []
    assert any("ADD UNIQUE KEY" in each for each in told["statements"]) is (mode == "insert")
    assert mysql.execute("SHOW TABLES LIKE '_starhaul%'") == []
    mysql.execute("INSERT INTO `co``py` (`select`) VALUES ('r')")


def test_mysql_foreign_keys_and_triggers_are_left_out(mysql: MysqlDatabase, copy: Callable[..., Any]) -> None:
    mysql.execute("CREATE TABLE parent (id INT PRIMARY KEY)",
                  "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY fk (p) REFERENCES parent (id))",
                  "CREATE TRIGGER t BEFORE INSERT ON child FOR EACH ROW SET NEW.p = NULL")  # fmt: skip
    url = mysql.url
    told = copy({"name": "mysql", "url": url, "table": "child"}, {"name": "mysql", "url": url, "table": "copy"})
    assert [each.partition(" ")[0] for each in told["left_out"]] == ["foreign", "trigger"]
    assert "FOREIGN" not in _shown(mysql, "copy")


def test_mysql_to_mysql_under_other_names(mysql: MysqlDatabase, copy: Callable[..., Any]) -> None:
    mysql.execute(MYSQL_TABLE)
    rename = {"name": "rename", "columns": {"id": "number", "price": "cost"}}
    select = {"name": "select", "columns": ["number", "cost", "select", "note"]}
    source = {"name": "mysql", "url": mysql.url, "table": '`or``d"ers`'}
    told = copy(source, {"name": "mysql", "url": mysql.url, "table": "copy"}, rename, select)
    shown = _shown(mysql, "copy")
    assert "PRIMARY KEY (`number`)" in shown
    assert "KEY `price` (`cost`)" in shown
    assert "`select` varchar(20) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL DEFAULT 'a''b, (c'" in shown
    assert "COMMENT='it''s (a) table'" in shown
    left = "\n".join(told["left_out"])
    assert all(part in left for part in ("un ique", "prefix", "words", "positive"))


def test_mysql_to_postgresql(mysql: MysqlDatabase, postgresql: PostgresqlSchema, copy: Callable[..., Any]) -> None:
    mysql.execute(MYSQL_TABLE, 'INSERT INTO `or``d"ers` (id, `select`) VALUES (5, "p"), (9, "q")')
    source = {"name": "mysql", "url": mysql.url, "table": '`or``d"ers`'}
    told = copy(source, {"name": "postgresql", "url": postgresql.url, "table": "copy"})
    db = postgresql.db
    rows = db.execute(
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text, "
        "pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid "
        "AND d.adnum = a.attnum WHERE a.attrelid = 'copy'::regclass AND a.attnum > 0 ORDER BY a.attnum"
    ).fetchall()
    assert rows[:5] == [
        ("id", "bigint", True, "d", None),
        ("select", "character varying(20)", True, "", "'a''b, (c'::character varying(20)"),
        ("kind", "text", False, "", "'z'''::text"),
        ("price", "numeric(12,2)", True, "", "1.50"),
        ("at", "timestamp(3) with time zone", True, "", "CURRENT_TIMESTAMP"),
    ]
    indexes = db.execute(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'copy'::regclass"
    ).fetchall()
    text = "\n".join(str(index) for (index,) in indexes)
    assert re.search(r'UNIQUE INDEX "un ique" ON \S+ USING btree \("select", kind\)', text)
    assert re.search(r"INDEX price ON \S+ USING btree \(price\)", text)
    assert db.execute("SELECT obj_description('copy'::regclass)").fetchall() == [("it's (a) table",)]
    assert db.execute("SELECT col_description('copy'::regclass, 1)").fetchall() == [("the 'number'; \\ one",)]
    left = "\n".join(told["left_out"])
    assert all(part in left for part in ("uuid()", "prefix", "words", "positive"))
    db.execute("INSERT INTO copy DEFAULT VALUES")
    assert db.execute("SELECT max(id) FROM copy").fetchall() == [(10,)]


POSTGRESQL_TABLE = """
CREATE TABLE "Or.ders" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number serial,
    "sel ect" varchar(20) COLLATE "C" NOT NULL DEFAULT 'a''b'::character varying,
    price numeric(12,2) NOT NULL DEFAULT 1.50 CHECK (price >= 0),
    at timestamptz DEFAULT now(),
    day date DEFAULT '2026-01-31',
    ok boolean DEFAULT true,
    tags text[] DEFAULT '{}',
    token uuid DEFAULT gen_random_uuid(),
    CONSTRAINT pair UNIQUE (number, price),
    EXCLUDE USING btree (day WITH =)
) WITH (fillfactor=70);
CREATE INDEX lower_name ON "Or.ders" (lower("sel ect"), price DESC) WHERE ok;
CREATE UNIQUE INDEX "by day" ON "Or.ders" (day, id);
CREATE INDEX tags_gin ON "Or.ders" USING gin (tags);
COMMENT ON TABLE "Or.ders" IS 'it''s a table';
COMMENT ON COLUMN "Or.ders".price IS 'in é';
INSERT INTO "Or.ders" (price, day) SELECT n, '2026-01-01'::date + n FROM generate_series(1, 9) n;
"""


def _catalog(postgresql: PostgresqlSchema, table: str, schema: str | None = None) -> list[Any]:
    """All that `\\d+` would show, without names that hang on the table's."""
    oid = f'\'"{schema or postgresql.name}"."{table}"\'::regclass'
    queries = (
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text, "
        "regexp_replace(pg_get_expr(d.adbin, d.adrelid), 'nextval.*', 'nextval'), a.attcollation, "
        "col_description(a.attrelid, a.attnum) FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid "
        f"AND d.adnum = a.attnum WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        f"SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = {oid} ORDER BY 1",
        "SELECT c.relname::text, regexp_replace(pg_get_indexdef(i.indexrelid), ' ON .* USING ', ' USING ') "
        f"FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indrelid = {oid} ORDER BY 1",
        f"SELECT reloptions, obj_description(oid, 'pg_class') FROM pg_class WHERE oid = {oid}",
    )
    return [postgresql.db.execute(query.encode()).fetchall() for query in queries]


@pytest.mark.parametrize("mode", ["insert", "overwrite"])
def test_postgresql_to_postgresql_is_the_same(
    postgresql: PostgresqlSchema, copy: Callable[..., dict[str, Any]], mode: str
) -> None:
    db, other = postgresql.db, f"{postgresql.name}_other"
    db.execute(POSTGRESQL_TABLE.encode())
    db.execute(f"CREATE SCHEMA {other}".encode())
    try:
        source = {"name": "postgresql", "url": postgresql.url, "table": '"Or.ders"'}
        target = {"name": "postgresql", "url": postgresql.url, "table": f'{other}."Or.ders"', "writeMode": mode}
        told = copy(source, target)
        assert _catalog(postgresql, "Or.ders", other) == _catalog(postgresql, "Or.ders")
        assert told["left_out"] == []
        both = [f'SELECT * FROM {schema}."Or.ders" ORDER BY id' for schema in (postgresql.name, other)]
        assert db.execute(both[0].encode()).fetchall() == db.execute(both[1].encode()).fetchall()
        db.execute(f"INSERT INTO {other}.\"Or.ders\" (day) VALUES ('2030-01-01')".encode())
        newest = f'SELECT id, number FROM {other}."Or.ders" ORDER BY id DESC LIMIT 1'
        assert db.execute(newest.encode()).fetchall() == [(10, 10)]
    finally:
        db.execute(f"SET client_min_messages = warning; DROP SCHEMA {other} CASCADE".encode())


def test_postgresql_to_whatever_sqlalchemy_knows(
    postgresql: PostgresqlSchema, rdbms: RdbmsDatabase, copy: Callable[..., Any]
) -> None:
    """Key, NOT NULL, constants and comments; the plan tells what is left out."""
    postgresql.db.execute(
        "CREATE TABLE s (id bigint GENERATED ALWAYS AS IDENTITY, kind int DEFAULT -7, name text DEFAULT 'a:b%''c\\', "
        "price numeric(9,2) NOT NULL DEFAULT 1.50, ok boolean DEFAULT true, at timestamp DEFAULT now(), "
        "token uuid DEFAULT gen_random_uuid(), PRIMARY KEY (kind, id)); "
        "COMMENT ON TABLE s IS 'it''s 100%: a \\ table'; COMMENT ON COLUMN s.price IS 'in % of é'; "
        "CREATE INDEX by_price ON s (price); CREATE UNIQUE INDEX ON s (lower(name)); "
        "INSERT INTO s (name, price) VALUES ('x', 2)".encode()
    )
    source = {"name": "postgresql", "url": postgresql.url, "table": "s"}
    told = copy(source, {"name": "rdbms", "url": rdbms.url, "table": "made"})
    with rdbms.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        assert inspector.get_pk_constraint("made")["constrained_columns"] == ["kind", "id"]
        columns = {column["name"]: column for column in inspector.get_columns("made")}
        comments: list[Any] = [None, None]
        if rdbms.engine != "sqlite":
            comments = [inspector.get_table_comment("made")["text"], columns["price"].get("comment")]
    assert [name for name, column in columns.items() if not column["nullable"]] == ["id", "kind", "price"]
    rdbms.execute("INSERT INTO made (id) VALUES (9)")
    (row,) = rdbms.execute("SELECT kind, name, price, ok FROM made WHERE id = 9")
    texts = rdbms.engine != "mariadb"
    assert (row[0], row[1], float(row[2]), bool(row[3])) == (-7, "a:b%'c\\" if texts else None, 1.5, True)
    assert comments == ([None, None] if rdbms.engine == "sqlite" else ["it's 100%: a \\ table", "in % of é"])
    left = "\n".join(told["left_out"])
    parts = ["numbering of column id", "default of column at", "gen_random_uuid()", "by_price", "lower(name)"]
    assert all(part in left for part in parts), left
    assert ("default of column name" in left) is not texts
    assert ("comment of" in left) is (rdbms.engine == "sqlite")
    assert told["statements"][0].startswith("CREATE TABLE made")


def test_bits_there_and_back(mysql: MysqlDatabase, postgresql: PostgresqlSchema, copy: Callable[..., Any]) -> None:
    mysql.execute(
        "CREATE TABLE t (k bit(4) PRIMARY KEY, v bit(12) NOT NULL DEFAULT b'101', b bit(1) DEFAULT b'1', n bit(64))",
        "INSERT INTO t VALUES (1, 7, 0, ~0), (8, 4095, 1, NULL)",
    )
    there = {"name": "postgresql", "url": postgresql.url, "table": "t"}
    told = copy({"name": "mysql", "url": mysql.url, "table": "t"}, there)
    assert told["left_out"] == []
    db = postgresql.db
    ones = "1" * 64
    rows = [("0001", "000000000111", False, ones), ("1000", "111111111111", True, None)]
    assert db.execute("SELECT k::text, v::text, b, n::text FROM t ORDER BY k").fetchall() == rows
    added = db.execute("INSERT INTO t (k) VALUES (B'0011') RETURNING v::text, b").fetchall()
    assert added == [("000000000101", True)]
    copy(there, {"name": "mysql", "url": mysql.url, "table": "back"})
    shown = _shown(mysql, "back")
    assert all(kind in shown for kind in ("`k` bit(4) NOT NULL", "`v` bit(12)", "`n` bit(64)", "PRIMARY KEY (`k`)"))
    assert mysql.execute("SELECT k + 0, v + 0, b + 0, n + 0 FROM back ORDER BY k") == [
        (1, 7, 0, 2**64 - 1), (3, 5, 1, None), (8, 4095, 1, None),
    ]  # fmt: skip


def test_in_the_same_schema_the_server_names_indexes(postgresql: PostgresqlSchema, copy: Callable[..., Any]) -> None:
    postgresql.db.execute(POSTGRESQL_TABLE.encode())
    source = {"name": "postgresql", "url": postgresql.url, "table": '"Or.ders"'}
    copy(source, {"name": "postgresql", "url": postgresql.url, "table": "copy"})
    ours, theirs = _catalog(postgresql, "copy"), _catalog(postgresql, "Or.ders")
    assert ours[0] == theirs[0]
    assert sorted(text.partition(" USING ")[2] for _, text in ours[2]) == sorted(
        text.partition(" USING ")[2] for _, text in theirs[2]
    )


def test_types_that_are_not_there(postgresql: PostgresqlSchema, copy: Callable[..., Any]) -> None:
    db = postgresql.db
    db.execute(b"CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE m (id int PRIMARY KEY, how mood DEFAULT 'ok')")
    other = postgresql.url.replace(f"?currentSchema={postgresql.name}", "?currentSchema=public")
    source = {"name": "postgresql", "url": postgresql.url, "table": "m"}
    told = copy(source, {"name": "postgresql", "url": other, "table": "moods"})
    try:
        kind = db.execute(
            "SELECT format_type(atttypid, -1) FROM pg_attribute "
            "WHERE attrelid = 'public.moods'::regclass AND attname = 'how'"
        ).fetchall()
        assert kind == [("text",)]
        assert any("mood" in each for each in told["left_out"])
    finally:
        db.execute("DROP TABLE public.moods")


def test_postgresql_to_mysql_and_sqlite(
    mysql: MysqlDatabase, postgresql: PostgresqlSchema, copy: Callable[..., Any], tmp_path: Path
) -> None:
    postgresql.db.execute(POSTGRESQL_TABLE.encode())
    source = {"name": "postgresql", "url": postgresql.url, "table": '"Or.ders"'}
    told = copy(source, {"name": "mysql", "url": mysql.url, "table": "copy"})
    shown = _shown(mysql, "copy")
    for part in (
        "`id` bigint(20) NOT NULL AUTO_INCREMENT",
        "`sel ect` varchar(20) NOT NULL DEFAULT 'a''b'",
        "`price` decimal(12,2) NOT NULL DEFAULT 1.50 COMMENT 'in é'",
        "`day` date DEFAULT '2026-01-31'",
        "`ok` tinyint(1) DEFAULT 1",
        "PRIMARY KEY (`id`)",
        "UNIQUE KEY `pair` (`number`,`price`)",
        "UNIQUE KEY `by day` (`day`,`id`)",
        "COMMENT='it''s a table'",
    ):
        assert part in shown, shown
    left = "\n".join(told["left_out"])
    assert all(part in left for part in ("gen_random_uuid", "lower_name", "tags_gin", "CHECK", "numbering"))
    path = tmp_path / "copy.db"
    copy(source, {"name": "sqlite", "path": str(path), "table": "copy"})
    with closing(sqlite3.connect(path)) as db:
        assert [row[:2] for row in db.execute("SELECT \"unique\", origin FROM pragma_index_list('copy')")] == [
            (1, "c"), (1, "c"),
        ]  # fmt: skip
        db.execute("INSERT INTO copy (number) VALUES (1)")
        row = db.execute('SELECT id, "sel ect", price, day, ok FROM copy ORDER BY id DESC').fetchone()
        assert row == (10, "a'b", 1.5, "2026-01-31", 1)
