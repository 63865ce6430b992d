"""Reads Oracle databases."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from starhaul_stores.rdbms.kinds import address_of
from starhaul_stores.rdbms.reading import RdbmsReaderParams, SqlAlchemyReader
from starhaul_stores.relational.url import DatabaseUrl


class OracleReaderParams(RdbmsReaderParams):
    """Parameters of `oraclereader`: `jdbcUrl` with `table` or `querySql`, or DataX's `connection` list."""

    hint: str = ""
    """An optimizer hint for the SELECTs, `/*+ parallel(t, 4) */`; or, as in DataX, `REGEX#/*+ hint */` for the tables
    whose names the expression matches. `@table` stands for the table."""
    split_mode: Literal["", "randomSampling"] = ""
    """For DataX's jobs. Whatever it says, the database ranks the keys."""
    sample_percentage: float = Field(default=0.1, gt=0, le=100)
    """For DataX's jobs: of `splitMode`, without effect."""

    @classmethod
    def parse_address(cls, url: str) -> DatabaseUrl:
        """`jdbc:oracle:thin:@…`, or SQLAlchemy's."""
        return address_of(url, ("oracle",), "Oracle", "jdbc:oracle:thin:@//HOST:PORT/SERVICE")


class OracleReader(SqlAlchemyReader[OracleReaderParams]):
    """Reads tables, views and queries of Oracle, by python-oracledb, which needs no Oracle client.

    No Oracle server could be had: its SQL is checked in tests by its text only, and nothing here was run against one.

    - NUMBER(p,s) is a decimal, of up to 18 digits without a fraction an `int64`; NUMBER without digits and FLOAT, which
      hold up to 40 digits anywhere, come as text.
    - DATE, which has a time of day, is a timestamp in seconds; TIMESTAMP a timestamp in microseconds, of which values
      with more digits are rejected (`TO_CHAR` the column to have them as text); both come through TO_CHAR, since the
      driver cuts digits off. TIMESTAMP WITH (LOCAL) TIME ZONE is an instant in UTC.
    - CLOB and LONG are text, BLOB and RAW bytes. In Oracle an empty text is NULL, and so it arrives.
    - Names without quotes are taken as Oracle takes them, in any case.
    """

    name = "oraclereader"
    params_type = OracleReaderParams

    def hint_for(self, table: str) -> str:
        """As `hint` says."""
        return oracle_hint(self.params.hint, table)


def oracle_hint(hint: str, table: str) -> str:
    """The hint for a table, with a blank after it, or nothing."""
    import re

    pattern, separator, text = hint.partition("#")
    if not separator:
        pattern, text = "", hint
    if not text.strip() or (pattern and not re.search(pattern, table, re.IGNORECASE)):
        return ""
    return text.strip().replace("@table", table) + " "
