"""Runs conversion kernels, and finds the rows that one refuses.

On clean data a column costs one run of its kernel. Only when the kernel refuses are the bad rows looked for:
the kernel hands over a mask of them, or else the column is halved again and again, so that the price is paid
per bad row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

Kernel: TypeAlias = Callable[[pa.Array], pa.Array]
"""Converts a whole column, row by row independent of one another, null to null. Raises `pa.ArrowInvalid` or
`MisfitError` if any value does not fit. Pure: may be called again, with any slice, from any thread."""


class MisfitError(Exception):
    """Some values of a column do not fit. Never leaves this package."""

    def __init__(self, mask: pa.BooleanArray) -> None:
        super().__init__("some values do not fit")
        self.mask = mask
        """True for the rows that do not fit, without nulls, at least one true."""


def refuse_where(mask: pa.BooleanArray) -> None:
    """Raise `MisfitError` if any row of `mask` is true; null counts as false."""
    if pc.any(mask, min_count=0).as_py():
        raise MisfitError(pc.fill_null(mask, False))


def attempt(values: pa.Array, kernel: Kernel) -> tuple[pa.Array, pa.BooleanArray | None]:
    """The column as `kernel` converts it, null where it refuses, and a mask of those rows (None if there are none)."""
    bad = None
    while True:
        try:
            return kernel(values), bad
        except MisfitError as refusal:
            mask = refusal.mask
        except pa.ArrowInvalid:
            mask = refused_rows(values, kernel)
            if mask is None:
                raise
        bad = mask if bad is None else pc.or_(bad, mask)
        values = blank(values, mask)


def blank(values: pa.Array, mask: pa.BooleanArray) -> pa.Array:
    """The column with null where `mask` is true."""
    if isinstance(values, pa.ExtensionArray) or pa.types.is_decimal(values.type):
        # if_else knows no extension types, and gives decimals another type if their scale is negative.
        rows = pa.array(range(len(values)), pa.int64())
        return values.take(blank(rows, mask))
    return pc.if_else(mask, pa.scalar(None, values.type), values)


def patch(
    values: pa.Array, mask: pa.BooleanArray, kernel: Kernel, exact: Callable[[Any], Any], target: pa.DataType
) -> pa.Array:
    """Convert the rows where `mask` is true one by one with `exact`, the others with `kernel`.

    For the few values that Arrow's kernel would get wrong without a word. `exact` takes and returns a Python value,
    and raises `ValueError` for one that does not fit. Raises what `kernel` raises, or `MisfitError`.
    """
    converted: list[Any] = [None] * len(values)
    misfits = [False] * len(values)
    for row in pc.indices_nonzero(mask).to_pylist():
        try:
            converted[row] = exact(values[row].as_py())
        except ValueError:
            misfits[row] = True
    if any(misfits):
        raise MisfitError(pa.array(misfits, pa.bool_()))
    return pc.if_else(pc.fill_null(mask, False), pa.array(converted, target), kernel(blank(values, mask)))


def keep(values: pa.Array, rows: Sequence[int]) -> pa.Array:
    """The rows with these indices, in order. Works for every type, also those that Arrow cannot take from."""
    try:
        return values.take(pa.array(rows, pa.int64()))
    except pa.ArrowNotImplementedError:
        pieces = [values.slice(row, 1) for row in rows]
        return pa.concat_arrays(pieces) if pieces else values.slice(0, 0)


def refused_rows(values: pa.Array, kernel: Kernel) -> pa.BooleanArray | None:
    """A mask of the rows that `kernel` refuses on their own, or None if it takes each."""
    try:
        # What does not fit is often the same few values: N/A, 0000-00-00.
        distinct = values.unique()
    except pa.ArrowNotImplementedError:
        rows = set(_search(values, kernel))
        return pa.array([row in rows for row in range(len(values))], pa.bool_()) if rows else None
    rows = set(_search(distinct, kernel))
    return pc.is_in(values, value_set=keep(distinct, sorted(rows))) if rows else None


def _search(values: pa.Array, kernel: Kernel) -> list[int]:
    """The rows that `kernel` refuses on their own, found by halving."""
    found = []
    pending = [(0, len(values))]
    while pending:
        start, count = pending.pop()
        try:
            kernel(values.slice(start, count))
        except (MisfitError, pa.ArrowInvalid):
            if count == 1:
                found.append(start)
            else:
                half = count // 2
                pending += [(start, half), (start + half, count - half)]
    return found
