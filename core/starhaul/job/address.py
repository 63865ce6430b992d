"""Where a job document is: a path, `file://…`, or `http(s)://…` as DataX fetches jobs from a server."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from starhaul.api.errors import ConfigError
from starhaul.job.document import MAX_BYTES, Document, document_from_text, document_of, read_document

TIMEOUT_SECONDS = 10.0
"""As in DataX's `core.json` (`core.dataXServer.timeout`)."""
PAUSE_SECONDS = 1.0
"""Before the second and last attempt, as in DataX."""


def is_url(source: str) -> bool:
    """Whether a job is to be fetched from a server."""
    return source.lower().startswith(("http://", "https://"))


def read_job(source: Path | str | Mapping[str, Any]) -> Document:
    """The document at an address, or of a mapping. Raises `ConfigError` with the place."""
    if isinstance(source, Mapping):
        return document_of(source)
    if isinstance(source, str):
        if is_url(source):
            return document_from_text(_fetch(source), _without_credentials(source), _path_of(source))
        source = source.removeprefix("file://")
    return read_document(Path(source))


def _path_of(url: str) -> Path:
    """A path with the name that the job has on the server, in the current directory. What has no suffix is JSON."""
    name = Path(unquote(urlsplit(url).path)).name or "job"
    return Path(name) if Path(name).suffix.lower() in (".json", ".yaml", ".yml") else Path(f"{name}.json")


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _fetch(url: str) -> str:
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    shown = _without_credentials(url)
    request = Request(shown, headers=_authorization(url))  # noqa: S310 - `is_url` has looked at the scheme
    for attempt in (1, 2):
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 # nosec B310
                data = answer.read(MAX_BYTES + 1)
            break
        except (OSError, HTTPException, ValueError) as error:
            reason = f"{error.code} {error.reason}" if isinstance(error, HTTPError) else str(error)
            if isinstance(error, HTTPError):
                error.close()
            if attempt == 2 or isinstance(error, ValueError):
                hint = "is the server there, and does it know this job?"
                raise ConfigError(shown, f"cannot be fetched: {reason}", hint) from error
        time.sleep(PAUSE_SECONDS)
    if len(data) > MAX_BYTES:
        raise ConfigError(shown, f"has more than {MAX_BYTES} bytes", "is this the right address?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(shown, f"not UTF-8: byte 0x{data[error.start]:02x}") from error


def _authorization(url: str) -> dict[str, str]:
    """Basic authentication, by the user in the address, else by `auth.user` and `auth.pass` of DataX's
    `.secret.properties`."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user:
        from starhaul.job.datax_secrets import read_properties, secret_properties_file

        path = secret_properties_file(os.environ)
        known = read_properties(path) if path.exists() else {}
        user, password = known.get("auth.user", ""), known.get("auth.pass", "")
    if not user:
        return {}
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}
