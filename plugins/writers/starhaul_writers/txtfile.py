"""`txtfilewriter`: local files."""

from __future__ import annotations

from starhaul_stores.files.places.local import LocalPlace
from starhaul_stores.files.writer import FileWriter
from starhaul_stores.files.writing import FileWriterParams


class TxtFileWriterParams(FileWriterParams):
    """Parameters of `txtfilewriter`."""

    path: str
    """The directory of the files. It is made if it is not there."""


class TxtFileWriter(FileWriter[TxtFileWriterParams]):
    """Writes local files (text, JSON lines, SQL, Parquet, ORC, Avro), shown all at once when the run has succeeded."""

    name = "txtfilewriter"
    params_type = TxtFileWriterParams

    @property
    def place(self) -> LocalPlace:
        return LocalPlace()

    @property
    def directory(self) -> str:
        return self.place.absolute(self.params.path)
