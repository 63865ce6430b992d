"""The contract of a format that can be read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from starhaul import Task
from starhaul_stores.files.places.source import Source
from starhaul_stores.files.read_params import FileReaderParams

_SMALLEST = 1 << 20
"""Bytes that a cut of `even_cuts` has at least, if the file has them."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a file that can be read by itself: a range of bytes, some row groups, or all of it. JSON data."""

    id: str = ""
    """Tells it from the file's other cuts, as a suffix of the file's name (`@0-67108864`); empty for the whole."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """What `blocks` needs to find it again."""
    rows: int | None = None
    """As far as known; an estimate will do."""
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which fields of a file's records are wanted."""

    used: tuple[int, ...]
    """Positions of the wanted fields in the dataset, from 0, each once, in order."""
    fields: pa.Schema | None
    """The wanted fields as the first file has them, with the types that the job asks for (one of them, if a field makes
    several columns); None where no file was looked at."""
    width: int | None
    """How many fields every record must have; None: as many as are needed, or more."""
    padded: bool = False
    """Whether the fields that a record of text lacks are null."""
    meant: Callable[[Sequence[str], str], Sequence[str]] | None = None
    """The names of one file's fields as the dataset has them, one for each, where the file may have others; the second
    is the file, for errors."""

    @property
    def names(self) -> list[str]:
        """The names of the wanted fields; empty where no file was looked at."""
        return [] if self.fields is None else self.fields.names


class Raw(NamedTuple):
    """A row as it stands in the file, for the reject file."""

    batch: pa.RecordBatch
    row: int
    at: str
    """Where it stands: `data.csv:17`."""


def raw_texts(texts: Mapping[str, str | None]) -> pa.RecordBatch:
    """One row as it stands in a file of text, in pieces. They have a type that columns of text have not: a row that
    was none is nothing that `starhaul replay` could send again."""
    return pa.record_batch({name: pa.array([text], pa.large_string()) for name, text in texts.items()})


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows in the order of the file."""

    rows: int
    columns: Sequence[pa.Array]
    """One array for each wanted field, of whatever type the file has; the hub's `cast` makes the columns' types."""
    raw: Callable[[int], Raw]
    """A row as it stands in the file. May take its time."""
    broken: Mapping[int, str] = field(default_factory=dict)
    """The rows that hold text which is no UTF-8, with the reasons to reject them. Here they hold something valid."""


class InputFormat(ABC):
    """Reads files of one format. Holds parameters only, so that one may serve several threads.

    Damage is a `PermanentError` whose `where` is `source.name` and the place in it as exactly as it is known. Rows that
    are wrong by themselves are rejected through the task. Nothing is silently short: a format that says how many rows
    it holds is counted after.
    """

    def __init__(self, params: FileReaderParams) -> None:
        self.params = params

    @property
    def blind(self) -> bool:
        """Whether the job's columns say everything, so that no file has to be looked at for `fields`."""
        return False

    @abstractmethod
    def fields(self, source: Source) -> pa.Schema | None:
        """The fields of a file's records with the types that they have there. None if the file is empty and tells
        nothing. The first file that tells counts for all."""

    @abstractmethod
    def cuts(self, source: Source, size: int) -> Iterator[Cut]:
        """Disjoint cuts that hold every row together, of about `size` bytes where the format can be cut (and
        `source.ranged`). Those of one file are in order. The files given here are not empty."""

    @abstractmethod
    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        """The rows of a cut (its `args`), a few MiB at a time. A generator that may be closed early. The caller makes
        sure that the file is unchanged before and after."""


def even_cuts(source: Source, size: int) -> Iterator[Cut]:
    """Equal ranges of bytes, for formats in which a reader finds the next block by its mark, wherever it begins."""
    total, size = source.file.size, max(size, _SMALLEST)
    parts = max(1, round(total / size)) if source.ranged else 1
    for part in range(parts):
        start, end = total * part // parts, total * (part + 1) // parts
        name = "" if parts == 1 else f"@{start}-{end}"
        yield Cut(name, {"start": start, "end": end}, None, end - start)
