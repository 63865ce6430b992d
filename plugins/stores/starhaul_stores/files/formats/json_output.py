"""JSON lines, written."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

from starhaul import ConfigError, cast
from starhaul_stores.files.columns import is_bytes, to_base64
from starhaul_stores.files.encodings import Encoded
from starhaul_stores.files.formats.output import RowSink
from starhaul_stores.files.formats.text_output import TextOutput, expect_spelled


class JsonOutput(TextOutput):
    """`json`: an object in each line. Numbers keep their digits, nested values are JSON, all else is text as the hub
    makes it; NaN and infinity are no JSON, and their rows are rejected."""

    def check(self, schema: pa.Schema) -> None:
        super().check(schema)
        if len(set(schema.names)) != len(schema):
            raise ConfigError("column", "two columns have the same name", "a JSON object has a name once")
        expect_spelled(schema)

    @contextmanager
    def open(self, file: io.RawIOBase, schema: pa.Schema, memory: int) -> Iterator[RowSink]:
        with self.text(file) as text:
            yield _Rows(text, self.params.encoding, base64=self.params.byte_encoding is not None)


class _Rows(RowSink):
    def __init__(self, text: Encoded, encoding: str, *, base64: bool) -> None:
        self._text = text
        self._encoding = encoding
        self._base64 = base64

    def _shown(self, column: pa.Array) -> pa.Array:
        return to_base64(column) if self._base64 and is_bytes(column.type) else column

    def write(self, batch: pa.RecordBatch) -> Mapping[int, str]:
        columns = [self._shown(column) for column in batch.columns]
        objects = pa.StructArray.from_arrays(columns, names=batch.schema.names)
        result = cast(objects, pa.string())
        refused = result.misfits() | _nulls(batch)
        lines = result.values
        if refused:
            lines = lines.filter(pa.array([row not in refused for row in range(batch.num_rows)]))
        data = _joined(lines)
        if not self._text.takes(data):
            kept = [row for row in range(batch.num_rows) if row not in refused]
            takes = [self._text.takes(line.as_buffer()) for line in lines]
            lacking = f"holds a character that {self._encoding} has not"
            refused |= {row: lacking for row, taken in zip(kept, takes, strict=True) if not taken}
            data = _joined(lines.filter(pa.array(takes)))
        self._text.write(data)
        return refused


def _nulls(batch: pa.RecordBatch) -> dict[int, str]:
    """Rows with a JSON document that is `null`: a line cannot tell it from no value."""
    import pyarrow.compute as pc

    refused: dict[int, str] = {}
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if isinstance(field.type, pa.JsonType):
            null = pc.equal(pc.utf8_trim_whitespace(column.storage), "null")
            rows = pc.indices_nonzero(pc.fill_null(null, False)).to_pylist()
            refused |= dict.fromkeys(rows, f"{field.name}: the document `null` cannot be told from no value")
    return refused


def _joined(lines: pa.StringArray) -> bytes:
    """The lines with their ends."""
    if not len(lines):
        return b""
    import pyarrow.compute as pc

    whole: bytes = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines.cast(pa.binary())), b"\n")[0].as_py()
    return whole + b"\n"
