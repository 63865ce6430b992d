"""`dx_replace`: another text in place of a part of a text."""

from __future__ import annotations

import pyarrow as pa

from starhaul import Task, Transformer
from starhaul_transformers.target import ColumnParams, as_text, integer, position, reaching, replaced, texts, with_text


class Replace(Transformer[ColumnParams]):
    """Replaces a part of a text: `paras` are its start, counted from 0, its length, and what comes in its place.

    A part that reaches beyond the end is cut there; a row whose text ends before the start is rejected; null stays
    null. A column of another type becomes text first, as the job's `conversion` says.
    Characters are counted; DataX counts units of UTF-16, of which an emoji has two.
    """

    name = "dx_replace"
    params_type = ColumnParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        self._window()
        return with_text(source, position(self.params, source), self.formats)

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        import pyarrow.compute as pc

        start, length, replacement = self._window()
        index = position(self.params, batch.schema)
        rows, text = as_text(batch, index, task, self.formats)
        rows, text = reaching(rows, text, index, start, task)
        return replaced(rows, index, pc.utf8_replace_slice(text, start, start + length, replacement))

    def _window(self) -> tuple[int, int, str]:
        start, length, replacement = texts(self.params, "start", "length", "replacement")
        return integer(start, "start"), integer(length, "length"), replacement
