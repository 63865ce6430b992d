"""`python -m bench.run [CASE …]`: measures, prints, and writes `bench/results/` and the table of `docs/benchmarks.md`.

A case is a module of `bench.cases`; without names all of them run. `--scale 0.01` tries them out with fewer rows and
writes nothing. Exits with 1 if a figure is not what it should be.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from contextlib import closing
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from bench.comparison import Comparison, Figures
from bench.machine import machine
from bench.measure import compare, failures, ratio
from bench.setup import Setup
from bench.tables import write_page

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench/results"
PAGE = ROOT / "docs/benchmarks.md"
CASES = (
    "startup",
    "stream",
    "csv_sqlite",
    "csv_csv",
    "parquet_csv",
    "memory",
    "memory_postgresql",
    "postgresql",
    "mysql",
    "mysql_postgresql",
    "hdfs",
    "s3",
    "many_tables",
    "hbase",
    "peers",
)


def main() -> int:
    """Run the cases that were named. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{', '.join(CASES)}; default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the rows; writes nothing unless 1")
    parser.add_argument("--repeat", type=int, help="measured runs of each command; default: 5, with servers 3")
    parser.add_argument("--only", default="", help="measure those comparisons whose name holds this text")
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    setup = Setup(ROOT / ".cache/bench", options.scale)
    setup.folder.mkdir(parents=True, exist_ok=True)
    failed = False
    with closing(setup.servers):
        for case in options.cases or CASES:
            for comparison in import_module(f"bench.cases.{case}").comparisons(setup):
                if options.only in comparison.name:
                    failed = bool(_measured(comparison, options.repeat, setup)) or failed
    if options.scale == 1:
        write_page(PAGE, sorted(RESULTS.glob("*.json")))
    return int(failed)


def _measured(comparison: Comparison, repeat: int | None, setup: Setup) -> list[str]:
    """Measure, print and keep one comparison; what is wrong with its figures."""
    often = repeat or comparison.repeat or 5
    ours, theirs = compare(comparison, often, setup.folder, setup.servers.cpu_seconds)
    wrong = failures(comparison, ours, theirs)
    print(_line(comparison, ours, theirs), *(f"  WRONG: {each}" for each in wrong), sep="\n", flush=True)
    if setup.scale == 1:
        _write(comparison, ours, theirs, wrong)
    return wrong


def _line(comparison: Comparison, ours: Figures, theirs: Figures) -> str:
    def told(figures: Figures) -> str:
        seconds, peak = statistics.median(figures.seconds), statistics.median(figures.peak_bytes)
        spent, servers = statistics.median(figures.cpu_seconds), statistics.median(figures.server_cpu_seconds)
        return f"{seconds:.3f} s, {peak / 1e6:.0f} MB, CPU {spent:.2f} + {servers:.2f} s"

    value = ratio(comparison, ours, theirs)
    return (
        f"{comparison.what}: {told(ours)}; {comparison.theirs.label}: {told(theirs)}; {comparison.figure} {value:.2f}"
    )


def _write(comparison: Comparison, ours: Figures, theirs: Figures, wrong: list[str]) -> None:
    """Keep every single figure, so that a table can be checked."""
    RESULTS.mkdir(exist_ok=True)
    kept = {
        "name": comparison.name,
        "what": comparison.what,
        "figure": comparison.figure,
        "bound": comparison.bound,
        "ratio": ratio(comparison, ours, theirs),
        "rows": comparison.rows,
        "ours": {"label": comparison.ours.label, **asdict(ours)},
        "theirs": {"label": comparison.theirs.label, **asdict(theirs)},
        "failures": wrong,
        "machine": machine(),
    }
    (RESULTS / f"{comparison.name}.json").write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
