"""Writers of MySQL as tests of servers make them."""

from __future__ import annotations

from typing import Any

from starhaul_writers.mysql import MysqlWriter, MysqlWriterParams
from tests.conftest import MysqlDatabase


def writer(mysql: MysqlDatabase, table: str = "t", **more: Any) -> MysqlWriter:
    return MysqlWriter(MysqlWriterParams.model_validate({"url": mysql.url, "table": table, **more}))
