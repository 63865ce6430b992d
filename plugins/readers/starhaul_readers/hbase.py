"""`hbase11xreader`: the rows of an HBase table, or the versions of its cells, through Thrift."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from starhaul import Capability, ConfigError, Formats, Params, Reader, Split, Task, cast
from starhaul_stores.hbase.params import HbaseParams
from starhaul_stores.hbase.row_keys import from_binary_text, ranges, to_binary_text
from starhaul_stores.hbase.types import CellType, cell_type

ROWKEY = "rowkey"


class HbaseReadColumn(Params):
    """One column: the row key, a cell, or a constant."""

    name: str = ""
    """`family:qualifier`, or `rowkey`. Blanks around either part do not count."""

    type: str = "string"
    """How the bytes are to be understood, as Java's `Bytes` writes them: `boolean`, `short`, `int`, `long`, `float`,
    `double`, `decimal(P,S)` (a BigDecimal), `string` (in the `encoding`), `date` (text in the `format`), `binarystring`
    (any bytes as text, `\\xNN` for what is not printable ASCII), `bytes` (as they are)."""

    format: str | None = None
    """Java pattern of a `date`; `yyyy-MM-dd HH:mm:ss` if not given."""

    value: str | bool | int | float | None = None
    """A constant, in place of `name`; only in the mode `normal`."""

    @model_validator(mode="after")
    def _known(self) -> HbaseReadColumn:
        cell_type(self.type, self.format)
        if not self.name.strip():
            if self.value is None:
                raise ValueError("a column needs `name` (family:qualifier, or rowkey) or a constant `value`")
        elif not self.is_rowkey() and not re.fullmatch("[^:]+:.*", self.cell_name(), re.DOTALL):
            raise ValueError(f"{self.name!r} is neither family:qualifier nor rowkey")
        return self

    def is_rowkey(self) -> bool:
        """Whether it is the row key."""
        return self.name.strip().lower() == ROWKEY

    def cell_name(self) -> str:
        """`family:qualifier` as HBase spells it."""
        family, colon, qualifier = self.name.partition(":")
        return f"{family.strip()}{colon}{qualifier.strip()}"

    def kind(self) -> CellType:
        """Its type."""
        return cell_type(self.type, self.format)


class HbaseRange(Params):
    """The rows to read, by their keys."""

    start_rowkey: str = ""
    """The first key, which is read; empty: the table's first."""

    end_rowkey: str = ""
    """The key before which to end, which is not read; empty: after the table's last. The same as `startRowkey`: that
    one row."""

    is_binary_rowkey: bool = False
    """Whether the keys are bytes written as `\\xNN` (and ASCII as it is). Otherwise they are text, in UTF-8."""

    def bounds(self) -> tuple[bytes, bytes]:
        """First key and end. If the two are the same, that one row, as HBase 1 has it (and DataX)."""
        texts = (("range.startRowkey", self.start_rowkey), ("range.endRowkey", self.end_rowkey))
        first, end = (from_binary_text(t, where) if self.is_binary_rowkey else t.encode() for where, t in texts)
        if end and first > end:
            raise ConfigError("range", "no key lies between startRowkey and endRowkey", "the first must be the smaller")
        return first, end + b"\0" if end and first == end else end


class HbaseReaderParams(HbaseParams):
    """Parameters of `hbase11xreader`."""

    mode: Literal["normal", "multiVersionFixedColumn"] = "normal"
    """`normal`: a row of HBase is a row, with the latest version of each cell. `multiVersionFixedColumn`: each version
    of each cell is a row of four columns: row key, `family:qualifier`, timestamp, value."""

    column: tuple[HbaseReadColumn, ...] = Field(min_length=1)
    """The columns, in order. A row of HBase that has none of the named cells is not read. In the mode
    `multiVersionFixedColumn` they name the row key (for its type) and the cells to read; where these differ in type,
    values are given as text."""

    range: HbaseRange = Field(default_factory=HbaseRange)
    """The rows to read."""

    max_version: int | None = None
    """Mode `multiVersionFixedColumn`: how many versions of a cell to read, 2 or more; -1: all."""

    scan_cache_size: int | None = Field(default=None, ge=1)
    """Rows per answer of the Thrift server, at most. If not given, as many as make about 2 MiB."""

    scan_batch_size: int | None = Field(default=None, ge=1)
    """Has no meaning here. In DataX it cuts rows of more cells than this into several."""

    @field_validator("mode", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        modes = {"normal": "normal", "multiversionfixedcolumn": "multiVersionFixedColumn"}
        return modes.get(value.strip().lower(), value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits_the_mode(self) -> HbaseReaderParams:
        if self.mode == "normal":
            if self.max_version is not None:
                raise ValueError("`maxVersion` belongs to the mode multiVersionFixedColumn")
            return self
        if self.max_version is None or (self.max_version != -1 and self.max_version < 2):
            raise ValueError("the mode multiVersionFixedColumn needs `maxVersion`: -1 (all versions), or 2 or more")
        if any(not column.name for column in self.column):
            raise ValueError("constants belong to the mode normal")
        if not self.cells():
            raise ValueError("name the cells to read in `column`")
        if len(set(self.cells())) < len([column for column in self.column if not column.is_rowkey()]):
            raise ValueError("a cell is named twice in `column`")
        return self

    def cells(self) -> list[str]:
        """The cells that are asked for, each once."""
        named = (column.cell_name() for column in self.column if column.name and not column.is_rowkey())
        return list(dict.fromkeys(named))


class Hbase11xReader(Reader[HbaseReaderParams]):
    """Reads an HBase table through its Thrift servers, by regions.

    Each region is a slice of its own. Slices are told by row keys, so a region that is split or moved while it is read
    gives each row once. HBase has no snapshots for readers: rows written meanwhile may be read or not, each whole.

    The user that the Thrift server runs as must be allowed to read each column that is named (without one, the table):
    of several columns HBase gives those that may be read, and the others would be null.

    A value that is not of its column's type (8 bytes for a `long`, …) rejects its row; DataX reads the first 8 of more.
    An empty cell is null, as in DataX; but an empty `string`, `binarystring` or `bytes` is empty. A cell that is not
    there is null.

    The mode `multiVersionFixedColumn` asks for the versions of each cell by itself, because Thrift's scans know only
    the latest, unless the column family keeps one version: it is much slower than the mode `normal`.
    """

    name = "hbase11xreader"
    params_type = HbaseReaderParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})

    def check(self) -> None:
        """The table and its column families are there, every column may be read, the types and constants make sense."""
        from starhaul_stores.hbase.connection import connected, require_families, require_readable

        self.params.range.bounds()
        for index, column in enumerate(self.params.column):
            if not column.name:
                _constant(column, f"column[{index}].value")
        named = [
            (f"column[{index}].name", column.cell_name())
            for index, column in enumerate(self.params.column)
            if column.name and not column.is_rowkey()
        ]
        with connected(self.params) as client:
            require_families(self.params, client, named)
            require_readable(self.params, client, named)

    def schema(self) -> pa.Schema:
        if self.params.mode == "normal":
            return pa.schema([_field(index, column) for index, column in enumerate(self.params.column)])
        kinds = {column.kind().arrow for column in self.params.column if not column.is_rowkey()}
        key = next((column.kind().arrow for column in self.params.column if column.is_rowkey()), pa.string())
        value = kinds.pop() if len(kinds) == 1 else pa.string()
        fields = [(ROWKEY, key), ("column", pa.string()), ("timestamp", pa.int64()), ("value", value)]
        return pa.schema(fields)

    def split(self, target: int) -> Sequence[Split]:
        """One slice for each region, however many are wanted: nothing tells where the rows within a region are."""
        from starhaul_stores.hbase.connection import connected, region_starts

        with connected(self.params) as client:
            starts = region_starts(self.params, client)
        return [
            Split(
                f"{self.params.table}@{to_binary_text(first)}..{to_binary_text(end)}",
                {"first": first.hex(), "end": end.hex()},
            )
            for first, end in ranges(starts, *self.params.range.bounds())
        ]

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        from starhaul_stores.hbase.connection import Link, driver, told
        from starhaul_stores.hbase.scan import scanned
        from starhaul_stores.hbase.versions import version_batches

        first, end = (bytes.fromhex(split.args[name]) for name in ("first", "end"))
        schema = self.schema()
        most = self.params.scan_cache_size
        rows = scanned(self.params, split.id, self.params.cells(), first, end, most, task.pause)
        with closing(rows):
            if self.params.mode == "normal":
                from starhaul_stores.hbase.rows import row_batch

                columns = [_source(index, column) for index, column in enumerate(self.params.column)]
                for chunk in rows:
                    yield row_batch(chunk, columns, schema, self.params.encoding, task)
                return
            kinds = {column.cell_name(): column.kind() for column in self.params.column if not column.is_rowkey()}
            key = next((column.kind() for column in self.params.column if column.is_rowkey()), cell_type("string"))
            versions = self.params.max_version or -1
            driver()
            with closing(Link(self.params, split.id)) as link, told(self.params):
                yield from version_batches(self.params, link, rows, kinds, key, versions, schema, task)

    def describe(self) -> Sequence[str]:
        return [self.params.how(), "a slice for each region; each row as it is when it is read, no snapshot"]


def _field(index: int, column: HbaseReadColumn) -> pa.Field:
    if not column.name:
        return pa.field(f"c{index}", column.kind().arrow)
    if column.is_rowkey():
        return pa.field(ROWKEY, column.kind().arrow)
    return pa.field(column.cell_name(), column.kind().arrow)


def _source(index: int, column: HbaseReadColumn) -> Any:
    """Where the values of a column come from: a constant, the row key, a cell."""
    from starhaul_stores.hbase.rows import CellSource, ConstantSource, KeySource

    if not column.name:
        return ConstantSource(_constant(column, f"column[{index}].value"))
    if column.is_rowkey():
        return KeySource(column.kind())
    return CellSource(column.cell_name().encode(), column.kind())


def _constant(column: HbaseReadColumn, where: str) -> pa.Scalar:
    kind, value = column.kind(), column.value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    made = cast(pa.array([text]), kind.arrow, Formats(datetime=column.format))
    if made.bad is not None:
        raise ConfigError(where, made.explain(0))
    return made.values[0]
