"""Whether a connection is encrypted, and whom it trusts: the options of URLs as PyMySQL takes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starhaul import ConfigError

_DISABLED = ("DISABLED", "DISABLE")
_REQUIRED = ("REQUIRED", "REQUIRE", "TRUST")
_IDENTITY = ("VERIFY_IDENTITY", "VERIFY_FULL")
_MODES = ("", "PREFERRED", "PREFER", *_REQUIRED, "VERIFY_CA", *_IDENTITY, *_DISABLED)
"""What `sslMode` may be, by the names of all drivers."""


def tls_arguments(options: Mapping[str, str]) -> dict[str, Any]:
    """PyMySQL's arguments for the `ssl` options of JDBC drivers (https://mariadb.com/kb/en/about-mariadb-connector-j/,
    https://dev.mysql.com/doc/connector-j/en/connector-j-connp-props-security.html). Without any, PyMySQL encrypts if
    the server can, as by `PREFERRED`."""
    mode = options.get("sslmode", "").upper().replace("-", "_")
    if mode not in _MODES:
        raise ConfigError("url", f"sslMode={options['sslmode']} is not known", f"one of {', '.join(_MODES[1:])}")
    asked = {name: options.get(name, "").lower() for name in ("usessl", "requiressl", "verifyservercertificate")}
    required = mode in _REQUIRED or asked["requiressl"] == "true"
    if mode in _DISABLED or (not mode and asked["usessl"] == "false" and not required):
        return {"ssl_disabled": True}
    files = {f"ssl_{name}": options[f"ssl{name}"] for name in ("ca", "cert", "key") if f"ssl{name}" in options}
    for name, file in files.items():
        if not Path(file).is_file():
            raise ConfigError(
                "url",
                f"{name.replace('_', '')} names no file: {file}",
                "files are of the machine that Starhaul runs on, in PEM",
            )
    identity = mode in _IDENTITY
    verify = identity or mode == "VERIFY_CA" or (not mode and "ssl_ca" in files)
    verify = verify or asked["verifyservercertificate"] == "true"
    if verify or files:
        return {**files, "ssl_verify_cert": verify, "ssl_verify_identity": identity}
    return {"ssl": {"verify_mode": False}} if required else {}
