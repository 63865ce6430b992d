"""Values through a text file and back: the file is all that the two jobs share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeAlias

from starhaul import run
from starhaul.runs.rejects import read_rejects
from tests.fidelity.databases import Database
from tests.fidelity.forms import told
from tests.fidelity.values import Form, Store

FileFormat: TypeAlias = Literal["csv", "text"]
FORMATS: tuple[FileFormat, ...] = ("csv", "text")
_numbers = count(1)


@dataclass(frozen=True)
class Filed:
    """Values of a type on their way through a file."""

    type: str
    form: Form
    values: Sequence[str | None]
    """Texts."""
    rejected: Mapping[str, str] = field(default_factory=dict)
    """Those that `fileFormat` `text` rejects on their way out, each with what must occur in the reason."""
    read_as: str = "string"
    """The `type` that the job gives the column on the way back."""

    def expected(self, value: str | None, style: FileFormat) -> str:
        """What must become of a value."""
        reason = self.rejected.get(value or "") if style == "text" else None
        return f"rejected: {reason}" if reason else "equal"


_UNQUOTED = "which text without quotes cannot tell apart"
TEXTS = (None, "", "\\N", 'say "so"', "a,b", "a\nb", "a\r\nb", "a\\b", " x ", "null", "😀", "#x")
_REJECTED = {"\\N": "null", "a,b": _UNQUOTED, "a\nb": _UNQUOTED, "a\r\nb": _UNQUOTED}
FILED: Mapping[Store, tuple[Filed, ...]] = {
    "mysql": (
        Filed("text", "text", (*TEXTS, "a\0b"), _REJECTED),
        Filed("time", "duration", ("-838:59:59", "838:59:59", "24:00:00", "-00:00:01"), read_as="duration(s)"),
        Filed("time(6)", "duration", ("-838:59:59.999999", "838:59:59.999999", "-00:00:00.000001"),
              read_as="duration(us)"),
    ),
    "postgresql": (
        Filed("text", "text", TEXTS, _REJECTED),
        Filed("interval", "duration", ("-838:59:59", "838:59:59.999999", "-00:00:00.000001")),
    ),
}  # fmt: skip
"""Text on its way into MySQL's TIME is taken for a time of day, unless the job says that it is a duration."""


def round_trip(filed: Filed, base: Database, style: FileFormat, folder: Path) -> list[str]:
    """What became of each value: `equal`, `rejected: REASON` or `differs: SENT | ARRIVED`, as the database tells it."""
    number = next(_numbers)
    source, target, file = f"filed_{number}", f"filed_{number}_back", f"{number}.txt"
    for table in (source, target):
        base.execute(f"CREATE TABLE {table} (v {filed.type} NULL, id int)")
    for row, value in enumerate(filed.values):
        base.execute(f"INSERT INTO {source} VALUES ({_literal(base, value, filed.type)}, {row})")
    tolerated = {"errorLimit": {"record": len(filed.values)}}
    out = {"name": "txtfile", "path": str(folder), "fileName": file, "writeMode": "truncate", "singleFile": True}
    into = {"name": "txtfile", "path": str(folder / file), "fileFormat": style, "nullFormat": "\\N",
            "column": [{"index": 0, "type": filed.read_as}, {"index": 1, "type": "long"}]}  # fmt: skip
    rejected = _run({**base.address(), "table": source}, {**out, "fileFormat": style}, tolerated, folder)
    assert _run(into, {**base.address(), "table": target}, tolerated, folder) == {}
    tell = told(base.store, filed.form, "v", base.types(source)["v"])
    before, after = (dict(base.execute(f"SELECT id, {tell} FROM {table}")) for table in (source, target))
    assert after.keys() == before.keys() - rejected.keys()
    return [
        f"rejected: {rejected[row]}" if row in rejected
        else "equal" if before[row] == after[row] else f"differs: {before[row]} | {after[row]}"
        for row in range(len(filed.values))
    ]  # fmt: skip


def _run(reader: dict[str, Any], writer: dict[str, Any], settings: dict[str, Any], folder: Path) -> dict[int, str]:
    """Run a job; the ids of the rejected rows, with the reasons."""
    report = run({"reader": reader, "writer": writer, "settings": settings}, state=folder / "state")
    assert report.state == "done", report.error
    lines = read_rejects(Path(report.rejects)) if report.rejects else ()
    return {int(line["row"]["id"]): line["reason"] for line in lines}


def _literal(base: Database, value: str | None, kind: str) -> str:
    if value is None:
        return "NULL"
    digits = value.encode().hex()
    if base.store == "mysql":
        return f"CONVERT(x'{digits}' USING utf8mb4)"
    return f"convert_from('\\x{digits}', 'UTF8')::{kind}"
