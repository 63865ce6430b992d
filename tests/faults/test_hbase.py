"""kill -9 in the midst of a run into HBase, then resume: every row once, and in one version."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import pytest

from tests.faults.process import starhaul
from tests.servers.hbase import HbaseTables

pytestmark = pytest.mark.timeout(300)  # the first test starts HBase
ROWS = 3000
WRITER = "starhaul_writers.hbase:Hbase11xWriter"
DELIVERY = "starhaul_stores.hbase.writing:Delivery"


@pytest.mark.slow
@pytest.mark.parametrize("point", [f"{DELIVERY}.write:after:2", f"{WRITER}.write:after:2"])
def test_killed_and_resumed(tmp_path: Path, hbase: HbaseTables, point: str) -> None:
    table = hbase.create(b"k2", families="cf=5")
    (tmp_path / "in").mkdir()
    for number in range(3):
        with (tmp_path / "in" / f"{number}.csv").open("w", newline="") as out:
            csv.writer(out).writerows([f"k{n}", f"row {n}"] for n in range(number, ROWS, 3))
    job = tmp_path / "job.yaml"
    job.write_text(
        f"""
        reader:
          name: txtfilereader
          path: {tmp_path}/in/*.csv
          column: [{{index: 0, type: string, name: key}}, {{index: 1, type: string, name: text}}]
        writer:
          name: hbase
          thriftServers: ["{hbase.thrift_servers()[0]}"]
          table: {table}
          rowkeyColumn: [{{index: 0, type: string}}]
          column: [{{index: 1, name: "cf:text"}}]
        settings: {{channel: 2}}
        """
    )
    killed = starhaul(tmp_path / "state", "run", str(job), kill_at=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed = starhaul(tmp_path / "state", "resume", "--last")
    assert resumed.returncode == 0, resumed.stderr + resumed.stdout

    connection = hbase.server.connect()
    found = dict(connection.table(table).scan(include_timestamp=True, batch_size=1000))
    versions = {len(connection.table(table).cells(f"k{n}", b"cf:text", versions=5)) for n in range(0, ROWS, 100)}
    connection.close()
    assert {key: cells[b"cf:text"][0] for key, cells in found.items()} == {
        f"k{n}".encode(): f"row {n}".encode() for n in range(ROWS)
    }
    assert len({cells[b"cf:text"][1] for cells in found.values()}) == 1, "a resumed run has the timestamp of its start"
    assert versions == {1}
