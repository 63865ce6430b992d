"""Many small parts of a source as few splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from starhaul_stores.files.formats.input import Cut
from starhaul_stores.files.places.place import FileStatus

_MANY = 256
"""So many splits are no burden to anyone; a hundred thousand would be."""

Part = tuple[FileStatus, Cut]


def bundled(parts: Sequence[Part], size: int, target: int) -> Iterator[Sequence[Part]]:
    """The parts one by one if they are not many, else as many together as make `size` bytes, or so many groups that
    each of `target` channels gets several."""
    most = max(_MANY, 4 * target)
    together = 1 if len(parts) <= most else -(-len(parts) // most)
    group: list[Part] = []
    held = 0
    for part in parts:
        bytes_ = part[1].bytes or 0
        if group and (len(group) >= together or held + bytes_ > size):
            yield group
            group, held = [], 0
        group.append(part)
        held += bytes_
    if group:
        yield group
