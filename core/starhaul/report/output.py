"""Text on standard output, for whoever may read it."""

from __future__ import annotations

import os
import sys

import click


def show(text: str, *, newline: bool = True) -> None:
    """Print, unless nobody reads: the exit code still tells how the run ended."""
    try:
        click.echo(text, nl=newline)
    except BrokenPipeError:
        # As the Python documentation advises: or else the flush at exit fails in turn.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
