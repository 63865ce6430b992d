"""The kit bites: each good plugin that was spoiled in one way is caught by the test that is there for it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent / "sabotage"
FILES = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("spoiled_"))


def _sabotages() -> list[tuple[str, str, str]]:
    """(file, class of tests, test that must fail) of every sabotage."""
    found = []
    for file in FILES:
        for spoiled, test in import_module(f"tests.unit.testing.sabotage.{file}").CAUGHT_BY.items():
            found.append((file, f"Test{spoiled.__name__}", test if isinstance(test, str) else test[1]))
    return found


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """(class of tests, failed test) → message, of one pytest over all sabotages and the good one."""
    report = tmp_path_factory.mktemp("sabotage") / "report.xml"
    nodes = [f"{HERE / file}.py::{spoiled}::{test}" for file, spoiled, test in _sabotages()]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", f"--junitxml={report}"]
    good = f"{HERE / 'transformers.py'}::TestUpper"
    ran = subprocess.run([*command, *nodes, good], capture_output=True, text=True, check=False)
    assert ran.returncode == 1, f"pytest over the sabotages ended with {ran.returncode}:\n{ran.stdout[-2000:]}"
    failed = {}
    for case in ElementTree.parse(report).iter("testcase"):
        assert not list(case.iter("error")), f"{case.get('name')} ended in an error, not in a failure"
        for failure in case.iter("failure"):
            failed[case.get("classname", "").split(".")[-1], case.get("name", "")] = failure.get("message", "")
    return failed


@pytest.mark.parametrize(("file", "spoiled", "test"), _sabotages())
def test_sabotage_is_caught(failures: dict[tuple[str, str], str], file: str, spoiled: str, test: str) -> None:
    assert (spoiled, test) in failures, f"{spoiled} in {file}.py passes {test}"


def test_the_good_one_passes(failures: dict[tuple[str, str], str]) -> None:
    assert not [test for spoiled, test in failures if spoiled == "TestUpper"]


def test_messages_say_what_is_wrong(failures: dict[tuple[str, str], str]) -> None:
    """What the author of a plugin reads first, for some of the mistakes."""
    wanted = {
        ("TestDropsSlice", "test_every_row_exactly_once[3]"): "do not hold every row exactly once",
        ("TestLeaksDescriptor", "test_closing_early_frees_everything"): "/dev/null",
        ("TestTrimsStrings", "test_round_trip[string]"): "is '', should be ' '",
        ("TestZeroLosesItsSign", "test_round_trip[double]"): "is '0.0', should be '-0.0'",
        ("TestSwallowsFailure", "test_upstream_failure[after one batch-failure0]"): "swallowed the source's failure",
        ("TestDropsBadRows", "test_bad_row_is_rejected"): "pulled 3 rows but accounts for 2",
        ("TestAbortLeavesStaging", "test_abort_leaves_no_trace"): "abort() leaves",
    }
    for mistake, words in wanted.items():
        assert words in failures[mistake], f"{mistake}: {failures[mistake]}"
