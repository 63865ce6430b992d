"""`helloreader`: a greeting for each name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

import pyarrow as pa

from starhaul import Capability, Params, Reader, Split, Task

ROWS_PER_BATCH = 10_000


class HelloReaderParams(Params):
    """Parameters of `helloreader`."""

    names: list[str]
    """Whom to greet, one row each."""

    greeting: str = "Hello"
    """How."""


class HelloReader(Reader[HelloReaderParams]):
    """Makes a greeting for each name: a number from 1, the name, and the greeting."""

    name = "helloreader"
    params_type = HelloReaderParams
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})

    def schema(self) -> pa.Schema:
        return pa.schema([("number", pa.int64()), ("name", pa.string()), ("greeting", pa.string())])

    def split(self, target: int) -> Sequence[Split]:
        names = len(self.params.names)
        slices = max(1, min(target, names))
        bounds = [names * index // slices for index in range(slices + 1)]
        return [
            Split(f"names@{first}-{end}", {"first": first, "end": end}, rows=end - first)
            for first, end in pairwise(bounds)
        ]

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        schema = self.schema()
        for first in range(split.args["first"], split.args["end"], ROWS_PER_BATCH):
            names = self.params.names[first : min(first + ROWS_PER_BATCH, split.args["end"])]
            columns = [
                pa.array(range(first + 1, first + 1 + len(names)), pa.int64()),
                pa.array(names, pa.string()),
                pa.array([f"{self.params.greeting}, {name}!" for name in names], pa.string()),
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
