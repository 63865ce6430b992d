"""`hbase11xwriter`: rows into an HBase table, through Thrift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import ClassVar

import pyarrow as pa

from starhaul import Capability, ConfigError, Receipt, Task, Writer, with_text_pattern
from starhaul_stores.hbase.types import CellType, cell_type, natural_type
from starhaul_stores.hbase.write_params import HbaseWriterParams


class Hbase11xWriter(Writer[HbaseWriterParams]):
    """Writes rows into an HBase table through its Thrift servers.

    Rows with the same key are one row of HBase. All cells of a run have one timestamp, unless `versionColumn` says
    otherwise: the start of the run (the end of that second), which a resumed run keeps. So a row that is written again
    by a retry or a resumed run takes its own place, and leaves no second version. Cells that others write meanwhile are
    newer and win. The clock of this machine counts: if it is late, cells that are there already may be newer than those
    of the run. Each task looks for its last row at the end, and fails if a newer deletion hides it; so the user that
    the Thrift server runs as must be allowed to read what is written, too.

    A row that HBase refuses (a key of more than 32767 bytes, a cell that is too large) is found and rejected, and so is
    a row without any cell.
    """

    name = "hbase11xwriter"
    params_type = HbaseWriterParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.IDEMPOTENT})

    def accept(self, source: pa.Schema) -> pa.Schema:
        """Each column of the source with the type it is written as; with its own where it is written as several."""
        wanted: dict[int, list[tuple[str, CellType]]] = {}
        for where, index, kind in self._uses(source):
            if index >= len(source):
                raise ConfigError(
                    where, f"there is no column {index}: the source has {len(source)}", "they count from 0"
                )
            wanted.setdefault(index, []).append((where, kind))
        return pa.schema([_accepted(field, wanted.get(index, ())) for index, field in enumerate(source)])

    def check(self, schema: pa.Schema) -> None:
        from starhaul_stores.hbase.connection import connected, require_families, require_readable
        from starhaul_stores.hbase.mutations import plan_mutations

        plan_mutations(self.params, schema)
        named = [(f"column[{index}].name", column.name) for index, column in enumerate(self.params.column)]
        if self.params.column_family:
            named = [("columnFamily", f"{self.params.column_family}:")]
        with connected(self.params) as client:
            require_families(self.params, client, named)
            require_readable(self.params, client, named, "each task looks for its last row")

    def prepare(self, schema: pa.Schema, run: str) -> None:
        """Delete all rows, where the job says so."""
        if self.params.truncate:
            from starhaul_stores.hbase.connection import connected
            from starhaul_stores.hbase.truncation import delete_rows

            with connected(self.params) as client:
                delete_rows(self.params, client, run)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        from starhaul_stores.hbase.connection import Link, driver
        from starhaul_stores.hbase.mutations import plan_mutations
        from starhaul_stores.hbase.writing import Delivery

        mutations = plan_mutations(self.params, task.schema)
        driver()
        with closing(Link(self.params, f"{task.run}{task.id}")) as link:
            delivery = Delivery(self.params, link, mutations, task)
            for batch in batches:
                delivery.write(batch)
            delivery.look()
        return Receipt(task.id, delivery.rows, attempt=task.attempt)

    def appending(self) -> Hbase11xWriter:
        return Hbase11xWriter(self.params.model_copy(update={"truncate": False}))

    def describe(self) -> Sequence[str]:
        stamp = "the timestamp of cells comes from `versionColumn`"
        if self.params.version_column is None:
            stamp = (
                "cells get the time of the run's start, by this machine's clock, and keep it when the run is resumed"
            )
        log = [] if self.params.wal_flag else ["without the write-ahead log: a region server that dies loses rows"]
        return [self.params.how(), stamp, "rows with equal keys become one", *log]

    def _uses(self, source: pa.Schema) -> Iterator[tuple[str, int, CellType]]:
        """Every use of a column of the source: parameter, number, type."""
        for number, part in enumerate(self.params.rowkey_column):
            if part.index >= 0:
                yield f"rowkeyColumn[{number}].index", part.index, part.kind()
        for number, column in enumerate(self.params.column):
            yield f"column[{number}].index", column.index, column.kind()
        if self.params.column_family:
            yield from (("columnFamily", index, natural_type(field.type)) for index, field in enumerate(source))
        version = self.params.version_column
        if version is not None and version.index >= 0:
            if version.index >= len(source):
                raise ConfigError("versionColumn.index", f"there is no column {version.index}", "they count from 0")
            kind = source.field(version.index).type
            yield "versionColumn.index", version.index, _version_type(kind, version.time_zone)


def _version_type(source: pa.DataType, zone: str | None) -> CellType:
    """What the hub is to make of a column of timestamps. It knows the job's time zone, this plugin does not."""
    if pa.types.is_integer(source):
        return cell_type("long")
    if pa.types.is_timestamp(source) or pa.types.is_date(source):
        return CellType("version", pa.timestamp("ms", getattr(source, "tz", None) or (None if zone else "UTC")))
    return cell_type("string")


def _accepted(field: pa.Field, uses: Sequence[tuple[str, CellType]]) -> pa.Field:
    kinds = {kind for _, kind in uses}
    if len(kinds) != 1:
        return pa.field(field.name, field.type, field.nullable)
    (kind,) = kinds
    if kind.name == "date":
        return with_text_pattern(pa.field(field.name, pa.string(), field.nullable), kind.format)
    if kind.name == "decimal" and pa.types.is_decimal(field.type) and kind.arrow == field.type:
        return pa.field(field.name, field.type, field.nullable)
    return pa.field(field.name, kind.arrow, field.nullable)
