"""Columns of text to delimited text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import pyarrow as pa

from starhaul_stores.files.delimited.dialect import overlaps_itself

PLAIN = "0123456789+-.Etruefals"
"""What numbers, days and truth values consist of as text."""
_BOM = "\ufeff"
_STAND_INS = bytes([*range(1, 9), *range(14, 32)])
"""Control characters that may stand in for what `pyarrow.csv` does not write bare."""


@dataclass(frozen=True, slots=True)
class Style:
    """How rows are written as delimited text."""

    delimiter: str = ","
    quote: str | None = '"'
    """Put around values that need it; None: nothing is quoted, and values that would need it are refused."""
    backslash: bool = False
    """A quote inside a quoted value is escaped with a backslash, and so is a backslash, instead of being doubled."""
    line_end: str = "\n"
    null: str = "\\N"
    always_quote: bool = False
    """Quote every value but null."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Some rows as text."""

    data: bytes
    """UTF-8, every row with its line end; without the rows in `refused`."""
    refused: Mapping[int, str] = field(default_factory=dict)
    """Row → why it cannot be written."""


class Renderer:
    """Renders batches in one style. Values are told apart exactly: what is written reads back as it was, null and
    empty text included, or is refused. Holds no state, so one may serve several threads."""

    def __init__(self, style: Style) -> None:
        self._style = style
        # Of a delimiter such as `||` a single `|` before it is enough to shift it.
        delimiters = list(style.delimiter) if overlaps_itself(style.delimiter) else [style.delimiter]
        self._structure = tuple(dict.fromkeys([*delimiters, "\n", "\r", style.line_end]))
        marks = [] if style.quote is None else [style.quote, "\\"] if style.backslash else [style.quote]
        self._special = (*self._structure, *marks)
        simple = style.quote in (None, '"') and not style.backslash
        special = {*"".join(self._special), *style.null}
        self._takes_plain = not (style.always_quote or special & set(PLAIN))
        self._takes_pyarrow = simple and len(style.delimiter.encode()) == 1 and style.line_end == "\n"

    def render(
        self, names: Sequence[str], columns: Sequence[pa.Array], plain: Collection[int] = frozenset()
    ) -> Rendered:
        """Rows of string columns as text; there must be one column at least. `names` are for the reasons. The columns
        at the positions `plain` hold nothing but `PLAIN` characters, and no empty text: they need not be looked at."""
        plain = plain if self._takes_plain else frozenset()
        looked_at = [index for index in range(len(columns)) if index not in plain]
        refused = self._refused(names, columns, looked_at) if self._style.quote is None else {}
        if refused:
            keep = pa.array([row not in refused for row in range(len(columns[0]))], pa.bool_())
            columns = [column.filter(keep) for column in columns]
        contents = [b"" if index in plain else bytes_of(column) for index, column in enumerate(columns)]
        marked = [
            None if index in plain else self._marked(columns, index, content) for index, content in enumerate(contents)
        ]
        data = self._by_pyarrow(columns, contents, marked) if self._takes_pyarrow else None
        return Rendered(bytes_of(self._lines(columns, marked)) if data is None else data, refused)

    def lines(self, columns: Sequence[pa.Array]) -> pa.StringArray:
        """Each row as text, with its line end. None of them may be one that `render` refuses."""
        return self._lines(
            columns, [self._marked(columns, index, bytes_of(column)) for index, column in enumerate(columns)]
        )

    def _lines(self, columns: Sequence[pa.Array], marked: Sequence[pa.Array | None]) -> pa.StringArray:
        import pyarrow.compute as pc

        style = self._style
        texts = [
            column if mark is None else pc.replace_with_mask(column, mark, self._quoted(column.filter(mark)))
            for column, mark in zip(columns, marked, strict=True)
        ]
        texts = [pc.fill_null(text, style.null) if text.null_count else text for text in texts]
        texts[-1] = pc.binary_join_element_wise(texts[-1], style.line_end, "")
        return texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, style.delimiter)

    def _by_pyarrow(
        self, columns: Sequence[pa.Array], contents: Sequence[bytes], marked: Sequence[pa.Array | None]
    ) -> bytes | None:
        """By `pyarrow.csv`, which writes bare values fast, and quotes either all texts or none. So the values that are
        quoted here go through it with control characters in place of what it would refuse. None if none are free."""
        import pyarrow.compute as pc
        import pyarrow.csv

        marked = [
            pc.match_substring(column, '"') if mark is None and b'"' in content else mark  # pyarrow refuses it bare
            for column, content, mark in zip(columns, contents, marked, strict=True)
        ]
        guards: Mapping[int, int] | None = {}
        if any(mark is not None for mark in marked):
            guards = self._guards(contents)
        if guards is None:
            return None
        texts = [
            column if mark is None else pc.replace_with_mask(column, mark, self._guarded(column.filter(mark), guards))
            for column, mark in zip(columns, marked, strict=True)
        ]
        texts = [pc.fill_null(text, self._style.null) if text.null_count else text for text in texts]
        batch = pa.RecordBatch.from_arrays(texts, names=[str(index) for index in range(len(texts))])
        sink = pa.BufferOutputStream()
        options = pyarrow.csv.WriteOptions(
            include_header=False,
            batch_size=max(batch.num_rows, 1),
            delimiter=self._style.delimiter,
            quoting_style="none",
        )
        pyarrow.csv.write_csv(batch, sink, options)
        data = sink.getvalue().to_pybytes()
        return data.translate(bytes.maketrans(bytes(guards.values()), bytes(guards))) if guards else data

    def _guards(self, contents: Sequence[bytes]) -> Mapping[int, int] | None:
        """Byte that pyarrow refuses → control character that occurs nowhere; None if too few are free."""
        style = self._style
        refused = f'"{style.delimiter}\n\r'.encode()
        others = (*contents, style.delimiter.encode(), style.null.encode())
        free = (byte for byte in _STAND_INS if not any(byte in content for content in others))
        guards = dict(zip(refused, free, strict=False))
        return guards if len(guards) == len(refused) else None

    def _guarded(self, values: pa.Array, guards: Mapping[int, int]) -> pa.Array:
        import pyarrow.compute as pc

        values = self._quoted(values)
        for byte, stand_in in guards.items():
            values = pc.replace_substring(values, chr(byte), chr(stand_in))
        return values

    def _quoted(self, values: pa.Array) -> pa.Array:
        import pyarrow.compute as pc

        quote, backslash = self._style.quote, self._style.backslash
        if quote is None:
            return values
        escaped = pc.replace_substring(values, "\\", "\\\\") if backslash else values
        escaped = pc.replace_substring(escaped, quote, ("\\" if backslash else quote) + quote)
        return pc.binary_join_element_wise(quote, escaped, quote, "")

    def _marked(self, columns: Sequence[pa.Array], index: int, content: bytes) -> pa.BooleanArray | None:
        """Which values of a column are to be quoted; None if no value is."""
        import pyarrow.compute as pc

        if self._style.quote is None:
            return None
        if self._style.always_quote:
            return pc.is_valid(columns[index])
        masks = [mask for mask, _ in self._masks(columns, index, self._special, content)]
        return reduce(pc.or_, masks) if masks else None

    def _refused(self, names: Sequence[str], columns: Sequence[pa.Array], looked_at: Sequence[int]) -> dict[int, str]:
        """Rows that cannot be told apart without quotes."""
        import pyarrow.compute as pc

        refused: dict[int, str] = {}
        for index in looked_at:
            for mask, what in self._masks(columns, index, self._structure, bytes_of(columns[index])):
                for row in pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist():
                    refused.setdefault(row, f"{names[index]}: {what}, which text without quotes cannot tell apart")
        return refused

    def _masks(
        self, columns: Sequence[pa.Array], index: int, special: Sequence[str], content: bytes
    ) -> Iterator[tuple[pa.Array, str]]:
        """Which values of a column must not stand bare, as masks with some true value, each with what is wrong."""
        import pyarrow.compute as pc

        column, null = columns[index], self._style.null
        for text in special:
            if text.encode() in content:
                yield pc.match_substring(column, text), f"holds {text!r}"
        if null.encode() in content and pc.any(same := pc.equal(column, null)).as_py():
            yield same, f"is {null!r}, the text that stands for null"
        if len(columns) == 1 and self._style.quote and pc.any(empty := pc.equal(column, "")).as_py():
            yield empty, "is an empty line"
        if index == 0 and _BOM.encode() in content and pc.any(mark := pc.starts_with(column, _BOM)).as_py():
            yield mark, "begins with a byte order mark"


def bytes_of(column: pa.StringArray) -> bytes:
    """The bytes of all values, one after another."""
    _, offsets, data = column.buffers()
    if not len(column) or data is None:
        return b""
    positions = memoryview(offsets).cast("i")
    return bytes(memoryview(data)[positions[column.offset] : positions[column.offset + len(column)]])
