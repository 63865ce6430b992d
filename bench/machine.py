"""What a figure must be read with: machine, date, versions."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import date
from importlib import metadata
from pathlib import Path

LIBRARIES = ("starhaul", "pyarrow", "pydantic", "adbc-driver-sqlite", "psycopg", "PyMySQL", "tpchgen-cli")


def machine() -> dict[str, str]:
    """Names and values, in the order in which they are shown."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": date.today().isoformat(),
        "processor": f"{len(os.sched_getaffinity(0))} × {model[1] if model else platform.machine()}",
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
        "sqlite3 command": _version("sqlite3"),
        "PostgreSQL": _version("psql"),
        "MariaDB": _version("mariadb"),
    }


def _version(program: str) -> str:
    """The first number with dots that a program tells of itself (MariaDB's client tells its own version first)."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+(?:\.\d+)+(?=-MariaDB)|\d+(?:\.\d+)+", said)
    return found[0] if found else said.strip()
