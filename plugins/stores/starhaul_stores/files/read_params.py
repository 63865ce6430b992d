"""The parameters that every reader of files has, whatever the place, and what they mean."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from starhaul import ConfigError, Params
from starhaul_stores.files.columns import FileColumn
from starhaul_stores.files.compression.codecs import ALIASES, Codec, codec_of
from starhaul_stores.files.delimited.dialect import Dialect, has_whole_escapes
from starhaul_stores.files.encodings import canonical
from starhaul_stores.files.parquet_schema import Node, message
from starhaul_stores.files.partitions import PartitionColumn


def _known(encoding: str) -> str:
    try:
        canonical(encoding)
    except ConfigError as error:
        raise ValueError(error.problem) from error
    return encoding


InputFormatName = Literal["csv", "text", "json", "parquet", "orc", "avro", "sql", "seq", "rc"]
OneAscii = Annotated[str, Field(min_length=1, max_length=1, pattern=r"^[\x01-\x7f]$")]
Compression = Literal[
    "auto", "none", "gzip", "bz2", "bzip2", "zip", "zstd", "lz4", "deflate", "snappy", "hadoop-snappy",
    "framing-snappy", "hadoop-lz4", "lzo", "lzop", "lzo_deflate", "",
]  # fmt: skip
EncodingName = Annotated[str, AfterValidator(_known)]


class CsvReaderConfig(Params):
    """How records and fields are told apart, in the words of DataX's `csvReaderConfig` (javacsv)."""

    delimiter: str | None = None
    """Same as `fieldDelimiter`, which it overrides."""

    text_qualifier: OneAscii = '"'
    """The quote: a field that begins with it may hold delimiters and line breaks; it is doubled inside."""

    use_text_qualifier: bool | None = None
    """Whether quotes quote. By default they do with `fileFormat` `csv`, and not with `text`."""

    trim_whitespace: bool = False
    """Whether blanks and tabs around a field that is not quoted are removed. DataX's default is true, which alters
    values in silence; here a value arrives as it stands in the file unless this is set."""

    comment: OneAscii = "#"
    """With `useComments`: a record that begins with this character is skipped."""

    use_comments: bool = False
    """Whether there are comments."""

    escape_mode: Literal[1, 2] = 1
    """1: a quote inside a quoted field is doubled. 2: a backslash escapes the next character, anywhere; `\\n`, `\\t`,
    `\\u00e9`, `\\x1f` and so on are read as javacsv reads them. `nullFormat` is compared with what stands in the file,
    so that `\\N` can be null: with `fileFormat` `text` and a tab as delimiter, these are files of MySQL's
    `INTO OUTFILE` and `mysqldump --tab`, and of PostgreSQL's `COPY`."""

    record_delimiter: str | None = None
    """The one character that ends a record. By default LF, CR LF and CR each do."""

    skip_empty_records: bool | None = None
    """Whether empty lines are skipped. By default they are, except where a record has one field: there an empty line
    is an empty value. (DataX skips them there too.)"""

    case_sensitive: bool = True
    """Accepted for DataX's sake: it concerns the look-up of header names, which has no part in reading by position."""

    safety_switch: bool = False
    """Accepted for DataX's sake: `maxRecordSize` bounds every record."""

    capture_raw_record: bool = True
    """Accepted for DataX's sake: the text of a rejected row is always kept."""

    @field_validator("record_delimiter")
    @classmethod
    def _one_character(cls, text: str | None) -> str | None:
        if text == "\r\n":
            return None
        if text is not None and not (len(text) == 1 and text.isascii() and text != "\0"):
            raise ValueError("`recordDelimiter` is one ASCII character")
        return text


class FileReaderParams(Params):
    """Parameters that readers of files share."""

    column: list[Literal["*"] | FileColumn] = Field(min_length=1)
    """`["*"]`: every field of the first file with the type that it has there; in text every field is a string, and
    there are as many as the first record has. Or the columns one by one."""

    field_delimiter: str = ","
    """What stands between fields: one or more characters, such as `\\t`, `\\u0001` or `||`."""

    file_format: InputFormatName = "csv"
    """`csv`: fields may be quoted; a first line that tells Excel the delimiter (`sep=;`) is no record. `text`: a quote
    is a character as any other, and a record is a line. (DataX takes quotes in `text` too; set
    `csvReaderConfig.useTextQualifier` for that.) `json`: an object in each line. `sql`: the rows of a dump's INSERT and
    COPY statements. `seq`, `rc`: Hadoop's sequence files and Hive's RCFiles whose values are text. `parquet`, `orc` and
    `avro` say themselves what their columns are."""

    encoding: EncodingName = "UTF-8"
    """Encoding of the files, any that Python knows. A row with bytes that are no text in it is rejected."""

    compress: Compression | None = None
    """How files of text are packed; `snappy` is that of Hadoop, `lz4` its own format or Hadoop's. By default the suffix
    of each file's name tells (`.gz`, `.bz2`, `.zst`, `.zip`, `.lz4`, `.deflate`, `.snappy`, `.sz`, `.lzo`,
    `.lzo_deflate`); DataX takes such files for text unless told otherwise. Parquet and ORC say it themselves."""

    table: str | None = None
    """The table whose rows are read from a dump of SQL; needed where it holds several. With its schema or database
    (`public.orders`) where there are several of one name."""

    missing_as_null: bool = False
    """Whether a column that a file lacks (Parquet, ORC), though the first file has it, is null there. By default that
    ends the run."""

    int96_zone: str | None = None
    """Zone of the times in Parquet's INT96 timestamps, such as `Asia/Shanghai`, if they were written as instants, as
    older Hive does. By default the zone that the file names itself (newer Hive), else they are taken as they stand."""

    rc_serde: Literal["ColumnarSerDe", "LazyBinaryColumnarSerDe"] | None = None
    """Which SerDe of Hive wrote the files of `fileFormat` `rc`, as `DESCRIBE FORMATTED` tells of the table. It must be
    said, since the files do not tell. Those of `ColumnarSerDe` hold text and are read. Those of
    `LazyBinaryColumnarSerDe`, Hive's default, hold a number 49 as the byte that is the text `1`, and are not."""

    calendar: Literal["julian", "gregorian"] | None = None
    """By which calendar Parquet and ORC files count days before 1582-10-15 if they do not say so and their maker (Hive,
    old ORC for Java) may have meant either. `julian` is that of Hive 2 and Spark 2, `gregorian` that of Hive 3.1. By
    default such days end the run. Where the files tell, they arrive as their maker shows them."""

    parquet_schema: str | None = None
    """The fields that Parquet files must have, as Parquet writes them: `message m { optional int64 id; }`. A file that
    lacks one, or has it with another type, ends the run. With `["*"]` these are the columns, and `index` counts them.
    Bytes that it says are text (`UTF8`) are read as text."""

    skip_header: bool = False
    """Whether the first record of every file is left out. Of the first file it names the columns. A file in which the
    names stand in other places ends the run, unless the columns are given by `index`."""

    null_format: str | None = None
    """A field of exactly this text, not quoted, is null; for example `\\N`. By default no field is null. (DataX takes
    a quoted field for null as well, so that the text itself can never be read.)"""

    empty_as_null: bool = False
    """Whether an empty field that is not quoted is null. By default it is an empty text, which is no number, no time
    and no boolean: as in DataX, its row is rejected in a column of such a type."""

    partition_columns: list[PartitionColumn] = Field(default=[])
    """Columns whose values are in the names of folders, as Hive has it (`dt=2026-11-22/`). They come after the others.
    `__HIVE_DEFAULT_PARTITION__` is null."""

    csv_reader_config: CsvReaderConfig = CsvReaderConfig()
    """The finer rules of delimited text."""

    buffer_size: int | None = Field(default=None, ge=1)
    """Accepted for DataX's sake and without effect; `blockSize` says how much is read at once."""

    block_size: int = Field(default=2 << 20, ge=1, le=256 << 20)
    """Bytes of text that are parsed at once. A batch holds the rows of one block."""

    max_record_size: int = Field(default=64 << 20, ge=1, le=512 << 20)
    """Bytes that one record may have at most. A longer one ends the run: most likely a quote was never closed."""

    split_size: int = Field(default=128 << 20, ge=1)
    """Files that are larger than this many bytes are cut into tasks of about this size, if they are not compressed (or
    by bzip2, and every line end ends a record) and in an encoding that allows it."""

    @field_validator("column")
    @classmethod
    def _star_alone(cls, columns: list[Literal["*"] | FileColumn]) -> list[Literal["*"] | FileColumn]:
        if "*" in columns and len(columns) > 1:
            raise ValueError('"*" stands alone: ["*"]')
        return columns

    @model_validator(mode="after")
    def _sound_dialect(self) -> FileReaderParams:
        dialect = self.dialect()
        ends = dialect.record_delimiter or "\r\n"
        escape = "\\" if dialect.backslash else ""
        reserved = ends + escape + (dialect.comment or "")
        if not dialect.delimiter or set(dialect.delimiter) & set(reserved + (dialect.quote or "")):
            raise ValueError("`fieldDelimiter` is empty, or holds a quote, comment, escape or line end character")
        if dialect.quote is not None and dialect.quote in reserved:
            raise ValueError("`textQualifier` is a comment, escape or line end character")
        if dialect.backslash and not all(map(has_whole_escapes, dialect.nulls)):
            raise ValueError("`nullFormat` ends with a backslash, which `escapeMode` 2 takes for half of an escape")
        return self

    def format_name(self) -> str:
        """Which format the files have."""
        return self.file_format

    @field_validator("parquet_schema")
    @classmethod
    def _sound_schema(cls, text: str | None) -> str | None:
        if text:
            message(text)
        return text

    def parquet_nodes(self) -> tuple[Node, ...]:
        """The fields of `parquetSchema`, if it says of these files which they have."""
        return message(self.parquet_schema) if self.parquet_schema and self.format_name() == "parquet" else ()

    def anywhere(self) -> frozenset[str]:
        """The names of the columns that the first file need not have, and no other."""
        return frozenset()

    def null_if_missing(self) -> bool:
        """Whether a column that a Parquet file lacks is null there."""
        return self.missing_as_null

    def zone_of_int96(self, named: str | None, writer: str, file: str) -> str | None:
        """The zone of the times in a file's INT96; None: they are taken as they stand. The file names one itself, or
        none, and says which program wrote it."""
        del writer, file
        return self.int96_zone or named

    def ignores(self, number: int) -> bool:
        """Whether the column of this number is null whatever the files hold."""
        del number
        return False

    def columns(self) -> list[FileColumn]:
        """The columns; none for `["*"]`."""
        return [column for column in self.column if isinstance(column, FileColumn)]

    def dialect(self) -> Dialect:
        """The rules that the parameters add up to."""
        config = self.csv_reader_config
        quotes = self.file_format == "csv" if config.use_text_qualifier is None else config.use_text_qualifier
        nulls = {self.null_format, "" if self.empty_as_null else None} - {None}
        return Dialect(
            delimiter=self.field_delimiter if config.delimiter is None else config.delimiter,
            quote=config.text_qualifier if quotes else None,
            backslash=config.escape_mode == 2,
            comment=config.comment if config.use_comments else None,
            trim=config.trim_whitespace,
            record_delimiter=config.record_delimiter,
            skip_empty=config.skip_empty_records,
            nulls=frozenset(null for null in nulls if null is not None),
        )

    def codec(self, name: str) -> Codec:
        """How the file of this name is packed."""
        if self.compress in (None, "", "auto"):
            return codec_of(name)
        return ALIASES.get(self.compress, self.compress)  # type: ignore[arg-type]
