"""Text that is none: Arrow takes for text whatever bytes a library hands over, and looks at them only when asked."""

from __future__ import annotations

import pyarrow as pa

from starhaul.convert.cast import Cast


def checked_text(values: pa.Array) -> Cast:
    """The column, with null in the rows that hold text which is no UTF-8, also within lists, structs and maps. For
    readers whose library does not look: all batches hold valid text."""
    if _is_sound(values):
        return Cast(values)
    from starhaul.convert.attempt import blank, refused_rows  # Arrow's kernels come with it

    plain = _plain(values)
    bad = refused_rows(plain, _expect_sound)
    rows = pa.array(range(len(values)), pa.int64())
    # Taken also if no row is to blame: then it was beneath a null.
    kept = values.take(rows if bad is None else blank(rows, bad))
    return Cast(kept, bad, lambda row: _explained(plain, row))


def legible(row: pa.RecordBatch) -> pa.RecordBatch:
    """A batch of one row with U+FFFD in place of what is no text, fit to be shown and stored. Nested values that hold
    such become text."""
    columns = [column if _is_sound(column) else _legible(_plain(column)) for column in row.columns]
    return pa.RecordBatch.from_arrays(columns, names=row.schema.names)


def _plain(values: pa.Array) -> pa.Array:
    """The values in the type they are kept in, neither an extension nor a dictionary."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    return values.dictionary_decode() if isinstance(values, pa.DictionaryArray) else values


def _holds_text(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        kind = kind.value_type
    if pa.types.is_nested(kind):
        return any(_holds_text(kind.field(number).type) for number in range(kind.num_fields))
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def _is_sound(values: pa.Array) -> bool:
    if not _holds_text(values.type):
        return True
    try:
        values.validate(full=True)
    except pa.ArrowInvalid as error:
        return "UTF8" not in str(error)
    return True


def _expect_sound(values: pa.Array) -> pa.Array:
    """A kernel, as `attempt` has them: raises `pa.ArrowInvalid` if a row holds what is no text."""
    from starhaul.convert.attempt import keep

    # A slice shares what is nested in it with the others.
    if not _is_sound(values) and not _is_sound(keep(values, range(len(values)))):
        raise pa.ArrowInvalid("holds bytes that are no UTF-8")
    return values


def _explained(values: pa.Array, row: int) -> str:
    octets = _octets(values, row)
    shown = "" if octets is None else f": '{octets.decode(errors='backslashreplace'):.100}'"
    return f"holds bytes that are no UTF-8{shown}"


def _legible(column: pa.Array) -> pa.Array:
    octets = _octets(column, 0)
    if octets is None:
        return pa.array([column.to_string(skip_new_lines=True)[1:-1]], pa.string())
    return pa.array([octets.decode(errors="replace")], column.type)


def _octets(values: pa.Array, row: int) -> bytes | None:
    """The bytes of a text; None where the values are no texts."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    buffer = values[row].as_buffer()
    return b"" if buffer is None else bytes(buffer.to_pybytes())
