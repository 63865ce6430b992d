"""From an exception to what the user reads, and to the exit code."""

from __future__ import annotations

import errno
import traceback

import click

from starhaul.api.errors import Cancelled, ConfigError, PluginError, StarhaulError
from starhaul.report.figures import printable


def explain(error: BaseException, *, debug: bool) -> int:
    """Tell the user on standard error why a command failed. Returns the exit code.

    The text of an unexpected exception may hold anything, values of secret parameters included: it is shown with
    `--debug` only. Raises what is not for us to explain: a closed pipe, the end of the interpreter.
    """
    if isinstance(error, Cancelled | KeyboardInterrupt):
        from starhaul.report.build import EXIT_STOPPED

        click.echo("stopped; nothing was changed", err=True)
        return EXIT_STOPPED
    if not isinstance(error, Exception) or (isinstance(error, OSError) and error.errno == errno.EPIPE):
        raise error
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if not isinstance(error, StarhaulError):
        tell("error", _bug(error, debug=debug))
        return 1
    for line in _lines(error):
        tell("error", line)
    return error.exit_code


def tell(kind: str, message: str) -> None:
    """One line on standard error: `error: …` or `warning: …`."""
    label = click.style(kind, fg="red" if kind == "error" else "yellow", bold=True)
    click.echo(f"{label}: {printable(message)}", err=True)


def _lines(error: StarhaulError) -> list[str]:
    if isinstance(error, ConfigError):
        return [str(problem) for problem in error.problems]
    # Several missing plugins come as one error.
    return str(error).splitlines() if isinstance(error, PluginError) else [str(error)]


def _bug(error: Exception, *, debug: bool) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    shown = "" if debug else "; --debug shows the traceback"
    return f"unexpected {type(error).__name__} at {frame.filename}:{frame.lineno}: a bug of Starhaul or a plugin{shown}"
