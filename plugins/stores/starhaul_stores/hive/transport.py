"""The way to HiveServer2: a socket, TLS if the job says so, and a login by SASL, of which Thrift's messages go.

What is said: `PLAIN` (RFC 4616) for no login, LDAP and a server's own check of passwords; `GSSAPI` (RFC 4752) for
Kerberos, where the server chooses whether messages are signed or encrypted (`hive.server2.thrift.sasl.qop`).
"""

from __future__ import annotations

import ssl
import struct
from typing import Any, Protocol

from starhaul import ConfigError, StarhaulError, TransientError
from starhaul_stores.hdfs.login import NO_KEYTAB, Login
from starhaul_stores.hive.params import HiveParams

_LOGIN_SECONDS = 60.0
"""For connecting and logging in; a query may take the job's own `timeout`."""
_AUTH, _INTEGRITY, _CONFIDENTIALITY = 1, 2, 4
_LARGEST = 0xFFFFFF


class _Sasl(Protocol):
    """What Thrift's SASL transport asks of a mechanism: whether it went well, and what to send."""

    def start(self, mechanism: str) -> tuple[bool, str, bytes]: ...

    def step(self, challenge: bytes) -> tuple[bool, bytes]: ...

    def encode(self, message: bytes) -> tuple[bool, bytes]: ...

    def decode(self, frame: bytes) -> tuple[bool, bytes]: ...


class _Plain:
    """A name and a password."""

    def __init__(self, user: str, password: str) -> None:
        self._response = f"\0{user}\0{password}".encode()

    def start(self, mechanism: str) -> tuple[bool, str, bytes]:
        return True, mechanism, self._response

    def step(self, challenge: bytes) -> tuple[bool, bytes]:
        return True, b""

    def encode(self, message: bytes) -> tuple[bool, bytes]:
        return True, message

    def decode(self, frame: bytes) -> tuple[bool, bytes]:
        return True, frame


class _Kerberos:
    """A ticket for the server."""

    def __init__(self, service: str, host: str, login: Login) -> None:
        import gssapi

        flag = gssapi.RequirementFlag
        self._context = gssapi.SecurityContext(
            name=gssapi.Name(f"{service}@{host}", gssapi.NameType.hostbased_service), creds=login.credentials(),
            mech=gssapi.MechType.kerberos, usage="initiate",
            flags=[flag.mutual_authentication, flag.integrity, flag.confidentiality, flag.out_of_sequence_detection],
        )  # fmt: skip
        self._layer = _AUTH

    def start(self, mechanism: str) -> tuple[bool, str, bytes]:
        return True, mechanism, self._context.step() or b""

    def step(self, challenge: bytes) -> tuple[bool, bytes]:
        if not self._context.complete:
            return True, self._context.step(challenge) or b""
        offered, *_ = self._context.unwrap(challenge).message
        self._layer = next(each for each in (_CONFIDENTIALITY, _INTEGRITY, _AUTH) if offered & each)
        choice = self._layer << 24 | (0 if self._layer == _AUTH else _LARGEST)
        return True, self._context.wrap(struct.pack(">I", choice), False).message

    def encode(self, message: bytes) -> tuple[bool, bytes]:
        if self._layer == _AUTH:
            return True, message
        wrapped = self._context.wrap(message, self._layer == _CONFIDENTIALITY).message
        return True, struct.pack(">I", len(wrapped)) + wrapped

    def decode(self, frame: bytes) -> tuple[bool, bytes]:
        return True, self._context.unwrap(frame[4:]).message


def opened(params: HiveParams) -> Any:
    """A Thrift transport whose login has succeeded. `ConfigError` if the parameters are wrong."""
    from thrift.transport.TSocket import TSocket
    from thrift.transport.TSSLSocket import TSSLSocket
    from thrift.transport.TTransport import TBufferedTransport
    from thrift_sasl import TSaslClientTransport

    if params.tls:
        socket: Any = TSSLSocket(params.host, params.port, ssl_context=_trust(params))
    else:
        socket = TSocket(params.host, params.port)
    if params.auth == "nosasl":
        transport = TBufferedTransport(socket)
    else:
        sasl = _sasl(params)
        transport = TSaslClientTransport(lambda: sasl, "GSSAPI" if params.auth == "kerberos" else "PLAIN", socket)
    socket.setTimeout(min(_LOGIN_SECONDS, params.timeout) * 1000)
    try:
        transport.open()
    except Exception as error:
        if socket.handle is not None:
            socket.close()
        raise _refused(error, params) from error
    socket.setTimeout(params.timeout * 1000)
    return transport


def _trust(params: HiveParams) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=params.tls_ca_file)
    except OSError as error:
        hint = "name a file of certificates in PEM"
        raise ConfigError("tlsCaFile", f"{params.tls_ca_file} cannot be used: {error}", hint) from error


def _sasl(params: HiveParams) -> _Sasl:
    if params.auth != "kerberos":
        password = None if params.password is None else params.password.get_secret_value()
        return _Plain(params.user or "anonymous", password or "anonymous")
    keytab = params.kerberos_keytab_file_path
    login = Login(None, None, True, params.kerberos_principal, str(keytab) if keytab else None)
    login.credentials()  # which tells what is missing
    return _Kerberos(params.kerberos_service_name, params.host, login)


def _refused(error: Exception, params: HiveParams) -> StarhaulError:
    """Why there is no connection."""
    where = f"{params.host}:{params.port}"
    cause = getattr(error, "inner", None) or error
    text = " ".join(str(error).split())
    if isinstance(cause, ssl.SSLCertVerificationError):
        hint = "name its authority in `tlsCaFile`, and in `url` a host that it is for"
        return ConfigError("tlsCaFile", f"the certificate of {where} is not trusted: {cause.verify_message}", hint)
    if isinstance(cause, ssl.SSLError):
        return ConfigError("tls", f"{where} speaks no TLS: {cause.reason or cause}", "leave out `tls`")
    if type(cause).__module__.startswith("gssapi"):
        service = f"{params.kerberos_service_name}/{params.host}"
        problem = f"Kerberos gives no ticket for {service}: {' '.join(str(cause).split())}"
        return ConfigError("auth", problem, f"{NO_KEYTAB}; is {service} the server's principal?")
    if isinstance(cause, TimeoutError):
        hint = "is HiveServer2 well, and are `auth` and `tls` what it has?"
        return TransientError(where, f"no answer to the login in {_LOGIN_SECONDS:g} s", hint)
    if "Bad status" in text:
        told = text.partition("(b")[2].strip("'\")") or text
        hint = f"check `auth` (it is {params.auth!r}), the user in `url` and `password`"
        if params.password is not None:
            told = told.replace(params.password.get_secret_value(), "…")  # nobody knows what a server says
            if not params.password.get_secret_value().isascii():
                hint += "; HiveServer2 garbles passwords that are not ASCII"
        if params.auth == "kerberos":
            hint = "is `auth` what the server has, and may the ticket's principal log in?"
        return ConfigError("auth", f"{where} does not let in {params.user or 'anonymous'}: {told[:200]}", hint)
    if "read 0 bytes" in text or isinstance(cause, (ConnectionResetError, BrokenPipeError)):
        hint = "is `auth` what the server has, and does it want `tls`?" if not params.tls else "is `auth` right?"
        return ConfigError("auth", f"{where} hangs up at the login", hint)
    if isinstance(cause, OSError):
        import socket

        if isinstance(cause, socket.gaierror):
            return ConfigError("url", f"there is no host {params.host!r}", "check `url`")
        return TransientError(where, "nobody answers", "is HiveServer2 running, and is `url` right?")
    return ConfigError("auth", f"{where} does not let in {params.user or 'anonymous'}: {text[:200]}", "check `auth`")
