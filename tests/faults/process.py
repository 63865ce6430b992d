"""Starhaul as a process of its own, that kills itself (-9) where a test wants it to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KILLER = Path(__file__).parent / "killer.py"


def starhaul(state: Path, *arguments: str, kill_at: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, natural or not. `kill_at` is a point as `killer.py` reads it."""
    environment = {**os.environ, "STARHAUL_STATE_DIR": str(state)}
    if kill_at:
        environment["KILL_AT"] = kill_at
    command = [sys.executable, "-m", "starhaul", "--plugin", str(KILLER), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
