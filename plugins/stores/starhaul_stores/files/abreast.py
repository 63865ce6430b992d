"""What is asked of many files one by one, side by side: over a network each question takes a round trip or several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from typing import TypeVar

from starhaul_stores.files.places.source import Link

T = TypeVar("T")
U = TypeVar("U")


def abreast(link: Link, items: Sequence[T], ask: Callable[[Link, T], U]) -> Generator[U]:
    """What `ask` answers for each of the items, in their order; the first one in order that fails raises its error.

    As many are asked at a time as the link's place allows, each over a link of its own, and a few more than are taken.
    A generator that may be closed early.
    """
    width = min(link.place.abreast, len(items))
    if width <= 1:
        yield from (ask(link, item) for item in items)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    links: SimpleQueue[Link] = SimpleQueue()

    def asked(item: T) -> U:
        own = links.get()
        try:
            return ask(own, item)
        finally:
            links.put(own)

    with ExitStack() as stack:
        for _ in range(width):
            links.put(stack.enter_context(Link(link.place)))
        pool = ThreadPoolExecutor(width, "file")
        stack.callback(pool.shutdown, cancel_futures=True)
        waiting: deque[Future[U]] = deque()
        for item in items:
            if len(waiting) == 2 * width:
                yield waiting.popleft().result()
            waiting.append(pool.submit(asked, item))
        while waiting:
            yield waiting.popleft().result()
