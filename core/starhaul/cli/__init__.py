"""The command line: one module per command, imported when the command is used."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """What the console script `starhaul` and `python -m starhaul` call. Exits with one of the documented codes."""
    set_up()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A run that went well is no failure because the terminal's encoding lacks a letter of a table's name.
        sys.stdout.reconfigure(errors="backslashreplace")
    from starhaul.cli.group import starhaul

    try:
        starhaul.main(prog_name="starhaul")
    finally:
        gc.freeze()
    raise AssertionError("click ends the process")


def set_up() -> None:
    """What is settled once for a process, before anything large is imported."""
    _open_standard_streams()
    # Imports make many objects and no garbage, and rows are not Python objects: to look for garbage less often, and
    # not at all at the end, takes a tenth off the time of a small job.
    gc.set_threshold(100_000)
    # pyarrow loads numpy where there is one, whose linear algebra would start a thread for each core and wait busily.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.platform == "linux":
        # The one of Arrow's allocators that gives memory back soon: a run takes up to a quarter less.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")


def _open_standard_streams() -> None:
    """Give the null device to streams that the caller closed (`2>&-`): Python has None for them, and the next file or
    socket would get their number, and with it whatever a library prints there."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
