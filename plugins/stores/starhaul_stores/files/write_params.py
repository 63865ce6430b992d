"""The parameters that every writer of files has, whatever the place, and what they mean."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from starhaul import Params
from starhaul_stores.files.compression.codecs import ALIASES, Codec
from starhaul_stores.files.delimited.dialect import has_whole_escapes, overlaps_itself
from starhaul_stores.files.delimited.rendering import Style
from starhaul_stores.files.hive_types import TargetColumn
from starhaul_stores.files.parquet_schema import Node, message
from starhaul_stores.files.parquet_types import arrow_field, expect_together
from starhaul_stores.files.read_params import EncodingName, OneAscii

Packing = Literal[
    "none", "gzip", "bz2", "bzip2", "zstd", "lz4", "zlib", "deflate", "snappy", "hadoop-snappy", "framing-snappy",
    "hadoop-lz4", "brotli", "uncompressed", "",
]  # fmt: skip
OutputFormatName = Literal["text", "csv", "json", "parquet", "orc", "avro", "sql"]


class CsvWriterConfig(Params):
    """How `csv` is written, in the words of DataX's `csvWriterConfig` (javacsv)."""

    delimiter: str | None = None
    """Same as `fieldDelimiter`, which it overrides."""

    text_qualifier: OneAscii = '"'
    """The quote around values that need one."""

    use_text_qualifier: bool = True
    """Whether values are quoted. If not, those that need it are rejected, as with `fileFormat` `text`."""

    force_qualifier: bool = False
    """Whether every value but null is quoted."""

    escape_mode: Literal[1, 2] = 1
    """1: a quote inside a quoted value is doubled. 2: it is escaped with a backslash, and so is a backslash."""

    record_delimiter: str | None = None
    """Same as `lineDelimiter`, which it overrides."""


class FileWriterParams(Params):
    """Parameters that writers of files share."""

    file_name: str = Field(min_length=1, max_length=100, pattern=r"^[^/\x00]+$")
    """Beginning of the files' names. Each task writes one file, `fileName__RUN_TASK` and the suffixes."""

    write_mode: Literal["truncate", "overwrite", "append", "nonConflict"]
    """`truncate`: when the run has succeeded, its files take the place of all files whose names begin with `fileName`.
    `overwrite`: the same, but with `partitionColumns` only in the partitions that got rows. `append`: they are added to
    them. `nonConflict`: the job is refused if there are any."""

    file_format: OutputFormatName = "text"
    """`csv`: values that hold a delimiter, quote or line break are quoted. `text`: nothing is quoted, and a row with a
    value that could not be told apart is rejected (DataX writes it, and the file reads back as other rows). `json`: an
    object in each line. `sql`: INSERT statements. `parquet`, `orc`, `avro`: the types of the rows are kept."""

    field_delimiter: str = ","
    """What stands between fields: one or more characters."""

    line_delimiter: str = "\n"
    """What ends a record: LF, CR LF, CR or one other ASCII character."""

    encoding: EncodingName = "UTF-8"
    """Encoding of the files, any that Python knows. A row with a character that it lacks is rejected."""

    compress: Packing | None = None
    """How the files are packed. Text: `gzip`, `bzip2`, `zstd`, `lz4`, `deflate` (`zlib`), `snappy` and
    `hadoop-lz4` (Hadoop's blocks) or `framing-snappy`, which the files' names then end with (`.gz`, `.bz2`, `.zst`,
    `.lz4`, `.deflate`, `.snappy`, `.sz`). Parquet: `snappy` (the default), `gzip`, `zstd`, `lz4`, `brotli` or `none`
    (`uncompressed`). ORC: `snappy` (the default), `zlib`, `zstd`, `lz4` or `none`."""

    column: list[TargetColumn] = Field(default=[])
    """Names and types of the columns in the files, one for each column of the rows, in order. By default those of the
    rows."""

    parquet_timestamps: Literal["millis", "micros", "nanos", "int96"] | None = None
    """How timestamps stand in Parquet; by default in the unit that they have. Hive before 4 reads `int96` only."""

    parquet_schema: str | None = None
    """The fields of Parquet files in Parquet's own words, one for each column of the rows, in order:
    `message m { required int64 id; optional fixed_len_byte_array(5) price (DECIMAL(10,2)); }`. It overrides `column`
    and `parquetTimestamps`. A null in a `required` field rejects the row. A group (LIST, MAP or none) takes values of
    that kind, or their JSON. A field that pyarrow cannot write just so is refused."""

    parquet_utc_timestamp: bool | None = None
    """How times without a zone are written as Parquet's INT96. By default, and with `true`, as they stand. With `false`
    as instants, the times being in the job's `timeZone`. (DataX's default is `false`, in the zone of its machine.)"""

    null_format: str = "\\N"
    """How null is written. (DataX writes the text `null`, which cannot be told from that text.) In `csv` a value that
    is this very text is quoted; in `text` its row is rejected."""

    date_format: str | None = Field(default=None)
    """Java pattern of dates and times, such as `yyyy-MM-dd HH:mm:ss`. By default ISO 8601, with all digits."""

    format: str | None = None
    """Same as `dateFormat`."""

    header: list[str] | bool = False
    """Names for the first line of every file; `true` takes those of the columns."""

    table: str | None = None
    """The table that the statements of `sql` insert into; `header` may name its columns."""

    quote_char: str = Field(default='"', max_length=1)
    """What stands around names in `sql`. With MySQL's (`` ` ``) strings are MySQL's as well: a backslash escapes."""

    commit_size: int = Field(default=2000, ge=1)
    """Rows of one statement of `sql`."""

    suffix: str = Field(default="", max_length=50, pattern=r"^[^/\x00]*$")
    """End of the files' names, such as `.csv`."""

    max_file_size: int | None = Field(default=None, ge=1)
    """MiB after which a task goes on in another file (`fileName__RUN_TASK_1`). A file may be larger by what was written
    at once: a batch of rows, a row group, a stripe. By default a task writes one file, whatever its size."""

    partition_columns: list[str] = Field(default=[])
    """Columns that are written into the names of folders, as Hive has it (`dt=2026-11-22/`), and not into the files. A
    row in which one is an empty text is rejected."""

    byte_encoding: Literal["base64"] | None = None
    """How bytes are written. By default as UTF-8 text; a row whose bytes are none is rejected."""

    csv_writer_config: CsvWriterConfig = CsvWriterConfig()
    """The finer rules of `csv`."""

    @field_validator("file_name")
    @classmethod
    def _visible(cls, name: str) -> str:
        if name.startswith("."):
            raise ValueError("`fileName` must not begin with a dot: hidden files are where unfinished ones are kept")
        return name

    @field_validator("parquet_schema")
    @classmethod
    def _sound_schema(cls, text: str | None) -> str | None:
        if text:
            nodes = message(text)
            for node in nodes:
                arrow_field(node)
            expect_together(nodes)
        return text

    @model_validator(mode="after")
    def _sound_style(self) -> FileWriterParams:
        style = self.style()
        if style.line_end != "\r\n" and not (len(style.line_end) == 1 and style.line_end.isascii()):
            raise ValueError("`lineDelimiter` is LF, CR LF, CR or one other ASCII character")
        reserved = {"\n", "\r", style.line_end, "\\" if style.backslash else "", style.quote or ""}
        if not style.delimiter or reserved & set(style.delimiter):
            raise ValueError("`fieldDelimiter` is empty, or holds a quote, an escape or a line end")
        if style.quote is not None and style.quote in {"\n", "\r", style.line_end}:
            raise ValueError("`textQualifier` is a line end")
        marks = [*style.delimiter] if overlaps_itself(style.delimiter) else [style.delimiter]
        if style.backslash and has_whole_escapes(style.null):
            reserved.discard("\\")
        if any(text and text in style.null for text in (*reserved, *marks)):
            raise ValueError("`nullFormat` holds a delimiter, a quote, an escape or a line end")
        return self

    def style(self) -> Style:
        """The rules that the parameters add up to."""
        config = self.csv_writer_config
        quotes = self.file_format == "csv" and config.use_text_qualifier
        return Style(
            delimiter=self.field_delimiter if config.delimiter is None else config.delimiter,
            quote=config.text_qualifier if quotes else None,
            backslash=quotes and config.escape_mode == 2,
            line_end=self.line_delimiter if config.record_delimiter is None else config.record_delimiter,
            null=self.null_format,
            always_quote=quotes and config.force_qualifier,
        )

    def codec(self) -> Codec:
        """How the files are packed."""
        if not self.compress:
            return "none"
        return ALIASES.get(self.compress, self.compress)  # type: ignore[arg-type]

    def format_name(self) -> str:
        """Which format the files get."""
        return self.file_format

    def parquet_nodes(self) -> tuple[Node, ...]:
        """The fields of `parquetSchema`, if the files get those."""
        return message(self.parquet_schema) if self.parquet_schema and self.format_name() == "parquet" else ()

    def pattern(self) -> str | None:
        """The Java pattern of dates and times, if there is one."""
        return self.date_format or self.format
