"""What arrives: the nasty tables through a writer, type by type and shape by shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from starhaul.api.errors import ConfigError
from starhaul.api.writer import Writer
from starhaul.testing.compare import assert_same_rows, exact_rows
from starhaul.testing.delivery import Delivery
from starhaul.testing.tables import nasty_names, nasty_table
from starhaul.testing.task import RecordingTask

Readback = Callable[[pa.Schema], pa.Table]


class WriterValues:
    """Every value arrives exactly, or its row is rejected with a reason. Part of `WriterConformance`."""

    unsupported_types: ClassVar[Mapping[str, str]]
    rejects_values: ClassVar[Mapping[str, str]]
    equal_zeros: ClassVar[str]
    holds_whole_tasks: ClassVar[str]

    def test_declarations_have_reasons(self) -> None:
        for attribute in ("unsupported_types", "rejects_values"):
            declared: Mapping[str, str] = getattr(self, attribute)
            unknown = sorted(set(declared).difference(nasty_names()))
            assert not unknown, f"{attribute} names {unknown}; the names are those of nasty_names()"
            bare = [name for name, reason in declared.items() if not reason.strip()]
            assert not bare, f"{attribute} gives no reason for {bare}"
        both = sorted(set(self.unsupported_types) & set(self.rejects_values))
        assert not both, f"{both} are declared both as unsupported and as rejecting values"

    @pytest.mark.parametrize("name", nasty_names())
    def test_round_trip(self, writer: Writer[Any], readback: Readback, name: str) -> None:
        """The heart of the kit: what the target shows after `commit` equals what was sent, or was rejected."""
        table = nasty_table(name)
        try:
            delivery = Delivery(writer, table.schema)
        except ConfigError as error:
            if name not in self.unsupported_types:
                told = "Support it, or declare it in `unsupported_types` with a reason"
                raise AssertionError(f"the writer refuses {name}: {error}. {told}") from error
            return
        assert name not in self.unsupported_types, f"{name} is declared in `unsupported_types`, but accepted: stale"
        delivery.prepare()
        batches = delivery.converted(table)
        assert any(map(len, batches)) or not table.num_rows, (
            f"no row of {name} fits {delivery.schema.types}; refuse the type in accept() rather than row by row"
        )
        task = delivery.task()
        receipt = delivery.write(task, batches)
        delivery.commit(receipt)
        sent = pa.Table.from_batches(batches, schema=delivery.schema)
        self._judge_rejects(name, task)
        arrived = readback(delivery.schema)
        told = f"{name}: what arrived is not what was written"
        assert_same_rows(arrived, _without(sent, task.batches), told, equal_zeros=bool(self.equal_zeros))
        assert receipt.rows == arrived.num_rows, (
            f"the receipt says {receipt.rows} rows, the target shows {arrived.num_rows}: count what the target "
            "acknowledges, not what was sent"
        )

    def _judge_rejects(self, name: str, task: RecordingTask) -> None:
        if name in self.rejects_values:
            assert task.rejected, f"{name} is declared in `rejects_values`, but every row arrived: stale"
            return
        reasons = [reason for _, reason, _ in task.rejected]
        assert not reasons, (
            f"the writer rejected {len(reasons)} rows of {name}: {reasons[:3]}. "
            "Deliver them, or declare the table in `rejects_values` with a reason"
        )

    def test_accept_is_stable(self, writer: Writer[Any], sample: pa.Table) -> None:
        first, second = writer.accept(sample.schema), writer.accept(sample.schema)
        assert first == second, "accept() must give the same answer until something changes"
        if first is not None:
            assert len(first) == len(sample.schema), "accept() must answer one field for each field of the source"
            mixed = sorted(first.names) == sorted(sample.schema.names) and first.names != sample.schema.names
            assert not mixed, (
                f"accept() answers the source's columns in another order, {first.names}: values would swap"
            )

    def test_rows_without_batches(self, writer: Writer[Any], readback: Readback, sample: pa.Table) -> None:
        delivery = Delivery(writer, sample.schema)
        delivery.prepare()
        receipt = delivery.write(delivery.task(), iter(()))
        delivery.commit(receipt)
        assert receipt.rows == 0, f"no batches were written, but the receipt says {receipt.rows} rows"
        shown = readback(delivery.schema).num_rows
        assert shown == 0, f"no batches were written, but the target shows {shown} rows"

    def test_streams_its_batches(self, writer: Writer[Any]) -> None:
        """Memory stays flat: while the 40th MiB is pulled, most of the earlier ones must have been let go."""
        if self.holds_whole_tasks:
            pytest.skip(f"holds whole tasks in memory: {self.holds_whole_tasks}")
        schema = pa.schema([("id", pa.int64()), ("value", pa.string())])
        delivery = Delivery(writer, schema)
        delivery.prepare()
        before, held = pa.total_allocated_bytes(), 0

        def batches() -> Any:
            nonlocal held
            for number in range(40):
                held = max(held, pa.total_allocated_bytes() - before)
                whole = pa.table({"id": range(number * 1024, (number + 1) * 1024), "value": ["x" * 1000] * 1024})
                yield from delivery.converted(whole.cast(schema))

        delivery.commit(delivery.write(delivery.task(), batches()))
        assert held < 20 << 20, (
            f"{held >> 20} MiB of 40 were held before the last batch was pulled: write as you pull, or declare "
            "`holds_whole_tasks` with the reason"
        )


def _without(table: pa.Table, rejected: list[pa.RecordBatch]) -> pa.Table:
    """The rows that were not rejected. The first column tells which: it is unique in every nasty table."""
    for row in rejected:
        assert row.schema.names == table.schema.names, (
            f"a writer rejects rows as it got them, all columns: {row.schema.names} is not {table.schema.names}"
        )
    gone = {exact_rows(row.select([0]))[0] for row in rejected}
    keep = [key not in gone for key in exact_rows(table.select([0]))]
    return table.filter(pa.array(keep, pa.bool_()))
