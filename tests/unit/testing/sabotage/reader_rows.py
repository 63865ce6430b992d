"""Readers that are good but for one thing about their splits and rows."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import ClassVar

import pyarrow as pa

from starhaul import Block, Cancelled, Capability, PermanentError, Split, Task
from starhaul.testing.memory import MemoryReader, MemoryStore, decode, encode
from tests.unit.testing.sabotage.spoiled_reader import tests_of


class DropsSlice(MemoryReader):
    def split(self, target: int) -> Sequence[Split]:
        splits = super().split(target)
        return splits[:-1] if len(splits) > 2 else splits


class Overlaps(MemoryReader):
    def split(self, target: int) -> Sequence[Split]:
        return [replace(each, args={**each.args, "count": each.args["count"] + 1}) for each in super().split(target)]


class NamesSplitsAtRandom(MemoryReader):
    def split(self, target: int) -> Sequence[Split]:
        return [replace(each, id=uuid.uuid4().hex) for each in super().split(target)]


class NamesSplitsAlike(MemoryReader):
    def split(self, target: int) -> Sequence[Split]:
        return [replace(each, id="part") for each in super().split(target)]


class SplitsAreNotJson(MemoryReader):
    def split(self, target: int) -> Sequence[Split]:
        return [replace(each, args={**each.args, "key": b"\x00"}) for each in super().split(target)]


class SplitsUnasked(MemoryReader):
    capabilities: ClassVar[frozenset[Capability]] = frozenset()


class ReadsAnotherType(MemoryReader):
    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        for batch in super().read(split, task):
            yield batch.set_column(0, "id", batch.column(0).cast(pa.int32()))


class PromisesNoNulls(MemoryReader):
    """Says that `name` holds no nulls, and labels the batches so."""

    def schema(self) -> pa.Schema:
        return super().schema().set(1, pa.field("name", pa.string(), nullable=False))

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        for batch in super().read(split, task):
            yield pa.RecordBatch.from_arrays(batch.columns, schema=self.schema())


class LeaksDescriptor(MemoryReader):
    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        yield from super().read(split, task)
        os.close(descriptor)


class LeaksThread(MemoryReader):
    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        stop = threading.Event()
        threading.Thread(target=stop.wait, args=(20,), daemon=True).start()
        yield from super().read(split, task)
        stop.set()


class CannotBeClosed(MemoryReader):
    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        return iter(list(super().read(split, task)))


class KeepsItsPlace(MemoryReader):
    """Remembers in `self` what it has read already."""

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        seen = self.__dict__.setdefault("seen", set())
        if split.id not in seen:
            yield from super().read(split, task)
        seen.add(split.id)


class HoldsNothing(MemoryReader):
    """Says that it holds its source, and reads what is there now."""

    def hold(self, channels: int) -> AbstractContextManager[MemoryReader]:
        return nullcontext(self)


class HoldsForEver(MemoryReader):
    """Keeps what it holds when it is left."""

    @contextmanager
    def _holding(self) -> Iterator[MemoryReader]:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        with super()._holding() as held:
            yield held
        self.__dict__["kept"] = descriptor


class HoldsInItself(MemoryReader):
    """Splits only while it is held."""

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        if self._held is None and split.args.get("held"):
            raise PermanentError("store", "the snapshot is gone")
        yield from super().read(split, task)

    def split(self, target: int) -> Sequence[Split]:
        return [replace(each, args={**each.args, "held": self._held is not None}) for each in super().split(target)]


class EncodesTooFewRows(MemoryReader):
    def read_encoded(self, split: Split, task: Task, encoding: str) -> Iterator[Block]:
        for batch in self.read(split, task):
            few = batch.slice(0, max(1, batch.num_rows - 1))
            yield Block(encode(few), few.num_rows, few.schema, decode)


class MiscountsItsBlocks(MemoryReader):
    def read_encoded(self, split: Split, task: Task, encoding: str) -> Iterator[Block]:
        for block in super().read_encoded(split, task, encoding):
            yield replace(block, num_rows=block.num_rows + 1)


class ChecksBySampling(MemoryReader):
    """Takes the rows that `check` looked at out of the source."""

    def check(self) -> None:
        store = MemoryStore.named(self.params.store)
        store.visible = {key: part[1:] for key, part in store.visible.items()}


class FailsWithoutRows(MemoryReader):
    def schema(self) -> pa.Schema:
        if not self._rows().num_rows:
            raise PermanentError("store", "nothing to guess the types from")
        return super().schema()


class ForgetsItsSchema(MemoryReader):
    """Calls a column by another name each time."""

    def schema(self) -> pa.Schema:
        number = self.__dict__["asked"] = self.__dict__.get("asked", 0) + 1
        return super().schema().with_metadata({"asked": str(number)})


class ReadsOnWhenCancelled(MemoryReader):
    """Waits between batches, and takes the wish to stop for the end of the wait."""

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        for batch in super().read(split, task):
            with suppress(Cancelled):
                task.pause(0)
            yield batch


CAUGHT_BY: Mapping[type[MemoryReader], str] = {
    DropsSlice: "test_every_row_exactly_once[3]",
    Overlaps: "test_every_row_exactly_once[2]",
    NamesSplitsAtRandom: "test_splits_are_sound[1]",
    NamesSplitsAlike: "test_splits_are_sound[2]",
    SplitsAreNotJson: "test_splits_are_sound[1]",
    SplitsUnasked: "test_splits_are_sound[2]",
    ReadsAnotherType: "test_batches_match_schema",
    PromisesNoNulls: "test_batches_match_schema",
    LeaksDescriptor: "test_closing_early_frees_everything",
    LeaksThread: "test_closing_early_frees_everything",
    CannotBeClosed: "test_closing_early_frees_everything",
    KeepsItsPlace: "test_a_split_reads_the_same_again",
    HoldsNothing: "test_held_splits_are_of_one_moment",
    HoldsForEver: "test_holding_frees_everything",
    HoldsInItself: "test_held_reader_reads_the_same",
    EncodesTooFewRows: "test_encodings_hold_the_same_rows",
    MiscountsItsBlocks: "test_encodings_hold_the_same_rows",
    ChecksBySampling: "test_check_changes_nothing",
    FailsWithoutRows: "test_empty_source",
    ForgetsItsSchema: "test_schema_is_stable",
    ReadsOnWhenCancelled: "test_stops_when_cancelled",
}

globals().update(tests_of(CAUGHT_BY))
