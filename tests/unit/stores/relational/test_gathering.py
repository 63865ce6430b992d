"""Batches of any size become chunks of the wanted one, with every row once and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import pyarrow as pa
import pytest

from starhaul_stores.relational.gathering import Gathering


@dataclass(slots=True)
class Sent(Gathering):
    chunks: list[list[int]] = field(default_factory=list)

    def _write_chunk(self, rows: pa.RecordBatch) -> None:
        self.chunks.append(rows.column(0).to_pylist())


def batches(sizes: Sequence[int]) -> list[pa.RecordBatch]:
    ends = accumulate(sizes, initial=0)
    return [pa.record_batch({"n": pa.array(range(start, end), pa.int64())}) for start, end in pairwise(ends)]


def sizes_sent(sizes: Sequence[int], most_rows: int, most_bytes: int = 1 << 20) -> list[int]:
    sent = Sent(most_rows=most_rows, most_bytes=most_bytes)
    for batch in batches(sizes):
        sent.write(batch)
    sent.flush()
    sent.flush()
    assert [n for chunk in sent.chunks for n in chunk] == list(range(sum(sizes)))
    return [len(chunk) for chunk in sent.chunks]


@pytest.mark.parametrize(
    ("sizes", "chunks"),
    [
        ([], []),
        ([0], []),
        ([4, 4], [4, 4]),
        ([1, 1, 1, 1, 1], [4, 1]),
        ([3, 3], [4, 2]),
        ([9], [4, 4, 1]),
        ([1, 9, 1], [4, 1, 4, 2]),
    ],
)
def test_chunks_have_the_wanted_rows_and_no_more(sizes: list[int], chunks: list[int]) -> None:
    assert sizes_sent(sizes, most_rows=4) == chunks


def test_many_bytes_go_out_early() -> None:
    assert sizes_sent([2, 2, 2, 2], most_rows=100, most_bytes=32) == [4, 4]
