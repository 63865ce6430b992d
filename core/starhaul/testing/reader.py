"""What every reader must pass."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.capability import Capability
from starhaul.api.encoding import Block
from starhaul.api.errors import Cancelled
from starhaul.api.reader import Reader
from starhaul.api.task import Split
from starhaul.testing.addresses import ReaderAddresses
from starhaul.testing.compare import assert_same_columns, assert_same_rows, exact_rows
from starhaul.testing.delivery import split_through_json
from starhaul.testing.plugin import AnyPlugin, PluginConformance, again, as_job_parameters, assert_keeps_secrets
from starhaul.testing.reader_failures import ReaderFailures
from starhaul.testing.resources import held_open
from starhaul.testing.task import RecordingTask


class ReaderConformance(ReaderFailures, ReaderAddresses, PluginConformance):
    """Every reader must pass these. Override `reader`, `expected` and `empty_reader`; see `starhaul.testing`.

    Override `bad_reader` and `cut_reader` too wherever the store has such a thing, and `change` if the reader holds its
    source: the tests that need them are skipped, with the reason shown, where they are not given.
    """

    @pytest.fixture
    def reader(self) -> Reader[Any]:
        """The reader under test, pointed at a source that holds `expected`."""
        raise NotImplementedError("return the reader under test, pointed at `expected`")

    @pytest.fixture
    def expected(self) -> pa.Table:
        """The rows that the source holds, three or more, in the types that the reader gives them. Order is free."""
        raise NotImplementedError("return the rows that the source holds, three or more")

    @pytest.fixture
    def empty_reader(self) -> Reader[Any]:
        """A reader of the same source without rows."""
        raise NotImplementedError("return a reader of the same source without rows")

    @pytest.fixture
    def change(self) -> Callable[[], object] | None:
        """A function that adds rows to the source of `reader`, takes some away or alters them, as another program
        would; None if `hold` does not promise that all slices are of one moment."""
        return None

    @pytest.fixture
    def plugin(self, reader: Reader[Any]) -> AnyPlugin:
        return reader

    def connect(self, plugin: AnyPlugin) -> None:
        assert isinstance(plugin, Reader)
        plugin.check()
        plugin.schema()
        plugin.describe()

    def test_schema_is_stable(self, reader: Reader[Any], expected: pa.Table) -> None:
        schema = reader.schema()
        assert_same_columns(schema, expected.schema, "schema() is not that of `expected`")
        for other in (reader.schema(), again(reader).schema()):
            assert schema.equals(other, check_metadata=True), f"schema() gives another answer: {other}"

    @pytest.mark.parametrize("target", [1, 2, 3, 7])
    def test_every_row_exactly_once(self, reader: Reader[Any], expected: pa.Table, target: int) -> None:
        assert expected.num_rows >= 3, "`expected` must hold three rows or more"
        splits = reader.split(target)
        told = f"split({target}) gives {len(splits)} splits, which do not hold every row exactly once"
        assert_same_rows(_read(reader, splits), expected, told)

    def test_nulls_arrive(self, reader: Reader[Any], expected: pa.Table) -> None:
        """None of them as an empty text or a zero, which a source without nulls cannot show."""
        rows = _read(reader, reader.split(1))
        for field in expected.schema:
            found, there = rows.column(field.name).null_count, expected.column(field.name).null_count
            assert found == there, f"{field.name!r} holds {there} nulls, {found} arrive"
        nullable = [field.name for field in reader.schema() if field.nullable]
        if nullable and not any(expected.column(name).null_count for name in nullable):
            told = "what becomes of one goes unseen; give a row with one, or make the fields nullable=False"
            pytest.skip(f"`expected` has no null in {', '.join(nullable[:5])}: {told}")

    @pytest.mark.parametrize("target", [1, 2, 3, 7])
    def test_splits_are_sound(self, reader: Reader[Any], target: int) -> None:
        splits = list(reader.split(target))
        ids = [split.id for split in splits]
        assert splits, "a source with rows needs a split"
        assert len(set(ids)) == len(ids), f"two splits have the same id: {ids}"
        assert all(ids), "a split's id must not be empty"
        if Capability.SPLIT not in reader.capabilities:
            assert len(splits) == 1, f"{len(splits)} splits without the promise SPLIT; promise it or return one"
        for other in (reader.split(target), again(reader).split(target)):
            assert list(other) == splits, "split() gives other splits of the same source; a resumed run would lose rows"
        for split in splits:
            through = split_through_json(split)
            assert dict(through.args) == dict(split.args), f"the args of split {split.id} must be JSON data"
            estimates = [estimate for estimate in (split.rows, split.bytes) if estimate is not None]
            assert all(type(each) is int and each >= 0 for each in estimates), f"estimates of {split.id}: {estimates}"

    def test_held_reader_reads_the_same(self, reader: Reader[Any], expected: pa.Table) -> None:
        for _ in range(2):
            with reader.hold(3) as held:
                assert held.schema().equals(reader.schema(), check_metadata=True), "the held reader has another schema"
                splits = [split_through_json(split) for split in held.split(3)]
                told = "the splits of the reader that hold() gives do not hold every row exactly once"
                assert_same_rows(_read(held, splits), expected, told)
            told = "a resumed run reads the stored splits when what was held is gone"
            assert_same_rows(_read(again(reader), splits), expected, told)

    def test_held_splits_are_of_one_moment(
        self, reader: Reader[Any], expected: pa.Table, change: Callable[[], object] | None
    ) -> None:
        if change is None:
            pytest.skip("no `change`: hold() does not promise one moment")
        with reader.hold(2) as held:
            splits = list(held.split(3))
            first = _read(held, splits[:1])
            change()
            rows = pa.concat_tables([first, _read(held, splits[1:])])
            assert_same_rows(rows, expected, "slices read before and after a change are not of one moment")
        changed = _read(reader, reader.split(1))
        assert exact_rows(changed) != exact_rows(rows), "`change` changes nothing, or hold() goes on after its end"

    def test_holding_frees_everything(self, reader: Reader[Any]) -> None:
        def use() -> None:
            with reader.hold(2) as held:
                for split in held.split(2):
                    batches = held.read(split, _task(reader))
                    next(batches, None)
                    _close_of(batches)()

        use()
        left = held_open(use)
        assert not left, f"hold() leaves open: {left}"

    def test_encodings_hold_the_same_rows(self, reader: Reader[Any], expected: pa.Table) -> None:
        reader.check()
        for encoding in reader.encodings():
            blocks = [each for split in reader.split(3) for each in _read_encoded(reader, split, encoding)]
            decoded = [block.decode(block.data) for block in blocks]
            for block, batch in zip(blocks, decoded, strict=True):
                assert batch.num_rows == block.num_rows, f"a block of {encoding} tells another number of rows"
                assert block.nbytes or not block.num_rows, f"a block of {encoding} with rows has no bytes"
            rows = pa.Table.from_batches(decoded, schema=reader.schema())
            assert_same_rows(rows, expected, f"read_encoded() in {encoding} does not give the rows that read() gives")

    def test_closing_encoded_early_frees_everything(self, reader: Reader[Any]) -> None:
        reader.check()
        split = next(iter(reader.split(1)))
        for encoding in reader.encodings():

            def use(encoding: str = encoding) -> None:
                blocks = _read_encoded(reader, split, encoding)
                next(blocks, None)
                _close_of(blocks)()

            use()
            left = held_open(use)
            assert not left, f"read_encoded() in {encoding}, closed early, leaves open: {left}"

    def test_batches_match_schema(self, reader: Reader[Any]) -> None:
        schema = reader.schema()
        for split in reader.split(2):
            for batch in reader.read(split, _task(reader)):
                assert isinstance(batch, pa.RecordBatch), f"read() yields {type(batch).__name__}, not RecordBatch"
                assert batch.schema.equals(schema, check_metadata=False), (
                    f"a batch has another schema than schema() said: {batch.schema} is not {schema}"
                )
                batch.validate(full=True)
                for field, column in zip(schema, batch.columns, strict=True):
                    assert field.nullable or not column.null_count, f"{field.name!r} is not nullable, but holds nulls"

    def test_a_split_reads_the_same_again(self, reader: Reader[Any]) -> None:
        """A second attempt, a resumed run: an equal instance reads a split that was stored as JSON."""
        for split in reader.split(3):
            first = _read(reader, [split])
            for other in (reader, again(reader)):
                second = _read(other, [split_through_json(split)])
                assert_same_rows(second, first, f"split {split.id} reads differently the second time")

    def test_reads_in_another_process(self, reader: Reader[Any], expected: pa.Table) -> None:
        """An instance made from the parameters as a job document holds them reads the same splits."""
        other = type(reader)(reader.params_type.parse(as_job_parameters(reader.params)))
        rows = _read(other, [split_through_json(split) for split in reader.split(3)])
        assert_same_rows(rows, expected, "an equal instance does not read the rows; keep no state in self")

    def test_works_from_four_threads(self, reader: Reader[Any], expected: pa.Table) -> None:
        splits = list(reader.split(4))
        barrier = threading.Barrier(4)

        def read_all(_: int) -> pa.Table:
            barrier.wait(30)
            return _read(reader, splits)

        with ThreadPoolExecutor(4) as pool:
            for rows in pool.map(read_all, range(4)):
                assert_same_rows(rows, expected, "four threads that read at once disturb one another")

    def test_closing_early_frees_everything(self, reader: Reader[Any]) -> None:
        """The other side failed: the engine closes the generator, wherever it stands."""
        split = next(iter(reader.split(1)))

        def read_one() -> None:
            batches = reader.read(split, _task(reader))
            next(batches, None)
            _close_of(batches)()

        def read_none() -> None:
            _close_of(reader.read(split, _task(reader)))()

        for use, told in ((read_one, "closed after one batch"), (read_none, "closed before the first batch")):
            use()  # what a library opens once and for all is no leak
            left = held_open(use)
            assert not left, f"read() that was {told} leaves open: {left}; use `with` inside the generator"

    def test_reading_frees_everything(self, reader: Reader[Any]) -> None:
        def use() -> None:
            reader.check()
            _read(reader, reader.split(2))

        use()
        left = held_open(use)
        assert not left, f"check(), split() and read() leave open: {left}"

    def test_stops_when_cancelled(self, reader: Reader[Any]) -> None:
        """A reader may ignore `task.cancelled`; one that looks at it stops, or lets `Cancelled` out."""
        task = _task(reader)
        batches = reader.read(next(iter(reader.split(1))), task)
        next(batches, None)
        task.cancelled = True
        try:
            for _ in batches:
                assert not task.stopped, "read() goes on after the task raised Cancelled; let it pass"
        except Cancelled:
            pass
        finally:
            _close_of(batches)()

    def test_empty_source(self, empty_reader: Reader[Any], expected: pa.Table) -> None:
        empty_reader.check()
        assert_same_columns(empty_reader.schema(), expected.schema, "schema() of a source without rows")
        for target in (1, 7):
            splits = list(empty_reader.split(target))
            if Capability.SPLIT not in empty_reader.capabilities:
                assert len(splits) <= 1, "a source without rows gives one split, or none"
            rows = _read(empty_reader, splits).num_rows
            assert rows == 0, f"a source without rows gives {rows} rows"

    def test_check_changes_nothing(self, reader: Reader[Any], expected: pa.Table) -> None:
        reader.check()
        reader.check()
        assert_same_rows(_read(reader, reader.split(1)), expected, "check() changes what is read")

    def test_splits_keep_secrets(self, reader: Reader[Any]) -> None:
        splits = json.dumps([[split.id, dict(split.args)] for split in reader.split(3)])
        assert_keeps_secrets(reader, splits, "a split, which the run store keeps,")
        assert_keeps_secrets(reader, "\n".join(reader.describe()), "describe(), which `starhaul plan` prints,")

    def test_describes_itself_in_sentences(self, reader: Reader[Any]) -> None:
        reader.check()
        facts = reader.describe()
        assert not isinstance(facts, str), "describe() gives a sequence of sentences, not one string"
        assert all(isinstance(fact, str) and fact.strip() for fact in facts), f"describe() gives {facts!r}"


def _task(reader: Reader[Any]) -> RecordingTask:
    return RecordingTask(reader.schema())


def _read(reader: Reader[Any], splits: Any) -> pa.Table:
    """All rows of the splits. The rows of a conformance source are good ones: none may be rejected."""
    task = _task(reader)
    batches = [batch for split in splits for batch in reader.read(split, task)]
    assert not task.rejected, f"read() rejects rows of `expected`: {task.rejected[:3]}"
    return pa.Table.from_batches(batches, schema=task.schema)


def _read_encoded(reader: Reader[Any], split: Split, encoding: str) -> Iterator[Block]:
    return reader.read_encoded(split, _task(reader), encoding)


def _close_of(batches: Any) -> Callable[[], None]:
    close: Callable[[], None] | None = getattr(batches, "close", None)
    assert close is not None, "read() must be a generator, so that the engine can close it"
    return close
