"""Who asks: a name that is believed, a delegation token, or a principal of Kerberos."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from pydantic import SecretStr

from starhaul import ConfigError, PluginError

EXTRA = "pip install 'starhaul[kerberos]'"


@dataclass(frozen=True, slots=True)
class Login:
    """One of the three; who asks by default is the user of this process."""

    user: str | None = None
    token: SecretStr | None = field(default=None, repr=False)
    kerberos: bool = False
    principal: str | None = None
    keytab: str | None = None

    @property
    def name(self) -> str:
        """Who asks, for people and for the home directory."""
        return (self.principal or "").partition("@")[0].partition("/")[0] or self.user or _own_name()

    def apply(self, session: Any) -> None:
        """Make a `requests.Session` log in with each request, or, with Kerberos, with the first one to each host."""
        if self.token is not None:
            from starhaul_stores.hdfs.token import TokenAdapter

            adapter = TokenAdapter(self.token.get_secret_value())
            session.mount("http://", adapter)
            session.mount("https://", adapter)
        elif self.kerberos:
            session.auth = self._negotiation()
        else:
            session.params = {"user.name": self.name}

    def _negotiation(self) -> Any:
        credentials = self.credentials()
        import gssapi
        from requests_gssapi import OPTIONAL, HTTPSPNEGOAuth

        return HTTPSPNEGOAuth(
            mutual_authentication=OPTIONAL, opportunistic_auth=True, mech=gssapi.MechType.kerberos, creds=credentials
        )

    def credentials(self) -> Any:
        """Tickets that the keytab gives, in the memory of this process; without one, those of `kinit`. `ConfigError` if
        there are none."""
        try:
            import gssapi
            from gssapi.exceptions import GSSError
        except ImportError as error:
            raise PluginError("haveKerberos", f"Kerberos is not installed: {error}", EXTRA) from error
        try:
            return self._acquired(gssapi)
        except (GSSError, OSError) as error:
            hint = NO_KEYTAB if self.keytab is None else _KERBEROS
            raise ConfigError("kerberosPrincipal", f"Kerberos gives no ticket: {_words(error)}", hint) from error

    def _acquired(self, gssapi: Any) -> Any:
        kind = gssapi.NameType.kerberos_principal
        name = gssapi.Name(self.principal, kind) if self.principal else None
        if self.keytab is None:
            found = gssapi.Credentials(name=name, usage="initiate")
            found.inquire()  # raises if they have expired, which else shows as a refusal by the server
            return found
        with open(self.keytab, "rb"):  # noqa: PTH123  to tell in plain words what GSSAPI hides
            pass
        cache = f"MEMORY:starhaul_{crc32(repr((self.principal, self.keytab)).encode()):08x}"
        return gssapi.Credentials(
            name=name, usage="initiate", store={"client_keytab": f"FILE:{self.keytab}", "ccache": cache}
        )


NO_KEYTAB = "run `kinit`, or give `kerberosPrincipal` and `kerberosKeytabFilePath`"
_KERBEROS = "check `kerberosKeytabFilePath`, the realm's krb5.conf (KRB5_CONFIG), and the clock"


def _words(error: Exception) -> str:
    return str(error).strip().replace("\n", " ")


def _own_name() -> str:
    """As Hadoop's clients have it."""
    import getpass

    return os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
