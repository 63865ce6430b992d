"""What the written guides say is tried out: their code, their jobs, their links."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from starhaul.job.load import load_job
from starhaul.registry import Registry

ROOT = Path(__file__).parents[2]
GUIDES = [*ROOT.glob("*.md"), *(path for path in (ROOT / "docs").rglob("*.md"))]
PLUGIN_GUIDE = (ROOT / "docs/writing-a-plugin.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """The code block of the plugin guide after `<!-- name -->`."""
    match = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", PLUGIN_GUIDE, re.DOTALL)
    assert match, f"the guide has no block {name!r}"
    return match[1]


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The guide's reader with its hook, as a file."""
    path = tmp_path / "folder.py"
    path.write_text(block("reader") + block("hook"))
    return path


def test_the_reader_is_short() -> None:
    lines = [line for line in block("reader").splitlines() if line.strip()]
    assert len(lines) < 30


def test_the_reader_passes_the_kit(plugin: Path, tmp_path: Path) -> None:
    head = "import pytest\nfrom starhaul.testing import ReaderConformance\nfrom folder import *\n"
    (tmp_path / "test_folder.py").write_text(head + block("test"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_folder.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_the_reader_runs_without_a_package(plugin: Path, tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(block("job"))
    (tmp_path / "things").mkdir()
    (tmp_path / "things/three").write_text("abc")
    done = subprocess.run(
        [sys.executable, "-m", "starhaul", "--plugin", plugin, "run", "job.yaml", "-D", "FOLDER=things",
         "--state", "state"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("three\t3\n")


def jobs() -> Iterator[tuple[str, str]]:
    """Each block of YAML or JSON in a hand-written guide that is a whole job."""
    for path in (ROOT / "README.md", ROOT / "docs/job-file.md"):
        for number, match in enumerate(re.finditer(r"```(?:yaml|json)\n(.*?)```", path.read_text("utf-8"), re.DOTALL)):
            content = yaml.safe_load(match[1])
            if {"reader", "writer"} <= content.keys() or "job" in content:
                yield f"{path.stem}-{number}", match[1]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in jobs()])
def test_the_jobs_are_valid(text: str, tmp_path: Path) -> None:
    path = tmp_path / ("job.json" if text.startswith("{") else "job.yaml")
    path.write_text(text, encoding="utf-8")
    assert load_job(path, Registry()).streams


@pytest.mark.parametrize("page", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name}: {target} leads nowhere"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{page.name}: {linked.name} has no heading {anchor!r}"
