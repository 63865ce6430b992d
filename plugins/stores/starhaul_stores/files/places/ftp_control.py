"""The connection with an FTP server: made, secured and logged in."""

from __future__ import annotations

import ftplib  # nosec B402  # a job that says `ftp` means it; `ftps` and `sftp` are there
import socket
import ssl
from typing import TYPE_CHECKING, Any

from starhaul import ConfigError, StarhaulError, TransientError

if TYPE_CHECKING:
    from starhaul_stores.files.places.ftp import FtpPlace


def connected(place: FtpPlace) -> ftplib.FTP:
    """A connection that is logged in; its text is bytes as Latin-1, so that no name is lost. Errors as `Place` has
    them."""
    ftp = _Plain(place) if place.tls == "none" else _Secured(place)
    try:
        ftp.open()
    except BaseException as error:
        ftp.close()
        if isinstance(error, ftplib.Error | EOFError | OSError):
            raise _failure(place, error) from error
        raise
    return ftp


def features(ftp: ftplib.FTP) -> frozenset[str]:
    """What the server says it can do beyond RFC 959; nothing if it does not understand the question."""
    try:
        lines = ftp.sendcmd("FEAT").splitlines()[1:-1]
    except ftplib.error_perm:
        return frozenset()
    return frozenset(line.split()[0].upper() for line in lines if line.strip())


def end(connection: Any) -> None:
    """Say that this was all. With TLS that takes a message of its own, or the server must take it for a cut."""
    if hasattr(connection, "unwrap"):
        connection.unwrap()
    connection.close()


class _Plain(ftplib.FTP):
    """As ftplib has it, but for active mode, where it would let the whole world connect."""

    def __init__(self, place: FtpPlace, **options: Any) -> None:
        super().__init__(timeout=place.timeout, encoding="latin-1", **options)
        self._place = place
        self.set_pasv(place.passive)

    def open(self) -> None:
        """Connect and log in."""
        self.connect(self._place.host, self._place.port)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # type: ignore[union-attr]
        self.login(*_credentials(self._place))

    def makeport(self) -> socket.socket:
        """Listen on the address that the server is reached from, and tell it."""
        address = self.sock.getsockname()[0]  # type: ignore[union-attr]
        listener = socket.create_server((address, 0), family=self.af, backlog=1)
        try:
            port = listener.getsockname()[1]
            tell = self.sendport if self.af == socket.AF_INET else self.sendeprt
            tell(address, port)
            listener.settimeout(self.timeout)
        except BaseException:
            listener.close()
            raise
        return listener


class _Secured(_Plain, ftplib.FTP_TLS):
    """The same with TLS, on both connections."""

    def __init__(self, place: FtpPlace) -> None:
        super().__init__(place, context=_context(place))

    def open(self) -> None:
        self.connect(self._place.host, self._place.port)
        if self._place.tls == "explicit":
            self.auth()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # type: ignore[union-attr]
        self.login(*_credentials(self._place), secure=False)
        self.prot_p()

    def connect(self, *address: Any, **options: Any) -> str:
        """Where TLS is implicit, it comes before the server's first word."""
        if self._place.tls == "explicit":
            return super().connect(*address, **options)
        host, port = address
        self.host = host
        plain = socket.create_connection((host, port), self.timeout)
        self.af = plain.family
        self.sock = self.context.wrap_socket(plain, server_hostname=host)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Data connections continue the session of the control connection: servers want to see that it is the same
        client (vsftpd's `require_ssl_reuse`)."""
        connection, size = super(ftplib.FTP_TLS, self).ntransfercmd(cmd, rest)
        control: ssl.SSLSocket = self.sock  # type: ignore[assignment]
        try:
            secured = self.context.wrap_socket(connection, server_hostname=self.host, session=control.session)
        except BaseException:
            connection.close()
            raise
        return secured, size


def _credentials(place: FtpPlace) -> tuple[str, str]:
    """User and password as the connection sends them."""
    found = []
    for text in (place.username, place.password):
        if set(text) & set("\r\n\0"):
            raise ConfigError("password", "user or password holds a character that FTP cannot carry")
        found.append(text.encode().decode("latin-1"))
    return found[0], found[1]


def _context(place: FtpPlace) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=place.ca_file)
    except OSError as error:
        raise ConfigError("caFile", f"{place.ca_file} cannot be read: {error.strerror or error}") from error
    if not place.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _failure(place: FtpPlace, error: Exception) -> StarhaulError:
    shown = place.shown("")
    if isinstance(error, ftplib.error_perm):
        if str(error).startswith("530"):
            return ConfigError("username", f"{shown} refuses user {place.username!r} or the password: {error}")
        return ConfigError("protocol", f"{shown} refuses the connection: {error}")
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"the certificate of {shown} cannot be trusted: {error.verify_message}"
        return ConfigError("caFile", problem, "name its authority's certificate here")
    if isinstance(error, socket.gaierror):
        return ConfigError("host", f"there is no host {place.host!r}: {error.strerror}")
    return TransientError(shown, f"the connection failed: {error or 'it was closed'}")
