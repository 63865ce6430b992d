"""Every error tells where, what and what to do, and what the process ends with."""

from __future__ import annotations

import pickle

import pytest

from starhaul import (
    Cancelled,
    ConfigError,
    PermanentError,
    PluginError,
    Problem,
    RejectLimitExceeded,
    StarhaulError,
    TasksLost,
    TransientError,
)

EXIT_CODES = {
    StarhaulError: 1,
    ConfigError: 2,
    PluginError: 3,
    TransientError: 1,
    PermanentError: 1,
    TasksLost: 1,
    RejectLimitExceeded: 4,
}


@pytest.mark.parametrize("kind", EXIT_CODES)
def test_exit_codes(kind: type[StarhaulError]) -> None:
    assert kind("where", "problem").exit_code == EXIT_CODES[kind]


def test_every_error_has_a_documented_exit_code() -> None:
    assert set(StarhaulError.__subclasses__()) | {StarhaulError} == set(EXIT_CODES)


@pytest.mark.parametrize("kind", EXIT_CODES)
def test_message_shape(kind: type[StarhaulError]) -> None:
    assert str(kind("a.yaml:3 reader.path", "no such file", "check the path")) == (
        "a.yaml:3 reader.path: no such file (check the path)"
    )
    assert str(kind("where", "problem")) == "where: problem"
    assert str(kind("", "problem", "hint")) == "problem (hint)"


@pytest.mark.parametrize("kind", EXIT_CODES)
def test_errors_travel_between_processes(kind: type[StarhaulError]) -> None:
    error = kind("where", "problem", "hint")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (str(back), back.where, back.problem, back.hint) == (str(error), "where", "problem", "hint")


def test_transient_error_keeps_its_pause_between_processes() -> None:
    error = TransientError("where", "problem", retry_after=2.5)
    assert error.retry_after == 2.5
    assert pickle.loads(pickle.dumps(error)).retry_after == 2.5


def test_config_error_keeps_its_problems_between_processes() -> None:
    error = ConfigError.of([Problem("a", "x"), Problem("b", "y", "z", "job.yaml", 7)])
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_config_error_of_one_problem_reads_like_any_error() -> None:
    error = ConfigError.of([Problem("reader.path", "missing", "give it", "job.yaml", 7)])
    assert str(error) == "job.yaml:7 reader.path: missing (give it)"


def test_config_error_of_many_problems_has_a_line_for_each() -> None:
    error = ConfigError.of([Problem("a", "x"), Problem("b", "y", "z", "job.yaml", 7)])
    assert str(error).splitlines() == ["a: x", "job.yaml:7 b: y (z)"]


def test_config_error_is_its_own_problem() -> None:
    assert ConfigError("path", "bad", "do").problems == (Problem("path", "bad", "do"),)


def test_cancelled_passes_code_that_catches_exceptions() -> None:
    assert issubclass(Cancelled, BaseException)
    assert not issubclass(Cancelled, Exception)
