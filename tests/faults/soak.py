"""`make soak SECONDS=600`: mixed jobs for so long, with faults all the while, in one process that must stay as it is.

Jobs run one after the other: as they are, through connections that are cut, or as processes that are killed or stopped
and then resumed. After each, the target is compared with the source. Watched are this process (memory, file
descriptors, threads) and what runs leave in servers and folders (connections, tables, temporary files, locks). Exits
with 1, and the figures, if anything grows or is left.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

from starhaul import resume, run
from tests.conftest import PostgresqlSchema
from tests.faults.hitting import Hitting, Route
from tests.faults.points import Blow
from tests.faults.proxy import Fault, Proxy
from tests.faults.sources import SOURCES
from tests.faults.target import Target, expected_rows
from tests.faults.targets import TARGETS
from tests.servers import mariadb, postgresql, s3
from tests.servers.mysql_database import MysqlDatabase, new_database

ROUTES = (
    Route("CSV", "SQLite"), Route("MySQL", "PostgreSQL"), Route("PostgreSQL", "MySQL"), Route("PostgreSQL", "S3"),
)  # fmt: skip
TABLE_MODES, OBJECT_MODES = ("insert", "overwrite", "update"), ("truncate", "append", "overwrite")
CUTS: Mapping[str, Mapping[str, Any]] = {
    "cut while it reads": {"direction": "down", "after": 60_000},
    "cut while it writes": {"after": 60_000},
    "answer to COMMIT lost": {"how": "lose answer", "at": b"COMMIT"},
}
KILLS: Mapping[str, Blow] = {
    "SIGKILL": Blow("at random", moment=1.0),
    "SIGTERM": Blow("at random", moment=1.0, how="SIGTERM"),
}
WARM_UP = 1 / 3
"""The share of all samples that tells nothing: imports, pools and caches are being filled."""
MOST_GROWTH = 1.06, 6.0
"""The median of the memory in the last third may be this many times that of the second one, and so many MiB more."""


@dataclass(frozen=True)
class Sample:
    """How things stand after one job."""

    memory: float
    """MiB of this process that are resident."""
    descriptors: int
    threads: int
    connections: int
    """Of jobs, to both databases."""
    temporary: int
    """Files in the folder for temporary ones."""
    locks: int
    """Files in the state directories that stand for runs and jobs under way."""


class Servers:
    """A database in each server, and a bucket, by the names of the tests' fixtures."""

    def __init__(self, stack: ExitStack) -> None:
        self.mariadb = stack.enter_context(mariadb.running())
        self.mysql: MysqlDatabase = stack.enter_context(new_database(self.mariadb))
        server = stack.enter_context(postgresql.running())
        db = stack.enter_context(server.connect(options="-c search_path=soak -c timezone=UTC"))
        db.execute("CREATE SCHEMA soak; SET client_min_messages = warning")
        self.postgresql = PostgresqlSchema(server, "soak", db)
        store = stack.enter_context(s3.running())
        with store.client() as client:
            client.create_bucket(Bucket="soak")
        self.bucket = s3.Bucket(store, "soak")

    def getfixturevalue(self, argname: str, /) -> Any:
        """The database of this name."""
        return getattr(self, argname)

    def connections(self) -> int:
        """Those that are not ours."""
        mysql = self.mysql.execute("SELECT count(*) FROM information_schema.processlist WHERE user = 'root'")[0][0]
        asked = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        found = self.postgresql.db.execute(asked).fetchone()
        assert found is not None
        return int(str(mysql)) - 1 + int(str(found[0])) - 1


class Soak:
    """Jobs without end. `wrong` tells what was not as promised."""

    def __init__(self, servers: Servers, folder: Path, seed: int) -> None:
        self.samples: list[Sample] = []
        self.wrong: list[str] = []
        self.faults: Counter[str] = Counter()
        self._servers, self._folder = servers, folder
        self._random = random.Random(seed)
        (folder / "tmp").mkdir()
        for name in ("mysql", "postgresql"):
            SOURCES["MySQL" if name == "mysql" else "PostgreSQL"](servers, folder)
        self._readers = {"CSV": SOURCES["CSV"](servers, folder), **self._tables()}

    def one(self, number: int) -> None:
        """One job, its fault, its mending, its comparison; then a sample."""
        route = ROUTES[number % len(ROUTES)]
        mode = self._random.choice(OBJECT_MODES if route.target == "S3" else TABLE_MODES)
        cuts = [] if route.source == "CSV" else [name for name in CUTS if route.target != "S3" or "COMMIT" not in name]
        fault = self._random.choice(["none", *cuts, *cuts, *KILLS])
        folder = self._folder / f"{route.source}-{route.target}"
        folder.mkdir(exist_ok=True)
        target = TARGETS[route.target](self._servers, folder)
        reader = self._readers[route.source]
        if fault in KILLS:
            self._kill(Hitting(route, mode, reader, target), KILLS[fault])
        else:
            target.fill(mode)
            job = {"reader": dict(reader), "writer": {"name": target.writer, **target.parameters(mode)}}
            self._run({**job, "settings": {"channel": 2, "retry": {"attempts": 3, "pause": 0.05}}}, fault, folder)
        self.faults[fault] += 1
        self._compare(f"job {number}, {route.id}, {mode}, {fault}", target, mode)
        self.samples.append(self._sample())

    def _kill(self, hitting: Hitting, blow: Blow) -> None:
        blow = Blow(blow.phase, how=blow.how, moment=self._random.uniform(0.02, 0.8))
        self.wrong += hitting.hit(blow, clean=1.0).wrong

    def _run(self, job: dict[str, Any], fault: str, folder: Path) -> None:
        with self._cut(job, fault):
            report = run(job, state=folder / "state")
            if report.state != "done":
                report = resume(report.run, job, state=folder / "state")
        if report.state != "done":
            self.wrong.append(f"{fault}: {report.error}")

    @contextmanager
    def _cut(self, job: dict[str, Any], fault: str) -> Iterator[None]:
        """Lead the job's connection of one side through a proxy."""
        if fault == "none":
            yield
            return
        side = job["reader" if fault == "cut while it reads" else "writer"]
        address = "endpoint" if "endpoint" in side else "url"
        host, port, rest = re.split(r":(\d+)(?=/|$)", side[address], maxsplit=1)
        with Proxy(int(port), Fault(**CUTS[fault])) as proxy:
            side[address] = f"{host}:{proxy.port}{rest}"
            yield

    def _tables(self) -> dict[str, Any]:
        mysql = {"name": "mysqlreader", "url": self._servers.mysql.url, "table": "s"}
        return {
            "MySQL": mysql,
            "PostgreSQL": {**mysql, "name": "postgresqlreader", "url": self._servers.postgresql.url},
        }

    def _compare(self, what: str, target: Target, mode: str) -> None:
        with target.looking() as look:
            rows = sorted(look())
        if rows != expected_rows(mode):
            self.wrong.append(f"{what}: {len(rows)} rows for {len(expected_rows(mode))}, or other ones")
        if left := target.left():
            self.wrong.append(f"{what}: left behind {left}")

    def _sample(self) -> Sample:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        deadline = time.monotonic() + 5
        while (connections := self._servers.connections()) and time.monotonic() < deadline:
            time.sleep(0.05)  # a server notices the end of a connection a moment later
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return Sample(
            memory=pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20),
            descriptors=len(os.listdir("/proc/self/fd")),  # noqa: PTH208  the listing itself has one
            threads=threading.active_count(),
            connections=connections,
            temporary=sum(1 for _ in (self._folder / "tmp").rglob("*")),
            locks=sum(1 for path in self._folder.glob("*/state/locks/*") if path.name != ".making"),
        )


def judge(samples: Sequence[Sample]) -> list[str]:
    """What grew. The last third of the samples is compared with the one before."""
    start, half = int(len(samples) * WARM_UP), int(len(samples) * (1 + WARM_UP) / 2)
    before, after = samples[start:half], samples[half:]
    if not before:
        return [f"{len(samples)} jobs are too few to tell: give it more SECONDS"]
    found = []
    was, now = (median(each.memory for each in part) for part in (before, after))
    if now > max(was * MOST_GROWTH[0], was + MOST_GROWTH[1]):
        found.append(f"memory grew from {was:.1f} to {now:.1f} MiB")
    for field in fields(Sample)[1:]:
        was, now = (min(getattr(each, field.name) for each in part) for part in (before, after))
        if now > was:  # the least: a single job may still be closing something
            found.append(f"{field.name} grew from {was} to {now}")
    return found


def main() -> int:
    """Soak for the time that the command line gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="starhaul-soak-")))
        servers = Servers(stack)
        os.environ["TMPDIR"] = str(folder / "tmp")
        soak = Soak(servers, folder, options.seed)
        tempfile.tempdir = None
        end, number = time.monotonic() + options.seconds, 0
        while time.monotonic() < end:
            soak.one(number)
            number += 1
        wrong = soak.wrong + judge(soak.samples)
    faults = ", ".join(f"{count} × {name}" for name, count in sorted(soak.faults.items()))
    print(f"{number} jobs in {options.seconds:.0f} s, seed {options.seed}: {faults}")
    for at in sorted({0, number // 3, number * 2 // 3, number - 1}):
        print(f"after job {at}: {', '.join(f'{name} {value:g}' for name, value in asdict(soak.samples[at]).items())}")
    print("\n".join(wrong) if wrong else "flat; every target equal to its source, nothing left behind")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
