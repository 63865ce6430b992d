"""What FTP servers say of files: facts (RFC 3659, section 7), and the lines of LIST, which no standard rules."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterable, Iterator, Mapping

from starhaul_stores.files.places.place import FileStatus

_UNIX = re.compile(
    r"(?P<kind>[-dlbcps])[-rwxsStTlL]{9}\S?\s+\d+\s+\S+(?:\s+\S+)??\s+(?P<size>\d+)\s+"
    r"(?:\w{3}\s+\d{1,2}|\d{1,2}\s+\w{3})\s+[\d:]{4,5} (?P<name>.+)",
    re.DOTALL,
)
_WINDOWS = re.compile(r"[\d/-]+\s+\d\d:\d\d\s?[AP]?M?\s+(?:<\w+>\s*|(?P<size>\d+) )(?P<name>\S.*)", re.DOTALL)


def of_facts(path: str, facts: Mapping[str, str]) -> FileStatus | None:
    """A status from facts, named in lower case; None for what is neither file nor directory."""
    kind = facts.get("type")
    if kind in ("dir", "cdir", "pdir"):
        return FileStatus(path, 0, "", directory=True)
    if kind != "file" or "size" not in facts:
        return None
    modified = facts.get("modify", "")
    return FileStatus(path, int(facts["size"]), modified, seconds(modified))


def of_lines(lines: Iterable[str]) -> Iterator[tuple[str, int | str]]:
    """Name and size of each file that LIST tells of; -1 for a directory, and for a link where it leads, of which the
    server must be asked. Raises `ValueError` for a line that is of no known form: a file could be missing in silence.
    """
    for line in lines:
        unix, windows = _UNIX.fullmatch(line), _WINDOWS.fullmatch(line)
        if unix is not None:
            kind, name = unix["kind"], unix["name"]
            if kind == "l":
                name, _, target = name.partition(" -> ")
                yield name, target
            elif kind in "-d" and name not in (".", ".."):
                yield name, -1 if kind == "d" else int(unix["size"])
        elif windows is not None:
            if windows["name"] not in (".", ".."):
                yield windows["name"], -1 if windows["size"] is None else int(windows["size"])
        elif line.strip() and not re.fullmatch(r"total \d+", line.strip()):
            raise ValueError(f"a line of an unknown form: {line!r}")


def seconds(modified: str) -> float | None:
    """`20261122093011.123` (UTC) in seconds since 1970; None if it is no time."""
    match = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?", modified)
    if match is None:
        return None
    return timegm((*map(int, match.groups()[:6]), 0, 0, 0)) + float(match[7] or 0)
