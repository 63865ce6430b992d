"""What a test file leaves out, so that the kit cannot see it, is told."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pyarrow as pa
import pytest

from starhaul.testing import MemoryReader, MemoryStore, MemoryWriter, ReaderConformance, WriterConformance
from starhaul.testing.delivery import Delivery
from starhaul.testing.memory import MemoryReaderParams, MemoryWriterParams

SAMPLE = pa.table({"id": [1, 2, 3], "name": ["a", "b", "c"]})


def prepared(mode: str = "atomic") -> tuple[MemoryStore, Delivery]:
    store = MemoryStore("target")
    writer = MemoryWriter(MemoryWriterParams.model_validate({"store": store.name, "mode": mode}))
    delivery = Delivery(writer, SAMPLE.schema)
    delivery.prepare()
    return store, delivery


def seen(delivery: Delivery, leftovers: Callable[[], Collection[str]] | None) -> None:
    WriterConformance().test_leftovers_are_seen(delivery, SAMPLE, leftovers)


def test_leftovers_that_see_nothing_fail() -> None:
    store, delivery = prepared()
    seen(delivery, store.leftovers)
    _, delivery = prepared()
    with pytest.raises(AssertionError, match="must see staging and ledger"):
        seen(delivery, lambda: [])


def test_leftovers_that_are_missing_are_listed() -> None:
    with pytest.raises(pytest.skip.Exception, match="goes unseen"):
        seen(prepared()[1], None)


def test_rows_without_a_null_are_listed() -> None:
    def read(rows: pa.Table, expected: pa.Table = SAMPLE) -> None:
        store = MemoryStore("source", rows)
        ReaderConformance().test_nulls_arrive(MemoryReader(MemoryReaderParams(store=store.name)), expected)

    with pytest.raises(pytest.skip.Exception, match="no null in id, name"):
        read(SAMPLE)
    holed = SAMPLE.set_column(1, "name", pa.array(["a", None, "c"]))
    read(holed, holed)
    with pytest.raises(AssertionError, match="'name' holds 1 nulls, 0 arrive"):
        read(SAMPLE.set_column(1, "name", pa.array(["a", "", "c"])), holed)
