"""What a writer does with rows that a reader hands over in an encoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.capability import Capability
from starhaul.api.encoding import Block
from starhaul.api.reader import Reader
from starhaul.api.task import Receipt
from starhaul.api.writer import Writer
from starhaul.testing.compare import assert_same_rows
from starhaul.testing.delivery import Delivery
from starhaul.testing.task import RecordingTask
from starhaul.testing.writer_failures import UpstreamFailed

Readback = Callable[[pa.Schema], pa.Table]

UNDOES = frozenset({Capability.ATOMIC, Capability.EXACTLY_ONCE})


class WriterEncodings:
    """Blocks arrive as batches would. Part of `WriterConformance`; skipped where the writer takes no encoding."""

    @pytest.fixture
    def encoded(self) -> Reader[Any] | None:
        """A reader of three good rows or more, in an encoding that the writer takes from it; None if there is none."""
        return None

    @pytest.fixture
    def encoded_bad(self) -> Reader[Any] | None:
        """The same, with exactly one row among them that the target refuses; None if it refuses none."""
        return None

    def test_encoded_rows_arrive(self, writer: Writer[Any], readback: Readback, encoded: Reader[Any] | None) -> None:
        if encoded is None:
            pytest.skip("no `encoded`: the writer takes no encoding")
        delivery, encoding = _agreed(writer, encoded)
        task = delivery.task()
        blocks = _blocks(encoded, encoding)
        receipt = writer.write_encoded(task, encoding, iter(blocks))
        delivery.commit(receipt)
        rows = sum(block.num_rows for block in blocks)
        assert receipt == Receipt(task.id, rows, attempt=task.attempt, data=receipt.data), f"the receipt is {receipt}"
        decoded = pa.Table.from_batches([b.decode(b.data) for b in blocks], schema=encoded.schema())
        wanted = pa.Table.from_batches(delivery.converted(decoded), schema=delivery.schema)
        assert_same_rows(readback(delivery.schema), wanted, f"rows that came as {encoding} are not those that arrived")

    def test_encoded_failure_passes(self, writer: Writer[Any], readback: Readback, encoded: Reader[Any] | None) -> None:
        """The source fails after its last block: the same exception comes out, and nothing stays."""
        if encoded is None:
            pytest.skip("no `encoded`: the writer takes no encoding")
        delivery, encoding = _agreed(writer, encoded)
        blocks = _blocks(encoded, encoding)
        failure = UpstreamFailed("upstream")

        def failing() -> Iterator[Block]:
            yield from blocks
            raise failure

        with pytest.raises(UpstreamFailed) as caught:
            writer.write_encoded(delivery.task(), encoding, failing())
        assert caught.value is failure, "let what `blocks` raises pass as it is"
        if writer.promises() & UNDOES:
            shown = readback(delivery.schema).num_rows
            assert shown == 0, f"{shown} rows of a failed attempt are visible"
        delivery.abort()

    def test_encoded_bad_row_is_rejected(
        self, writer: Writer[Any], readback: Readback, encoded_bad: Reader[Any] | None
    ) -> None:
        if encoded_bad is None:
            pytest.skip("no `encoded_bad`: the writer takes no encoding, or the target refuses no row")
        delivery, encoding = _agreed(writer, encoded_bad)
        task = delivery.task()
        blocks = _blocks(encoded_bad, encoding)
        receipt = writer.write_encoded(task, encoding, iter(blocks))
        delivery.commit(receipt)
        reasons = [reason for _, reason, _ in task.rejected]
        assert len(reasons) == 1, f"one row is bad; the writer rejected {len(reasons)}: {reasons}"
        rows, shown = sum(block.num_rows for block in blocks) - 1, readback(delivery.schema).num_rows
        assert shown == rows == receipt.rows, f"of {rows} good rows {shown} arrived, the receipt says {receipt.rows}"


def _agreed(writer: Writer[Any], source: Reader[Any]) -> tuple[Delivery, str]:
    """A prepared delivery, and the encoding that both sides would choose."""
    source.check()
    delivery = Delivery(writer, source.schema())
    delivery.prepare()
    taken = writer.encodings(source.schema())
    agreed = [name for name in source.encodings() if name in taken]
    assert agreed, f"the reader offers {list(source.encodings())}, the writer takes {list(taken)}"
    return delivery, agreed[0]


def _blocks(source: Reader[Any], encoding: str) -> list[Block]:
    task = RecordingTask(source.schema())
    return [block for split in source.split(2) for block in source.read_encoded(split, task, encoding)]
