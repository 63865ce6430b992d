"""Rates and estimates."""

from __future__ import annotations

import pytest

from starhaul.engine.progress import StreamProgress
from starhaul.report.pace import Pace, is_running, share, total


def watched(*figures: tuple[float, StreamProgress]) -> Pace:
    pace = Pace()
    for now, stream in figures:
        pace.add(now, stream)
    return pace


def test_nothing_is_known_at_first() -> None:
    pace = watched((5.0, StreamProgress("s", tasks=2, expected_rows=100)))
    assert (pace.rows_per_second, pace.bytes_per_second, pace.seconds_left) == (0.0, 0.0, None)
    assert Pace().seconds_left is None


def test_rates_are_those_of_the_last_seconds() -> None:
    pace = Pace()
    for second in range(100):
        rows = 1000 * second if second < 50 else 50_000 + 10 * (second - 50)
        pace.add(float(second), StreamProgress("s", rows=rows, bytes=rows * 8))
    assert pace.rows_per_second == pytest.approx(10)
    assert pace.bytes_per_second == pytest.approx(80)


def test_a_failed_attempt_does_not_make_the_rate_negative() -> None:
    pace = watched((0.0, StreamProgress("s", rows=1000)), (1.0, StreamProgress("s", rows=200)))
    assert pace.rows_per_second == 0.0


def test_the_end_from_the_expected_rows() -> None:
    first = StreamProgress("s", tasks=1, rows=100, expected_rows=1000)
    pace = watched((0.0, first), (1.0, StreamProgress("s", tasks=1, rows=200, expected_rows=1000)))
    assert pace.seconds_left == pytest.approx(8.0)


def test_the_end_from_the_tasks_of_this_sitting() -> None:
    pace = watched(
        (0.0, StreamProgress("s", tasks=10, tasks_done=6)), (10.0, StreamProgress("s", tasks=10, tasks_done=8))
    )
    assert pace.seconds_left == pytest.approx(10.0)


def test_more_rows_than_expected_tell_no_end() -> None:
    stream = StreamProgress("s", tasks=1, rows=20, expected_rows=10)
    assert watched((0.0, StreamProgress("s", tasks=1, expected_rows=10)), (1.0, stream)).seconds_left is None


@pytest.mark.parametrize(
    ("stream", "part"),
    [
        (StreamProgress("s", tasks=1), None),
        (StreamProgress("s", tasks=4, tasks_done=1), 0.25),
        (StreamProgress("s", tasks=4, rows=30, expected_rows=100), 0.3),
        (StreamProgress("s", tasks=4, rows=300, expected_rows=100), 1.0),
        (StreamProgress("s", tasks=4, tasks_done=4, rows=3, expected_rows=100), 1.0),
        (StreamProgress("s", tasks=1, expected_rows=0), None),
    ],
)
def test_share(stream: StreamProgress, part: float | None) -> None:
    assert share(stream) == part


def test_total() -> None:
    one = StreamProgress("a", tasks=2, tasks_done=1, rows=10, bytes=80, rejected=1, expected_rows=20)
    two = StreamProgress("b", tasks=1, rows=5, bytes=40, expected_rows=10)
    whole = total([one, two])
    assert (whole.tasks, whole.tasks_done, whole.rows, whole.bytes, whole.rejected) == (3, 1, 15, 120, 1)
    assert whole.expected_rows == 30
    assert total([one, StreamProgress("c")]).expected_rows is None


def test_is_running() -> None:
    assert not is_running(StreamProgress("s"))
    assert is_running(StreamProgress("s", started=1.0))
    assert not is_running(StreamProgress("s", started=1.0, finished=2.0))
