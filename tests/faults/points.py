"""Where runs are hit: every border between two steps of a run, the statements of its publication, of its abort and of
its resume, and random moments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

ALL = os.environ.get("STARHAUL_FAULTS") == "all"
"""Whether `make faults` runs the tests, and not `make test`, which takes a sample."""

How: TypeAlias = Literal["SIGKILL", "SIGTERM", "SIGSTOP"]

_STORE = "starhaul.runs.store:RunStore"
_SITTING = "starhaul.engine.sitting:Sitting"
_TAKE = "starhaul.engine.exchanger:Exchanger._take"
_TASK = "starhaul.engine.transfer:Transfer.run"
_COMMITTING = f"{_STORE}.stream_is:after:3"
"""A stream is `preparing`, `prepared`, `committing`, `forgetting`, `committed`."""
_FORGETTING = {"before": "after:4", "after": "before:5"}


P = TypeVar("P")


def sample(points: Sequence[P], modes: Sequence[str]) -> list[tuple[P, str]]:
    """Each point in each mode; in `make test` each point in one mode, and the modes in turn."""
    return [
        (point, mode)
        for number, point in enumerate(points)
        for turn, mode in enumerate(modes)
        if ALL or number % len(modes) == turn
    ]


@dataclass(frozen=True)
class Blow:
    """One way to hit a run, once or twice."""

    phase: str
    at: str = ""
    """A point as `killer.py` reads it; none: a random moment."""
    how: How = "SIGKILL"
    fail_at: str = ""
    """Where the run fails of itself before it is hit."""
    again_at: str = ""
    """Where its resume is hit too."""
    moment: float = 0
    """Without a point: the share of the time that the run takes."""
    calm: float = field(default=0, compare=False)
    """How long it stands still, for SIGSTOP."""

    @property
    def id(self) -> str:
        """Short and unique."""
        point = self.again_at or self.at
        where = point.rpartition(":")[2] if ">" in point else ""
        return f"{self.how[3:]} {self.phase}{f' {where}' if where else ''}{f' {self.moment:.2f}' if not point else ''}"


BORDERS: Mapping[str, str] = {
    "the run is stored": f"{_STORE}.begin:after:1",
    "before prepare": f"{_STORE}.stream_is:after:1",
    "after prepare": f"{_STORE}.stream_is:before:2",
    "before the first task": f"{_STORE}.give_out:after:1",
    "at the first batch": f"{_TAKE}:after:1",
    "in the midst of a task": f"{_TAKE}:after:3",
    "before the end of a task": f"{_TAKE}:after:5",
    "after a task": f"{_TASK}:after:2",
    "before a receipt": f"{_STORE}.task_done:before:2",
    "after the last receipt": f"{_STORE}.task_done:after:3",
    "before the publication": _COMMITTING,
    "after the publication": f"{_STORE}.stream_is:before:4",
    "before the end": f"{_STORE}.end:before:1",
}
_FAILS = f"{_TAKE}:before:4"
_KILLED_FIRST = f"{_STORE}.task_done:before:1"
RESUMING: Mapping[str, str] = {
    "when a resume begins": f"{_STORE}.reopen:after:1",
    "in the tasks of a resume": f"{_TAKE}:after:1",
    "before a receipt of a resume": f"{_STORE}.task_done:before:1",
    "after the publication by a resume": f"{_STORE}.stream_is:before:2",
}
STATEMENTS: Mapping[str, Sequence[str]] = {
    "sqlitewriter": ["starhaul_stores.sqlite.connection:AdbcConnection.execute"],
    "postgresqlwriter": ["starhaul_stores.postgresql.connection:Connection.execute"],
    "mysqlwriter": ["starhaul_stores.mysql.connection:Connection.execute"],
    "oceanbasev10writer": ["starhaul_stores.mysql.connection:Connection.execute"],
    "rdbmswriter": ["starhaul_stores.rdbms.connection:Connection.execute"],
    "txtfilewriter": [
        "starhaul_stores.files.places.local:LocalSession.rename",
        "starhaul_stores.files.places.local:LocalSession.remove",
    ],
    "hdfswriter": [
        "starhaul_stores.hdfs.client:NameNodes.rename", "starhaul_stores.hdfs.client:NameNodes.remove",
    ],
    "s3writer": [
        "starhaul_stores.files.places.s3:S3Session._parts",
        "starhaul_stores.files.places.s3:S3Session._expect_published",
        "starhaul_stores.files.places.s3:S3Session._abandon",
    ],
    "ftpwriter": [
        "starhaul_stores.files.places.remote:RemoteSession.remove",
        "starhaul_stores.files.places.ftp:FtpSession.rename",
        "starhaul_stores.files.places.sftp:SftpSession.rename",
    ],
    "hivewriter": [
        "starhaul_stores.hdfs.client:NameNodes.rename", "starhaul_stores.hive.connection:Connection.rows",
    ],
}  # fmt: skip
"""What each writer does step by step when it publishes or aborts. Others do nothing then."""


def blows(writer: str) -> Sequence[Blow]:
    """All blows for the runs into one writer."""
    found = [Blow(phase, at) for phase, at in BORDERS.items()]
    for statement in STATEMENTS.get(writer, ()):
        found += [Blow("within the publication", f"{_COMMITTING}>{statement}:before:{n}") for n in (1, 3, 4, 5, 6, 8)]
        found.append(Blow("within an abort", f"{_SITTING}.abort:before:1>{statement}:before:1", fail_at=_FAILS))
    found.append(Blow("before an abort", f"{_SITTING}.abort:before:1", fail_at=_FAILS))
    found.append(Blow("after an abort", f"{_SITTING}.abort:after:1", fail_at=_FAILS))
    found += [Blow(phase, _KILLED_FIRST, again_at=at) for phase, at in RESUMING.items()]
    found += [Blow("at random", moment=moment) for moment in (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)]
    found += [Blow("at random", moment=moment, how="SIGTERM") for moment in (0.15, 0.5, 0.9)]
    for phase in ("in the midst of a task", "before a receipt", "before the publication"):
        found.append(Blow(phase, BORDERS[phase], "SIGTERM"))
    found.append(Blow("in the midst of a task", BORDERS["in the midst of a task"], "SIGSTOP", calm=1))
    found.append(Blow("before an abort", f"{_SITTING}.abort:before:1", "SIGTERM", fail_at=_FAILS))
    found += [Blow(f"{when} the run is forgotten", f"{_STORE}.stream_is:{at}") for when, at in _FORGETTING.items()]
    return found


def long_stop() -> Blow:
    """A run that stands still for longer than networks and servers like."""
    return Blow("before the end of a task", BORDERS["before the end of a task"], "SIGSTOP", calm=60)
