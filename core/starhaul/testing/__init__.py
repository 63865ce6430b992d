"""The conformance kit: what a plugin must pass, as pytest classes to subclass. Public, and versioned like an API.

A plugin's whole test file is about 25 lines. Override the fixtures, run pytest:

    from starhaul.testing import ReaderConformance, WriterConformance

    class TestShelfReader(ReaderConformance):
        @pytest.fixture
        def expected(self) -> pa.Table:                      # the rows that the source holds, three or more
            return pa.table({"id": [1, 2, 3], "name": ["a", None, "ü"]})

        @pytest.fixture
        def reader(self, expected: pa.Table, tmp_path: Path) -> ShelfReader:         # pointed at them
            return ShelfReader(ShelfReaderParams(path=fill(tmp_path / "shelf", expected)))

        @pytest.fixture
        def empty_reader(self, expected: pa.Table, tmp_path: Path) -> ShelfReader:   # the same source without rows
            return ShelfReader(ShelfReaderParams(path=fill(tmp_path / "empty", expected.slice(0, 0))))

    class TestShelfWriter(WriterConformance):
        unsupported_types = {"duration[ns]": "a shelf counts microseconds"}

        @pytest.fixture
        def writer(self, tmp_path: Path) -> ShelfWriter:                             # a fresh target each time
            return ShelfWriter(ShelfWriterParams(path=tmp_path / "target"))

        @pytest.fixture
        def readback(self, tmp_path: Path) -> Callable[[pa.Schema], pa.Table]:       # what the target now shows
            return lambda schema: contents(tmp_path / "target", schema)

One test can be overridden, or marked `xfail(strict=True, reason=...)` where a gap is known. What a class claims and
cannot keep fails; what it does not claim is tested to be refused cleanly. `WriterConformance` tells which fixtures
and declarations there are beside these, and `TransformerConformance` stands beside the two.

For tests of your own: `RecordingTask` is a `Task` that remembers, `nasty_table` gives the values that break stores,
`assert_same_rows` compares exactly, and `starhaul.testing.engine.run_job` runs a whole job, with memory on the side
that you do not test.
"""

from __future__ import annotations

import pytest

# The bodies of these tests live in a library, where pytest would otherwise leave `assert` without its explanations.
pytest.register_assert_rewrite(
    "starhaul.testing.addresses",
    "starhaul.testing.delivery",
    "starhaul.testing.plugin",
    "starhaul.testing.reader",
    "starhaul.testing.reader_failures",
    "starhaul.testing.transformer",
    "starhaul.testing.writer",
    "starhaul.testing.writer_encodings",
    "starhaul.testing.writer_failures",
    "starhaul.testing.writer_promises",
    "starhaul.testing.writer_upkeep",
    "starhaul.testing.writer_values",
)

from starhaul.testing.compare import assert_same_rows, exact_rows  # noqa: E402
from starhaul.testing.memory import MemoryReader, MemoryStore, MemoryWriter  # noqa: E402
from starhaul.testing.reader import ReaderConformance  # noqa: E402
from starhaul.testing.tables import nasty_names, nasty_table, nasty_tables  # noqa: E402
from starhaul.testing.task import RecordingTask  # noqa: E402
from starhaul.testing.transformer import TransformerConformance  # noqa: E402
from starhaul.testing.writer import WriterConformance  # noqa: E402

KIT_VERSION = "1.3"
"""Major: a test asks for something else than before. Minor: there are new tests. Equal: only fixes."""

__all__ = [
    "KIT_VERSION",
    "MemoryReader",
    "MemoryStore",
    "MemoryWriter",
    "ReaderConformance",
    "RecordingTask",
    "TransformerConformance",
    "WriterConformance",
    "assert_same_rows",
    "exact_rows",
    "nasty_names",
    "nasty_table",
    "nasty_tables",
]
