"""`hdfsreader`: files of HDFS."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, field_validator, model_validator

from starhaul import ConfigError
from starhaul_stores.files.columns import FileColumn
from starhaul_stores.files.places.hdfs import HdfsPlace
from starhaul_stores.files.places.place import FileStatus
from starhaul_stores.files.read_params import FileReaderParams, InputFormatName
from starhaul_stores.files.reader import FileReader
from starhaul_stores.hdfs.params import HdfsParams


class HdfsReaderParams(HdfsParams, FileReaderParams):
    """Parameters of `hdfsreader`."""

    path: str | list[str] = Field(min_length=1)
    """The files: a path, a directory (all files below it), a pattern of Hadoop's (`*`, `?`, `[a-c]`, `{a,b}`) or with
    `**` (directories of any depth), or a list of these. Names that begin with a dot or `_` are left out."""

    file_format: InputFormatName = Field(alias="fileType")
    """`text`: a record is a line, and a quote is a character as any other, as Hive has it. `csv`: fields may be quoted.
    `orc`, `parquet` and `avro` say themselves what their columns are. `json`: an object in each line. `sql`: the rows
    of a dump's statements."""

    hive_partition_column: list[Mapping[str, Any]] = Field(default=[])
    """DataX's way to write `partitionColumns`: `[{"type": "string", "value": "dt"}]`, with the column's name as
    `value`."""

    success_on_no_file: bool = False
    """Whether it is no error if there is no file. The columns must be named then."""

    path_filter: str | None = None
    """A regular expression. Of the files that `path` means, those are read whose whole name (without folders) it
    matches."""

    parquet_utc_timestamp: bool = False
    """Whether times in Parquet's INT96 are taken as they stand, whatever zone a file names; the same as `int96Zone`
    `UTC`. Without it, DataX takes them for instants and shows them in the zone of its machine; `int96Zone` says which
    zone that is."""

    support_add_middle_column: bool = False
    """Whether the columns of Parquet files are found by `name` in every file, and not by `index`, and one that a file
    lacks is null there: for tables that got columns between others. (A column that no file has is null as well.)"""

    ignore_index: list[int] = Field(default=[])
    """Columns of Parquet files that are null whatever the files hold, by `index`."""

    skip_empty_orc_file: bool = False
    """Accepted for DataX's sake: an ORC file without rows, or without columns, is always passed over."""

    orc_file_empty_size: int | None = None
    """Accepted for DataX's sake and without effect: each file tells itself whether it has rows. (DataX passes over
    every file that is not larger, rows or not.)"""

    filter_tag_file: bool = False
    """Accepted for DataX's sake: names that begin with a dot or `_` are always left out, unless `path` spells them."""

    skip_orc_meta_info: bool = False
    """Accepted for DataX's sake and without effect, as in DataX as it is published."""

    print_null_value_exception: bool = False
    """Accepted for DataX's sake and without effect: a value that cannot be read never becomes null."""

    @field_validator("path_filter")
    @classmethod
    def _sound_filter(cls, text: str | None) -> str | None:
        if text:
            _expression(text)
        return text

    @model_validator(mode="after")
    def _sound_parquet(self) -> HdfsReaderParams:
        if self.parquet_utc_timestamp and self.int96_zone not in (None, "UTC"):
            raise ValueError("`parquetUtcTimestamp` says that `int96Zone` is UTC")
        nameless = [place for place, column in enumerate(self.column) if not isinstance(column, str) and
                    column.index is not None and not column.name]  # fmt: skip
        if self._by_name and (nameless or not self.columns()):
            which = f"column[{nameless[0]}] has none" if nameless else "`*` has none"
            raise ValueError(f"`supportAddMiddleColumn` finds columns by `name`, and {which}")
        return self

    @model_validator(mode="before")
    @classmethod
    def _partitions(cls, given: Any) -> Any:
        """`hivePartitionColumn` as `partitionColumns`."""
        theirs = given.get("hivePartitionColumn") if isinstance(given, dict) else None
        if not isinstance(theirs, list) or not theirs or given.get("partitionColumns"):
            return given
        columns = [{"name": each.get("value"), "type": each.get("type", "string")} for each in theirs]
        return {**given, "partitionColumns": columns}

    @property
    def _by_name(self) -> bool:
        return self.support_add_middle_column and self.file_format == "parquet"

    def columns(self) -> list[FileColumn]:
        given = super().columns()
        return [column.model_copy(update={"index": None}) for column in given] if self._by_name else given

    def anywhere(self) -> frozenset[str]:
        wanted = {column.name for column in self.columns() if "value" not in column.model_fields_set}
        return frozenset(wanted) if self._by_name else frozenset()

    def ignores(self, number: int) -> bool:
        given = super().columns()
        place = given[number].index if given else number
        return place in self.ignore_index and self.file_format == "parquet"

    def null_if_missing(self) -> bool:
        return self._by_name or super().null_if_missing()

    def zone_of_int96(self, named: str | None, writer: str, file: str) -> str | None:
        return "UTC" if self.parquet_utc_timestamp else super().zone_of_int96(named, writer, file)


def _expression(text: str) -> re.Pattern[str]:
    """A regular expression that means what it means in Java, where `\\d` and the like stand for ASCII. `ValueError` if
    it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # `&&` and `[[` in brackets are sets in Java
        try:
            return re.compile(text, re.ASCII)
        except (re.error, Warning) as error:
            raise ValueError(f"{text!r} is no regular expression that is understood here: {error}") from error


class HdfsReader(FileReader[HdfsReaderParams]):
    """Reads text, ORC, Parquet and other files from HDFS (WebHDFS), several at once and large ones in pieces."""

    name = "hdfsreader"
    params_type = HdfsReaderParams

    @property
    def place(self) -> HdfsPlace:
        return self.params.place()

    @property
    def patterns(self) -> Sequence[str]:
        return [self.params.path] if isinstance(self.params.path, str) else self.params.path

    @property
    def none(self) -> bool:
        return self.params.success_on_no_file

    def kept(self, files: list[FileStatus]) -> list[FileStatus]:
        if not self.params.path_filter:
            return files
        wanted = _expression(self.params.path_filter)
        kept = [file for file in files if wanted.fullmatch(file.name)]
        if not kept and files and not self.none:
            problem = f"matches none of the names of {len(files)} files, such as {files[0].name!r}"
            raise ConfigError("pathFilter", problem, "it must match the whole name")
        return kept
