"""`txtfilereader`: local files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from starhaul import Address, Found, ReadRequest
from starhaul_stores.files.addresses import file_address, to_read
from starhaul_stores.files.inference import first_rows, inferred
from starhaul_stores.files.places.local import LocalPlace
from starhaul_stores.files.read_params import FileReaderParams
from starhaul_stores.files.reader import FileReader


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

    @classmethod
    def from_url(cls, url: str) -> Address:
        return file_address(url)

    @classmethod
    def complete(cls, address: Address, request: ReadRequest) -> Address:
        """The columns have the types that the first 8 MiB of values have, to the letter; the rest is text."""

        def look(parameters: Mapping[str, Any]) -> dict[str, str]:
            return inferred(first_rows(cls(TxtFileReaderParams.model_validate(parameters, by_alias=True))))

        return to_read(address, request, look)

    @classmethod
    def discover(cls, address: Address, *, details: bool = True) -> Iterator[Found]:
        parameters = cls.complete(address, ReadRequest()).parameters
        schema = cls(TxtFileReaderParams.model_validate(parameters, by_alias=True)).schema() if details else None
        yield Found(address.name or ("files",), "file", None, schema)
