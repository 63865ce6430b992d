"""The live progress where nobody looks at a terminal: a plain line now and then."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

from starhaul.api.events import Event, RunFinished, RunStarted
from starhaul.engine.progress import Progress
from starhaul.report.figures import count, duration, printable, size
from starhaul.report.output import say
from starhaul.report.pace import Pace, is_running, share, total


class ProgressLines:
    """Prints a line on standard error every `progressInterval` seconds while the run lasts.

    A context manager, to be left after the run, and an observer of its events: the first line comes one interval
    after `RunStarted`.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._paces: defaultdict[str, Pace] = defaultdict(Pace)

    def __enter__(self) -> ProgressLines:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def observe(self, event: Event) -> None:
        """Begin with the run, end with it."""
        if isinstance(event, RunStarted):
            self._thread = threading.Thread(target=self._print_lines, name="progress", daemon=True)
            self._thread.start()
        elif isinstance(event, RunFinished):
            self._over.set()

    def say(self, message: str) -> None:
        """Tell the user something at once. From any thread."""
        say(message)

    def restore(self) -> None:
        """Leave the terminal as it was found, right before the process ends."""

    def line(self, now: float) -> str:
        """The whole run in one line; empty if nothing is planned yet."""
        streams = self._progress.snapshot()
        if not streams:
            return ""
        whole = streams[0] if len(streams) == 1 else total(streams)
        pace = self._paces[whole.name]
        pace.add(now, whole)
        done, left = share(whole), pace.seconds_left
        parts = [
            f"{count(whole.rows)} rows",
            size(whole.bytes),
            f"{count(pace.rows_per_second)} rows/s",
            f"{size(pace.bytes_per_second)}/s",
            f"{whole.tasks_done} of {whole.tasks} tasks",
        ]
        parts += [] if done is None else [f"{done:.0%}"]
        parts += [] if left is None else [f"{duration(left)} left"]
        parts += [f"{count(whole.rejected)} rejected"] if whole.rejected else []
        name = printable(whole.name)
        if len(streams) > 1:
            running = [printable(stream.name) for stream in streams if is_running(stream)]
            finished = sum(stream.finished is not None for stream in streams)
            name = f"{finished} of {len(streams)} streams done, {len(running)} running"
            name += f" ({', '.join(running[:5])}{', …' if len(running) > 5 else ''})" if running else ""
        return f"{name}: {', '.join(parts)}"

    def _print_lines(self) -> None:
        self.line(time.monotonic())  # where the rates begin
        while not self._over.wait(self._progress.settings.progress_interval):
            self.say(f"{time.strftime('%H:%M:%S')} {self.line(time.monotonic())}")
