"""`--report FILE`: the report of a run as JSON."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from starhaul.api.errors import ConfigError, PermanentError
from starhaul.report.report import Report


class ReportFile:
    """Where a run leaves its report. Making one removes an older report: if the job cannot begin or the process is
    killed there is no file, never one that looks like this run's.

    Raises `ConfigError` if no file can come to be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()  # a symbolic link stays one
        self._plain = not self._path.exists() or self._path.is_file()
        if not self._path.parent.is_dir() or self._path.is_dir():
            raise ConfigError("--report", f"{path} cannot be a file", "name a file in a folder that exists")
        if not self._plain:
            return
        try:
            self._path.unlink(missing_ok=True)
            self._temporary().unlink()
        except OSError as error:
            raise ConfigError("--report", f"{path} cannot be written: {error.strerror}") from error

    def write(self, report: Report) -> None:
        """Write the report, whole or not at all. Raises `PermanentError` if that fails."""
        text = json.dumps(report.as_dict(), ensure_ascii=False, indent=2) + "\n"
        try:
            if not self._plain:  # a pipe or a device
                self._path.write_text(text, encoding="utf-8")
                return
            temporary = self._temporary()
            try:
                temporary.write_text(text, encoding="utf-8")
                temporary.replace(self._path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise PermanentError("--report", f"{self._path} cannot be written: {error.strerror}") from error

    def _temporary(self) -> Path:
        handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        os.close(handle)
        return Path(name)
