"""From an exception to what the user reads, and to the exit code."""

from __future__ import annotations

import errno
import traceback

import click

from starhaul.api.errors import Cancelled, ConfigError, PluginError, StarhaulError
from starhaul.report.figures import printable
from starhaul.report.output import say
from starhaul.unexpected import place


def explain(error: BaseException, *, debug: bool) -> int:
    """Tell the user on standard error why a command failed. Returns the exit code.

    The text of an unexpected exception may hold anything, values of secret parameters included: it is shown with
    `--debug` only. Raises what is not for us to explain: a closed pipe, the end of the interpreter.
    """
    if isinstance(error, Cancelled | KeyboardInterrupt):
        from starhaul.report.build import EXIT_STOPPED

        click.echo(reasons(error, debug=debug)[0], err=True)
        return EXIT_STOPPED
    if not isinstance(error, Exception) or (isinstance(error, OSError) and error.errno == errno.EPIPE):
        raise error
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    for line in reasons(error, debug=debug):
        tell("error", line)
    return error.exit_code if isinstance(error, StarhaulError) else 1


def reasons(error: BaseException, *, debug: bool) -> list[str]:
    """What `explain` tells of an error, line by line."""
    if isinstance(error, Cancelled | KeyboardInterrupt):
        return ["stopped; nothing was changed"]
    if isinstance(error, StarhaulError):
        return _lines(error)
    return [_bug(error, debug=debug)]


def tell(kind: str, message: str) -> None:
    """One line on standard error: `error: …` or `warning: …`."""
    label = click.style(kind, fg="red" if kind == "error" else "yellow", bold=True)
    say(f"{label}: {printable(message)}")


def _lines(error: StarhaulError) -> list[str]:
    if isinstance(error, ConfigError):
        return [str(problem) for problem in error.problems]
    # Several missing plugins come as one error.
    return str(error).splitlines() if isinstance(error, PluginError) else [str(error)]


def _bug(error: BaseException, *, debug: bool) -> str:
    shown = "" if debug else "; --debug shows the traceback"
    # What the system says of a call holds no values. A full disk under standard output is nobody's bug.
    why = error.strerror if isinstance(error, OSError) and error.strerror else "a bug of Starhaul or a plugin"
    return f"unexpected {type(error).__name__} at {place(error)}: {why}{shown}"
