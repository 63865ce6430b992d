"""The command line: one module per command, imported when the command is used."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """What the console script `starhaul` and `python -m starhaul` call. Exits with one of the documented codes."""
    set_up()
    from starhaul.cli.group import starhaul

    try:
        starhaul.main(prog_name="starhaul")
    finally:
        gc.freeze()
    raise AssertionError("click ends the process")


def set_up() -> None:
    """What is settled once for a process, before anything large is imported."""
    # Imports make many objects and no garbage, and rows are not Python objects: to look for garbage less often, and
    # not at all at the end, takes a tenth off the time of a small job.
    gc.set_threshold(100_000)
    # pyarrow loads numpy where there is one, whose linear algebra would start a thread for each core and wait busily.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.platform == "linux":
        # The one of Arrow's allocators that gives memory back soon: a run takes up to a quarter less.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
