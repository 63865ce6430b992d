"""Slices of `postgresqlreader` are of one snapshot, and what becomes of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import pytest

from starhaul import PermanentError
from starhaul.testing import RecordingTask
from starhaul_stores.postgresql import slices
from starhaul_stores.postgresql.connection import Connection
from tests.conftest import PostgresqlSchema
from tests.servers.postgresql_reading import reader


def test_a_table_without_a_key_is_cut_by_blocks_of_one_snapshot(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(
        "CREATE TABLE t AS SELECT n, repeat('x', 100) AS v FROM generate_series(1, 5000) n; ANALYZE t"
    )
    source = reader(postgresql, table="t")
    with source.hold(2) as held:
        splits = held.split(4)
        assert len(splits) == 4
        assert "one snapshot" in held.describe()[1]
        postgresql.db.execute("UPDATE t SET v = 'moved'; INSERT INTO t SELECT 9, 'new' FROM generate_series(1, 3000)")
        task = RecordingTask(source.schema())
        read = [row for split in splits for batch in held.read(split, task) for row in batch.to_pylist()]
    assert sorted(row["n"] for row in read) == list(range(1, 5001))
    assert {row["v"] for row in read} == {"x" * 100}
    with source.hold(2) as later:
        for resumed in (source, later):
            with pytest.raises(PermanentError, match="snapshot that t@1 was cut by is gone"):
                next(iter(resumed.read(splits[1], task)))


def test_a_table_is_cut_anew_where_it_was_cut_before(
    postgresql: PostgresqlSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To find the cuts is a second's work, and a run asks twice. What came or went in between is read all the same."""
    cuts = Mock(wraps=slices._cuts)
    monkeypatch.setattr(slices, "_cuts", cuts)
    postgresql.db.execute(
        "CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5000); ANALYZE t"
    )
    source = reader(postgresql, table="t")
    first = source.split(4)
    postgresql.db.execute("DELETE FROM t WHERE n < 1500 OR n > 3000; INSERT INTO t VALUES (-7), (9000)")
    with source.hold(2) as held:
        splits = held.split(4)
        task = RecordingTask(source.schema())
        read = [row["n"] for split in splits for batch in held.read(split, task) for row in batch.to_pylist()]
    assert len(first) == len(splits) == 4
    assert sorted(read) == [-7, *range(1500, 3001), 9000]
    assert cuts.call_count == 1


@pytest.mark.parametrize(
    "change",
    [
        "TRUNCATE t; INSERT INTO t SELECT n, 'new' FROM generate_series(1, 5000) n",
        "BEGIN; TRUNCATE t; INSERT INTO t SELECT n, 'new' FROM generate_series(1, 5000) n; COMMIT",
        "ALTER TABLE t ALTER v TYPE varchar(10) USING 'x'",
        "VACUUM FULL t",
        "CREATE TABLE u AS TABLE t; ALTER TABLE t RENAME TO old; ALTER TABLE u RENAME TO t",
        "ALTER TABLE t RENAME TO old; ALTER TABLE before RENAME TO t",
        "DROP TABLE t; CREATE TABLE t (n int PRIMARY KEY, v text)",
    ],
)
@pytest.mark.parametrize("params", [{"table": "t"}, {"table": "t", "splitPk": "ctid"}, {"table": "w", "splitPk": "n"}])
def test_a_table_that_is_emptied_between_slices_fails_the_run(
    postgresql: PostgresqlSchema, change: str, params: dict[str, str]
) -> None:
    """A snapshot does not see the rows that were there any more, nor those that came instead."""
    db = postgresql.db
    db.execute("CREATE TABLE t (n int PRIMARY KEY, v text); INSERT INTO t SELECT generate_series(1, 5000)")
    db.execute("CREATE TABLE before (n int PRIMARY KEY, v text); ANALYZE t")
    view = "CREATE VIEW w AS SELECT n FROM t"
    if params["table"] == "w":
        if "TYPE" in change or "DROP" in change:
            change = f"DROP VIEW w; {change}; {view}"
        elif "RENAME" in change:
            change = f"{change}; DROP VIEW w; {view}"
        db.execute(view.encode())
    source = reader(postgresql, **params)
    with source.hold(2) as held:
        splits = held.split(4)
        assert len(splits) == 4
        task = RecordingTask(source.schema())
        assert sum(map(len, held.read(splits[0], task))) > 0
        db.execute(change.encode())
        for encoding in (None, *held.encodings()):
            with pytest.raises(PermanentError, match=r"truncated, rewritten or replaced|columns have changed"):
                list(held.read_encoded(splits[1], task, encoding) if encoding else held.read(splits[1], task))


def test_a_query_that_reads_an_emptied_table_fails(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 50); CREATE TABLE u AS TABLE t")
    source = reader(postgresql, querySql=["SELECT n FROM u", "SELECT n FROM t WHERE n IN (SELECT n FROM u) -- all"])
    with source.hold(2) as held:
        splits = held.split(2)
        db.execute("TRUNCATE u")
        with pytest.raises(PermanentError, match="u was truncated, rewritten or replaced"):
            list(held.read(splits[1], RecordingTask(source.schema())))


def test_rows_and_partitions_that_come_between_slices_do_not_matter(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute(
        "CREATE TABLE t (n int PRIMARY KEY) PARTITION BY RANGE (n); "
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (5001); INSERT INTO t SELECT generate_series(1, 5000)"
    )
    db.execute("ANALYZE t")
    source = reader(postgresql, table="t")
    with source.hold(2) as held:
        splits = held.split(4)
        task = RecordingTask(source.schema())
        read = [n for batch in held.read(splits[0], task) for n in batch.column(0).to_pylist()]
        db.execute("CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (5001) TO (9001)")
        db.execute("INSERT INTO t SELECT generate_series(5001, 9000); DELETE FROM t WHERE n < 2000")
        db.execute("CREATE INDEX t_n ON t (n)")
        db.execute("VACUUM ANALYZE t")
        db.execute("REINDEX TABLE t1")
        read += [n for split in splits[1:] for batch in held.read(split, task) for n in batch.column(0).to_pylist()]
    assert sorted(read) == list(range(1, 5001))
    assert not task.notes


def test_a_partition_that_is_taken_away_between_slices_fails_the_run(postgresql: PostgresqlSchema) -> None:
    db = postgresql.db
    db.execute(
        "CREATE TABLE t (n int PRIMARY KEY, v int) PARTITION BY RANGE (n); "
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (2501); "
        "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (2501) TO (5001); INSERT INTO t SELECT generate_series(1, 5000)"
    )
    db.execute("ANALYZE t")
    source = reader(postgresql, table="t")
    with source.hold(2) as held:
        splits = held.split(4)
        db.execute("ALTER TABLE t DETACH PARTITION t2")
        with pytest.raises(PermanentError, match="t2 was truncated, rewritten or replaced"):
            list(held.read(splits[0], RecordingTask(source.schema())))


def test_slices_without_a_snapshot_in_common_are_noted(
    postgresql: PostgresqlSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a proxy, or with a server that only speaks PostgreSQL's language."""
    db = postgresql.db
    db.execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 5000) n; ALTER TABLE t ADD PRIMARY KEY (n)")
    db.execute("ANALYZE t")
    execute = Connection.execute

    def without(self: Connection, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if "pg_export_snapshot" in sql:
            raise PermanentError("", "no such function")
        return execute(self, sql, parameters)

    monkeypatch.setattr(Connection, "execute", without)
    source = reader(postgresql, table="t")
    task = RecordingTask(source.schema())
    with source.hold(2) as held:
        read = [row for split in held.split(4) for batch in held.read(split, task) for row in batch.to_pylist()]
    assert len(read) == 5000
    assert task.notes == {"slice read at a moment of its own": 4}
    quiet = RecordingTask(source.schema())
    assert sum(map(len, source.read(source.split(1)[0], quiet))) == 5000
    assert not quiet.notes, "one slice is one moment"


def test_slices_are_read_on_when_the_snapshot_is_lost(postgresql: PostgresqlSchema) -> None:
    postgresql.db.execute(
        "CREATE TABLE t AS SELECT n FROM generate_series(1, 5000) n; ALTER TABLE t ADD PRIMARY KEY (n)"
    )
    postgresql.db.execute("ANALYZE t")
    source = reader(postgresql, table="t")
    with source.hold(2) as held:
        splits = held.split(4)
        postgresql.db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE state = 'idle in transaction' AND query LIKE '%pg_export_snapshot%'"
        )
        task = RecordingTask(source.schema())
        read = [n for split in splits for batch in held.read(split, task) for n in batch.column(0).to_pylist()]
    assert sorted(read) == list(range(1, 5001))
    assert task.notes == {"slice read at a later moment than others": 4}
