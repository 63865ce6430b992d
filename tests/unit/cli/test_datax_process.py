"""DataX's launcher as schedulers call it: a process with a log and an exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.datax import SCRIPT, Write, job, run
from tests.unit.cli.datax import write as write


def test_usage(write: Write) -> None:
    assert run().returncode == 255
    assert run("a.json", "b.json").returncode == 255
    assert run("-m", "distribute", write(job())).returncode == 255
    assert run("-r", "streamreader").returncode == 255
    assert run("--nonsense").returncode == 255


def test_the_script_in_a_process_of_its_own(write: Write) -> None:
    """With a locale that knows no Chinese."""
    done = run(write(job()), env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "读出记录总数                    :                  13\n" in done.stdout


def test_a_stopped_job(write: Write) -> None:
    document = json.loads(job(rows=10**15, print=False)) | {"core": {"container": {"job": {"reportInterval": 100}}}}
    command = [sys.executable, str(SCRIPT), str(write(json.dumps(document)))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert b" - Total " in process.stdout.readline()  # it is under way
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "任务启动时刻".encode() not in output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux and the BSDs have /dev/full")
@pytest.mark.parametrize("command", [[str(SCRIPT)], ["-m", "starhaul", "run"]])
def test_a_run_that_went_well_is_no_failure_because_its_log_is_full(write: Write, command: list[str]) -> None:
    """A scheduler would run it again."""
    path = write(job(print=False))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, *command, str(path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == "warning: standard output cannot be written, and ends here: No space left on device\n"
        full_too = subprocess.run(
            [sys.executable, *command, str(path)], stdout=full, stderr=full, check=False, timeout=60
        )
    assert full_too.returncode == 0


WRAPPER = r"""
# As schedulers do it: run the job, keep the log, take the figures out of the closing block.
log=$(mktemp)
python3 "$DATAX_HOME/bin/datax.py" -j "-Xms1g -Xmx1g" -p "-Drows=$1" "$2" > "$log" 2>&1
code=$?
start=$(grep '任务启动时刻' "$log" | sed 's/^[^:]*: *//')
total=$(grep '读出记录总数' "$log" | awk -F':' '{gsub(/ /, "", $2); print $2}')
failed=$(grep '读写失败总数' "$log" | awk -F':' '{gsub(/ /, "", $2); print $2}')
flow=$(grep '任务平均流量' "$log" | cut -d: -f2 | tr -d ' ')
percent=$(grep -o 'Percentage [0-9.]*%' "$log" | tail -1)
rm -f "$log"
echo "$code|${#start}|$total|$failed|$flow|$percent"
"""


def test_a_wrapper_script_that_scrapes_the_closing_block(tmp_path: Path, write: Write) -> None:
    script = tmp_path / "wrapper.sh"
    script.write_text(WRAPPER)
    environment = {**os.environ, "DATAX_HOME": str(SCRIPT.parents[1])}
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    (tmp_path / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "python3").chmod(0o755)

    def scraped(rows: str) -> str:
        command = ["sh", str(script), rows, str(write(job("${rows}")))]
        return subprocess.run(command, env=environment, text=True, capture_output=True, timeout=60, check=True).stdout

    assert re.fullmatch(r"0\|19\|250\|0\|[0-9.]+(B|KB)/s\|Percentage 100\.00%\n", scraped("250"))
    assert scraped("many") == "1|0||||\n"
