"""`rdbmswriter` and foreign keys and triggers: what `overwrite` and `replace` would do to rows of other tables."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from starhaul import ConfigError
from starhaul_stores.rdbms.insertion import Insertion
from tests.conftest import PostgresqlSchema
from tests.servers.rdbms import RdbmsDatabase, make
from tests.servers.rdbms_writing import filled as filled
from tests.servers.rdbms_writing import rows_of, run


class TestOverwriteOfATableThatOthersReferTo:
    @pytest.fixture
    def referred(self, rdbms: RdbmsDatabase) -> RdbmsDatabase:
        rdbms.execute(
            "CREATE TABLE t (id integer PRIMARY KEY, a varchar(5))",
            "INSERT INTO t VALUES (1, 'one')",
            "CREATE TABLE child (id integer PRIMARY KEY, t integer, "
            "CONSTRAINT of_t FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE)",
            "INSERT INTO child VALUES (1, 1)",
        )
        return rdbms

    def test_the_job_is_refused(self, referred: RdbmsDatabase, tmp_path: Path) -> None:
        if referred.engine == "sqlite":  # does not look at foreign keys, unless it is told to
            assert run(tmp_path, referred.url, "7,x\n", writeMode="overwrite").state == "done"
        else:
            with pytest.raises(ConfigError, match=r"deletes all rows of 't'.*of .*child.*\(drop the foreign key"):
                run(tmp_path, referred.url, "7,x\n", writeMode="overwrite")
            assert referred.execute("SELECT id FROM t") == [(1,)]
            assert referred.tables() == {"t", "child"}
        assert referred.execute("SELECT count(*) FROM child") == [(1,)]

    def test_from_another_schema(self, postgresql: PostgresqlSchema, tmp_path: Path) -> None:
        db, other = postgresql.db, f"{postgresql.name}_other"
        db.execute(
            f"CREATE TABLE t (id int PRIMARY KEY, a text); CREATE SCHEMA {other}; "
            f"CREATE TABLE {other}.child (t int REFERENCES t ON DELETE SET NULL)".encode()
        )
        try:
            url = make("postgresql", lambda name: postgresql, tmp_path).url
            with pytest.raises(ConfigError, match=f"child_t_fkey of {other}.child"):
                run(tmp_path, url, "7,x\n", writeMode="overwrite")
        finally:
            db.execute(f"SET client_min_messages = warning; DROP SCHEMA {other} CASCADE".encode())

    def test_a_key_that_comes_while_rows_are_written(
        self, rdbms: RdbmsDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rdbms.execute("CREATE TABLE t (id integer PRIMARY KEY, a varchar(5))", "INSERT INTO t VALUES (1, 'one')")
        written, child = Insertion.flush, ["CREATE TABLE child (t integer, FOREIGN KEY (t) REFERENCES t (id))"]
        alone = rdbms.engine == "sqlite"  # which has one writer at a time, and nobody else's key comes

        def flush(insertion: Insertion) -> None:
            written(insertion)
            while child:
                with pytest.raises(OperationalError, match="locked") if alone else nullcontext():
                    rdbms.execute(child.pop())

        monkeypatch.setattr(Insertion, "flush", flush)
        report = run(tmp_path, rdbms.url, "7,x\n", writeMode="overwrite")
        assert not child
        assert report.state == ("done" if alone else "failed")
        assert alone or "foreign keys refer" in str(report.error)
        assert rdbms.execute("SELECT id FROM t") == [(7 if alone else 1,)]

    def test_keys_that_are_not_enforced_and_of_the_table_itself(self, rdbms: RdbmsDatabase, tmp_path: Path) -> None:
        rdbms.execute(
            "CREATE TABLE t (id integer PRIMARY KEY, a varchar(5), up integer, "
            "CONSTRAINT of_t FOREIGN KEY (up) REFERENCES t (id))",
            "INSERT INTO t VALUES (1, 'one', NULL)",
            "INSERT INTO t VALUES (2, 'two', 1)",
        )
        if rdbms.engine == "mariadb":  # looks at each row when it goes
            with pytest.raises(ConfigError, match=r"of_t of .*\.t "):
                run(tmp_path, rdbms.url, "7,x\n", writeMode="overwrite")
        session = ["SET foreign_key_checks = 0"] if rdbms.engine == "mariadb" else []
        report = run(tmp_path, rdbms.url, "7,x\n", writeMode="overwrite", session=session)
        assert (report.state, report.written) == ("done", 1), report.error
        assert rdbms.execute("SELECT id, a, up FROM t") == [(7, "x", None)]

    @pytest.mark.parametrize(
        "trigger",
        [
            "BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.id = 8) EXECUTE FUNCTION {schema}.nothing()",
            "BEFORE DELETE ON t FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION {schema}.nothing()",
        ],
    )
    def test_a_trigger_that_drops_or_keeps_rows(
        self, postgresql: PostgresqlSchema, tmp_path: Path, trigger: str
    ) -> None:
        db = postgresql.db
        db.execute(
            "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'one'), (2, 'two'); "
            f"CREATE FUNCTION {postgresql.name}.nothing() RETURNS trigger LANGUAGE plpgsql AS "
            f"'BEGIN RETURN NULL; END'; CREATE TRIGGER drops {trigger.format(schema=postgresql.name)}".encode()
        )
        url = make("postgresql", lambda name: postgresql, tmp_path).url
        report = run(tmp_path, url, "7,x\n8,y\n", writeMode="overwrite")
        assert report.error is not None
        assert "after its old ones were deleted and 2 were inserted" in report.error.problem
        assert db.execute("SELECT id FROM t ORDER BY 1").fetchall() == [(1,), (2,)]


class TestReplaceOfRowsThatOthersReferTo:
    """It deletes the old row, and foreign keys act on that."""

    @staticmethod
    def referring(rule: str) -> str:
        return (
            "CREATE TABLE child (id integer PRIMARY KEY, t integer, "
            f"CONSTRAINT of_t FOREIGN KEY (t) REFERENCES t (id) ON DELETE {rule})"
        )

    @pytest.mark.parametrize("rule", ["CASCADE", "SET NULL"])
    def test_that_would_delete_or_alter_them(self, filled: RdbmsDatabase, tmp_path: Path, rule: str) -> None:
        filled.execute(self.referring(rule), "INSERT INTO child VALUES (1, 1)")
        told = rf"what refers to it: of_t of .*child \(ON DELETE {rule}\) \(use writeMode update"
        if filled.engine == "sqlite":  # does not look at foreign keys, and cannot be told to by `session`
            assert run(tmp_path, filled.url, "1,ONE\n", writeMode="replace").written == 1
        else:
            with pytest.raises(ConfigError, match=told):
                run(tmp_path, filled.url, "1,ONE\n", writeMode="replace")
            assert rows_of(filled)[0] == (1, "one", "old")
        assert run(tmp_path, filled.url, "1,TWO\n", writeMode="update").written == 1
        assert filled.execute("SELECT id, t FROM child") == [(1, 1)]

    def test_that_forbid_it(self, filled: RdbmsDatabase, tmp_path: Path) -> None:
        filled.execute(self.referring("RESTRICT"), "INSERT INTO child VALUES (1, 1)")
        report = run(tmp_path, filled.url, "1,ONE\n2,TWO\n", writeMode="replace")
        rejected = int(filled.engine != "sqlite")
        assert (report.state, report.written, report.rejected) == ("done", 2 - rejected, rejected)
        assert rows_of(filled) == [(1, "one", "old") if rejected else (1, "ONE", "new"), (2, "TWO", "new")]
        assert filled.execute("SELECT id, t FROM child") == [(1, 1)]

    def test_that_come_with_the_run(self, filled: RdbmsDatabase, tmp_path: Path) -> None:
        report = run(tmp_path, filled.url, "1,ONE\n", writeMode="replace", preSql=[self.referring("CASCADE")])
        if filled.engine == "sqlite":
            assert report.state == "done"
            return
        assert report.state == "failed"
        assert "of_t of" in str(report.error)
        assert rows_of(filled)[0] == (1, "one", "old")

    def test_of_the_table_itself(self, rdbms: RdbmsDatabase, tmp_path: Path) -> None:
        rdbms.execute(
            "CREATE TABLE t (id integer PRIMARY KEY, a varchar(5), up integer, "
            "CONSTRAINT of_t FOREIGN KEY (up) REFERENCES t (id) ON DELETE CASCADE)",
            "INSERT INTO t VALUES (1, 'one', NULL)",
            "INSERT INTO t VALUES (2, 'two', 1)",
        )
        if rdbms.engine == "sqlite":  # does not look at foreign keys, unless it is told to
            assert run(tmp_path, rdbms.url, "1,ONE\n", writeMode="replace").written == 1
        else:
            with pytest.raises(ConfigError, match=r"of_t of .*t \(ON DELETE CASCADE"):
                run(tmp_path, rdbms.url, "1,ONE\n", writeMode="replace")
        assert rdbms.execute("SELECT count(*) FROM t") == [(2,)]
