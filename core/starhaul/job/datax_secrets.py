"""Parameters that DataX has encrypted: `"*password": "…"` beside `job.setting.keyVersion`.

The keys are in DataX's `conf/.secret.properties`, a Java properties file: `current.keyVersion`, `current.publicKey`,
`current.privateKey` and the same of `last` are RSA (PKCS#8, base64; PKCS#1 v1.5 padding); `current.service.username`,
`current.service.password` and the same of `last` are 3DES (DESede/ECB/PKCS5), where the user name is the version and
the password the key, cut or filled up with the digit 0 to 24 bytes. Encrypted texts are base64.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from starhaul.api.errors import ConfigError

INSTALL = "pip install 'starhaul[datax]'"
_LINE = re.compile(r"\s*([^\s=:#!][^\s=:]*)\s*[=:\s]\s*(.*?)\s*\Z", re.DOTALL)


def secret_properties_file(environment: Mapping[str, str]) -> Path:
    """`conf/.secret.properties` under `DATAX_HOME`, else `.secret.properties` in the user's configuration directory of
    this program."""
    home = environment.get("DATAX_HOME")
    if home:
        return Path(home) / "conf" / ".secret.properties"
    import platformdirs

    return platformdirs.user_config_path("starhaul", appauthor=False) / ".secret.properties"


def read_properties(path: Path) -> dict[str, str]:
    """The keys and values of a Java properties file (lines that end in a backslash go on, others stand alone). Raises
    `ConfigError` if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        hint = "DATAX_HOME tells where DataX's conf folder is"
        raise ConfigError(str(path), f"cannot be read: {reason}", hint) from error
    joined = re.sub(r"\\\r?\n[ \t]*", "", text)
    matches = (_LINE.match(line) for line in joined.splitlines() if line.strip()[:1] not in ("#", "!"))
    return {match[1]: match[2] for match in matches if match}


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One version of DataX's key."""

    method: Literal["RSA", "3DES"]
    key: str

    def decrypt(self, text: str) -> str:
        """The text in clear. Raises `ConfigError`, without the text or the key."""
        try:
            from starhaul.job.datax_ciphers import decrypt_rsa, decrypt_triple_des
        except ImportError as error:
            raise ConfigError("", "decryption needs the package 'cryptography'", INSTALL) from error
        decipher: Callable[[bytes, str], bytes] = decrypt_rsa if self.method == "RSA" else decrypt_triple_des
        try:
            return decipher(base64.b64decode(text, validate=True), self.key).decode()
        except (ValueError, TypeError, binascii.Error):  # their messages may hold parts of either
            hint = "was it encrypted with another version of the key?"
            raise ConfigError("", f"cannot be decrypted by {self.method}", hint) from None


def find_key(version: str, path: Path) -> SecretKey:
    """The key of a version. Raises `ConfigError` if there is none."""
    known = read_properties(path)
    for which in ("current", "last"):
        if known.get(f"{which}.keyVersion") == version and known.get(f"{which}.privateKey"):
            return SecretKey("RSA", known[f"{which}.privateKey"])
    for which in ("current", "last"):
        if known.get(f"{which}.service.username") == version and known.get(f"{which}.service.password"):
            return SecretKey("3DES", known[f"{which}.service.password"])
    raise ConfigError(str(path), f"has no key of version {version!r}")
