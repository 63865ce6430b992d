"""Which files a path, a directory or a pattern means, in any place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.places.place import NOWHERE, FileStatus, Place, Session, printable

_MARKERS = frozenset({"_SUCCESS", "_temporary", "_metadata", "_common_metadata", "_delta_log", "_spark_metadata"})
"""What Hadoop, Spark and Hive put beside data; hidden in every place."""
_LOGS = re.compile(
    r"(?P<delta>_delta_log)|(?P<hudi>\.hoodie)|(?P<hive>(?:delete_)?delta_\d{7}_\d{7}(?:_\d{4})?|base_\d{7}(?:_v\d{7})?)"
)
"""What stands in the directories of tables whose files hold rows that were deleted or written anew since: which of them
count, a log tells, or Hive's metastore."""
_MAKERS = {"delta": "Delta Lake's", "hudi": "Hudi's", "hive": "Hive's with transactions"}
_LOCAL = re.compile(r"[*?]")
_HADOOP = re.compile(r"[*?\[\]{}\\]")


def listed(session: Session, patterns: Sequence[str], where: str = "path", *, none: bool = False) -> list[FileStatus]:
    """The files that the patterns mean, each once, by name.

    `*` and `?` stand for characters of one name, `**` for directories of any depth; Hadoop's places have `{a,b}`,
    `[a-z]` and `\\` besides. A directory means all files below it. Hidden names are left out unless the pattern spells
    what hides them: they are other programs' business, and where a writer stages. Raises `ConfigError` naming the
    pattern that means no file, unless there may be `none`, a directory in which not every file counts, or a link to
    nowhere.
    """
    found: dict[str, FileStatus] = {}
    for pattern in patterns:
        try:
            files = {file.path: file for file in _meant(session, pattern)}
        except PermanentError as error:
            raise ConfigError(where, str(error)) from error
        if not files and not none:
            raise ConfigError(where, f"no file matches {printable(pattern)!r}", _hint(session.place, pattern))
        if link := next((path for path, file in files.items() if file.mark == NOWHERE), None):
            raise ConfigError(where, f"{session.place.shown(link)} is a link to nowhere", "is a disk not mounted?")
        found |= files
    return [found[path] for path in sorted(found)]


def is_hidden(name: str, place: Place) -> bool:
    """Whether a name is passed over: by the place's rule, or as one of the markers of Hadoop's programs. A partition's
    folder (`_day=1`) is hidden by a dot alone."""
    if name in _MARKERS:
        return True
    return name.startswith(place.hides) and not ("=" in name and not name.startswith("."))


def _hint(place: Place, pattern: str) -> str:
    there = place.absolute(pattern)
    return f"it means {place.shown(there)}" if there != pattern else "is it spelt as it stands there?"


def _meant(session: Session, pattern: str) -> Iterator[FileStatus]:
    path = session.place.absolute(pattern)
    status = session.stat(path)
    if status is not None:
        yield from _files(session, status)
        return
    special = _HADOOP if session.place.hadoop_patterns else _LOCAL
    if not special.search(path):
        return
    for each in _alternatives(path) if session.place.hadoop_patterns else [path]:
        segments = each.split("/")
        literal = next((n for n, segment in enumerate(segments) if special.search(segment)), len(segments))
        yield from _matching(session, "/".join(segments[:literal]), segments[literal:])


def _files(session: Session, status: FileStatus) -> Iterator[FileStatus]:
    if not status.directory:
        yield status
        return

    def hidden(name: str) -> bool:
        if log := _LOGS.fullmatch(name):
            maker = _MAKERS[log.lastgroup or ""]
            problem = f"is a table of {maker} ({name}), whose files may hold rows that are none any more"
            hint = "read it by what knows such tables; a pattern of files (`*.parquet`) reads them all"
            raise PermanentError(session.place.shown(status.path), problem, hint)
        return is_hidden(name, session.place)

    yield from session.walk(status.path, hidden)


def _matching(session: Session, directory: str, segments: Sequence[str]) -> Iterator[FileStatus]:
    """What the rest of a pattern means below a directory."""
    if not segments:
        status = session.stat(directory or "/")
        if status is not None:
            yield from _files(session, status)
        return
    first, rest = segments[0], segments[1:]
    place = session.place
    if first == "**":
        yield from (
            _matching(session, directory, rest)
            if rest
            else session.walk(directory or "/", lambda name: is_hidden(name, place))
        )
    matches = _matcher(first, place.hadoop_patterns)
    for entry in session.entries(directory or "/"):
        if is_hidden(entry.name, place) and (first == "**" or not first.startswith(entry.name[0])):
            continue
        if first == "**":
            if entry.directory and rest:
                yield from _matching(session, entry.path, segments)
        elif matches.fullmatch(entry.name):
            if not rest:
                yield from _files(session, entry)
            elif entry.directory:
                yield from _matching(session, entry.path, rest)


@cache
def _matcher(segment: str, hadoop: bool) -> re.Pattern[str]:
    """A pattern for one name as an expression."""
    parts = []
    position = 0
    while position < len(segment):
        character = segment[position]
        closing = segment.find("]", position + 2) if hadoop and character == "[" else -1
        if character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        elif closing > 0:
            inside = segment[position + 1 : closing].replace("\\", r"\\").replace("[", r"\[")
            parts.append(f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]")
            position = closing
        elif hadoop and character == "\\" and position + 1 < len(segment):
            position += 1
            parts.append(re.escape(segment[position]))
        else:
            parts.append(re.escape(character))
        position += 1
    return re.compile("".join(parts), re.DOTALL)


def _alternatives(pattern: str) -> Iterator[str]:
    """The patterns that one with `{a,b}` stands for."""
    opening = re.search(r"(?<!\\)\{", pattern)
    if opening is None:
        yield pattern
        return
    depth, parts, begin = 0, [], opening.end()
    for position in range(opening.start(), len(pattern)):
        character = pattern[position]
        depth += (character == "{") - (character == "}")
        if (character == "," and depth == 1) or depth == 0:
            parts.append(pattern[begin:position])
            begin = position + 1
        if depth == 0:
            for part in parts:
                yield from _alternatives(pattern[: opening.start()] + part + pattern[position + 1 :])
            return
    yield pattern
