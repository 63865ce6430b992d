"""What every writer must pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from starhaul.api.writer import Writer
from starhaul.testing.addresses import WriterAddresses
from starhaul.testing.plugin import AnyPlugin, PluginConformance
from starhaul.testing.writer_encodings import WriterEncodings
from starhaul.testing.writer_failures import WriterFailures
from starhaul.testing.writer_promises import WriterPromises
from starhaul.testing.writer_upkeep import WriterUpkeep
from starhaul.testing.writer_values import WriterValues


class WriterConformance(
    WriterValues, WriterPromises, WriterFailures, WriterUpkeep, WriterEncodings, WriterAddresses, PluginConformance
):
    """Every writer must pass these. Override `writer` and `readback`; see `starhaul.testing`.

    Override `bad_batch`, `unwritable`, `leftovers` and `breakdown` too wherever the store has such a thing, and
    `encoded` and `encoded_bad` if the writer takes an encoding: the tests that need them are skipped, with the reason
    shown, where they are not given.
    """

    unsupported_types: ClassVar[Mapping[str, str]] = {}
    """Name in `starhaul.testing.tables.nasty_tables()` → reason, for each table that the writer refuses with a
    `ConfigError`. Exactly those: one that is accepted after all fails as stale."""

    rejects_values: ClassVar[Mapping[str, str]] = {}
    """Name of a nasty table → reason, where the store itself refuses some values, which go to `task.reject`."""

    equal_zeros: ClassVar[str] = ""
    """The reason why the store makes 0.0 of -0.0; empty if it keeps them apart."""

    holds_whole_tasks: ClassVar[str] = ""
    """The reason why a task is collected in memory before it is written; empty if it streams."""

    @pytest.fixture
    def writer(self) -> Writer[Any]:
        """The writer under test, with a fresh target that takes (or comes to be with) any schema."""
        raise NotImplementedError("return the writer under test, with a fresh target")

    @pytest.fixture
    def readback(self) -> Callable[[pa.Schema], pa.Table]:
        """A function that reads what the target now shows, as exactly this schema (what `accept` returned). No
        rows if there is no target yet. Order is free. It must not go through the plugin under test."""
        raise NotImplementedError("return a function that reads what the target now shows")

    @pytest.fixture
    def sample(self) -> pa.Table:
        """Ordinary rows for the tests of the life of a run: the first column is unique."""
        return pa.table(
            {"id": pa.array(range(10), pa.int64()), "name": [f"n{i}" if i % 3 else None for i in range(10)]}
        )

    @pytest.fixture
    def bad_batch(self) -> pa.RecordBatch | None:
        """A batch with exactly one row that the hub can convert and the target refuses (a key twice, a text too
        long for its column); None if the target refuses nothing."""
        return None

    @pytest.fixture
    def unwritable(self) -> pa.Schema | None:
        """A source schema that `accept` or `check` must refuse with `ConfigError`; None if there is none."""
        return None

    @pytest.fixture
    def leftovers(self) -> Callable[[], Collection[str]] | None:
        """A function that names what a dead run could leave beside the target: staging files, tables, ledgers."""
        return None

    @pytest.fixture
    def plugin(self, writer: Writer[Any]) -> AnyPlugin:
        return writer

    def connect(self, plugin: AnyPlugin) -> None:
        assert isinstance(plugin, Writer)
        schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
        plugin.check(plugin.accept(schema) or schema)
        plugin.describe()
