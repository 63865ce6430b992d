"""Which plugin a URL is for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starhaul.api.errors import ConfigError
from starhaul.job.spelling import did_you_mean
from starhaul.registry import Kind, Registry

_SCHEME = re.compile(r"(?:jdbc:)?([a-z][a-z0-9.-]*)(?:\+[a-z0-9_.-]+)?:", re.IGNORECASE)
_SECRET = re.compile(r"(//[^@:]*):.*@")
_OPTION = r"[?&;][\w.-]*(?:password|passwd|pwd|passphrase)="
_SECRET_OPTION = re.compile(rf"({_OPTION})[^&;#]*", re.IGNORECASE)
_PASSWORDS = re.compile(
    rf"(?<=:)(?://[^@:/?#]*:|thin:[^@:/]+/)(?P<login>[^@/?#]+)@|{_OPTION}(?P<option>[^&;#]+)", re.IGNORECASE
)


def plugin_for(registry: Registry, kind: Kind, url: str) -> str:
    """The name of the reader or writer that says it takes URLs of this kind: by the scheme, else by how the name of the
    file ends. Raises `ConfigError` if none does."""
    known = registry.urls(kind)
    matched = _SCHEME.match(url)
    scheme = matched[1].lower() if matched else ""
    if scheme in known:
        return known[scheme]
    ending = _longest_ending(url.partition("#")[0].partition("?")[0], known) if scheme in ("", "file") else ""
    if ending:
        return known[ending]
    schemes = [f"{each}://" for each in known if not each.startswith(".")]
    if scheme and scheme != "file":
        hint = did_you_mean(f"{scheme}://", schemes) or "write a job file: starhaul init"
        raise ConfigError("", f"no {kind} takes URLs that begin with {scheme}:", hint)
    hint = f"known are {', '.join([*schemes, *(each for each in known if each.startswith('.'))])}"
    raise ConfigError("", f"{shown_url(url)!r} is neither the URL of a store nor a file that a {kind} knows", hint)


def shown_url(url: str) -> str:
    """The URL without a password, as far as one can be told where nobody knows the URL."""
    return _SECRET_OPTION.sub(r"\1***", _SECRET.sub(r"\1:***@", url))


def passwords_in(text: str) -> list[tuple[int, int]]:
    """Where in a text passwords stand, if it is a URL: from, to. As far as one can tell where nobody knows the URL."""
    if not _SCHEME.match(text):
        return []
    return [match.span(match.lastgroup or 0) for match in _PASSWORDS.finditer(text)]


def _longest_ending(path: str, known: Mapping[str, str]) -> str:
    fits = [each for each in known if each.startswith(".") and path.lower().endswith(each)]
    return max(fits, key=len, default="")
