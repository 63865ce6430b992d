from __future__ import annotations

import threading

import pytest

from starhaul.api.errors import Cancelled, PermanentError, TransientError
from starhaul.engine.retry import patiently, pause_before_retry
from starhaul.engine.stop import Stop
from starhaul.job.settings import Retry

QUICK = Retry(attempts=3, pause=0.0, max_pause=0.0)
LOST = TransientError("db", "connection lost")


def test_pauses_double_up_to_the_limit() -> None:
    retry = Retry(attempts=10, pause=1.0, max_pause=5.0)
    assert [pause_before_retry(retry, tries, LOST) for tries in range(1, 6)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_the_error_may_name_the_pause() -> None:
    assert pause_before_retry(Retry(), 1, TransientError("db", "busy", retry_after=120.0)) == 120.0


def test_only_transient_errors_and_only_so_often() -> None:
    assert pause_before_retry(Retry(attempts=3), 3, LOST) is None
    assert pause_before_retry(Retry(), 1, PermanentError("db", "gone")) is None
    assert pause_before_retry(Retry(), 1, ValueError("bug")) is None


def test_patiently_repeats_and_gives_the_last_error() -> None:
    calls: list[int] = []

    def fails_twice() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise LOST
        return "there"

    assert patiently(fails_twice, QUICK, Stop()) == "there"

    def fails() -> None:
        raise LOST

    with pytest.raises(TransientError, match="connection lost"):
        patiently(fails, QUICK, Stop())


def test_patience_ends_when_the_run_stops() -> None:
    stop = Stop()
    threading.Timer(0.05, stop.request, ["enough"]).start()

    def fails() -> None:
        raise LOST

    with pytest.raises(Cancelled):
        patiently(fails, Retry(attempts=3, pause=60.0), stop)


def test_stop_calls_each_listener_once_and_late_ones_at_once() -> None:
    stop, heard = Stop(), []
    with stop.calling(lambda: heard.append("early")):
        stop.request("one")
        stop.request("two")
    with stop.calling(lambda: heard.append("late")):
        pass
    assert heard == ["early", "late"]
    assert (stop.requested, stop.reason) == (True, "one")
