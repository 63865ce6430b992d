"""Readers that are good but for one thing. Collected by `test_sabotage.py` alone, which expects each to fail."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from pydantic import ConfigDict, SecretStr

from starhaul import Block, Cancelled, Capability, PermanentError, RejectLimitExceeded, Split, Task
from starhaul.testing import ReaderConformance
from starhaul.testing.memory import MemoryReader, MemoryReaderParams, MemoryStore, decode, encode

BAD = 4711
"""Number of the row that cannot be read."""


class Spoiled(ReaderConformance):
    """The kit over one spoiled reader."""

    spoiled: ClassVar[type[MemoryReader]]

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"id": pa.array(range(5), pa.int64()), "name": ["a", None, "", "ü", "e"]})

    @pytest.fixture
    def store(self, expected: pa.Table) -> MemoryStore:
        return MemoryStore("source", expected)

    @pytest.fixture
    def reader(self, store: MemoryStore) -> MemoryReader:
        parameters = {"store": store.name, "encoded": True}
        if issubclass(self.spoiled.params_type, PasswordParams):
            parameters["password"] = "hunter22"
        return self.spoiled(self.spoiled.params_type.model_validate(parameters))

    @pytest.fixture
    def change(self, store: MemoryStore, expected: pa.Table) -> Callable[[], object]:
        return lambda: store.visible.__setitem__(("more", "", 0), expected.slice(0, 4).to_batches())

    @pytest.fixture
    def empty_store(self, expected: pa.Table) -> MemoryStore:
        return MemoryStore("empty", expected.slice(0, 0))

    @pytest.fixture
    def empty_reader(self, empty_store: MemoryStore) -> MemoryReader:
        return self.spoiled(self.spoiled.params_type(store=empty_store.name))

    @pytest.fixture
    def bad_store(self, expected: pa.Table) -> MemoryStore:
        bad = pa.table({"id": pa.array([BAD], pa.int64()), "name": ["x"]})
        return MemoryStore("bad", pa.concat_tables([expected.slice(0, 2), bad, expected.slice(2)]).combine_chunks())

    @pytest.fixture
    def bad_reader(self, bad_store: MemoryStore) -> MemoryReader | None:
        return self.spoiled(self.spoiled.params_type(store=bad_store.name)) if issubclass(self.spoiled, Picky) else None

    @pytest.fixture
    def cut_store(self, expected: pa.Table) -> MemoryStore:
        return MemoryStore("cut", expected)

    @pytest.fixture
    def cut_reader(self, cut_store: MemoryStore) -> MemoryReader | None:
        return self.spoiled(self.spoiled.params_type(store=cut_store.name)) if issubclass(self.spoiled, Cut) else None


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


class UndocumentedParams(MemoryReaderParams):
    more: int = 0


class HasUndocumentedParameter(MemoryReader):
    params_type = UndocumentedParams


class OpenParams(MemoryReaderParams):
    model_config = ConfigDict(extra="ignore")


class TakesAnyParameter(MemoryReader):
    params_type = OpenParams


class PlainPasswordParams(MemoryReaderParams):
    password: str = ""
    """Password of the store."""


class ShowsPassword(MemoryReader):
    params_type = PlainPasswordParams


class PasswordParams(MemoryReaderParams):
    password: SecretStr = SecretStr("")
    """Password of the store."""


class TellsPasswordInError(MemoryReader):
    params_type = PasswordParams

    def check(self) -> None:
        params: Any = self.params
        if params.password.get_secret_value():
            raise PermanentError("store", f"cannot log in as root:{params.password.get_secret_value()}")


class TellsPasswordInRepr(MemoryReader):
    params_type = PasswordParams

    def __repr__(self) -> str:
        params: Any = self.params
        return f"TellsPasswordInRepr({params.password.get_secret_value()})"


class SplitsHoldPassword(MemoryReader):
    params_type = PasswordParams

    def split(self, target: int) -> Sequence[Split]:
        params: Any = self.params
        login = {"login": f"root:{params.password.get_secret_value()}"}
        return [replace(each, args={**each.args, **login}) for each in super().split(target)]


class TellsPasswordInPlan(MemoryReader):
    params_type = PasswordParams

    def describe(self) -> Sequence[str]:
        params: Any = self.params
        return (f"Logs in as root:{params.password.get_secret_value()}.",)


class Picky(MemoryReader):
    """Good: rejects the row that cannot be read."""

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        for batch in super().read(split, task):
            good = [value != BAD for value in batch.column(0).to_pylist()]
            for row in (row for row, fine in enumerate(good) if not fine):
                self.reject(batch, row, task)
            yield batch.filter(pa.array(good, pa.bool_()))

    def reject(self, batch: pa.RecordBatch, row: int, task: Task) -> None:
        task.reject(batch, row, "it is bad")


class DropsBadRows(Picky):
    def reject(self, batch: pa.RecordBatch, row: int, task: Task) -> None:
        pass


class DropsBatchesWithBadRows(Picky):
    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        return (batch for batch in super().read(split, task) if batch.num_rows == self.params.batch_rows)


class IgnoresRejectLimit(Picky):
    def reject(self, batch: pa.RecordBatch, row: int, task: Task) -> None:
        with suppress(RejectLimitExceeded):
            super().reject(batch, row, task)


class ReadsOnWhenCancelled(MemoryReader):
    """Waits between batches, and takes the wish to stop for the end of the wait."""

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        for batch in super().read(split, task):
            with suppress(Cancelled):
                task.pause(0)
            yield batch


class Cut(MemoryReader):
    """Good: tells that its source breaks off."""

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        for batch in super().read(split, task):
            yield batch
            if self.params.store == "cut":
                raise PermanentError("store", "it breaks off")


class EndsEarly(Cut):
    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        with suppress(PermanentError):
            yield from super().read(split, task)


class ImportsItsDriver(MemoryReader):
    __module__ = "pyarrow.csv"  # stands for a plugin module that imports what is heavy


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
    HasUndocumentedParameter: "test_parameters_are_documented",
    TakesAnyParameter: "test_unknown_parameters_are_refused",
    ShowsPassword: "test_secrets_are_declared",
    TellsPasswordInError: "test_secrets_are_never_shown",
    TellsPasswordInRepr: "test_secrets_are_never_shown",
    SplitsHoldPassword: "test_splits_keep_secrets",
    TellsPasswordInPlan: "test_splits_keep_secrets",
    DropsBadRows: "test_bad_row_is_rejected",
    DropsBatchesWithBadRows: "test_bad_row_is_rejected",
    IgnoresRejectLimit: "test_reject_limit_passes_through",
    EndsEarly: "test_half_a_source_is_an_error",
    ReadsOnWhenCancelled: "test_stops_when_cancelled",
    ImportsItsDriver: "test_import_is_light",
}
"""Each sabotage and the test that must find it; others may find it too."""

globals().update({f"Test{each.__name__}": type(each.__name__, (Spoiled,), {"spoiled": each}) for each in CAUGHT_BY})
