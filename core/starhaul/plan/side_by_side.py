"""Streams do not know of one another, so what is asked of each can be asked of several at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TypeVar

T = TypeVar("T")


def results_of(call: Callable[[int], T], count: int, threads: int) -> Generator[Callable[[], T]]:
    """For each of `count` calls, which get their number, in order: what gives its result or raises its error. So many
    `threads` carry them out. None is left running when the generator is closed."""
    if min(count, threads) <= 1:
        yield from (partial(call, index) for index in range(count))
        return
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(min(count, threads), "stream")
    try:
        yield from [pool.submit(call, index).result for index in range(count)]
    finally:
        pool.shutdown(cancel_futures=True)
