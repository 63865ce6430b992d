"""FTP servers, and FTPS: by the standard library's ftplib. Commands: RFC 959, MLSD 3659, TLS 4217."""

from __future__ import annotations

import ftplib  # nosec B402  # a job that says `ftp` means it; `ftps` and `sftp` are there
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from posixpath import join, normpath
from typing import Any, Literal

from starhaul import ConfigError, PermanentError, StarhaulError, TransientError
from starhaul_stores.files.places.ftp_control import connected, end, features
from starhaul_stores.files.places.ftp_listing import of_facts, of_lines, seconds
from starhaul_stores.files.places.ftp_reading import Reading
from starhaul_stores.files.places.place import FileStatus, Place, Session, printable
from starhaul_stores.files.places.remote import RemoteSession
from starhaul_stores.files.streams import ByteStream

_BLOCK = 1 << 16
_NO_SPACE = ("452", "552")
_UNKNOWN = ("500", "501", "502", "504")
"""Replies to commands that a server lacks."""
_UNREADABLE = "let the user read it, or name the files otherwise"


@dataclass(frozen=True)
class FtpPlace(Place):
    """An FTP server and a user of it. A path is the server's, from its root as that user sees it."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    tls: Literal["none", "explicit", "implicit"] = "none"
    verify: bool = True
    ca_file: str | None = None
    """Authorities in place of the system's."""
    passive: bool = True
    timeout: float = 60.0
    """Seconds that a connection may take to be made, or be silent."""
    encoding: str = "utf-8"
    """Of the names of files."""
    depth: int = 100
    """How many directories below the first are walked; more is an error."""
    most_open = 8  # each takes a login, and servers limit those of one address
    abreast = 1

    @contextmanager
    def session(self) -> Iterator[Session]:
        session = FtpSession(self)
        try:
            session.connect()
            yield session
        finally:
            session.close()

    def shown(self, path: str) -> str:
        return f"ftp{'' if self.tls == 'none' else 's'}://{self.host}:{self.port}{printable(path)}"


class FtpSession(RemoteSession):
    """One control connection. After a transfer that was broken off it is made anew when next needed."""

    def __init__(self, place: FtpPlace) -> None:
        self.place: FtpPlace = place
        self.encoding, self.depth = place.encoding, place.depth
        self._ftp: ftplib.FTP | None = None
        self._features: frozenset[str] = frozenset()
        self._refusal = ""
        """What the server said when it last could not do something."""

    def connect(self) -> ftplib.FTP:
        """The connection, made if there is none."""
        if self._ftp is None:
            place = self.place
            self._ftp = connected(place)
            with self.told("/"):
                self._features = features(self._ftp)
                if "UTF8" in self._features and place.encoding.lower().replace("-", "") == "utf8":
                    with suppress(ftplib.error_perm):
                        self._ftp.sendcmd("OPTS UTF8 ON")
                self._ftp.voidcmd("TYPE I")
        return self._ftp

    def close(self) -> None:
        """Take leave, if the server still listens."""
        ftp, self._ftp = self._ftp, None
        if ftp is not None:
            with suppress(*ftplib.all_errors, ValueError):
                ftp.sock.settimeout(min(self.place.timeout, 5.0))  # type: ignore[union-attr]
                ftp.quit()
            ftp.close()

    # --- reading

    def stat(self, path: str) -> FileStatus | None:
        if "MLST" in self._features:
            reply = self._unless_missing(path, f"MLST {self._wire(path)}")
            if reply is None:
                return None
            facts = reply.split("\n")[1].strip().partition(" ")[0] if "\n" in reply else reply
            return self._of_facts(path, dict(fact.partition("=")[::2] for fact in facts.lower().split(";") if fact))
        return self._asked(path)

    def entries(self, directory: str) -> Iterator[FileStatus]:
        """What a server calls a link is what it leads to; links to nowhere are left out."""
        if self._unless_missing(directory, f"CWD {self._wire(directory)}") is None:
            if self._stands(directory):
                raise PermanentError(self.place.shown(directory), f"cannot be entered: {self._refusal}", _UNREADABLE)
            return
        start = directory.rstrip("/")
        if "MLST" in self._features:
            for name, facts in self._facts(directory):
                status = self._of_facts(f"{start}/{name}", facts)
                if status is not None:
                    yield status
            return
        for name, size in self._listed(directory):
            path = f"{start}/{name}"
            if isinstance(size, str):
                status = self.stat(path)
                if status is not None:
                    yield status
                elif self._stands(normpath(join(start, size))):
                    problem = f"leads to {size!r}, which cannot be entered: {self._refusal}"
                    raise PermanentError(self.place.shown(path), problem, _UNREADABLE)
            else:
                yield FileStatus(path, 0, "", directory=True) if size < 0 else self._dated(FileStatus(path, size, ""))

    @contextmanager
    def open_range(self, file: FileStatus, start: int, end: int) -> Iterator[ByteStream]:
        reading = Reading(self, file, start, end)
        try:
            yield reading
        finally:
            reading.close()

    # --- writing

    def make_one(self, path: str) -> None:
        with self.told(path):
            self.connect().sendcmd(f"MKD {self._wire(path)}")

    @contextmanager
    def create(self, path: str) -> Iterator[Callable[[Any], object]]:
        with self.told(path):
            connection = self.connect().transfercmd(f"STOR {self._wire(path)}")
        done = False
        try:

            def write(data: Any) -> None:
                with self.told(path):
                    connection.sendall(data)

            yield write
            with self.told(path):
                end(connection)
                self.connect().voidresp()
            done = True
        finally:
            connection.close()
            if not done:
                self.drop()

    def rename(self, source: str, target: str) -> bool:
        """Some servers refuse to replace a file: there it is removed just before."""
        if not self._renamed(source, target):
            if self.stat(source) is None:
                return False
            if self.stat(target) is not None:
                self.remove(target)
            with self.told(target):
                self.connect().rename(self._wire(source), self._wire(target))
        return True

    def remove_one(self, path: str) -> None:
        with self.told(path):
            self.connect().sendcmd(f"DELE {self._wire(path)}")

    # --- commands

    def begin(self, file: FileStatus, start: int) -> tuple[Any, int]:
        """The data connection that gives a file, and the offset at which it begins: `start`, or 0 where the server
        cannot begin in the middle."""
        command = f"RETR {self._wire(file.path)}"
        with self.told(file.path):
            try:
                return self.connect().transfercmd(command, rest=start or None), start
            except ftplib.error_perm as error:
                if not start or str(error)[:3] not in _UNKNOWN:
                    raise
            return self.connect().transfercmd(command), 0

    def finish(self, path: str, *, whole: bool) -> None:
        """After the data connection is closed: the server must say that it sent all, if all was taken."""
        if whole:
            with self.told(path):
                self.connect().voidresp()
            return
        try:
            self.connect().voidresp()
        except ftplib.error_temp:
            pass  # "transfer aborted", as it was meant
        except (ftplib.Error, EOFError, OSError, StarhaulError):
            self.drop()

    def drop(self) -> None:
        """Forget a connection on which replies may be out of step."""
        ftp, self._ftp = self._ftp, None
        if ftp is not None:
            ftp.close()

    @contextmanager
    def told(self, path: str) -> Iterator[None]:
        """Failures within the block as Starhaul's errors."""
        shown = self.place.shown(path)
        try:
            yield
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if str(error)[:3] in _NO_SPACE:
                raise PermanentError(shown, "there is no space left", "free some, or write elsewhere") from error
            if isinstance(error, ftplib.error_perm):
                raise PermanentError(shown, f"the server answers {error}") from error
            self.drop()
            raise TransientError(shown, f"the server answers {error}") from error
        except (ftplib.Error, EOFError, OSError) as error:
            self.drop()
            raise TransientError(shown, f"the connection failed: {error or 'it was closed'}") from error

    def _renamed(self, source: str, target: str) -> bool:
        try:
            with self.told(target):
                self.connect().rename(self._wire(source), self._wire(target))
        except PermanentError:
            return False
        return True

    def _of_facts(self, path: str, facts: Mapping[str, str]) -> FileStatus | None:
        """What the facts mean; what they leave open, such as where a link leads (ProFTPD's `OS.unix=symlink`), is
        asked. None for a link to nowhere."""
        status = of_facts(path, facts)
        if status is not None:
            return status if status.mark or status.directory else self._dated(status)
        status = self._asked(path)
        if status is None and "no such" not in self._refusal.lower():
            problem = f"is of type {facts.get('type')!r}, and the server does not tell what that is: {self._refusal}"
            raise PermanentError(self.place.shown(path), problem, _UNREADABLE)
        return status

    def _asked(self, path: str) -> FileStatus | None:
        """A file if it has a size, a directory if it can be entered."""
        size = self._unless_missing(path, f"SIZE {self._wire(path)}")
        if size is not None and size.split()[-1].isdigit():
            return self._dated(FileStatus(path, int(size.split()[-1]), ""))
        if self._unless_missing(path, f"CWD {self._wire(path)}") is not None:
            return FileStatus(path, 0, "", directory=True)
        return None

    def _stands(self, directory: str) -> bool:
        """Whether a directory is there that was refused. Servers have one answer, 550, for what is missing and for what
        is forbidden."""
        if "MLST" in self._features:
            return self._unless_missing(directory, f"MLST {self._wire(directory)}") is not None
        above, _, name = directory.rstrip("/").rpartition("/")
        if not name:
            return True
        above = above or "/"
        refusal = self._refusal
        if self._unless_missing(above, f"CWD {self._wire(above)}") is None:
            return self._stands(above)
        found = any(each == name for each, _ in self._listed(above))
        self._refusal = refusal
        return found

    def _facts(self, directory: str) -> list[tuple[str, dict[str, str]]]:
        found = []
        for line in self._listing(directory, "MLSD"):
            facts, _, name = line.partition(" ")
            pairs = dict(fact.partition("=")[::2] for fact in facts.lower().split(";") if fact)
            if pairs.get("type") not in ("cdir", "pdir"):
                found.append((self._name(name), pairs))
        return found

    def _listed(self, directory: str) -> list[tuple[str, int | str]]:
        """What LIST says of the current directory, as `of_lines` has it."""
        try:
            return list(of_lines(self._lines(directory)))
        except ValueError as error:
            raise PermanentError(self.place.shown(directory), f"cannot be listed: {error}") from error

    def _lines(self, directory: str) -> list[str]:
        """What LIST says of the current directory. `-a` shows hidden files; not all servers know it."""
        with suppress(PermanentError):
            if lines := self._listing(directory, "LIST -a"):
                return [self._name(line) for line in lines]
        return [self._name(line) for line in self._listing(directory, "LIST")]

    def _listing(self, directory: str, command: str) -> list[str]:
        """The lines of a listing. ftplib's own function would leave the connection in the mode for text, in which
        servers alter the line ends of files."""
        with self.told(directory):
            ftp = self.connect()
            with ftp.transfercmd(command) as connection:
                blocks = []
                while block := connection.recv(_BLOCK):
                    blocks.append(block)
            reply = ftp.voidresp()
        if "fail" in reply.lower():  # vsftpd: `226 Transfer done (but failed to open directory).`
            raise PermanentError(self.place.shown(directory), f"cannot be listed: {reply}", _UNREADABLE)
        text = b"".join(blocks).decode("latin-1").removesuffix("\n")
        return [line.removesuffix("\r") for line in text.split("\n")] if text else []

    def _dated(self, status: FileStatus) -> FileStatus:
        """With the time of modification, if the server tells."""
        with self.told(status.path):
            try:
                when = self.connect().sendcmd(f"MDTM {self._wire(status.path)}").split()[-1]
            except ftplib.error_perm:
                return status
        return FileStatus(status.path, status.size, when, seconds(when))

    def _unless_missing(self, path: str, command: str) -> str | None:
        """The reply; None if the server says that it cannot do that with this path."""
        ftp = self.connect()
        with self.told(path):
            try:
                return ftp.sendcmd(command)
            except ftplib.error_perm as error:
                if str(error)[:3] in ("550", "553", "501", "504"):
                    self._refusal = str(error)
                    return None
                raise

    def _wire(self, path: str) -> str:
        """A path as the connection sends it: each character is a byte."""
        if set(path) & set("\r\n\0"):
            raise ConfigError("path", f"{path!r} holds a character that FTP cannot carry")
        return self.spelt(path).decode("latin-1")

    def _name(self, received: str) -> str:
        return self.read_name(received.encode("latin-1"))
