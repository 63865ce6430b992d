"""`txtfilereader`: local files."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from starhaul_stores.files.places.local import LocalPlace
from starhaul_stores.files.reader import FileReader
from starhaul_stores.files.reading import FileReaderParams


class TxtFileReaderParams(FileReaderParams):
    """Parameters of `txtfilereader`."""

    path: str | list[str] = Field(min_length=1)
    """The files: a path, a directory (all files below it), a pattern with `*`, `?` and `**` (directories of any depth),
    or a list of these. Files whose names begin with a dot are left out."""


class TxtFileReader(FileReader[TxtFileReaderParams]):
    """Reads local files: text (CSV, TSV, …), JSON lines, SQL dumps, Parquet, ORC and Avro; large ones in pieces."""

    name = "txtfilereader"
    params_type = TxtFileReaderParams

    @property
    def place(self) -> LocalPlace:
        return LocalPlace()

    @property
    def patterns(self) -> Sequence[str]:
        return [self.params.path] if isinstance(self.params.path, str) else self.params.path
