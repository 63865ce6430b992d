"""The encoding `mysql/rows`: rows of a MySQL table for one whose columns are of the same types, whatever they hold.

Lines as `lines/tab` has them, but that bytes are hexadecimal digits and a BIT is its number. So values pass that Arrow
has no place for: zero dates, days 0 of a month. Imported on first use: needs numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from starhaul_stores.mysql.decode import as_strings, loaded
from starhaul_stores.mysql.encode import Form, Sent, as_file, as_hex
from starhaul_stores.mysql.line_loading import form_of
from starhaul_stores.mysql.lines import typed
from starhaul_stores.mysql.rows import Values
from starhaul_stores.mysql.types import Declared
from starhaul_stores.relational.lines import Data, values_of


def has_rows(kinds: Sequence[Declared]) -> bool:
    """Whether columns of these types can be read so: all but texts that are not what the server believes."""
    return not any(kind.encoding for kind in kinds)


def as_own_rows(block: Sequence[Values], kinds: Sequence[Declared]) -> pa.Buffer:
    """The rows of a block off the wire."""
    return as_file([_sent(values.gathered(), kind) for values, kind in zip(block, kinds, strict=True)])


def _sent(values: pa.Array, kind: Declared) -> Sent:
    form = form_of(kind)
    if form == "hex":
        return Sent(as_hex(values), form)
    if form == "bits":
        return Sent(loaded(values, kind).values.cast(pa.uint64()).cast(pa.string()), form)
    return Sent(as_strings(values), form)


def decoded(data: Data, schema: pa.Schema, kinds: Sequence[Declared]) -> pa.RecordBatch:
    """Some rows in the reader's schema, or as texts if a value has no place there."""
    rows = values_of(data)
    columns = [[_value(row[n], form_of(kind)) for row in rows] for n, kind in enumerate(kinds)]
    return typed([pa.array(column, pa.binary()) for column in columns], schema, kinds)


def _value(text: bytes | None, form: Form) -> bytes | None:
    """As the wire would carry it."""
    if text is None or form == "text":
        return text
    return bytes.fromhex(text.decode()) if form == "hex" else int(text).to_bytes(8, "big")
