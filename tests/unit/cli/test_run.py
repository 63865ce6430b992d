"""`starhaul run`: exit codes, what is printed where, and the report file."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import MakeJob, Starhaul


def test_a_run_ends_with_a_report(starhaul: Starhaul, make_job: MakeJob) -> None:
    result = starhaul("run", make_job())
    assert result.exit_code == 0
    assert result.stderr == ""
    first, _, heading, stream = result.stdout.splitlines()
    assert first.startswith("run 20")
    assert " of job job: done in " in first
    assert dict(zip(heading.split(), stream.split(), strict=False))["written"] == "3"


def test_a_failed_run_tells_what_failed_and_how_to_go_on(starhaul: Starhaul, make_job: MakeJob) -> None:
    result = starhaul("run", make_job(failAt=1))
    assert result.exit_code == 1
    assert "row 1: went missing (look under the table)" in result.stdout
    assert "error   PermanentError in job, t0" in result.stdout
    assert "resume  starhaul resume 20" in result.stdout
    assert result.stderr == "error: row 1: went missing (look under the table)\n"


def test_all_problems_of_a_job_are_told_one_a_line(starhaul: Starhaul, make_job: MakeJob) -> None:
    job = make_job(rows="many", pauze=1, tasks=[])
    result = starhaul("run", job)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"error: {job}:1 reader.") for line in lines)
    assert any("pause" in line for line in lines)


def test_an_unknown_plugin_has_an_exit_code_of_its_own(starhaul: Starhaul, make_job: MakeJob) -> None:
    result = starhaul("run", make_job(writer={"name": "steamwriter"}))
    assert result.exit_code == 3
    assert "did you mean 'streamwriter'" in result.stderr


def test_too_many_rejected_rows_have_one_too(starhaul: Starhaul, make_job: MakeJob) -> None:
    result = starhaul("run", make_job(reject=[1]))
    assert result.exit_code == 4
    assert "row 1: 1 is not wanted" in result.stdout


def test_rejected_rows_that_are_allowed_are_reported(starhaul: Starhaul, make_job: MakeJob) -> None:
    result = starhaul("run", make_job(rows=9, reject=[1, 2, 3, 5], settings={"errorLimit": {"record": 4}}))
    assert result.exit_code == 0
    assert "4 rows set aside in " in result.stdout
    assert result.stdout.count("is not wanted") == 3


def test_variables_of_both_kinds(starhaul: Starhaul, make_job: MakeJob) -> None:
    job = make_job(rows="${rows}", tasks="${tasks}")
    result = starhaul("run", job, "-p", "-Drows=1 -Dtasks=5", "-Drows=2")
    assert result.exit_code == 0, result.stderr
    assert " 5/5 " in result.stdout
    assert " 10 " in result.stdout


def test_a_wrong_variable_option_does_not_show_its_value(starhaul: Starhaul, make_job: MakeJob) -> None:
    result = starhaul("run", make_job(), "-D", "=hidden")
    assert result.exit_code == 2
    assert "-D" in result.stderr
    assert "hidden" not in result.output


def test_a_bug_shows_no_secret_and_no_traceback(starhaul: Starhaul, make_job: MakeJob) -> None:
    result = starhaul("check", make_job(password="hunter2"))
    assert result.exit_code == 1
    assert "hunter2" not in result.output
    assert "Traceback" not in result.output
    assert len(result.stderr.splitlines()) == 1


def test_debug_shows_the_traceback(starhaul: Starhaul, make_job: MakeJob) -> None:
    result = starhaul("check", make_job(oddTable="t"), "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr


def test_control_characters_of_a_message_do_not_reach_the_terminal(starhaul: Starhaul, make_job: MakeJob) -> None:
    result = starhaul("check", make_job(oddTable="\x1b]0;owned\x07"))
    assert "\x1b" not in result.output
    assert r"\x1b" in result.stderr


class TestReportFile:
    def test_it_holds_the_report(self, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path) -> None:
        file = tmp_path / "report.json"
        assert starhaul("run", make_job(), "--report", file).exit_code == 0
        report = json.loads(file.read_text())
        assert report["state"] == "done"
        assert report["written"] == 3
        assert [path.name for path in tmp_path.iterdir() if "report" in path.name] == ["report.json"]

    def test_a_failed_run_leaves_one_too(self, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path) -> None:
        file = tmp_path / "report.json"
        assert starhaul("run", make_job(failAt=2), "--report", file).exit_code == 1
        report = json.loads(file.read_text())
        assert (report["state"], report["exit_code"], report["error"]["where"]) == ("failed", 1, "row 2")

    def test_an_old_one_does_not_survive_a_job_that_is_wrong(
        self, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path
    ) -> None:
        file = tmp_path / "report.json"
        file.write_text("of yesterday")
        assert starhaul("run", make_job(rows="x"), "--report", file).exit_code == 2
        assert not file.exists()

    def test_a_symbolic_link_stays_one(self, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path) -> None:
        link, file = tmp_path / "latest.json", tmp_path / "report.json"
        link.symlink_to(file)
        assert starhaul("run", make_job(), "--report", link).exit_code == 0
        assert link.is_symlink()
        assert json.loads(file.read_text())["state"] == "done"

    def test_it_is_not_the_job(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        job = make_job()
        result = starhaul("run", job, "--report", job)
        assert result.exit_code == 2
        assert "is the job file itself" in result.stderr
        assert json.loads(job.read_text())["reader"]["name"] == "countreader"

    def test_nothing_runs_if_it_cannot_be_written(self, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path) -> None:
        result = starhaul("run", make_job(), "--report", tmp_path / "missing" / "report.json")
        assert result.exit_code == 2
        assert "--report: " in result.stderr
        assert starhaul("runs").stdout.startswith("no runs in ")

    def test_it_may_be_a_device(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        assert starhaul("run", make_job(), "--report", "/dev/null").exit_code == 0
        assert Path("/dev/null").is_char_device()


def test_log_records_go_to_standard_error(starhaul: Starhaul, make_job: MakeJob) -> None:
    before = list(logging.getLogger().handlers)
    result = starhaul("run", make_job(rows=1, settings={"progressInterval": 0.1}), "--log-level", "debug")
    assert result.exit_code == 0
    assert logging.getLogger().handlers == before
    assert logging.getLogger("starhaul").level == logging.NOTSET


def test_plain_progress_comes_at_the_jobs_interval(
    process: Callable[..., subprocess.Popen[str]], make_job: MakeJob
) -> None:
    job = make_job(rows=30, pause=0.03, settings={"progressInterval": 0.2})
    with process("run", job) as running:
        _, shown = running.communicate(timeout=30)
    assert running.returncode == 0
    lines = shown.splitlines()
    assert 2 <= len(lines) <= 10
    assert all(" job: " in line and " rows/s" in line for line in lines)


@pytest.mark.parametrize("options", [["--progress", "none"], []])
def test_a_short_run_shows_no_progress(
    process: Callable[..., subprocess.Popen[str]], make_job: MakeJob, options: list[str]
) -> None:
    with process("run", make_job(), *options) as running:
        _, shown = running.communicate(timeout=30)
    assert (running.returncode, shown) == (0, "")


def test_the_exit_code_survives_a_reader_that_left(
    process: Callable[..., subprocess.Popen[str]], make_job: MakeJob
) -> None:
    with process("run", make_job(pause=0.1)) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.wait(timeout=30) == 0
        assert running.stderr is not None
        assert running.stderr.read() == ""


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_streams_that_the_caller_closed(
    process: Callable[..., subprocess.Popen[str]], make_job: MakeJob, tmp_path: Path, closed: tuple[int, ...]
) -> None:
    """As `2>&-` does. No file or socket of the run gets their numbers."""
    target = {"name": "txtfilewriter", "path": str(tmp_path / "out"), "fileName": "o", "writeMode": "append"}

    def close() -> None:
        for each in closed:
            os.close(each)

    running = process("run", make_job(writer=target), preexec_fn=close)
    stdout, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert ("committed" in stdout) == (1 not in closed)
    assert (next((tmp_path / "out").iterdir())).read_text().count("\n") == 3


def test_a_full_disk_under_the_output_is_told(process: Callable[..., subprocess.Popen[str]], make_job: MakeJob) -> None:
    with Path("/dev/full").open("w") as full:
        running = process("plan", make_job(), stdout=full)
        _, stderr = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "No space left on device" in stderr


@pytest.mark.parametrize("command", ["run", "plan", "check"])
def test_an_encoding_that_lacks_letters(
    process: Callable[..., subprocess.Popen[str]], make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """As in a locale of ISO 8859-1."""
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    running = process(command, make_job("订单.json"))
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 0, stderr
    assert "\\u8ba2\\u5355" in stdout
