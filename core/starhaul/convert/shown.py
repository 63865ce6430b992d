"""A value of a column as people read it in a reason."""

from __future__ import annotations

import pyarrow as pa

LONGEST = 80
"""Characters of a value that a reason shows at most."""


def shown(values: pa.Array, row: int) -> str:
    """The value of a row, shortened to `LONGEST` characters; text and bytes with quotes."""
    return shorten(_spelled(values, row))


def shorten(text: str) -> str:
    """The text, or its beginning with an ellipsis, `LONGEST` characters at most."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _spelled(values: pa.Array, row: int) -> str:
    kind = values.type
    if pa.types.is_temporal(kind):
        # Python has no nanoseconds and no year 10000; Arrow's own text has.
        text: str = values.slice(row, 1).cast(pa.string())[0].as_py()
        return text if not text.startswith("<") else f"{_ticks(values, row)} as {kind}"
    if pa.types.is_nested(kind):
        return str(values[row])
    value = values[row].as_py()
    # Cut before quoting: a value may be of many megabytes.
    return repr(value[: LONGEST + 1]) if isinstance(value, str | bytes) else str(value)


def _ticks(values: pa.Array, row: int) -> int:
    integer = pa.int32() if values.type.bit_width == 32 else pa.int64()
    ticks: int = values.view(integer)[row].as_py()
    return ticks
