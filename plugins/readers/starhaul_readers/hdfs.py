"""`hdfsreader`: files of HDFS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, model_validator

from starhaul_stores.files.places.hdfs import HdfsPlace
from starhaul_stores.files.reader import FileReader
from starhaul_stores.files.reading import FileReaderParams, InputFormatName
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

    @model_validator(mode="before")
    @classmethod
    def _partitions(cls, given: Any) -> Any:
        """`hivePartitionColumn` as `partitionColumns`."""
        theirs = given.get("hivePartitionColumn") if isinstance(given, dict) else None
        if not isinstance(theirs, list) or not theirs or given.get("partitionColumns"):
            return given
        columns = [{"name": each.get("value"), "type": each.get("type", "string")} for each in theirs]
        return {**given, "partitionColumns": columns}


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
