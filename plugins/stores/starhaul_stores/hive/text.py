"""Text as Hive's `LazySimpleSerDe` reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from starhaul import Task
from starhaul_stores.files.columns import arrow_type
from starhaul_stores.files.delimited.rendering import bytes_of
from starhaul_stores.files.formats.delimited_input import DelimitedInput
from starhaul_stores.files.formats.input import Block, Selection
from starhaul_stores.files.places.source import Source

_WORDS: tuple[tuple[Callable[[pa.DataType], bool], bytes, str], ...] = (
    (pa.types.is_boolean, b"truefalsTRUEFALS", "(?i:true|false)"),
    (pa.types.is_integer, b"0123456789+-", "[+-]?[0-9]+"),
    (pa.types.is_floating, b"0123456789+-.eE", r"\s*[+-]?(?:[0-9.]+(?:[eE][+-]?[0-9]+)?|NaN|Infinity)\s*"),
)
"""Types of which files in general may hold more words than those that Hive knows (`1` for true, `inf`, blanks around a
number): the bytes of nearly all values, and an expression for the values that Hive knows."""


class HiveText(DelimitedInput):
    """Rejects rows with a field that is NULL to Hive, though it would do for a value elsewhere."""

    def blocks(self, source: Source, cut: Mapping[str, Any], selection: Selection, task: Task) -> Iterator[Block]:
        columns = {column.index: (column.name, arrow_type(column.type)) for column in self.params.columns()}
        for block in super().blocks(source, cut, selection, task):
            broken = dict(block.broken)
            for place, values in zip(selection.used, block.columns, strict=True):
                name, kind = columns[place]
                for row in _unknown(values, kind):
                    broken.setdefault(row, f"{name}: {values[row].as_py()!r} is no {kind} to Hive, which reads NULL")
            yield replace(block, broken=broken) if broken else block


def _unknown(values: pa.Array, kind: pa.DataType) -> list[int]:
    import pyarrow.compute as pc

    usual, known = next(((usual, known) for test, usual, known in _WORDS if test(kind)), (b"", ""))
    if not known or not bytes_of(values).translate(None, usual):
        return []
    rows: list[int] = pc.indices_nonzero(
        pc.invert(pc.fill_null(pc.match_substring_regex(values, f"^(?:{known})$"), True))
    ).to_pylist()
    return rows
