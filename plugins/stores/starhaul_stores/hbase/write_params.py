"""Parameters of the writer: keys, cells and timestamps."""

from __future__ import annotations

from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from starhaul import Params
from starhaul_stores.hbase.params import HbaseParams
from starhaul_stores.hbase.types import CellType, cell_type

WRITTEN = "boolean, short, int, long, float, double, decimal(P,S), string, date, bytes"


class _Typed(Params):
    type: str = "string"
    """What Java's `Bytes` would write: `boolean`, `short`, `int`, `long`, `float`, `double`, `string` (in the
    `encoding`), `decimal(P,S)` (a BigDecimal), `bytes` (as they are), `date` (text in the `format`)."""

    format: str | None = None
    """Java pattern of a `date`; `yyyy-MM-dd HH:mm:ss` if not given."""

    @field_validator("type")
    @classmethod
    def _known_type(cls, text: str) -> str:
        if cell_type(text).name == "binarystring":
            raise ValueError(f"there is no type {text!r} here: it is one of {WRITTEN}")
        return text

    def kind(self) -> CellType:
        """The type."""
        return cell_type(self.type, self.format)


class HbaseWriteColumn(_Typed):
    """A cell."""

    index: int = Field(ge=0)
    """Number of the source's column, from 0."""

    name: str
    """`family:qualifier`. Blanks around either part do not count."""

    @field_validator("name")
    @classmethod
    def _family_and_qualifier(cls, name: str) -> str:
        family, colon, qualifier = name.partition(":")
        if not family.strip() or not colon:
            raise ValueError(f"{name!r} is not family:qualifier")
        return f"{family.strip()}:{qualifier.strip()}"


class HbaseKeyPart(_Typed):
    """A part of the row key."""

    index: int = Field(ge=-1)
    """Number of the source's column, from 0; -1: a constant `value`."""

    value: str | int | float | bool | None = None
    """The constant, where `index` is -1."""

    @model_validator(mode="after")
    def _constant_has_a_value(self) -> HbaseKeyPart:
        if self.index < 0 and self.value is None:
            raise ValueError("a part of the row key with index -1 needs `value`")
        return self


class HbaseVersion(Params):
    """Where the timestamp of cells comes from."""

    index: int = Field(ge=-1)
    """Number of the source's column, from 0: milliseconds since 1970, a time, a date, or text such as
    `2026-11-26 12:00:00` or `2026-11-26 12:00:00 123`; -1: the constant `value`."""

    value: int | None = Field(default=None, ge=0)
    """The constant in milliseconds, where `index` is -1."""

    time_zone: str | None = None
    """IANA name of the zone that texts, and times without a zone, are in, such as `Asia/Shanghai`. Texts need it. Times
    are in the job's `timeZone` if it is not given. (DataX takes the zone of its machine.)"""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            return name and ZoneInfo(name).key
        except (ValueError, KeyError, OSError) as error:
            raise ValueError(f"there is no time zone {name!r}") from error

    @model_validator(mode="after")
    def _constant_has_a_value(self) -> HbaseVersion:
        if self.index < 0 and self.value is None:
            raise ValueError("`versionColumn` with index -1 needs `value`")
        return self


class HbaseWriterParams(HbaseParams):
    """Parameters of `hbase11xwriter`."""

    mode: Literal["normal"] = "normal"
    """A row is a row of HBase. There is no other mode."""

    rowkey_column: tuple[HbaseKeyPart, ...] = Field(min_length=1)
    """The parts of the row key, which are joined. A row with a null among them is rejected."""

    column: tuple[HbaseWriteColumn, ...] = ()
    """The cells. If missing, every column of the source, those of the key too, becomes `columnFamily:name`, with the
    type that holds its values."""

    column_family: str = ""
    """The family of all cells, where `column` is missing."""

    version_column: HbaseVersion | None = None
    """The timestamp of the cells. If missing: the start of the run, by the clock of this machine."""

    null_mode: Literal["skip", "empty"] = "skip"
    """What becomes of a null: no cell (a cell that is there stays), or an empty one."""

    wal_flag: bool = True
    """Whether region servers log rows before they acknowledge them. Without it (DataX's default), rows that were
    acknowledged are lost when a region server dies before it flushed them."""

    write_buffer_size: int = Field(default=2 << 20, ge=1)
    """Bytes of keys and values per call, about."""

    auto_flush: bool = False
    """Has no meaning here: a call is answered when its rows are in."""

    truncate: bool = False
    """Whether to delete all rows first. Regions and settings of the table stay. Rows are deleted one by one, by
    Thrift's means: for large tables `truncate_preserve` in the HBase shell is faster. Not with `versionColumn`: the
    marks of deletion would hide cells with older timestamps."""

    @field_validator("mode", "null_mode", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> HbaseWriterParams:
        if bool(self.column) == bool(self.column_family):
            raise ValueError(
                "give either `column` (the cells) or `columnFamily` (every column of the source, in one family)"
            )
        names = [column.name for column in self.column]
        if len(set(names)) < len(names):
            raise ValueError("two columns are written to the same cell")
        if self.truncate and self.version_column is not None:
            raise ValueError("`truncate` cannot go with `versionColumn`: use truncate_preserve in the HBase shell")
        return self
