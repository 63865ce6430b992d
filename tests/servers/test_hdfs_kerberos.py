"""HDFS with Kerberos: tickets out of a keytab, delegation tokens, and who is refused."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import starhaul
from tests.servers.kerberos import REALM, KerberosCluster, let_expire, ticket

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TOKEN = """
import sys, gssapi, requests
from requests_gssapi import HTTPSPNEGOAuth
from starhaul_stores.hdfs.login import Login
with requests.Session() as session:
    Login(None, None, True, sys.argv[2], sys.argv[3]).apply(session)
    answer = session.get(sys.argv[1] + "/webhdfs/v1/?op=GETDELEGATIONTOKEN&renewer=hdfs")
    answer.raise_for_status()
    print(answer.json()["Token"]["urlString"])
"""


def run(
    place: KerberosCluster, tmp_path: Path, reader: dict[str, Any], writer: dict[str, Any], cache: str = "none"
) -> subprocess.CompletedProcess[str]:
    """Run a job as a process of its own, with the tickets in a file."""
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"reader": reader, "writer": writer}))
    arguments = ("-m", "starhaul", "run", str(job), "--state", str(tmp_path / "state"))
    return place.run(*arguments, KRB5CCNAME=f"FILE:{tmp_path / cache}")


def login(place: KerberosCluster, user: str = "hdfs") -> dict[str, Any]:
    """In DataX's words."""
    return {
        "name": "hdfs", "defaultFS": place.cluster.default_fs, "webhdfsUrl": place.url, "haveKerberos": True,
        "kerberosPrincipal": f"{user}@{REALM}", "kerberosKeytabFilePath": str(place.keytab),
    }  # fmt: skip


def rows(tmp_path: Path) -> dict[str, Any]:
    """A reader of ten rows."""
    (tmp_path / "in.csv").write_text("".join(f"{n}\n" for n in range(10)))
    return {"name": "csv", "path": str(tmp_path / "in.csv"), "column": [{"index": 0, "type": "long"}]}


def test_tickets_and_tokens(tmp_path: Path, kerberos_hdfs: KerberosCluster) -> None:
    target = {**login(kerberos_hdfs), "path": "/k", "fileName": "t", "fileType": "csv", "writeMode": "truncate"}
    for _ in range(2):
        written = run(kerberos_hdfs, tmp_path, rows(tmp_path), target)
        assert written.returncode == 0, written.stdout + written.stderr

    got = kerberos_hdfs.run("-c", TOKEN, kerberos_hdfs.url, f"hdfs@{REALM}", str(kerberos_hdfs.keytab))
    assert got.returncode == 0, got.stderr
    back = {
        "name": "hdfs", "defaultFS": kerberos_hdfs.cluster.default_fs, "webhdfsUrl": kerberos_hdfs.url, "path": "/k",
        "fileType": "csv", "column": ["*"], "delegationToken": got.stdout.strip(),
    }  # fmt: skip
    out = {"name": "csv", "path": str(tmp_path / "out"), "fileName": "o", "writeMode": "truncate"}
    report = starhaul.run({"reader": back, "writer": out}, state=tmp_path / "state")
    assert report.written == 10
    texts = [path.read_text() for path in (tmp_path / "out").iterdir()]
    assert sorted("".join(texts).split(), key=int) == [str(n) for n in range(10)]

    with pytest.raises(starhaul.ConfigError, match="refuses the login") as told:
        starhaul.run({"reader": {**back, "delegationToken": got.stdout.strip()[:-8]}, "writer": out})
    assert got.stdout.strip()[:20] not in str(told.value)


def test_who_is_refused(tmp_path: Path, kerberos_hdfs: KerberosCluster) -> None:
    target = {"path": "/x", "fileName": "t", "fileType": "csv", "writeMode": "truncate"}
    alice = run(kerberos_hdfs, tmp_path, rows(tmp_path), {**login(kerberos_hdfs, "alice"), **target})
    assert alice.returncode == 2
    assert "no permission to write in hdfs://" in alice.stderr + alice.stdout
    assert "asked as alice" in alice.stderr + alice.stdout

    nobody = run(kerberos_hdfs, tmp_path, rows(tmp_path), {**login(kerberos_hdfs, "nobody"), **target})
    assert nobody.returncode == 2
    assert "Kerberos gives no ticket" in nobody.stderr + nobody.stdout

    plain = {"name": "hdfs", "defaultFS": kerberos_hdfs.cluster.default_fs, "webhdfsUrl": kerberos_hdfs.url, **target}
    with pytest.raises(starhaul.ConfigError, match="the login was refused"):
        starhaul.run({"reader": rows(tmp_path), "writer": {**plain, "hdfsUsername": "hdfs"}}, state=tmp_path / "state")


def test_tickets_that_have_expired(tmp_path: Path, kerberos_hdfs: KerberosCluster) -> None:
    """Those of `kinit`, as in jobs that run for longer than these last. What stands there stays."""
    target = {"path": "/k2", "fileName": "t", "fileType": "csv", "writeMode": "truncate"}
    written = run(kerberos_hdfs, tmp_path, rows(tmp_path), {**login(kerberos_hdfs), **target})
    assert written.returncode == 0, written.stdout + written.stderr
    of_kinit = {key: value for key, value in login(kerberos_hdfs).items() if not key.startswith("kerberos")}
    end = ticket(kerberos_hdfs, tmp_path / "cache")
    back = {**of_kinit, "path": "/k2", "fileType": "csv", "column": ["*"]}
    out = {"name": "csv", "path": str(tmp_path / "out"), "fileName": "o", "writeMode": "truncate"}
    read = run(kerberos_hdfs, tmp_path, back, out, "cache")
    assert read.returncode == 0, read.stdout + read.stderr
    (before,) = (tmp_path / "out").iterdir()

    let_expire(tmp_path / "cache", end)
    for cache, why in (("cache", "expired"), ("none", "No Kerberos credentials")):
        for reader, writer in ((back, out), (rows(tmp_path), {**of_kinit, **target})):
            done = run(kerberos_hdfs, tmp_path, reader, writer, cache)
            told = " ".join((done.stdout + done.stderr).split())
            assert done.returncode == 2, told
            assert "Kerberos gives no ticket" in told
            assert why in told
            assert "run `kinit`" in told
    assert list((tmp_path / "out").iterdir()) == [before]
