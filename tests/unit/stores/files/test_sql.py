"""Dumps of SQL: their statements, and that what is written reads back in both dialects."""

from __future__ import annotations

import io
import re
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul import ConfigError, PermanentError
from starhaul.testing import RecordingTask
from starhaul_stores.files import sql_script
from starhaul_stores.files.sql_script import SqlScript
from tests import txtfile
from tests.txtfile import read

reader = partial(txtfile.reader, fileFormat="sql")

MYSQL = rb"""-- MySQL dump 10.19
/*!40101 SET NAMES utf8 */;
DROP TABLE IF EXISTS `t`;
CREATE TABLE `t` (
  `id` int(11) NOT NULL COMMENT 'a, b) ; c',
  `odd ``name` decimal(10,2) DEFAULT NULL,
  `text` varchar(20) DEFAULT 'x',
  PRIMARY KEY (`id`),
  KEY `k` (`text`)
) ENGINE=InnoDB COMMENT='it''s; fine';
LOCK TABLES `t` WRITE;
/*!40000 ALTER TABLE `t` DISABLE KEYS */;
INSERT INTO `t` VALUES (1,-1.50,'a\'b''c\\\n\0;),('),
(2,NULL,_binary 'x'),(3,1e3,0x6162);
INSERT INTO `other` VALUES (9);
/*!40000 ALTER TABLE `t` ENABLE KEYS */;
DELIMITER ;;
CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN INSERT INTO y VALUES (1); END ;;
DELIMITER ;
INSERT INTO `t` (`text`, `id`) VALUES ('last',4);
"""
POSTGRESQL = rb"""--
-- PostgreSQL database dump
--
\restrict abc
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS $$ select 1; $$;
CREATE TABLE public.t (
    id integer NOT NULL,
    "odd ""name" numeric(10,2),
    text character varying DEFAULT 'a;b'::character varying,
    CONSTRAINT c CHECK ((id > 0))
);
INSERT INTO public.t VALUES (1, -1.50, 'a\b''c');
INSERT INTO public.t (id, "odd ""name", text) OVERRIDING SYSTEM VALUE
VALUES (2, NULL, 'x;),('), (3, 'NaN', E'\t\'') ON CONFLICT DO NOTHING;
COPY public.t (id, "odd ""name", text) FROM stdin;
4	1.00	tab\there\\ \N
5	\N	\N
\.
SELECT 1;
"""


def rows(script: bytes) -> list[tuple[str, Any, Any, int]]:
    return [
        (".".join(row.table), row.columns, row.values, row.line)
        for row in SqlScript(io.BytesIO(script), 1 << 20).rows()
    ]


@pytest.mark.parametrize("at_once", [1, 7, 1 << 20])
def test_a_dump_of_mysql(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(sql_script, "_READ", max(at_once, 64))
    columns = ["id", "odd `name", "text"]
    assert rows(MYSQL) == [
        ("t", columns, [b"1", b"-1.50", b"a'b'c\\\n\0;),("], 13),
        ("t", columns, [b"2", None, b"x"], 14),
        ("t", columns, [b"3", b"1e3", b"ab"], 14),
        ("other", None, [b"9"], 15),
        ("t", ["text", "id"], [b"last", b"4"], 20),
    ]


def test_a_dump_of_postgresql() -> None:
    columns = ["id", 'odd "name', "text"]
    assert rows(POSTGRESQL) == [
        ("public.t", columns, [b"1", b"-1.50", b"a\\b'c"], 14),
        ("public.t", columns, [b"2", None, b"x;),("], 16),
        ("public.t", columns, [b"3", b"NaN", b"\t'"], 16),
        ("public.t", columns, [b"4", b"1.00", b"tab\there\\ \\N".replace(b"\\N", b"N")], 18),
        ("public.t", columns, [b"5", None, None], 19),
    ]


@pytest.mark.parametrize("dump", [MYSQL, POSTGRESQL])
def test_dumps_that_are_cut_are_noticed(dump: bytes) -> None:
    """Wherever a row, or a statement, is cut in two."""
    for end in range(len(dump) - 5):
        whole = dump[:end].rstrip()
        if not whole or whole[-1:] == b";" or whole.rpartition(b"\n")[2][:1] in (b"-", b"\\") or whole.endswith(b";;"):
            continue
        with pytest.raises(ValueError, match="line "):
            rows(dump[:end])


def test_values_that_are_none() -> None:
    with pytest.raises(ValueError, match=r"line 1: a value is no literal: 'now\(\)\);"):
        rows(b"INSERT INTO t VALUES (now());")
    for sum_ in (b"1+1", b"2024-01-02", b"1e5-1", b"1.2.3"):
        with pytest.raises(ValueError, match="line 1: there is no `,` or `\\)` after a value"):
            rows(b"INSERT INTO t VALUES (" + sum_ + b");")
    assert rows(b"INSERT INTO t VALUES (-1, +1.50, .5, 1., 1e-3);")[0][2] == [b"-1", b"+1.50", b".5", b"1.", b"1e-3"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO `t` SET a = 1;", "INSERT `t` VALUES (1);", "REPLACE `t` VALUES (1);",
        "INSERT INTO `t` SELECT 1;", "INSERT INTO `t` PARTITION (p) VALUES (1);",
        "COPY t FROM stdin WITH CSV;\n1\n\\.\n;", "COPY t FROM '/data/t';", "LOAD DATA INFILE 'x' INTO TABLE t;",
        "/*!50000 INSERT INTO t VALUES (1) */;",
    ],
)  # fmt: skip
def test_rows_that_are_told_otherwise_end_the_run(statement: str) -> None:
    """They would be missing, and nothing would say so."""
    with pytest.raises(
        ValueError, match=f"line 2: the rows of such a statement are not read: .{re.escape(statement[:4])}"
    ):
        rows(f"INSERT INTO `t` VALUES (1);\n{statement}\nINSERT INTO `t` VALUES (3);\n".encode())


def test_what_becomes_of_rows_that_are_there_holds_any_text() -> None:
    script = b"""INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 'x;''y';
INSERT INTO t VALUES (2) ON CONFLICT DO UPDATE SET a = 'z';
"""
    assert [row[2] for row in rows(script)] == [[b"1"], [b"2"]]


def test_columns_of_postgresql_that_are_called_by_words_of_mysql() -> None:
    script = b"CREATE TABLE t (key int, index text, exclude int, UNIQUE (key), EXCLUDE USING gist (a WITH =));\n"
    assert [row[1] for row in rows(script + b"INSERT INTO t VALUES (1, 'a', 2);")] == [["key", "index", "exclude"]]


def test_mysql_without_its_name_and_quotes() -> None:
    """As `mysqldump --compact --skip-quote-names` has it."""
    script = b"/*!40101 SET @saved_cs_client = @@character_set_client */;\nINSERT INTO t VALUES (1,'a\\nb');\n"
    assert [row[2] for row in rows(script)] == [[b"1", b"a\nb"]]


def test_bits_and_bytes_of_postgresql(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(
        b"-- PostgreSQL database dump\nINSERT INTO t (a, b) VALUES (B'0101', '\\x00ff'), (B'', '');\n"
        b"COPY t (a, b) FROM stdin;\n011\t\\\\x00ff\n1\t\\N\n\\.\n"
    )
    columns = [{"name": "a"}, {"name": "b", "type": "binary"}]
    found = read(reader(tmp_path, column=columns))[0]
    assert found["a"].to_pylist() == ["0101", "", "011", "1"]
    assert found["b"].to_pylist() == [b"\x00\xff", b"", b"\x00\xff", None]
    (tmp_path / "x").write_bytes(b"INSERT INTO `t` (`a`,`b`) VALUES (b'0101','\\\\x00ff');\n")
    assert read(reader(tmp_path, column=columns))[0].to_pylist() == [{"a": "5", "b": rb"\x00ff"}]


def test_one_table_of_a_dump(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(MYSQL)
    with pytest.raises(ConfigError, match="holds 't' and 'other'"):
        read(reader(tmp_path))
    columns = [{"name": "text"}, {"name": "id", "type": "long"}, {"name": "odd `name", "type": "decimal(10,2)"}]
    rows, reasons = read(reader(tmp_path, table="t", column=columns[:2]))
    assert reasons == []
    assert rows["id"].to_pylist() == [1, 2, 3, 4]
    with pytest.raises(PermanentError, match=r"x:20: has no column 'odd `name'"):
        read(reader(tmp_path, table="t", column=columns))
    rows, _ = read(reader(tmp_path, table="t", column=columns, missingAsNull=True))
    assert rows["odd `name"].to_pylist() == [Decimal("-1.50"), None, Decimal(1000), None]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"INSERT INTO `t` (`a`) VALUES (X'FF00'),('ok'),(1,2);\n")
    rows, reasons = read(reader(tmp_path))
    assert rows["a"].to_pylist() == ["ok"]
    assert reasons == [
        "x:1: a: the bytes are no text; give the column the type `binary`", "x:1: 2 values instead of 1",
    ]  # fmt: skip
    rows, _ = read(reader(tmp_path, column=[{"name": "a", "type": "binary"}]))
    assert rows["a"].to_pylist() == [b"\xff\x00", b"ok"]


def test_bytes_in_dumps_of_other_encodings(tmp_path: Path) -> None:
    """mysqldump writes bytes as they are, whatever `--default-character-set` makes of text."""
    columns = [{"index": 0}, {"index": 1, "type": "binary"}, {"index": 2, "type": "binary"}]
    (tmp_path / "x").write_bytes(b"INSERT INTO `t` VALUES ('\xe9',_binary '\x81\\0\xe9\\\\\xff',0xffe9);\n")
    for encoding in ("latin1", "cp1252"):
        rows, reasons = read(reader(tmp_path, column=columns, encoding=encoding))
        assert [column.to_pylist() for column in rows.columns] == [["é"], [b"\x81\0\xe9\\\xff"], [b"\xff\xe9"]]
        assert reasons == []
    script = "INSERT INTO `t` VALUES ('中',_binary 'a',0xffe9),('中',_binary '中','');\n"
    (tmp_path / "x").write_bytes(script.encode("gbk"))
    rows, reasons = read(reader(tmp_path, column=columns, encoding="gbk"))
    assert [column.to_pylist() for column in rows.columns] == [["中"], [b"a"], [b"\xff\xe9"]]
    assert reasons == ["x:1: column_1: which bytes these are is not known in gbk; dump with `--hex-blob`"]


def test_a_value_that_is_not_told_matters_where_it_is_wanted(tmp_path: Path) -> None:
    """`pg_dump --inserts` writes DEFAULT for columns that are generated, in whichever table."""
    (tmp_path / "x").write_bytes(
        b"INSERT INTO other VALUES (DEFAULT);\nINSERT INTO t (a, b) VALUES (1, DEFAULT), ('DEFAULT', '2');\n"
    )
    rows, reasons = read(reader(tmp_path, table="t", column=[{"name": "a"}]))
    assert (rows["a"].to_pylist(), reasons) == (["1", "DEFAULT"], [])
    rows, reasons = read(reader(tmp_path, table="t"))
    assert rows.to_pylist() == [{"a": "DEFAULT", "b": "2"}]
    assert reasons == ["x:2: b: DEFAULT is no value that the file tells"]


def test_bytes_as_postgresql_escapes_them(tmp_path: Path) -> None:
    """`bytea_output` `escape`. What is no escape is text that was given the type `binary`."""
    (tmp_path / "x").write_bytes(
        b"-- PostgreSQL database dump\nINSERT INTO t (a) VALUES ('\\000\\377\\\\A'), ('a\\b'), ('\\777');\n"
    )
    rows, _ = read(reader(tmp_path, column=[{"name": "a", "type": "binary"}]))
    assert rows["a"].to_pylist() == [b"\0\xff\\A", rb"a\b", rb"\777"]


def test_postgresql_where_every_string_has_escapes() -> None:
    script = rb"""-- PostgreSQL database dump
SET standard_conforming_strings = off;
COMMENT ON TABLE t IS 'a\';';
INSERT INTO t VALUES ('a\\b\'c''\n', E'\\');
"""
    assert [row[2] for row in rows(script)] == [[b"a\\b'c'\n", b"\\"]]


def test_escapes_that_keep_their_backslash_or_spell_characters() -> None:
    assert [row[2] for row in rows(rb"INSERT INTO `t` VALUES ('a\%b\_c\d');")] == [[rb"a\%b\_cd"]]
    standard = b"-- PostgreSQL database dump\n" + rb"INSERT INTO t VALUES (E'\u00e9\U0001F600\x41\101\u');"
    assert [row[2] for row in rows(standard)] == [["é😀AAu".encode()]]


def test_mysql_told_by_an_engine() -> None:
    script = b"CREATE TABLE t (a varchar(9)) ENGINE=InnoDB;\nINSERT INTO t VALUES ('a\\\\b');\n"
    assert [row[2] for row in rows(script)] == [[b"a\\b"]]


def write(path: Path, rows: pa.Table, **parameters: Any) -> tuple[bytes, list[str]]:
    writer = txtfile.writer(path, **{"fileFormat": "sql", "table": "s.t", **parameters})
    schema = writer.accept(rows.schema)
    assert schema is not None
    writer.check(schema)
    writer.prepare(schema, "run_1")
    task = RecordingTask(schema, "t0", "run_1")
    writer.commit("run_1", [writer.write(task, rows.to_batches())])
    (found,) = path.iterdir()
    return found.read_bytes(), [reason for _, reason, _ in task.rejected]


def test_what_is_written(tmp_path: Path) -> None:
    table = pa.table({
        "i": [1, None, 3], "s": ["it's \\", None, "x\0"], "b": [b"\x00\xff", None, b""], "t": [True, None, False],
        "d": [date(2024, 1, 2), None, None], "f": [0.5, float("nan"), None], 'q"`': [None, None, Decimal("1.50")],
    })  # fmt: skip
    data, reasons = write(tmp_path, table, quoteChar="`", commitSize=2)
    assert data.decode() == (
        'INSERT INTO `s`.`t` (`i`, `s`, `b`, `t`, `d`, `f`, `q"```) VALUES\n'
        "(1, 'it''s \\\\', X'00ff', true, '2024-01-02', 0.5, NULL),\n"
        "(3, 'x\0', X'', false, NULL, NULL, 1.50);\n"
    )
    assert reasons == ["f: is no number that MySQL has"]
    data, reasons = write(tmp_path, table, header=list("abcdefg"), commitSize=1)
    assert data.decode() == (
        'INSERT INTO "s"."t" ("a", "b", "c", "d", "e", "f", "g") VALUES\n'
        "(1, 'it''s \\', '\\x00ff', true, '2024-01-02', 0.5, NULL);\n"
        'INSERT INTO "s"."t" ("a", "b", "c", "d", "e", "f", "g") VALUES\n'
        "(NULL, NULL, NULL, NULL, NULL, 'NaN', NULL);\n"
    )
    assert reasons == ["s: holds the character NUL"]
    with pytest.raises(ConfigError, match="needs the name of a table"):
        write(tmp_path, table, table=None)


TEXTS = st.none() | st.sampled_from(["'", "\\'", "\\", ";", "--", "`"])
ROWS = st.lists(st.tuples(st.none() | st.text(max_size=6), TEXTS), min_size=1)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.text(max_size=6), st.none() | st.sampled_from(["'", "\\'", "\\", ";", "--", "`"])),
        min_size=1,
    ),
    st.sampled_from(["`", '"']),
)
def test_any_text_reads_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, Any]], quote: str) -> None:
    folder = tmp_path_factory.mktemp("x")
    first, second = (list(column) for column in zip(*rows, strict=True))
    table = pa.table({"a": pa.array(first, pa.string()), "b": pa.array(second, pa.string())})
    _, reasons = write(folder, table, quoteChar=quote)
    kept = [row for row in rows if not (quote == '"' and "\0" in (row[0] or ""))]
    assert len(reasons) == len(rows) - len(kept)
    if kept:
        assert [tuple(row.values()) for row in read(reader(folder))[0].to_pylist()] == kept


DATABASES = rb"""-- MySQL dump 10.19
USE `shop`;
CREATE TABLE `orders` (`id` int, `x` int);
INSERT INTO `orders` VALUES (1,2);
USE `old``shop` ;
CREATE TABLE `orders` (`x` int, `id` int);
INSERT INTO `orders` VALUES (4,3);
INSERT INTO `shop`.`orders` VALUES (5,6);
"""
SCHEMAS = rb"""-- PostgreSQL database dump
SET search_path = shop, pg_catalog;
CREATE TABLE orders (id integer);
COPY orders (id) FROM stdin;
1
\.
SET search_path TO "old`shop";
INSERT INTO orders (id) VALUES (3);
SELECT pg_catalog.set_config('search_path', '', false);
COPY shop.orders (id) FROM stdin;
5
\.
"""
CLUSTER = rb"""-- PostgreSQL database dump
\connect shop
INSERT INTO public.orders (id) VALUES (1),(5);
\connect "old`shop"
INSERT INTO public.orders (id) VALUES (3);
"""


@pytest.mark.parametrize(("dump", "name"), [(DATABASES, "orders"), (SCHEMAS, "orders"), (CLUSTER, "public.orders")])
def test_tables_of_one_name(tmp_path: Path, dump: bytes, name: str) -> None:
    (tmp_path / "x").write_bytes(dump)
    for place, ids in (("shop", ["1", "5"]), ("old`shop", ["3"])):
        rows, reasons = read(reader(tmp_path, table=f"{place}.{name}"))
        assert (rows["id"].to_pylist(), reasons) == (ids, [])
    both = f"holds 'shop.{name}' and 'old`shop.{name}'"
    for table in (name, "orders"):
        with pytest.raises(ConfigError, match=f"{both}, both '{table}'"):
            read(reader(tmp_path, table=table))
    with pytest.raises(ConfigError, match=both):
        read(reader(tmp_path))
    with pytest.raises(ConfigError, match="empty"):
        read(reader(tmp_path, table="other.orders"))


def test_a_schema_that_the_dump_does_not_tell(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"INSERT INTO orders VALUES (1);\n")
    assert read(reader(tmp_path, table="archive.orders"))[0].num_rows == 1
    assert read(reader(tmp_path, table="orders"))[0].num_rows == 1
