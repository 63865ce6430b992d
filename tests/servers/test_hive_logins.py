"""Hive behind LDAP, Kerberos and TLS: who is let in reads and writes; who is not is told why, at once."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import starhaul
from starhaul import ConfigError
from starhaul_readers.hive import HiveReader, HiveReaderParams
from tests.servers.hive import HiveTables
from tests.servers.hive_logins import FOREIGN_PASSWORD, PASSWORD, SecureHive
from tests.servers.kerberos import REALM, KerberosCluster, let_expire, ticket
from tests.servers.process import self_signed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_AT_ONCE = 20
"""Seconds in which a login that fails must have failed, however busy the machine is."""
ROWS = "".join(f"{n},row {n}\n" for n in range(10))


def job(there: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Ten rows into a table that is made for them."""
    (tmp_path / "in.csv").write_text(ROWS)
    columns = [{"index": 0, "name": "n", "type": "long"}, {"index": 1, "name": "word", "type": "string"}]
    return {
        "reader": {"name": "csv", "path": str(tmp_path / "in.csv"), "column": columns},
        "writer": {"name": "hive", "writeMode": "overwrite", "createTable": "ifMissing", "table": "logged_in", **there},
    }


def jobs(there: dict[str, Any], tmp_path: Path) -> list[dict[str, Any]]:
    """The rows into Hive, and back by the table's files and by queries."""
    out = [{"name": "csv", "path": str(tmp_path / way), "fileName": "o", "writeMode": "truncate"} for way in _WAYS]
    back = [{"name": "hive", "table": "logged_in", "read": way, **there} for way in _WAYS]
    return [job(there, tmp_path), *({"reader": r, "writer": w} for r, w in zip(back, out, strict=True))]


_WAYS = ("files", "query")


def expect_rows(tmp_path: Path, *ways: str) -> None:
    for way in ways or _WAYS:
        assert "".join(sorted("".join(p.read_text() for p in (tmp_path / way).iterdir()).splitlines(True))) == ROWS


def refusal(there: dict[str, Any], secret: str = PASSWORD) -> ConfigError:
    """Why a job does not begin; told at once, without the secret."""
    begun = time.monotonic()
    with pytest.raises(ConfigError) as told:
        HiveReader(HiveReaderParams.model_validate({"table": "logged_in", **there})).check()
    assert time.monotonic() - begun < _AT_ONCE
    assert secret not in str(told.value)
    assert told.value.hint
    return told.value


def with_password(place: SecureHive, **more: Any) -> dict[str, Any]:
    given = HiveTables(place.server, "x").parameters()
    url = given["url"].replace("tests@", "alice@")
    login = {"auth": "ldap", "password": PASSWORD, "tls": True, "tlsCaFile": str(place.authority)}
    return {name: value for name, value in {**given, "url": url, **login, **more}.items() if value is not None}


def test_a_password_of_ldap(tmp_path: Path, ldap_hive: SecureHive) -> None:
    for each in jobs(with_password(ldap_hive), tmp_path):
        assert starhaul.run(each, state=tmp_path / "state").written == 10
    expect_rows(tmp_path)


def test_who_is_refused_by_ldap(tmp_path: Path, ldap_hive: SecureHive) -> None:
    wrong = refusal(with_password(ldap_hive, password="wrong " + PASSWORD))
    assert (wrong.where, "does not let in alice" in wrong.problem, "`password`" in wrong.hint) == ("auth", True, True)
    nobody = refusal(with_password(ldap_hive, url=f"hive://nobody@127.0.0.1:{ldap_hive.server.port}/default"))
    assert "does not let in nobody" in nobody.problem
    bob = f"hive://bob@127.0.0.1:{ldap_hive.server.port}/default"
    foreign = refusal(with_password(ldap_hive, url=bob, password=FOREIGN_PASSWORD), FOREIGN_PASSWORD)
    assert "not ASCII" in foreign.hint
    assert "does not let in alice" in refusal(with_password(ldap_hive, auth="none", password=None)).problem
    assert "let in" in refusal(with_password(ldap_hive, auth="nosasl")).problem
    for more in ({"password": None}, {"password": ""}, {"url": "hive://127.0.0.1/default"}):
        with pytest.raises(ValueError, match="needs a user in `url`, and `password`"):
            HiveReaderParams.model_validate({"table": "t", **with_password(ldap_hive, **more)})


def test_certificates(tmp_path: Path, ldap_hive: SecureHive, hive_server: Any) -> None:
    stranger = tmp_path / "stranger.pem"
    self_signed(stranger, tmp_path / "key.pem")
    for authority in (str(stranger), None):
        unknown = refusal(with_password(ldap_hive, tlsCaFile=authority))
        assert (unknown.where, "is not trusted" in unknown.problem) == ("tlsCaFile", True)
    other = refusal(with_password(ldap_hive, url=f"hive://alice@localhost:{ldap_hive.server.port}/default"))
    assert (other.where, "'localhost'" in other.problem) == ("tlsCaFile", True)
    missing = refusal(with_password(ldap_hive, tlsCaFile=str(tmp_path / "no.pem")))
    assert "no.pem" in missing.problem
    assert "`tls`" in refusal(with_password(ldap_hive, tls=False)).hint
    plain = refusal(with_password(ldap_hive, url=f"hive://alice@127.0.0.1:{hive_server.port}/default"))
    assert (plain.where, "no TLS" in plain.problem) == ("tls", True)


def with_ticket(place: SecureHive, realm: KerberosCluster, **more: Any) -> dict[str, Any]:
    """`alice` out of the keytab for Hive, the superuser for HDFS."""
    hdfs = {
        "defaultFS": realm.cluster.default_fs, "webhdfsUrl": realm.url, "haveKerberos": True,
        "kerberosPrincipal": f"hdfs@{REALM}", "kerberosKeytabFilePath": str(realm.keytab),
    }  # fmt: skip
    login = {"kerberosPrincipal": f"alice@{REALM}", "kerberosKeytabFilePath": str(realm.keytab)}
    given = {
        "url": f"hive://localhost:{place.server.port}/default", "auth": "kerberos", "hdfs": hdfs, **login,
        "tls": True, "tlsCaFile": str(place.authority), **more,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


def run(
    realm: KerberosCluster, description: dict[str, Any], tmp_path: Path, cache: str = "none"
) -> subprocess.CompletedProcess[str]:
    """Run a job as a process of its own, with the tickets in a file."""
    (tmp_path / "job.json").write_text(json.dumps(description))
    arguments = ("-m", "starhaul", "run", str(tmp_path / "job.json"), "--state", str(tmp_path / "state"))
    return realm.run(*arguments, KRB5CCNAME=f"FILE:{tmp_path / cache}")


_NO_KEYTAB: dict[str, Any] = {"kerberosPrincipal": None, "kerberosKeytabFilePath": None}


def test_tickets(tmp_path: Path, kerberos_hdfs: KerberosCluster, kerberos_hive: SecureHive) -> None:
    ticket(kerberos_hdfs, tmp_path / "cache")
    first, *others = jobs(with_ticket(kerberos_hive, kerberos_hdfs), tmp_path)
    of_kinit = job(with_ticket(kerberos_hive, kerberos_hdfs, **_NO_KEYTAB), tmp_path)
    for each, cache in ((first, "none"), (of_kinit, "cache"), *((other, "none") for other in others)):
        done = run(kerberos_hdfs, each, tmp_path, cache)
        assert done.returncode == 0, done.stdout + done.stderr
    expect_rows(tmp_path)


def test_who_is_refused_by_kerberos(tmp_path: Path, kerberos_hdfs: KerberosCluster, kerberos_hive: SecureHive) -> None:
    def told(cache: str = "none", **more: Any) -> str:
        begun = time.monotonic()
        done = run(kerberos_hdfs, job(with_ticket(kerberos_hive, kerberos_hdfs, **more), tmp_path), tmp_path, cache)
        assert done.returncode == 2, done.stdout + done.stderr
        assert time.monotonic() - begun < _AT_ONCE
        return " ".join((done.stdout + done.stderr).split())

    let_expire(tmp_path / "old", ticket(kerberos_hdfs, tmp_path / "old"))
    for cache, why in (("none", "No Kerberos credentials"), ("old", "expired")):
        missing = told(cache, **_NO_KEYTAB)
        assert "Kerberos gives no ticket" in missing
        assert why in missing
        assert "kinit" in missing
    assert "Kerberos gives no ticket" in told(kerberosPrincipal=f"nobody@{REALM}")
    assert "no ticket for other/localhost" in told(kerberosServiceName="other")
    assert "hangs up" in told(tls=False)
    assert "is not trusted" in told(tlsCaFile=None)
    assert "`auth`" in told(auth="none", **_NO_KEYTAB)


def test_messages_are_encrypted(tmp_path: Path, kerberos_hdfs: KerberosCluster, kerberos_hive: SecureHive) -> None:
    """By Kerberos, without TLS."""
    server = kerberos_hive.server
    server.stop()
    server.configure({"hive.server2.thrift.sasl.qop": "auth-conf", "hive.server2.use.SSL": "false"})
    server.start()
    write, _, query = jobs(with_ticket(kerberos_hive, kerberos_hdfs, tls=False, tlsCaFile=None), tmp_path)
    for each in (write, query):
        done = run(kerberos_hdfs, each, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    expect_rows(tmp_path, "query")
