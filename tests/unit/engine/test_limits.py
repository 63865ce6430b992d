from __future__ import annotations

import threading

import pytest

from starhaul.api.errors import RejectLimitExceeded
from starhaul.engine.limits import RejectLimit, TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_bucket_holds_the_rate_over_any_stretch() -> None:
    clock = Clock()
    bucket = TokenBucket(1000, clock)
    for _ in range(50):
        clock.now += bucket.reserve(100)
    assert clock.now - 100.0 == pytest.approx(5.0, abs=0.11)


def test_bucket_saves_up_no_more_than_a_second() -> None:
    clock = Clock()
    bucket = TokenBucket(10, clock)
    clock.now += 3600
    assert bucket.reserve(10) == 0.0
    assert bucket.reserve(10) == pytest.approx(1.0)


def test_a_request_larger_than_the_bucket_goes_into_debt() -> None:
    clock = Clock()
    bucket = TokenBucket(10, clock)
    assert bucket.reserve(100) == pytest.approx(10.0)
    assert bucket.reserve(10) == pytest.approx(11.0)


def test_channels_share_one_bucket() -> None:
    clock = Clock()
    bucket = TokenBucket(100, clock)
    pauses: list[float] = []
    threads = [threading.Thread(target=lambda: pauses.append(bucket.reserve(100))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(pauses) == pytest.approx([1.0, 2.0, 3.0, 4.0])


def test_reject_limit_is_prompt_and_counts_all_channels() -> None:
    limit = RejectLimit(record=2, percentage=None)
    limit.add(1)
    limit.add(1)
    with pytest.raises(RejectLimitExceeded, match="3 rows rejected, 2 allowed"):
        limit.add(1)


def test_a_failed_attempt_gives_its_rejects_back() -> None:
    limit = RejectLimit(record=1, percentage=None)
    limit.add(1)
    limit.add(-1)
    limit.add(1)


@pytest.mark.parametrize(("rejected", "read", "fails"), [(10, 100, False), (11, 100, True), (0, 0, False)])
def test_reject_share(rejected: int, read: int, fails: bool) -> None:
    limit = RejectLimit(record=None, percentage=0.1, rejected=rejected)
    if fails:
        with pytest.raises(RejectLimitExceeded, match=r"11 of 100 rows"):
            limit.judge(read)
    else:
        limit.judge(read)


def test_a_resumed_run_goes_on_counting() -> None:
    with pytest.raises(RejectLimitExceeded):
        RejectLimit(record=5, percentage=None, rejected=5).add(1)


def test_the_share_is_judged_while_rows_are_read() -> None:
    limit = RejectLimit(record=None, percentage=0.1)
    limit.read(999)
    limit.add(200)  # of too few to mean anything
    with pytest.raises(RejectLimitExceeded, match="200 of 1000 rows rejected"):
        limit.read(1)
    limit.read(1000)
    with pytest.raises(RejectLimitExceeded, match="201 of 2000 rows"):
        limit.add(1)
    limit.add(-201)
    limit.read(-2000)
    limit.add(50)


def test_rows_that_their_reader_rejects_are_judged_with_their_batch() -> None:
    limit = RejectLimit(record=None, percentage=0.1)
    limit.read(1000)
    limit.add(150, read=False)
    limit.read(2000)


def test_a_resumed_run_judges_the_share_of_all_its_rows() -> None:
    limit = RejectLimit(record=None, percentage=0.1, rejected=10, read=5500)
    limit.add(540)
    with pytest.raises(RejectLimitExceeded, match="551 of 5500"):
        limit.add(1)
