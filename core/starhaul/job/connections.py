"""Named connections: parameters, secrets above all, that are kept apart from the jobs that use them.

The file maps names to parameters; `type`, if it is there, names the plugin that they are for. It is YAML or JSON,
variables work in it, and nobody but its owner should be able to read it:

    warehouse:
      type: postgresql
      host: db.example.org
      username: loader
      password: ${env:WAREHOUSE_PASSWORD}
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

from starhaul.api.errors import ConfigError, Problem
from starhaul.job.document import At, Document, read_document
from starhaul.job.variables import Resolved, Variables


def default_connections_file() -> Path:
    """`connections.yaml` in the user's configuration directory of this operating system."""
    import platformdirs

    return platformdirs.user_config_path("starhaul", appauthor=False) / "connections.yaml"


class Connections:
    """The connections of one file. Raises `ConfigError` if the file is there and wrong, or was asked for and is not."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_connections_file()
        self._document = Document(str(self.path), {}, self.path.parent)
        if path is not None or self.path.exists():
            self._document = read_document(self.path)
        if not isinstance(self._document.value, dict):
            raise ConfigError(str(self.path), "is not a mapping of connection names to parameters")

    @property
    def document(self) -> Document:
        """The file, for messages about values that came from it."""
        return self._document

    def names(self) -> list[str]:
        """The connections in the order of the file."""
        return list(self._document.value)

    def type_of(self, name: str) -> str | None:
        """The plugin that a connection is for, if it says so."""
        connection = self._document.value[name]
        kind = connection.get("type") if isinstance(connection, dict) else None
        return kind if isinstance(kind, str) else None

    def resolve(self, name: str, variables: Variables) -> Resolved:
        """The parameters of a connection, variables replaced, without its `type`. `LookupError` if there is none."""
        if name not in self._document.value:
            raise LookupError(name)
        at: At = (name,)
        if not isinstance(self._document.value[name], dict):
            problem = self._document.problem(at, "a connection is a mapping of parameters")
            return Resolved({}, problems=[problem], unknown={at})
        # This file is the operator's, whoever wrote the job.
        resolved = replace(variables, trusted=True).resolve(self._document, at)
        resolved.value.pop("type", None)
        return resolved

    def hint(self, name: str) -> str:
        """What to tell someone who asked for a connection that is not there."""
        from starhaul.job.spelling import did_you_mean

        return f"{did_you_mean(name, self.names()) or 'there are none'}; connections are looked up in {self.path}"

    def warnings(self) -> list[Problem]:
        """Says so if others than the owner can read the file."""
        found = list(self._document.warnings)
        if os.name == "posix" and self.path.exists():
            mode = stat.S_IMODE(self.path.stat().st_mode)
            if mode & 0o077:
                problem = f"others than you can read this file (mode {mode:04o})"
                found.append(Problem("", problem, f"chmod 600 {self.path}", str(self.path)))
        return found
