"""`dx_digest`: the MD5 or SHA-1 of a text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pyarrow as pa

from starhaul import ConfigError, Task, Transformer
from starhaul_transformers.target import ColumnParams, as_text, position, replaced, texts, with_text


class Digest(Transformer[ColumnParams]):
    """Replaces a value by a hash of its text (in UTF-8; as the job's `conversion` says), in hexadecimal digits.

    `paras` are `md5` or `sha1`, and `toUpperCase` or `toLowerCase`. Null counts as an empty text. The case of
    `paras` does not matter. In DataX it does, without a word: `MD5` there yields SHA-1, and `TOUPPERCASE` lower case
    letters.
    """

    name = "dx_digest"
    params_type = ColumnParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        self._form()
        return with_text(source, position(self.params, source), self.formats)

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        new, upper = self._form()
        index = position(self.params, batch.schema)
        rows, text = as_text(batch, index, task, self.formats)
        values = text.view(pa.large_binary() if pa.types.is_large_string(text.type) else pa.binary()).to_pylist()
        digests = [new(value or b"", usedforsecurity=False).hexdigest() for value in values]
        return replaced(rows, index, pa.array([d.upper() for d in digests] if upper else digests, text.type))

    def _form(self) -> tuple[Callable[..., hashlib._Hash], bool]:
        """The hash function, and whether its digits are upper case."""
        algorithm, case = (text.lower() for text in texts(self.params, "md5 or sha1", "toUpperCase or toLowerCase"))
        if algorithm not in ("md5", "sha1"):
            raise ConfigError("paras", f"{self.params.paras[0]!r} is no known hash", "write md5 or sha1")
        if case not in ("touppercase", "tolowercase"):
            raise ConfigError("paras", f"{self.params.paras[1]!r} is no case", "write toUpperCase or toLowerCase")
        return hashlib.md5 if algorithm == "md5" else hashlib.sha1, case == "touppercase"
