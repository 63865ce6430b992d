"""`hdfswriter`: files of HDFS."""

from __future__ import annotations

from pydantic import Field, field_validator

from starhaul_stores.files.places.hdfs import HdfsPlace
from starhaul_stores.files.write_params import FileWriterParams, OutputFormatName
from starhaul_stores.files.writer import FileWriter
from starhaul_stores.hdfs.params import HdfsParams


class HdfsWriterParams(HdfsParams, FileWriterParams):
    """Parameters of `hdfswriter`."""

    path: str
    """The directory of the files. It is made if it is not there."""

    file_format: OutputFormatName = Field(alias="fileType")
    """`text`: nothing is quoted, as Hive has it, and a row with a value that could not be told apart is rejected.
    `csv`: values that hold a delimiter, quote or line break are quoted. `orc`, `parquet`, `avro`: the types of the rows
    are kept. `json`: an object in each line. `sql`: INSERT statements."""

    datax_parquet_mode: str | None = None
    """Accepted for DataX's sake and without effect: rows are always written by the fields of `parquetSchema`, as with
    DataX's `fields`."""

    use_raw_data_transf: bool | None = None
    """Accepted for DataX's sake and without effect: values are always converted by what they mean, as with `false`."""

    parquet_merge_result: bool | None = None
    """Accepted for DataX's sake and without effect, as in DataX as it is published; each task writes one file."""

    @field_validator("file_name")
    @classmethod
    def _seen_by_hadoop(cls, name: str) -> str:
        if name.startswith("_"):
            raise ValueError("`fileName` must not begin with `_`: Hadoop's programs pass over such files")
        return name


class HdfsWriter(FileWriter[HdfsWriterParams]):
    """Writes text, ORC, Parquet and other files to HDFS (WebHDFS), which appear when the run has succeeded."""

    name = "hdfswriter"
    params_type = HdfsWriterParams

    @property
    def place(self) -> HdfsPlace:
        return self.params.place()

    @property
    def directory(self) -> str:
        return self.place.absolute(self.params.path)
