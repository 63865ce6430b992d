"""Which SSH servers are trusted: those whose key is known. Nobody else gets the password."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from starhaul import ConfigError

if TYPE_CHECKING:
    from starhaul_stores.files.places.sftp import SftpPlace


async def known_hosts_of(place: SftpPlace) -> Any:
    """The `known_hosts` of `asyncssh.connect`. None trusts every server."""
    import asyncssh

    if not place.verify:
        return None
    if place.host_key is None:
        path = Path(place.known_hosts or "~/.ssh/known_hosts").expanduser()
        if place.known_hosts is not None and not path.is_file():
            raise ConfigError("knownHosts", f"there is no file {path}")
        return str(path) if path.is_file() else ([], [], [])
    if not place.host_key.startswith("SHA256:"):
        try:
            return [asyncssh.import_public_key(place.host_key)], [], []
        except asyncssh.KeyImportError as error:
            raise ConfigError("hostKey", str(error), "give `ssh-ed25519 AAAA…` or `SHA256:…`") from error
    shown = await asyncssh.get_server_host_key(place.host, place.port, config=None)
    trusted = shown is not None and shown.get_fingerprint("sha256") == place.host_key
    return ([shown] if trusted else []), [], []  # the connection itself must prove that it has this very key


def untrusted(place: SftpPlace) -> ConfigError:
    """The server's key is not among those that are known."""
    problem = f"the key of {place.shown('')} is not known"
    if place.host_key is not None:
        return ConfigError("hostKey", f"{problem}: it is another one", "somebody may be in between; ask its operator")
    hint = "check it and add it to `knownHosts` (ssh-keyscan shows it), or set `hostKey` to its fingerprint"
    return ConfigError("hostKey", problem, hint)
