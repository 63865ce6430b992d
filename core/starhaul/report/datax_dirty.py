"""Rejected rows as DataX logs them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

HIDDEN = "***"
_READING = ("read", "transform")


class DirtyRecords:
    """Makes DataX's message of each rejected row, as long as its task's side did not have enough of them. Without
    `values` neither values nor reasons, which may hold some, are shown. Safe from any thread."""

    def __init__(self, *, values: bool) -> None:
        self._values = values
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str, str]] = Counter()

    def record(self, line: Mapping[str, Any], logged: int) -> tuple[str, str] | None:
        """Side (`reader` or `writer`) and message for a line of a reject file; None after the first `logged` ones of
        that side of the task (-1: never)."""
        side = "reader" if str(line["stage"]).startswith(_READING) else "writer"
        place = (line["stream"], line["task"], side)
        with self._lock:
            self._seen[place] += 1
            if 0 <= logged < self._seen[place]:
                return None
        message = line["reason"] if self._values else "hidden; the reject file tells it"
        record = list(_columns(line, values=self._values))
        told = {"type": side, "message": message, "exception": message, "record": record}
        return side, f"脏数据: {json.dumps(told, ensure_ascii=False, separators=(',', ':'))}"


def _columns(line: Mapping[str, Any], *, values: bool) -> Iterator[dict[str, Any]]:
    if "arrow" not in line:
        return
    from starhaul.runs.rejects import decode

    schema = decode(line["arrow"]).schema
    for index, (field, value) in enumerate(zip(schema, line["row"].values(), strict=True)):
        size = 0 if value is None else len(value)
        raw = value if values or value is None else HIDDEN
        yield {"byteSize": size, "index": index, "rawData": raw, "type": _kind(str(field.type))}


def _kind(arrow: str) -> str:
    """DataX's name for a type of Arrow's."""
    kinds = {"int": "LONG", "uint": "LONG", "float": "DOUBLE", "double": "DOUBLE", "decimal": "DOUBLE",
             "bool": "BOOL", "date": "DATE", "time": "DATE", "binary": "BYTES", "large_binary": "BYTES",
             "fixed_size_binary": "BYTES", "halffloat": "DOUBLE", "null": "NULL"}  # fmt: skip
    return next((kind for start, kind in kinds.items() if arrow.startswith(start)), "STRING")
