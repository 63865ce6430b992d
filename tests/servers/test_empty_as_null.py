"""What becomes of an empty text in a column of numbers is the same whether the table was there or is created."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from starhaul import Writer, with_native_type
from starhaul.api.types import empty_as_null
from starhaul.registry import Registry
from starhaul.testing.delivery import Delivery
from tests.servers.rdbms import make

SOURCE = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False), pa.field("v", pa.string()),
        with_native_type(pa.field("n", pa.string()), "numeric"),
    ]
)  # fmt: skip
"""A numeric without a limit to its digits travels as text."""


@pytest.mark.parametrize("name", ["mysql", "postgresql", "rdbms"])
@pytest.mark.parametrize("told", [None, True, False])
def test_what_is_accepted(request: pytest.FixtureRequest, tmp_path: Path, name: str, told: bool | None) -> None:
    fixture = request.getfixturevalue
    url = make("postgresql", fixture, tmp_path).url if name == "rdbms" else fixture(name).url
    given = {"url": url, "table": "t", "createTable": "ifMissing"} | ({} if told is None else {"emptyAsNull": told})
    plugin = Registry().plugin("writer", name)
    writer: Writer[Any] = plugin(plugin.params_type.parse(given))
    created = writer.accept(SOURCE)
    Delivery(writer, SOURCE).prepare()
    there = writer.accept(SOURCE)
    assert created is not None
    assert there is not None
    assert [*map(empty_as_null, created)] == [*map(empty_as_null, there)]
    assert empty_as_null(there.field("id")) == {None: "datax", True: "always", False: "never"}[told]
    assert empty_as_null(there.field("v")) == "never"
