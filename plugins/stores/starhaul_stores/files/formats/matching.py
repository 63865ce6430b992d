"""What files with fields of their own share: whose fields are taken, and how damage is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from starhaul import PermanentError, checked_text
from starhaul_stores.files.formats.input import Raw, Selection
from starhaul_stores.files.places.source import Source

BATCH_BYTES = 4 << 20
"""About how large a block is, in memory."""
_MOST_ROWS = 65536


def plain(schema: pa.Schema) -> pa.Schema:
    """Fields with the types that values have whatever way they are encoded, and without a library's own metadata."""
    return pa.schema([pa.field(field.name, _plain(field.type), field.nullable) for field in schema])


def taken(there: Sequence[str], selection: Selection, name: str, *, missing_as_null: bool) -> list[int | None]:
    """Where the wanted fields of the dataset stand in one file, by their names; None where it lacks one that may be
    null. `PermanentError` if it lacks one, has one twice, or has more than the first file where all are wanted."""
    wanted = selection.names
    there = list(there) if selection.meant is None else list(selection.meant(there, name))
    if selection.width is not None and (more := [each for each in there if each not in wanted]):
        raise PermanentError(name, f"has a column {more[0]!r}, which the first file has not", "name the columns")
    found: list[int | None] = []
    for each in wanted:
        count = there.count(each)
        if count > 1:
            raise PermanentError(name, f"has several columns {each!r}")
        if not count and not missing_as_null:
            has = ", ".join(map(repr, there[:20]))
            raise PermanentError(
                name, f"has no column {each!r}, which the first file has", f"it has {has}; `missingAsNull` allows it"
            )
        found.append(there.index(each) if count else None)
    return found


def rows_at_once(rows: int, size: int) -> int:
    """How many rows make a block, where `rows` rows have `size` bytes."""
    return max(1, min(_MOST_ROWS, BATCH_BYTES * rows // max(size, 1)))


def sound(columns: Sequence[pa.Array], selection: Selection) -> tuple[list[pa.Array], dict[int, str]]:
    """The wanted columns with null in place of text that is no UTF-8, and `Block.broken`. Libraries for files that have
    text of their own hand it over as it stands there."""
    casts = [checked_text(column) for column in columns]
    broken: dict[int, str] = {}
    for name, cast in zip(selection.names, casts, strict=True):
        for row, reason in cast.misfits().items():
            broken.setdefault(row, f"{name}: {reason}")
    return [cast.values for cast in casts], broken


def raw_row(batch: pa.RecordBatch, name: str, first: int, row: int) -> Raw:
    """A row of a batch whose first row is number `first` of the file, from 0."""
    return Raw(batch, row, f"{name}: row {first + row + 1}")


@contextmanager
def damage_told(source: Source, form: str) -> Iterator[None]:
    """Tells what a library complains of as damage to a file, unless it could not be read in the first place."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, OverflowError, ValueError) as error:
        if source.failure is not None:
            raise source.failure from error
        problem = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise PermanentError(
            source.name, f"cannot be read as {form}: {problem}", "is it damaged, or is `fileFormat` wrong?"
        ) from error


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _plain(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.string()
    return pa.binary() if pa.types.is_binary_view(kind) else kind
