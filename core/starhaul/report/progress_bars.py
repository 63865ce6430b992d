"""The live progress on a terminal: a bar for each stream."""

from __future__ import annotations

import io
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from starhaul.api.events import Event
from starhaul.engine.progress import Progress, StreamProgress
from starhaul.report.figures import count, duration, printable, size
from starhaul.report.pace import Pace, is_running, share, total

BARS = 8
"""With more streams than this only the running ones are shown, this many at most."""
NAME_WIDTH = 24
PER_SECOND = 5
_SHOW_CURSOR = b"\x1b[?25h\n"


class ProgressBars:
    """Shows the run on standard error, which is a terminal. A context manager, to be left after the run.

    The thread that draws only takes snapshots; the run never waits for it. What is printed meanwhile appears above
    the bars. If the terminal goes away, the run goes on.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._paces: defaultdict[int, Pace] = defaultdict(Pace)
        self._console = Console(stderr=True, highlight=False)
        self._connecting = Spinner("dots", "connecting …")
        self._stdout = sys.stdout
        self._live = Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=PER_SECOND,
            redirect_stdout=False,  # it would send the data of a job that prints to standard error
            transient=sys.stdout.isatty(),
        )

    def __enter__(self) -> ProgressBars:
        if self._stdout.isatty():
            sys.stdout = _AboveTheBars(self._console)
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._live.stop()
            if isinstance(sys.stdout, _AboveTheBars):
                sys.stdout.end()
        sys.stdout = self._stdout

    def observe(self, event: Event) -> None:
        """The bars look at the figures alone."""

    def say(self, message: str) -> None:
        """Tell the user something at once. From any thread."""
        with suppress(OSError):
            self._console.print(message, style="yellow", markup=False)

    def restore(self) -> None:
        """Leave the terminal as it was found, right before the process ends."""
        with suppress(OSError):
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _SHOW_CURSOR)

    def _render(self) -> RenderableType:
        streams = self._progress.snapshot()
        if not streams:
            return self._connecting
        now = time.monotonic()
        for index, stream in enumerate(streams):
            self._paces[index].add(now, stream)
        shown = list(enumerate(streams))
        if len(streams) > BARS:
            shown = [(index, stream) for index, stream in shown if is_running(stream)][:BARS]
        table = Table.grid(padding=(0, 2))
        for index, stream in shown:
            table.add_row(*self._row(stream, self._paces[index]))
        if len(streams) > 1:
            whole, pace = total(streams), self._paces[-1]
            pace.add(now, whole)
            table.add_row(*self._row(whole, pace), style="bold")
        return Group(table, *self._left_out(streams))

    def _row(self, stream: StreamProgress, pace: Pace) -> Sequence[RenderableType]:
        done, left = share(stream), pace.seconds_left
        name = printable(stream.name)
        bar = ProgressBar(total=1.0, completed=done or 0.0, width=24, pulse=done is None)
        return (
            Text(name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"),
            bar,
            Text("" if done is None else f"{done:4.0%}", justify="right"),
            Text(f"{count(stream.rows)} rows", justify="right"),
            Text(size(stream.bytes), justify="right"),
            Text(f"{count(pace.rows_per_second)} rows/s", justify="right"),
            Text("" if left is None or done == 1.0 else f"{duration(left)} left", justify="right"),
            Text(f"{count(stream.rejected)} rejected" if stream.rejected else "", style="red"),
        )

    def _left_out(self, streams: Sequence[StreamProgress]) -> list[Text]:
        if len(streams) <= BARS:
            return []
        finished = sum(stream.finished is not None for stream in streams)
        running = sum(map(is_running, streams))
        return [Text(f"{finished} of {len(streams)} streams done, {running} running", style="dim")]


class _AboveTheBars(io.TextIOBase):
    """Standard output while the bars are shown on the same terminal: whole lines go above them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = ""

    def isatty(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self._console.out("\n".join(lines), highlight=False)
        return len(text)

    def end(self) -> None:
        """Print what stands after the last line feed."""
        if self._begun:
            self._console.out(self._begun, highlight=False)
            self._begun = ""
