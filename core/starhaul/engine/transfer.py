"""How the rows of one task get from the reader to the writer, and how the books are balanced afterwards."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pyarrow as pa

from starhaul.api.encoding import Block
from starhaul.api.errors import PluginError
from starhaul.api.task import Receipt
from starhaul.engine.attempt import Attempt
from starhaul.engine.exchanger import Exchanger
from starhaul.engine.progress import Counts
from starhaul.plan.plan import StreamPlan

HANG_SECONDS = 10.0
"""How long a reader may take to notice that its task is over before its thread is left behind."""

_log = logging.getLogger(__name__)


class Transfer:
    """One attempt at one task: `run` feeds the exchanger from a thread of its own while the writer drains it."""

    def __init__(self, stream: StreamPlan, attempt: Attempt, exchanger: Exchanger) -> None:
        self._stream = stream
        self._attempt = attempt
        self._exchanger = exchanger
        self._speed = attempt.shared.speed
        self._reading = attempt.side("read")
        self._transforming = [attempt.side(f"transform:{index}") for index in range(len(stream.transformers))]
        self._converting = attempt.side("convert")
        self._writing = attempt.side("write")
        self._expected: pa.Schema | None = None
        """The last schema that was found to be right."""
        self._pulled = 0
        self._unread = 0
        self._interruption: BaseException | None = None
        self.drained = False
        """Whether the writer has seen the end of the data, so that it may have committed."""

    @property
    def interruption(self) -> BaseException | None:
        """What the writer's pull raised: the reader's error, or `Cancelled`."""
        return self._interruption

    def meter(self) -> Counts:
        """The attempt's figures as far as they are known by now. From any thread."""
        figures = replace(self._attempt.counts, notes=Counter())
        figures.seconds_reader_waited, figures.seconds_writer_waited = self._exchanger.waits()
        return figures

    def run(self) -> Receipt:
        """Move the rows. Called in the channel's thread, which becomes the writer thread.

        Raises what the reader or the writer raised, and `PluginError` if one of them broke its contract.
        """
        name = f"{self._stream.name}-{self._attempt.work.task}-reader"
        reader = threading.Thread(target=self._feed, name=name, daemon=True)
        with self._attempt.shared.stop.calling(self._exchanger.cancel):
            reader.start()
            try:
                receipt = self._write()
            finally:
                self._exchanger.abandon()
                reader.join(HANG_SECONDS)
                if reader.is_alive():
                    _log.warning("%s does not come back from the reader; its thread is left behind", name)
        self._judge(receipt)
        self.account(receipt)
        return receipt

    def account(self, receipt: Receipt) -> None:
        """Complete the attempt's figures from its receipt. Raises `PluginError` if rows are unaccounted for."""
        counts = self._attempt.counts
        counts.read += self._reading.rejected
        counts.written = receipt.rows
        counts.skipped = receipt.skipped
        counts.seconds_reader_waited, counts.seconds_writer_waited = self._exchanger.waits()
        if counts.balance:
            raise self._broken(
                "writer",
                f"{counts.read} rows read, but {counts.written} written, {counts.skipped} skipped, "
                f"{counts.rejected} rejected and {counts.filtered} filtered: {counts.balance} unaccounted for",
            )

    # ------------------------------------------------------------------ the reader's thread

    def _feed(self) -> None:
        try:
            if self._stream.encoding is None:
                with closing(self._read()) as batches:
                    for batch in batches:
                        self._forward(batch)
            else:
                with closing(self._read_encoded(self._stream.encoding)) as blocks:
                    for block in blocks:
                        self._expect(block.schema)
                        self._seen(block.num_rows)
                        self._hand_over(block)
        except BaseException as error:  # whatever ends the reader must end the writer too
            self._exchanger.fail(error)
        else:
            self._exchanger.close()

    def _read(self) -> Generator[pa.RecordBatch]:
        return self._generator(self._stream.reader.read(self._attempt.work.split, self._reading))

    def _read_encoded(self, encoding: str) -> Generator[Block]:
        return self._generator(self._stream.reader.read_encoded(self._attempt.work.split, self._reading, encoding))

    def _generator(self, given: Any) -> Any:
        if not hasattr(given, "close"):
            raise self._broken("reader", "read() did not return a generator")
        return given

    def _forward(self, batch: pa.RecordBatch) -> None:
        self._expect(batch.schema)
        self._seen(batch.num_rows)
        batch = self._convert(self._transform(batch) if self._transforming else batch)
        self._hand_over(batch)

    def _expect(self, schema: pa.Schema) -> None:
        """That rows are what the plan was made for: a column that has moved would go where another belongs."""
        if schema is not self._expected and not schema.equals(self._stream.source, check_metadata=False):
            told = f"rows have the schema {_short(schema)}, not the one of schema()"
            raise self._broken("reader", told, "run the job anew if the source was altered; else ")
        self._expected = schema

    def _seen(self, rows: int) -> None:
        """The reader gave so many rows."""
        self._attempt.counts.read += rows
        unread, self._unread = self._reading.rejected - self._unread, self._reading.rejected
        self._attempt.seen(rows + unread)

    def _hand_over(self, rows: pa.RecordBatch | Block) -> None:
        count, size = rows.num_rows, rows.nbytes
        if not count:
            return
        most = self._speed.at_once(count, size)
        if most >= count or isinstance(rows, Block):  # a block cannot be cut
            self._pass(rows, size)
            return
        for start in range(0, count, most):
            piece = rows.slice(start, most)
            self._pass(piece, size * piece.num_rows // count)

    def _pass(self, rows: pa.RecordBatch | Block, size: int) -> None:
        self._speed.wait(rows.num_rows, size)
        self._attempt.moved(rows.num_rows, size)
        self._exchanger.put(rows, size)

    def _transform(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        counts, rows, rejected_here = self._attempt.counts, batch.num_rows, 0
        since = time.perf_counter()
        for transformer, side in zip(self._stream.transformers, self._transforming, strict=True):
            before = side.rejected
            transformed = transformer.apply(batch, side)
            rejected = side.rejected - before
            counts.filtered += batch.num_rows - transformed.num_rows - rejected
            rejected_here += rejected
            batch = transformed
        counts.seconds_transforming += time.perf_counter() - since
        counts.transformed += rows - rejected_here
        counts.untransformed += rejected_here
        return batch

    def _convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self._stream.conversion is None:
            raise self._broken("writer", "accept() gave no schema after prepare()")
        converted = self._stream.conversion.apply(batch)
        for bad in converted.bad:
            self._converting.reject(batch, bad.row, bad.reason)
        return converted.batch

    # ------------------------------------------------------------------ the writer's thread

    def _write(self) -> Receipt:
        if self._stream.encoding is None:
            return self._stream.writer.write(self._writing, self._pull())
        return self._stream.writer.write_encoded(self._writing, self._stream.encoding, self._pull())

    def _pull(self) -> Iterator[Any]:
        """What the reader handed over: batches, or blocks in the stream's encoding."""
        try:
            for rows in self._exchanger:
                self._pulled += rows.num_rows
                yield rows
        except GeneratorExit:
            raise
        except BaseException as error:
            self._interruption = error
            raise
        self._attempt.part.drained(self._attempt.counts.filtered)
        self.drained = True

    def _judge(self, receipt: Receipt) -> None:
        """Whether the writer kept its part of the contract; what it did not keep would be silent wrong data."""
        if self._interruption is not None:
            raise self._broken("writer", "write() swallowed the failure of its source") from self._interruption
        if not self.drained:
            raise self._broken("writer", "write() returned before the end of the data")
        work = self._attempt.work
        if not isinstance(receipt, Receipt) or (receipt.task, receipt.attempt) != (work.task, work.attempt):
            raise self._broken("writer", f"write() did not return the receipt of {work.task}, attempt {work.attempt}")
        accounted = receipt.rows + receipt.skipped + self._writing.rejected
        if accounted != self._pulled:
            raise self._broken(
                "writer",
                f"of {self._pulled} rows it accounts for {accounted}: {receipt.rows} written, "
                f"{receipt.skipped} skipped, {self._writing.rejected} rejected",
            )

    def _broken(self, side: str, problem: str, hint: str = "") -> PluginError:
        name = self._stream.reader.name if side == "reader" else self._stream.writer.name
        return PluginError(
            f"{side} {name}", f"broke its contract: {problem}", f"{hint}report it to the plugin's author"
        )


def _short(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)
