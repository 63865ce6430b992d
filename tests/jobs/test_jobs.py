"""Every job in `jobs/` runs, with data made here, and does what its comment says."""

from __future__ import annotations

import csv
import gzip
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import starhaul

JOBS = Path(__file__).parents[2] / "jobs"

LINEITEM = """\
l_orderkey,l_partkey,l_suppkey,l_linenumber,l_quantity,l_extendedprice,l_discount,l_tax,l_returnflag,l_linestatus,\
l_shipdate,l_commitdate,l_receiptdate,l_shipinstruct,l_shipmode,l_comment
1,3104,170,1,17,17120.70,0.04,0.02,N,O,1996-03-13,1996-02-12,1996-03-22,DELIVER IN PERSON,TRUCK,"egular, courts"
1,1347,148,2,36,44940.24,0.09,0.06,R,F,1996-04-12,1996-02-28,1996-04-20,TAKE BACK RETURN,MAIL,"ly ""final"" "
"""


@pytest.fixture
def lineitem(tmp_path: Path) -> Path:
    """Two rows of TPC-H, one of them returned."""
    path = tmp_path / "lineitem.csv"
    path.write_text(LINEITEM)
    return path


def run(job: str, tmp_path: Path, **variables: Path) -> starhaul.Report:
    given = {name: str(value) for name, value in variables.items()}
    report = starhaul.run(JOBS / job, variables=given, state=tmp_path / "state")
    assert report.error is None
    assert report.state == "done"
    assert not report.warnings
    return report


def test_csv_to_sqlite(lineitem: Path, tmp_path: Path) -> None:
    database = tmp_path / "target.db"
    for _ in range(2):  # a second run replaces the rows of the first
        report = run("csv_to_sqlite.yaml", tmp_path, DATA=lineitem, DATABASE=database)
        assert (report.read, report.written, report.rejected) == (2, 2, 0)
    with closing(sqlite3.connect(database)) as db:
        rows = db.execute("SELECT l_orderkey, l_extendedprice, l_shipdate, l_comment FROM lineitem").fetchall()
        types = dict(db.execute("SELECT name, type FROM pragma_table_info('lineitem')").fetchall())
    assert rows == [(1, 17120.7, "1996-03-13", "egular, courts"), (1, 44940.24, "1996-04-12", 'ly "final" ')]
    assert (types["l_orderkey"], types["l_tax"], types["l_shipdate"]) == ("BIGINT", "DECIMAL(15,2)", "DATE")


def test_sqlite_to_csv(lineitem: Path, tmp_path: Path) -> None:
    database = tmp_path / "target.db"
    run("csv_to_sqlite.yaml", tmp_path, DATA=lineitem, DATABASE=database)
    report = run("sqlite_to_csv.yaml", tmp_path, DATABASE=database, EXPORT=tmp_path / "export")
    assert report.written == 1
    texts = [gzip.decompress(path.read_bytes()).decode() for path in (tmp_path / "export").iterdir()]
    (row,) = [row for text in texts for row in csv.reader(text.splitlines())]
    assert row == [
        "1", "1347", "148", "2", "36.00", "44940.24", "0.09", "0.06", "R", "F", "1996-04-12", "1996-02-28",
        "1996-04-20", "TAKE BACK RETURN", "MAIL", 'ly "final" ',
    ]  # fmt: skip


def test_csv_filter(tmp_path: Path) -> None:
    data = tmp_path / "orders.csv"
    data.write_text(
        "id,customer,amount,ordered\n"
        "1,Ada,12.50,31.12.2024 23:59\n"
        "2,Grace,9.99,01.01.2025 00:00\n"  # filtered
        "3,Edsger,much,01.01.2025 00:00\n"  # rejected
    )
    report = run("csv_filter.yaml", tmp_path, DATA=data, EXPORT=tmp_path / "export")
    assert (report.read, report.written, report.filtered, report.rejected) == (3, 1, 1, 1)
    (file,) = (tmp_path / "export").iterdir()
    digest = hashlib.sha1(b"Ada").hexdigest()
    with file.open(newline="") as lines:
        assert list(csv.DictReader(lines)) == [
            {"id": "1", "ordered": "2024-12-31 23:59:00", "amount": "12.50", "customer_hash": digest}
        ]


def test_stream_to_stream(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    report = run("stream_to_stream.json", tmp_path)
    assert report.written == 10
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert len(lines) == 10
    assert all(line.startswith("hello\t") and line.endswith("\ttrue") for line in lines)


def test_no_job_is_left_out() -> None:
    tested = {"csv_to_sqlite.yaml", "sqlite_to_csv.yaml", "csv_filter.yaml", "stream_to_stream.json"}
    assert {path.name for path in JOBS.iterdir()} == tested
