"""The command `starhaul` itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pyarrow as pa
import pytest

import starhaul as package
from starhaul.cli.group import SHORT_HELP
from starhaul.cli.group import starhaul as program
from tests.unit.cli.conftest import MakeJob, Starhaul


@pytest.mark.parametrize("name", SHORT_HELP)
def test_short_help_is_the_first_sentence_of_the_commands_own_help(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").splitlines()[0] == SHORT_HELP[name]


@pytest.mark.parametrize("name", SHORT_HELP)
def test_every_command_explains_itself(starhaul: Starhaul, name: str) -> None:
    result = starhaul(name, "--help")
    assert result.exit_code == 0
    assert SHORT_HELP[name] in " ".join(result.output.split())


def test_help_lists_every_command_and_the_exit_codes(starhaul: Starhaul) -> None:
    shown = " ".join(starhaul("--help").output.split())
    assert all(f"{name} {text}" in shown for name, text in SHORT_HELP.items())
    assert all(code in shown for code in ("0 done", "1 failed", "2 ", "3 ", "4 ", "143 stopped"))


def test_version(starhaul: Starhaul) -> None:
    assert starhaul("--version").output == f"starhaul {package.__version__}\n"


def test_an_unknown_command_is_a_usage_error(starhaul: Starhaul) -> None:
    result = starhaul("chek")
    assert result.exit_code == 2
    assert "no command and no job file named 'chek'. Did you mean 'check'?" in result.stderr


@pytest.mark.parametrize("before", [[], ["-p", "-Drows=2"], ["-Drows=2"], ["--progress", "none", "-D", "rows=2"]])
def test_a_job_without_a_command_is_run(starhaul: Starhaul, make_job: MakeJob, before: list[str]) -> None:
    job = make_job(rows="${rows:-2}")
    result = starhaul(*before, job)
    assert result.exit_code == 0, result.output
    assert "of job job: done" in result.stdout


def test_a_missing_job_file_is_named_by_its_suffix(starhaul: Starhaul) -> None:
    result = starhaul("nowhere.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: nowhere.yaml: no such file")


def test_general_options_may_stand_after_the_command(starhaul: Starhaul, make_job: MakeJob, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("raise OSError('not today')")
    result = starhaul("check", make_job(), "--plugin", other)
    assert result.exit_code == 3
    assert "OSError: not today" in result.stderr


def test_help_imports_nothing_heavy() -> None:
    heavy = {"pyarrow", "pydantic", "rich", "yaml", "pluggy", "jsonschema", "asyncio"}
    assert not heavy & _modules_after("--help")


def test_a_run_that_nobody_watches_imports_no_more_than_it_needs(make_job: MakeJob) -> None:
    job = make_job(writer={"name": "streamwriter", "print": False})
    plugin = str(Path(__file__).with_name("plugin_for_tests.py"))
    loaded = _modules_after("--plugin", plugin, "run", str(job))
    assert "starhaul_writers.stream" in loaded
    assert not {"rich", "yaml", "jsonschema", "asyncio", "pyarrow.compute", "pyarrow.csv"} & loaded


def _modules_after(*arguments: str) -> set[str]:
    """The modules that a process has loaded when the program ends."""
    code = "import sys\nfrom starhaul.cli import main\ntry:\n    main()\nfinally:\n    print('modules', *sys.modules)\n"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("module", ["starhaul.cli", "starhaul.cli.datax"])
@pytest.mark.parametrize("asked", [None, "system"])
def test_both_commands_settle_how_arrow_allocates(module: str, asked: str | None) -> None:
    """Before it is imported, and unless the environment says it."""
    backends = pa.supported_memory_backends()
    usual = "jemalloc" if sys.platform == "linux" and "jemalloc" in backends else backends[0]
    code = (
        f"import sys, os; from {module} import main; assert 'pyarrow' not in sys.modules; sys.argv[1:] = ['--help']\n"
        "try: main()\nexcept SystemExit: pass\nimport pyarrow\n"
        "print(pyarrow.default_memory_pool().backend_name, os.environ['OPENBLAS_NUM_THREADS'])"
    )
    settled = ("ARROW_DEFAULT_MEMORY_POOL", "OPENBLAS_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in settled}
    environment |= {} if asked is None else {"ARROW_DEFAULT_MEMORY_POOL": asked}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == f"{asked or usual} 1"
