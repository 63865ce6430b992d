"""Servers of Hive that ask who comes: one by LDAP and one by Kerberos, both behind TLS.

The directory is UnboundID's, in memory. It would listen on every interface, so libc is told otherwise.
"""

from __future__ import annotations

import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.servers.hdfs import HdfsCluster
from tests.servers.hive import HiveServer, make_directories
from tests.servers.jars import fetched
from tests.servers.kerberos import JAVA_OPTIONS, REALM, KerberosCluster
from tests.servers.process import ServerProcess, new_folder, preloaded, started

PASSWORD = "pass 'word' \\ of alice"
FOREIGN_PASSWORD = "pässword of bob"
_STORE_PASSWORD = "starhaul"
_SHIM = Path(__file__).with_name("loopback_bind.c")
_BASE = "ou=people,dc=test"
_PEOPLE = f"""
dn: dc=test
objectClass: domain
dc: test

dn: {_BASE}
objectClass: organizationalUnit
ou: people

"""
_PERSON = f"""
dn: uid={{name}},{_BASE}
objectClass: inetOrgPerson
uid: {{name}}
cn: {{name}}
sn: Test
userPassword:: {{password}}
"""


class LdapServer(ServerProcess):
    """A directory that knows two people and their passwords."""

    not_yet: ClassVar[tuple[type[Exception], ...]] = (OSError,)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        text = _PEOPLE.lstrip()
        for name, password in (("alice", PASSWORD), ("bob", FOREIGN_PASSWORD)):
            text += _PERSON.format(name=name, password=b64encode(password.encode()).decode())
        (folder / "people.ldif").write_text(text)
        self.variables["LD_PRELOAD"] = str(preloaded(_SHIM))

    def command(self) -> Sequence[str]:
        return [
            "java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true",
            "-cp", f"{fetched('ldap')}/*", "com.unboundid.ldap.listener.InMemoryDirectoryServerTool",
            "--baseDN", "dc=test", "--port", str(self.port), "--ldifFile", str(self.folder / "people.ldif"),
        ]  # fmt: skip

    def ping(self) -> None:
        socket.create_connection(("127.0.0.1", self.port), 1).close()


@dataclass(frozen=True)
class SecureHive:
    """A server of Hive with TLS that believes nobody's word."""

    server: HiveServer
    authority: Path
    """The certificate that it shows, which is its own authority."""


@pytest.fixture(scope="session")
def ldap_hive(hdfs_cluster: HdfsCluster) -> Iterator[SecureHive]:
    """A server of this run's own, which asks a directory."""
    make_directories(hdfs_cluster)
    with ExitStack() as stack:
        folder = stack.enter_context(new_folder("hive"))
        ldap = LdapServer(stack.enter_context(new_folder("ldap")))
        stack.enter_context(started(ldap))
        properties = {
            **_tls(folder, "ip:127.0.0.1"),
            "hive.server2.authentication": "LDAP",
            "hive.server2.authentication.ldap.url": f"ldap://127.0.0.1:{ldap.port}",
            "hive.server2.authentication.ldap.baseDN": _BASE,
        }
        server = HiveServer(folder, hdfs_cluster, properties)
        stack.enter_context(started(server))
        yield SecureHive(server, folder / "authority.pem")


@pytest.fixture(scope="session")
def kerberos_hive(kerberos_hdfs: KerberosCluster) -> Iterator[SecureHive]:
    """A server of this run's own in the realm, on the cluster that is there."""
    with new_folder("hive") as folder:
        properties = {
            **kerberos_hdfs.properties,
            **_tls(folder, "dns:localhost"),
            "hive.server2.authentication": "KERBEROS",
            "hive.server2.authentication.kerberos.principal": f"hive/localhost@{REALM}",
            "hive.server2.authentication.kerberos.keytab": kerberos_hdfs.keytab,
            "yarn.resourcemanager.principal": f"hive/localhost@{REALM}",  # who may renew its tokens of HDFS
        }
        options = [f"-Djava.security.krb5.conf={kerberos_hdfs.configuration}", *JAVA_OPTIONS]
        server = HiveServer(folder, kerberos_hdfs.cluster, properties, options)
        with started(server):
            yield SecureHive(server, folder / "authority.pem")


def _tls(folder: Path, name: str) -> Mapping[str, Any]:
    """The properties of a server with a certificate for this name, made here."""
    store, certificate = folder / "keystore.p12", folder / "authority.pem"
    keytool: list[str | Path] = ["keytool", "-alias", "hive", "-keystore", store, "-storetype", "PKCS12"]
    keytool += ["-storepass", _STORE_PASSWORD]
    named = ["-dname", "CN=starhaul tests", "-ext", f"san={name}", "-validity", "999"]
    for command in (["-genkeypair", "-keyalg", "EC", *named], ["-exportcert", "-rfc", "-file", certificate]):
        subprocess.run([*keytool, *command], check=True, capture_output=True)
    return {
        "hive.server2.use.SSL": "true",
        "hive.server2.keystore.path": store,
        "hive.server2.keystore.type": "PKCS12",
        "hive.server2.keystore.password": _STORE_PASSWORD,
    }
