"""How encrypted connections are made."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from starhaul import ConfigError


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust, and what to show. Without anything, the system's authorities."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def certificate(self) -> tuple[str, str] | str | None:
        """The client's own, as `requests` takes it."""
        if self.certificate_file is None:
            return None
        return (str(self.certificate_file), str(self.key_file)) if self.key_file else str(self.certificate_file)

    def context(self) -> ssl.SSLContext:
        """The same for a plain socket."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError("tlsCaFile", f"cannot be used: {error}") from error
        return context
