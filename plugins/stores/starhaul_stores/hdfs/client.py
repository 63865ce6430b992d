"""Questions to the name nodes. Imports `hdfs` and `requests`, so it is imported when a job connects."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from unicodedata import normalize
from urllib.parse import quote, unquote

import requests
from hdfs.client import Client, _Request
from hdfs.util import HdfsError
from urllib3.exceptions import HTTPError

from starhaul import ConfigError, PermanentError, TransientError
from starhaul_stores.hdfs.errors import failure, not_there, unauthorised
from starhaul_stores.hdfs.login import Login
from starhaul_stores.hdfs.tls import Tls

T = TypeVar("T")


class _Raw(Client):
    """The package's client, which finds the active name node, with the operations that it lacks or does otherwise:
    redirections to data nodes are for `data_node` to follow, and a `#` in a name is a `#`."""

    _check_access = _Request("GET")
    _list_status_batch = _Request("GET").to_method("LISTSTATUS_BATCH")
    _open = _Request("GET", allow_redirects=False, stream=True)

    def resolve(self, hdfs_path: str) -> str:
        return hdfs_path


class NameNodes:
    """The name nodes of a cluster as one. Paths are absolute. Used by one thread."""

    def __init__(self, client: _Raw, shown: Callable[[str], str]) -> None:
        self._client = client
        self._shown = shown

    def status(self, path: str) -> dict[str, Any] | None:
        """WebHDFS's FileStatus; None if there is no such path."""
        answer = self._maybe(path, lambda: self._client._get_file_status(path))
        return None if answer is None else answer.json()["FileStatus"]

    def entries(self, directory: str) -> Iterator[dict[str, Any]]:
        """The FileStatus of what stands in a directory, a page at a time; nothing if there is no such directory."""
        after: str | None = ""
        while after is not None:
            found, after = self._page(directory, after)
            yield from found

    def access(self, path: str, action: str) -> bool:
        """Whether the user may do this (`r--`, `-wx`) with the path; true where the server cannot tell."""
        try:
            self._maybe(path, lambda: self._client._check_access(path, fsaction=action))
        except PermanentError as error:
            return not _is(error, "AccessControlException")
        return True

    def make_directory(self, path: str, **properties: Any) -> None:
        """Make a directory and those above it; nothing happens if it is there."""
        self._asked(path, lambda: self._client._mkdirs(path, **properties))

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens if it is not there."""
        self._maybe(path, lambda: self._client._delete(path, recursive=False))

    def rename(self, source: str, target: str) -> bool:
        """Give a file another name in place of the file that has it, in one step. False if there is no `source`."""
        rename = self._client._rename
        options = {"destination": target, "renameoptions": "OVERWRITE"}
        answer = self._maybe(target, lambda: rename(source, **options))
        if answer is None:
            return self._expect_gone(source, target)
        if not answer.content or answer.json().get("boolean"):
            return True
        if self.status(source) is None:  # a gateway that knows no `renameoptions`
            return False
        self.remove(target)
        if not self._asked(target, lambda: rename(source, **options)).json().get("boolean"):
            raise PermanentError(self._shown(target), "the staged file cannot be renamed to it")
        return True

    def create(self, path: str, **properties: Any) -> str:
        """Where to send the bytes of a new file, which takes the place of the one that is there."""
        answer = self._asked(path, lambda: self._client._create(path, overwrite="true", **properties))
        return self._location(path, answer)

    @contextmanager
    def opened(self, path: str, start: int, size: int, shunned: Sequence[str]) -> Iterator[Any]:
        """Where to fetch a range of bytes, as a text; or, if the server gives them itself, the stream of them.
        `shunned` are data nodes (`host:port`) that are known to be down."""
        avoid = {"excludedatanodes": ",".join(shunned)} if shunned else {}
        answer = self._asked(path, lambda: self._client._open(path, offset=start, length=size, **avoid))
        try:
            if answer.is_redirect:
                answer.content  # noqa: B018  read to its end, so that the connection is kept
                yield self._location(path, answer)
            else:
                yield _Direct(answer.raw, self._shown(path))
        finally:
            answer.close()

    def _page(self, directory: str, after: str) -> tuple[Sequence[dict[str, Any]], str | None]:
        batch = self._client._list_status_batch
        try:
            answer = self._maybe(directory, lambda: batch(directory, startAfter=after) if after else batch(directory))
        except PermanentError as error:
            if not _is(error, "IllegalArgumentException", "UnsupportedOperationException"):
                raise
            answer = self._maybe(directory, lambda: self._client._list_status(directory))  # before Hadoop 2.8
            found = [] if answer is None else answer.json()["FileStatuses"]["FileStatus"]
            return found, None
        if answer is None:
            return [], None
        listing = answer.json()["DirectoryListing"]
        found = listing["partialListing"]["FileStatuses"]["FileStatus"]
        more = listing["remainingEntries"] and found
        return found, found[-1]["pathSuffix"] if more else None

    def _expect_gone(self, source: str, target: str) -> bool:
        if self.status(source) is not None:
            raise PermanentError(self._shown(target), "the directory for it is gone")
        return False

    def _location(self, path: str, answer: Any) -> str:
        location = answer.headers.get("Location")
        if location is None:
            raise failure(self._shown(path), None, "")
        return _of(path, str(location))

    def _maybe(self, path: str, ask: Callable[[], T]) -> T | None:
        """The answer; None if there is no such path."""
        try:
            return self._asked(path, ask)
        except PermanentError as error:
            cause = error.__cause__
            if isinstance(cause, HdfsError) and not_there(cause.exception, str(cause.message)):
                return None
            raise

    def _asked(self, path: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except HdfsError as error:
            raise self._refusal(path, error) from error
        except (KeyError, TypeError) as error:  # JSON, but not of WebHDFS
            raise failure(self._shown(path), None, "") from error
        except requests.RequestException as error:
            raise self._unreachable(error) from error

    def _refusal(self, path: str, error: HdfsError) -> Exception:
        if error.exception is None and str(error).startswith("Authentication failure"):
            return unauthorised(self._shown(path))
        return failure(self._shown(path), error.exception, str(error.message))

    def _unreachable(self, error: requests.RequestException) -> Exception:
        """Never with the error's own words: URLs hold tokens."""
        where = " and ".join(self._client.urls)
        cause = _deepest(error)
        if isinstance(cause, socket.gaierror):
            return ConfigError("defaultFS", f"{where}: the host is not known", "or name WebHDFS in `webhdfsUrl`")
        words = getattr(cause, "strerror", None) or type(cause).__name__
        if isinstance(error, requests.exceptions.SSLError):
            reason = getattr(cause, "verify_message", None) or getattr(cause, "reason", None) or words
            return ConfigError("webhdfsUrl", f"{where}: no TLS connection: {reason}", "check `tlsCaFile`")
        return TransientError(where, f"no name node answers: {words}", "`webhdfsUrl` tells where WebHDFS is")


class _Direct:
    """Bytes that come from the server itself, as from a gateway (HttpFS)."""

    def __init__(self, raw: Any, where: str) -> None:
        self._raw = raw
        self._where = where

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end, be it early."""
        try:
            data: bytes = self._raw.read(size)
        except (HTTPError, OSError) as error:
            raise TransientError(self._where, f"the connection broke: {type(error).__name__}") from error
        return data


@contextmanager
def connected(
    urls: Sequence[str], login: Login, tls: Tls, timeouts: tuple[float, float], shown: Callable[[str], str]
) -> Iterator[NameNodes]:
    """Name nodes to ask, over connections that are kept for the time of a `with` block. `timeouts`: seconds to connect,
    and without a byte. `shown` makes a path fit for messages."""
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment would see the data nodes no more than the name nodes
        session.verify = str(tls.ca_file) if tls.ca_file else True
        session.cert = tls.certificate()
        login.apply(session)
        yield NameNodes(_Raw(";".join(urls), timeout=timeouts, session=session), shown)


def _of(path: str, location: str) -> str:
    """The location of just this path: Java composes the characters of a URI (`e` and an accent to `é`), which would
    make it another file's."""
    composed = normalize("NFC", path)
    head, mark, query = location.partition("?")
    if composed == path or not unquote(head).endswith(composed):
        return location
    return f"{unquote(head).removesuffix(composed)}{quote(path)}{mark}{query}"


def _is(error: PermanentError, *exceptions: str) -> bool:
    return isinstance(error.__cause__, HdfsError) and error.__cause__.exception in exceptions


def _deepest(error: BaseException) -> BaseException:
    """What an error of `requests` comes from."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        seen.append(following)
        reason = getattr(following, "reason", None)
        inner = next((each for each in (*following.args, reason) if isinstance(each, BaseException)), None)
        following = inner or following.__cause__ or following.__context__
    return seen[-1]
