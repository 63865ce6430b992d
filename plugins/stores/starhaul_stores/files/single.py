"""Joining the files of a run's tasks into one."""

from __future__ import annotations

from collections.abc import Sequence

from starhaul import PermanentError
from starhaul_stores.files.places.place import FileStatus, Place, Session, Staged
from starhaul_stores.files.places.renaming import staged_path

_PIECE = 1 << 20


def publish_joined(
    place: Place, directory: str, name: str, head: bytes, parts: Sequence[Staged], *, replaces: bool
) -> None:
    """Show one file that holds `head` and the staged parts, in order; it `replaces` what has the name, or must not.
    Safe to repeat until the parts are cleared, and after that too. The place must be one that renames."""
    target = f"{directory}/{name}"
    with place.session() as session, place.session() as reading:
        found = [reading.stat(staged_path(directory, part.name, part.attempt)) for part in parts]
        files = [each for each in found if each is not None]
        size = len(head) + sum(part.size for part in parts)
        if len(files) < len(parts):
            _expect_published(session, place, target, size)
            return
        there = None if replaces else session.stat(target)
        if there is not None and there.size != size:  # with this size it is what an earlier attempt has shown
            raise PermanentError(
                place.shown(target), "came while the run was under way", "move it, then resume the run"
            )
        with session.stage(directory, name, 0) as staging:
            staging.write(head)
            for file in files:
                _append(reading, file, staging.write)
        session.publish(directory, [staging.staged])


def _append(session: Session, file: FileStatus, write: object) -> None:
    with session.open_range(file, 0, file.size) as data:
        while piece := data.read(_PIECE):
            write(piece)  # type: ignore[operator]


def _expect_published(session: Session, place: Place, target: str, size: int) -> None:
    status = session.stat(target)
    if status is None or status.size != size:
        raise PermanentError(place.shown(target), "the staged files are gone", "start a new run")
