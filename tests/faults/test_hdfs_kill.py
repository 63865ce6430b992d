"""kill -9 between the steps of a run into HDFS, then resume: nothing lost, nothing twice, nothing half."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.faults.process import starhaul
from tests.servers.hdfs import HdfsDirectory

pytestmark = pytest.mark.slow

ROWS = 3000
FILES = 3
POINTS = [
    "starhaul_writers.hdfs:HdfsWriter.write:after:2",
    "starhaul_stores.files.places.hdfs:HdfsSession.rename:after:2",
    "starhaul_writers.hdfs:HdfsWriter.commit:after:1",
]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: re.sub(r".*?:", "", point, count=1))
def test_a_killed_run_resumes(tmp_path: Path, hdfs: HdfsDirectory, point: str) -> None:
    target = f"{hdfs.path}/out"
    hdfs.cluster.put(f"{target}/t_old", b"-1\n")
    hdfs.cluster.ask("PUT", "SETPERMISSION", target, permission="777")
    for file in range(FILES):
        part = range(file * ROWS // FILES, (file + 1) * ROWS // FILES)
        (tmp_path / f"{file}.csv").write_text("".join(f"{n}\n" for n in part))
    job = tmp_path / "job.yaml"
    job.write_text(
        f"""
        reader: {{name: csv, path: "{tmp_path}/*.csv", column: [{{index: 0, type: long}}], splitSize: 5000}}
        writer: {{name: hdfs, defaultFS: "{hdfs.cluster.default_fs}", webhdfsUrl: "{hdfs.cluster.url}",
                  path: {target}, fileName: t, fileType: csv, writeMode: truncate, hdfsUsername: alice}}
        settings: {{channel: 3}}
        """
    )
    state = tmp_path / "state"
    killed = starhaul(state, "run", str(job), kill_at=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    seen = [name for name in hdfs.cluster.names(target) if not name.startswith(".")]
    assert ("t_old" in seen) != point.endswith("commit:after:1"), "the old file goes when the new ones stand"
    whole = [sorted(hdfs.cluster.content(f"{target}/{name}").split()) for name in seen if name != "t_old"]
    assert all(len(rows) == ROWS // FILES for rows in whole), "what is visible is whole"

    resumed = starhaul(state, "resume", "--last")
    assert resumed.returncode == 0, resumed.stderr + resumed.stdout
    names = hdfs.cluster.names(target)
    assert len(names) == FILES
    assert not any(name.startswith(".") or name == "t_old" for name in names)
    rows = b"".join(hdfs.cluster.content(f"{target}/{name}") for name in names).split()
    assert sorted(map(int, rows)) == list(range(ROWS))
