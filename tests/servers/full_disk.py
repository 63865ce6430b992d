"""Disks of servers that have no more room, for as long as a test wants."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tests.servers.process import preloaded

_SOURCE = Path(__file__).with_name("full_disk.c")


class Server(Protocol):
    """What takes its environment from `variables` when it is started."""

    folder: Path
    variables: dict[str, str]


def can_fill_up(server: Server, files: str) -> None:
    """Have a server that is not started yet on a disk that `fill_up` fills; what it writes elsewhere than into files
    whose path holds `files` always finds room."""
    server.variables |= {
        "LD_PRELOAD": str(preloaded(_SOURCE)),
        "FULL_DISK_WHEN": str(_sign(server)),
        "FULL_DISK_IN": files,
    }


def fill_up(server: Server) -> None:
    """From now on there is no room."""
    _sign(server).touch()


def make_room(server: Server) -> None:
    """There is room again."""
    _sign(server).unlink(missing_ok=True)


def _sign(server: Server) -> Path:
    return server.folder / "full"
