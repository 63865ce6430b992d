"""What tests of `postgresqlwriter` share."""

from __future__ import annotations

from typing import Any

from starhaul_writers.postgresql import PostgresqlWriter, PostgresqlWriterParams
from tests.conftest import PostgresqlSchema

ODD = """
    CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.id % 2 = 1 THEN RETURN NEW; END IF; RETURN NULL; END $$;
    CREATE TRIGGER odd BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION odd()
"""
"""A trigger that keeps even numbers out of the table `t`."""


def writer(schema: PostgresqlSchema, table: str = "t", **more: Any) -> PostgresqlWriter:
    return PostgresqlWriter(PostgresqlWriterParams.model_validate({"url": schema.url, "table": table, **more}))


def contents(schema: PostgresqlSchema, sql: str = "SELECT * FROM t ORDER BY 1") -> list[tuple[Any, ...]]:
    return schema.db.execute(sql.encode()).fetchall()
