"""A third party's package: installed beside Starhaul it is simply there; broken it harms nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.conftest import EXAMPLE, Environment, make_environment, wheel_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


STARHAUL = ("python", "-m", "starhaul")


@pytest.fixture
def beside(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that sees the packages of the first one, and leaves it as it is."""
    beside = make_environment(tmp_path_factory)
    (beside.site() / "first.pth").write_text(f"{environment.site()}\n")
    return beside


@pytest.fixture(scope="session")
def example_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's wheel."""
    return wheel_of(EXAMPLE, tmp_path_factory.mktemp("example"))


@pytest.fixture
def with_example(beside: Environment, example_wheel: Path) -> Environment:
    """The example installed."""
    beside.install(example_wheel)
    return beside


def test_its_own_tests_pass(with_example: Environment) -> None:
    with_example.install("pytest", "hypothesis")
    said = with_example.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE)
    assert " passed" in said
    assert "failed" not in said


def test_a_job_uses_it_by_name(with_example: Environment) -> None:
    assert "helloreader" in with_example.run(*STARHAUL, "plugins")
    target = with_example.home / "greetings"
    with_example.run(*STARHAUL, "run", EXAMPLE / "jobs/hello.yaml", "-D", f"TARGET={target}")
    program = f"""
import glob, pyarrow as pa
files = sorted(glob.glob({str(target)!r} + "/*.arrow"))
print(len(files), pa.concat_tables(pa.ipc.open_file(file).read_all() for file in files)["greeting"].to_pylist())
"""
    assert with_example.python(program) == "2 ['Hello, Ada!', 'Hello, Grace!', 'Hello, Edsger!']"


def test_a_broken_package_harms_nobody(beside: Environment) -> None:
    (beside.site() / "ruined.py").write_text("import a_driver_that_is_not_installed\n")
    metadata = beside.site() / "ruined-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ruined\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[starhaul]\nruined = ruined\n")
    said = beside.run(*STARHAUL, "plugins")
    assert "ruined" in said
    assert "a_driver_that_is_not_installed" in said
    job = beside.home / "job.yaml"
    job.write_text("reader: {name: stream, recordCount: 1, column: [{value: salut}]}\nwriter: {name: stream}\n")
    assert "salut" in beside.run(*STARHAUL, "run", job)


def test_a_plugin_file_needs_no_package(environment: Environment, tmp_path: Path) -> None:
    hook = """
from starhaul import hookimpl

@hookimpl
def starhaul_readers():
    return {"minereader": f"{__name__}:HelloReader"}
"""
    plugin = tmp_path / "mine.py"
    plugin.write_text((EXAMPLE / "src/starhaul_hello/reader.py").read_text() + hook)
    job = tmp_path / "job.yaml"
    job.write_text("reader: {name: minereader, names: [Ada]}\nwriter: {name: stream}\n")
    assert "Hello, Ada!" in environment.run("starhaul", "--plugin", plugin, "run", job)
