"""An environment that holds what a user gets: the wheel and what it depends on, and nothing of this project else."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/starhaul-hello"


@dataclass(frozen=True)
class Environment:
    """A virtual environment, used from a folder outside the project."""

    folder: Path
    home: Path

    def run(self, *command: str | Path, code: int = 0) -> str:
        """What a command of the environment prints. Fails unless it exits with `code`."""
        program = self.folder / "bin" / command[0]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        done = subprocess.run(
            [program, *command[1:]],
            cwd=self.home,
            env={**kept, "HOME": str(self.home), "STARHAUL_STATE_DIR": str(self.home / "state")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{command} exits with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def python(self, program: str) -> str:
        """What a Python program prints there."""
        return self.run("python", "-c", program).strip()

    def install(self, *what: str | Path) -> None:
        """Install from the index or from wheels."""
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", self.folder / "bin/python"]
        subprocess.run([*pip, "install", "--quiet", "--disable-pip-version-check", *what], check=True)

    def site(self) -> Path:
        """Where its packages are."""
        return next(self.folder.glob("lib/python*/site-packages"))


def wheel_of(project: Path, folder: Path) -> Path:
    """Build the wheel of a project as pip does it: in isolation."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--wheel-dir", folder, project],
        check=True,
    )  # fmt: skip
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def starhaul_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    return wheel_of(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environment(starhaul_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel installed alone, dependencies from the index."""
    environment = make_environment(tmp_path_factory)
    environment.install(starhaul_wheel)
    return environment


def make_environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with nothing in it."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return Environment(folder, tmp_path_factory.mktemp("home"))
