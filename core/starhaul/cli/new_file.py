"""Files that a command writes anew, never over one that is there."""

from __future__ import annotations

from pathlib import Path


def write_new(path: Path, text: str, option: str) -> None:
    """Write a file that must not be there yet. Raises `ConfigError`; `option` is the one that names the file."""
    from starhaul.api.errors import ConfigError

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(option, f"{path} cannot be written: {error.strerror}", "name a new file") from error
