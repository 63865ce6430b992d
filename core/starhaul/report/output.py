"""Text for whoever may read it: a run that went well is no failure because of a log that is full."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import click


def show(text: str, *, newline: bool = True) -> None:
    """Print on standard output, unless nobody reads or the disk is full: the exit code still tells how the run
    ended. From any thread."""
    try:
        click.echo(text, nl=newline)
    except OSError as error:
        # As the Python documentation advises: or else the flush at exit fails in turn.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            say(f"warning: standard output cannot be written, and ends here: {error.strerror}")


def say(text: str) -> None:
    """Print on standard error, if that is possible. From any thread."""
    with suppress(OSError):
        click.echo(text, err=True)
