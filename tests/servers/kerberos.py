"""A realm of Kerberos and a cluster of HDFS in it, for the tests: Hadoop's MiniKdc on the loopback.

Clients run in an environment of their own. What speaks Kerberos to Python has to be compiled, which the others need
not wait for; and the library of the system looks for its realm once in a process' life.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.hdfs import HdfsCluster, free_ports, running
from tests.servers.jars import fetched
from tests.servers.process import new_folder

REALM = "TEST.LOCAL"
_ROOT = Path(__file__).parents[2]
_PRINCIPALS = ("hdfs/localhost", "HTTP/localhost", "hive/localhost", "hdfs", "alice")
_START_SECONDS = 120
JAVA_OPTIONS = [f"--add-{each}=java.security.jgss/sun.security.krb5=ALL-UNNAMED" for each in ("exports", "opens")]
"""For programs that use Hadoop's Kerberos."""
_KDC = """
org.name=TEST
org.domain=LOCAL
kdc.bind.address=127.0.0.1
kdc.port={port}
transport=TCP
instance=Starhaul
max.ticket.lifetime=86400000
max.renewable.lifetime=604800000
debug=false
"""
_REALM = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {realm}
"""


@dataclass(frozen=True)
class KerberosCluster:
    """A cluster that believes nobody without a ticket. `hdfs` is its superuser."""

    cluster: HdfsCluster
    keytab: Path
    """With the keys of everyone."""
    configuration: Path
    """The realm, as `KRB5_CONFIG`."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """Of the cluster, for its clients too."""
        return _secure(self.keytab)

    @property
    def url(self) -> str:
        """Where WebHDFS answers, by the name that its ticket has."""
        return f"http://localhost:{self.cluster.http_port}"

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python where Kerberos is installed."""
        environment = {**os.environ, "KRB5_CONFIG": str(self.configuration), **variables}
        command = [str(_python()), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="session")
def kerberos_hdfs() -> Iterator[KerberosCluster]:
    """A realm and a cluster of this run's own."""
    with ExitStack() as stack:
        folder = stack.enter_context(new_folder("kdc"))
        configuration, keytab = _start_kdc(folder, stack)
        options = [f"-Djava.security.krb5.conf={configuration}", *JAVA_OPTIONS]
        cluster = stack.enter_context(running(_secure(keytab), options))
        yield KerberosCluster(cluster, keytab, configuration)


def _start_kdc(folder: Path, stack: ExitStack) -> tuple[Path, Path]:
    (port,) = free_ports(1)
    configuration, keytab = folder / "client.conf", folder / "keytab"
    configuration.write_text(_REALM.format(realm=REALM, port=port))
    (folder / "kdc.properties").write_text(_KDC.format(port=port))
    command = [
        "setpriv", "--pdeathsig", "KILL", "java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-Djava.net.preferIPv4Stack=true", *JAVA_OPTIONS, "-cp", f"{fetched('hadoop')}/*",
        "org.apache.hadoop.minikdc.MiniKdc", str(folder), "kdc.properties", str(keytab), *_PRINCIPALS,
    ]  # fmt: skip
    output = folder / "output"
    with output.open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    stack.callback(process.wait)
    stack.callback(process.kill)
    deadline = time.monotonic() + _START_SECONDS
    while b"CTRL-C" not in output.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the KDC does not start: {output.read_text()[-3000:]}")
        time.sleep(0.1)
    return configuration, keytab


def _secure(keytab: Path) -> Mapping[str, Any]:
    """The properties of a cluster with Kerberos. WebHDFS takes those of `hadoop.http`; without them it stays open."""
    server, web = f"hdfs/localhost@{REALM}", f"HTTP/localhost@{REALM}"
    return {
        "hadoop.security.authentication": "kerberos",
        "hadoop.security.authorization": "true",
        "hadoop.security.auth_to_local": "RULE:[2:$1](hive)s/.*/hdfs/ RULE:[2:$1](.*)s/(.*)/$1/ DEFAULT",
        "hadoop.http.authentication.type": "kerberos",
        "hadoop.http.authentication.kerberos.principal": web,
        "hadoop.http.authentication.kerberos.keytab": keytab,
        "hadoop.http.authentication.kerberos.endpoint.whitelist": "/jmx",  # where it is seen whether they are up
        "dfs.namenode.kerberos.principal": server,
        "dfs.namenode.keytab.file": keytab,
        "dfs.namenode.kerberos.internal.spnego.principal": web,
        "dfs.datanode.kerberos.principal": server,
        "dfs.datanode.keytab.file": keytab,
        "dfs.web.authentication.kerberos.principal": web,
        "dfs.web.authentication.kerberos.keytab": keytab,
        "dfs.block.access.token.enable": "true",
        "ignore.secure.ports.for.testing": "true",
    }


def _python() -> Path:
    """An interpreter with all that this one has, and Kerberos; made once."""
    place = _ROOT / ".cache" / "kerberos"
    python = place / "bin" / "python"
    done = place / "ready"
    if not done.exists() or done.read_text() != sys.prefix:
        venv.create(place, with_pip=True, clear=True)
        (library,) = place.glob("lib/python*/site-packages")
        (library / "tests.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "requests-gssapi>=1.3"], check=True)
        done.write_text(sys.prefix)
    return python


_TICKET = """
import sys, time, gssapi
name = gssapi.Name(sys.argv[1], gssapi.NameType.kerberos_principal)
store = {"client_keytab": "FILE:" + sys.argv[2], "ccache": "MEMORY:x"}
got = gssapi.Credentials(name=name, usage="initiate", store=store)
got.store({"ccache": "FILE:" + sys.argv[3]}, overwrite=True)
print(int(time.time() + got.lifetime))
"""


def ticket(realm: KerberosCluster, cache: Path) -> int:
    """As of `kinit`; when it ends."""
    got = realm.run("-c", _TICKET, f"alice@{REALM}", str(realm.keytab), str(cache))
    assert got.returncode == 0, got.stderr
    return int(got.stdout)


def let_expire(cache: Path, end: int) -> None:
    """Turn back the time at which the ticket in a file ends, by a day more than is left."""
    told = cache.read_bytes()
    for each in range(end - 2, end + 3):
        told = told.replace(struct.pack(">I", each), struct.pack(">I", int(time.time()) - 86400))
    assert told != cache.read_bytes()
    cache.write_bytes(told)
