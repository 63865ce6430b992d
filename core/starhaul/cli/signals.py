"""What Ctrl-C, SIGTERM and a terminal that goes away do to a run: the first signal stops it cleanly, the second one
ends the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from starhaul.engine.stop import Stop
from starhaul.report.build import EXIT_STOPPED

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_on_signals(stop: Stop, say: Callable[[str], None], restore: Callable[[], None]) -> Iterator[None]:
    """Within the block, the first signal requests `stop`; a further one ends the process at once, which is as safe as
    `kill -9`. To be used in the main thread. `say` tells the user; `restore` puts the terminal in order.

    The signals are heard by a thread of its own, through the wake-up file descriptor. A Python handler would wait for
    the main thread, which misses a signal that comes just before it blocks, and it could interrupt the holder of a
    lock that `stop` needs.
    """
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    listener = threading.Thread(target=_listen, args=(ear, stop, say, restore), name="signals", daemon=True)
    listener.start()
    wakeup = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    away = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # as `nohup` wants it
    handlers = [
        (each, signal.signal(each, _leave_it_to_the_listener))
        for each in SIGNALS
        if not (each is signal.SIGHUP and away)
    ]
    try:
        yield
    finally:
        for each, handler in handlers:
            signal.signal(each, handler)
        signal.set_wakeup_fd(wakeup)
        os.close(mouth)
        listener.join()


def _leave_it_to_the_listener(*_: object) -> None:
    """Without a handler Python would not write to the wake-up file descriptor."""


def _listen(ear: int, stop: Stop, say: Callable[[str], None], restore: Callable[[], None]) -> None:
    """Each byte is the number of a signal; the end of them comes when the run is over."""
    with open(ear, "rb", buffering=0) as heard:
        while number := heard.read(1):
            if number[0] not in SIGNALS:
                continue
            if stop.requested:
                if number[0] == signal.SIGHUP:  # which comes from the kernel and from the shell
                    continue
                restore()
                os._exit(EXIT_STOPPED)
            name = signal.Signals(number[0]).name
            stop.request(name)
            with suppress(OSError):  # of a terminal that is gone
                say(f"{name}: stopping, running tasks are taken back; a second one stops at once")
