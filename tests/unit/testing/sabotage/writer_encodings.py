"""Writers that are good but for one thing about rows in an encoding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from starhaul import Block, Receipt, Task
from starhaul.testing.memory import MemoryWriter
from tests.unit.testing.sabotage.spoiled_writer import tests_of


class SwallowsEncodedFailure(MemoryWriter):
    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        whole: list[Block] = []
        with suppress(Exception):
            whole.extend(blocks)
        return super().write_encoded(task, encoding, whole)


class LosesEncodedRow(MemoryWriter):
    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        batches = [block.decode(block.data) for block in blocks]
        receipt = self.write(task, [batch.slice(0, 1) for batch in batches])
        return replace(receipt, rows=sum(batch.num_rows for batch in batches))


class DropsWholeBadBlock(MemoryWriter):
    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        batches = [block.decode(block.data) for block in blocks]
        good = [batch for batch in batches if 4711 not in batch.column(0).to_pylist()]
        for batch in batches:
            if batch not in good:
                task.reject(batch, 0, "the store refuses the block")
        return self.write(task, good)


CAUGHT_BY: Mapping[type[MemoryWriter], tuple[str, str]] = {
    SwallowsEncodedFailure: ("atomic", "test_encoded_failure_passes"),
    LosesEncodedRow: ("atomic", "test_encoded_rows_arrive"),
    DropsWholeBadBlock: ("atomic", "test_encoded_bad_row_is_rejected"),
}

globals().update(tests_of(CAUGHT_BY))
