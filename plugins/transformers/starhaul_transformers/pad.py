"""`dx_pad`: texts of one length."""

from __future__ import annotations

import pyarrow as pa

from starhaul import ConfigError, Task, Transformer
from starhaul_transformers.target import ColumnParams, as_text, integer, position, replaced, texts, with_text


class Pad(Transformer[ColumnParams]):
    """Brings a text to one length: `paras` are `l` or `r` (the side to pad), the length, and the text to pad with.

    The text to pad with is repeated, and cut, as it needs. A longer value keeps its first characters, on either side.
    Null counts as an empty text. A column of another type becomes text first, as the job's `conversion` says.
    Characters are counted; DataX counts units of UTF-16, of which an emoji has two.
    """

    name = "dx_pad"
    params_type = ColumnParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        self._padding()
        return with_text(source, position(self.params, source), self.formats)

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        import pyarrow.compute as pc

        left, length, pad = self._padding()
        index = position(self.params, batch.schema)
        rows, text = as_text(batch, index, task, self.formats)
        text = pc.fill_null(text, "")
        missing = pc.dictionary_encode(pc.subtract(length, pc.utf8_length(text)))
        padding = _paddings(pad, missing.dictionary.to_pylist(), text.type).take(missing.indices)
        cut = pc.utf8_slice_codeunits(text, 0, length)
        pair = (padding, cut) if left else (cut, padding)
        return replaced(rows, index, pc.binary_join_element_wise(*pair, pa.scalar("", text.type)))

    def _padding(self) -> tuple[bool, int, str]:
        side, length, pad = texts(self.params, "l or r", "length", "text to pad with")
        if side.lower() not in ("l", "r"):
            raise ConfigError("paras", f"the side is {side!r}", "write l to pad on the left, r to pad on the right")
        if not pad:
            raise ConfigError("paras", "the text to pad with is empty", "write at least one character")
        return side.lower() == "l", integer(length, "length"), pad


def _paddings(pad: str, lengths: list[int], text_type: pa.DataType) -> pa.Array:
    """The beginning of endless repetitions of `pad`, in each of these lengths; nothing for negative ones."""
    endless = pad * (max(lengths, default=0) // len(pad) + 1)
    return pa.array([endless[: max(length, 0)] for length in lengths], text_type)
