"""Parameters of the MySQL family as DataX's jobs have them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from starhaul.job.load import load_job
from starhaul.registry import Registry
from starhaul_readers.drds import DrdsReaderParams
from starhaul_readers.mysql import MysqlReaderParams
from starhaul_readers.oceanbase import OceanbaseReaderParams
from starhaul_stores.mysql.params import MysqlWireReaderParams

TO_NULL = "jdbc:mysql://h/d?zeroDateTimeBehavior=convertToNull"
OTHERS = [f"jdbc:mysql://h/d?zeroDateTimeBehavior={value}" for value in ("round", "exception")]


@pytest.mark.parametrize("kind", [MysqlReaderParams, OceanbaseReaderParams, DrdsReaderParams])
@pytest.mark.parametrize(("given", "taken"), [(None, None), (7, 7), (0, None), (-2147483648, None)])
def test_fetch_size(kind: type[MysqlWireReaderParams], given: int | None, taken: int | None) -> None:
    params = kind.model_validate({"url": "mysql://h/d", "table": "t", "fetchSize": given})
    assert params.fetch_size == taken


def test_zero_dates_of_a_list_of_urls() -> None:
    def reading(*urls: str, **more: Any) -> MysqlReaderParams:
        return MysqlReaderParams.model_validate({"jdbcUrl": urls, "table": "t", **more})

    assert reading(TO_NULL, "jdbc:mysql://h/d").zero_date == "null"
    assert reading(OTHERS[1]).zero_date == "reject"
    for urls in ([OTHERS[0]], [TO_NULL, OTHERS[1]]):
        with pytest.raises(ValidationError, match="give zeroDate in its place"):
            reading(*urls)
        assert reading(*urls, zeroDate="null").zero_date == "null"


@pytest.mark.parametrize("rules", ["exact", "datax"])
@pytest.mark.parametrize("form", ["native", "DataX"])
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"jdbcUrl": ["jdbc:mysql://h/d"]}, "null"),
        ({"jdbcUrl": OTHERS[1]}, "reject"),
        ({"jdbcUrl": [TO_NULL]}, "null"),
        ({"jdbcUrl": "jdbc:mysql://h/d", "zeroDate": "reject"}, "reject"),
    ],
)
def test_zero_dates_of_a_job_that_converts_as_datax(given: dict[str, Any], meant: str, form: str, rules: str) -> None:
    reader, writer = {"table": ["t"], **given}, {"print": False}
    job: dict[str, Any] = {
        "reader": {"name": "mysqlreader", "parameter": reader},
        "writer": {"name": "streamwriter", "parameter": writer},
    }
    setting = {"conversion": {"rules": rules}}
    document = {"job": {"content": [job], "setting": setting}} if form == "DataX" else {**job, "settings": setting}
    (stream,) = load_job(document, Registry()).streams
    params = MysqlReaderParams.parse(dict(stream.reader.parameters))
    assert isinstance(params, MysqlReaderParams)
    told = "zeroDate" in given or given["jdbcUrl"] == [TO_NULL]
    assert params.zero_date == (meant if rules == "datax" or told else "reject")


def test_what_a_query_leaves_without_effect() -> None:
    query = {"url": "mysql://h/d", "querySql": "SELECT 1", "column": ["a"], "where": "a > 1"}
    told = MysqlReaderParams.model_validate(query).idle
    assert told == ("No effect on querySql, which is run as it stands: column, where.",)
    assert MysqlReaderParams.model_validate({"url": "mysql://h/d", "table": "t", "where": "a > 1"}).idle == ()
