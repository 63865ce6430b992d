"""Every public exception, typed by what the engine does next.

* StarhaulError
  * ConfigError            the job is wrong; nothing ran                          exit 2
  * PluginError            a plugin is missing, broken, or broke its contract     exit 3
  * TransientError         raised by plugins; the engine may run the task again   exit 1
  * PermanentError         raised by plugins; the engine stops the run            exit 1
  * TasksLost              raised by `Writer.commit`; a resume runs them again    exit 1
  * RejectLimitExceeded    more rejected rows than the job allows                 exit 4
* Cancelled (a BaseException: a signal that code catching `Exception` lets through)

A message reads `where: problem (what to do)`. Values of secret parameters never belong in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class StarhaulError(Exception):
    """Something went wrong that the user should read about.

    `where` names the place (`jobs/a.yaml:12 reader.path`, `sqlite:///x.db table "t"`), `problem` says what is
    wrong there, `hint` what to do about it.
    """

    exit_code = 1

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        super().__init__(where, problem, hint)
        self.where = where
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text} ({self.hint})" if self.hint else text


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a job document.

    `file` and `line` (counted from 1) tell where the value stands, `path` is its dotted path in the document.
    """

    path: str
    problem: str
    hint: str = ""
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line is not None else "")
        where = " ".join(part for part in (place, self.path) if part)
        text = f"{where}: {self.problem}" if where else self.problem
        return f"{text} ({self.hint})" if self.hint else text


class ConfigError(StarhaulError):
    """The job is wrong. Nothing ran, nothing was changed. Fix the job and run it again.

    A plugin raises `ConfigError(where, problem, hint)`, with `where` the name of the parameter. The loader
    raises one error that carries all `problems` it found.
    """

    exit_code = 2

    def __init__(self, where: str, problem: str, hint: str = "", *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(where, problem, hint)
        self.problems = tuple(problems) or (Problem(where, problem, hint),)

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> ConfigError:
        """One error for everything that was found wrong; `problems` must not be empty."""
        first = problems[0]
        where = " ".join(part for part in (first.file + (f":{first.line}" if first.line else ""), first.path) if part)
        return cls(where, first.problem, first.hint, problems=problems)

    def __str__(self) -> str:
        if len(self.problems) <= 1:
            return super().__str__()
        return "\n".join(str(problem) for problem in self.problems)


class PluginError(StarhaulError):
    """A plugin is missing, cannot be imported, or broke its contract. The run fails; a retry cannot help."""

    exit_code = 3


class TransientError(StarhaulError):
    """Worth another attempt: a lost connection, a deadlock, a locked file.

    The engine runs the task again (if the writer promises ATOMIC, IDEMPOTENT or EXACTLY_ONCE and attempts are
    left), after `retry_after` seconds if given, else after its own growing pause. Otherwise the run fails.
    """

    def __init__(self, where: str, problem: str, hint: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(where, problem, hint)
        self.retry_after = retry_after


class PermanentError(StarhaulError):
    """Another attempt cannot help: no such table, no permission, disk full. The engine stops the run."""


class TasksLost(StarhaulError):
    """The target no longer knows `tasks` (their ids) that it had acknowledged: it failed over to a server that lagged
    behind, or crashed and had not stored what it told. Raised by `Writer.commit`, which publishes nothing then.

    The engine takes the receipts of these tasks back and stops the run; a resume carries the tasks out again.
    """

    def __init__(self, where: str, problem: str, hint: str = "", *, tasks: Sequence[str] = ()) -> None:
        super().__init__(where, problem, hint)
        self.tasks = tuple(tasks)

    @classmethod
    def of(cls, where: str, tasks: Sequence[str]) -> TasksLost:
        """The error for these tasks, which must not be empty."""
        problem = f"what tasks {', '.join(tasks[:5])}{', …' * (len(tasks) > 5)} had delivered is no longer there"
        hint = "did the server fail over, or crash? `starhaul resume` carries them out again"
        return cls(where, problem, hint, tasks=tasks)


class RejectLimitExceeded(StarhaulError):
    """More rows were rejected than the job allows. The engine stops the run; plugins let it pass through."""

    exit_code = 4


class Cancelled(BaseException):
    """The run is being stopped. Raised by the engine inside `batches`, `task.reject` and `task.pause`.

    Plugins let it pass: their `with` blocks roll back, and that is all that is asked of them.
    """
