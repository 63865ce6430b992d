"""Java programs as Maven fetches them, once, into the cache of this checkout."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def fetched(name: str) -> Path:
    """The directory that holds what `tests/servers/NAME/pom.xml` asks for."""
    pom = Path(__file__).parent / name / "pom.xml"
    target = _ROOT / ".cache" / "jars" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = target / "pom.xml"
        if not done.exists() or done.read_bytes() != pom.read_bytes():
            _fetch(pom, target)
            done.write_bytes(pom.read_bytes())
    return target


def _fetch(pom: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as nowhere:  # Maven writes beside the pom it is given
        copy = Path(nowhere) / "pom.xml"
        copy.write_bytes(pom.read_bytes())
        command = [
            "mvn", "--batch-mode", "--quiet", "--file", str(copy), "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={target}",
        ]  # fmt: skip
        subprocess.run(command, check=True, env={**os.environ, "MAVEN_OPTS": "-Xmx256m"})
