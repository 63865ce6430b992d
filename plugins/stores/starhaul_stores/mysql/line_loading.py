"""Rows in the encodings `lines/tab` and `mysql/rows`, into columns whose values LOAD DATA alters none of without a
warning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from starhaul import Block, PermanentError, Task, cast, native_type
from starhaul_stores.mysql.catalog import Column
from starhaul_stores.mysql.encode import Form
from starhaul_stores.mysql.insertion import Insertion
from starhaul_stores.mysql.types import Declared
from starhaul_stores.relational.lines import LINES, cut
from starhaul_stores.relational.refusal import Refused

ROWS = "mysql/rows"
"""Rows of MySQL for columns of the same types (see `own_rows`)."""

_WIDTH = re.compile(r"(?<=int)\(\d+\)")
"""How many digits a client is to show, which some versions leave out."""
_TEXTS = frozenset({"varchar", "tinytext", "text", "mediumtext", "longtext"})
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "integer", "bigint"})
_YEAR = re.compile(r"year(\(4\))?")
_DIGITS = re.compile(r"(?:datetime|timestamp|time)(?:\((\d)\))?(?P<zone> without time zone)?")
_MOMENTS = frozenset({"datetime", "timestamp", "time"})
_PADDED = re.compile(r"char(acter)?\(\d+\).*")
_MOST_DIGITS = 6


def encodings_for(source: pa.Schema, columns: Sequence[Column], accepted: pa.Schema, *, files: bool) -> Sequence[str]:
    """The encodings in which rows of a source can go to these columns, of a server that takes files or none."""
    lines = files and takes_lines(source, columns, accepted)
    return (*[LINES] * lines, *[ROWS] * _are_of_one_type(source, columns))


def takes_lines(source: pa.Schema, columns: Sequence[Column], accepted: pa.Schema) -> bool:
    """Whether a value of each column arrives as it would from Arrow: as it is, or with a warning."""
    return len(source) == len(columns) and all(map(_takes, source, columns, accepted.types))


def _takes(source: pa.Field, column: Column, accepted: pa.DataType) -> bool:
    kind, types, name = source.type, pa.types, column.type.name
    if kind != accepted or (column.not_null and source.nullable):
        return False  # the latter because AUTO_INCREMENT makes a number of NULL
    if types.is_string(kind):
        # Not ENUM, which takes digits for the place of a member. CHAR leaves out blanks at the end, which must be told
        # unless they are nothing but padding: MySQL's own CHAR has none, PostgreSQL's ignores them.
        return name in _TEXTS or (name == "char" and bool(_PADDED.fullmatch(native_type(source) or "")))
    if types.is_integer(kind):  # a YEAR makes 1970 of 70
        return name in _INTEGERS or (name == "year" and bool(_YEAR.fullmatch(native_type(source) or "")))
    if types.is_floating(kind):  # FLOAT(7,3) would round
        return column.type.text in ("float", "double")
    if types.is_timestamp(kind) or types.is_duration(kind):
        # The digits that a column does not keep are cut off without a word.
        return name in _MOMENTS and _digits(native_type(source) or "") <= column.type.digits
    return (types.is_decimal(kind) and name == "decimal") or (types.is_date(kind) and name == "date")


def _are_of_one_type(source: pa.Schema, columns: Sequence[Column]) -> bool:
    return len(source) == len(columns) and all(
        _WIDTH.sub("", native_type(field) or "") == _WIDTH.sub("", column.type.text)
        and not (column.not_null and field.nullable)
        for field, column in zip(source, columns, strict=True)
    )


def form_of(kind: Declared) -> Form:
    """What stands for a value in a line of `mysql/rows`."""
    return "bits" if kind.name == "bit" else "hex" if pa.types.is_binary(kind.arrow) else "text"


def _digits(told: str) -> int:
    """The digits of a second that a type keeps, by the store's own name of it."""
    found = _DIGITS.fullmatch(told)
    if found is None:
        return _MOST_DIGITS
    return int(found[1]) if found[1] else _MOST_DIGITS if found["zone"] else 0


@dataclass(slots=True)
class LineLoading:
    """Lines on their way into one table. A chunk that is refused goes once more by `insertion`, as Arrow."""

    insertion: Insertion
    task: Task
    encoding: str
    _held: list[Block] = field(default_factory=list)
    _known: pa.Schema | None = None

    def load(self, blocks: Iterable[Block]) -> None:
        """Write all rows, in chunks of about as many bytes as `insertion` sends at once. Raises `PermanentError` if the
        table does not take the encoding any more."""
        most = self.insertion.most_rows
        for block in blocks:
            if block.schema is not self._known:
                self._require_taken(block.schema)
            for start in range(0, block.num_rows, most):
                some = cut(block, start, most)
                if self._rows + some.num_rows > most:
                    self._send()
                self._held.append(some)
                if sum(each.nbytes for each in self._held) >= self.insertion.most_bytes:
                    self._send()
        self._send()

    def _require_taken(self, source: pa.Schema) -> None:
        columns = self.insertion.target.columns
        if self.encoding not in encodings_for(source, columns, self.task.schema, files=True):
            told = "its columns have changed since the run was planned"
            raise PermanentError(self.insertion.target.table, told, "do not change them once a run is planned")
        self._known = source

    @property
    def _rows(self) -> int:
        return sum(each.num_rows for each in self._held)

    def _send(self) -> None:
        held, self._held = self._held, []
        if held and self._refusal(held):
            for block in held:
                self._convert(block)
            self.insertion.flush()

    def _refusal(self, blocks: Sequence[Block]) -> str:
        """Send rows; why the server does not take all of them as they are, or an empty text."""
        files = self.insertion.target.takes_files
        if not files and self.encoding != ROWS:
            return "the server takes no files"
        try:
            rows = sum(block.num_rows for block in blocks)
            pieces = [block.data for block in blocks]
            if files:
                self.insertion.load(pieces, self._forms, rows)
            else:
                self.insertion.insert_lines(pieces, self._forms)
        except Refused as refused:
            return refused.problem
        return ""

    @property
    def _forms(self) -> list[Form]:
        return [form_of(column.type) if self.encoding == ROWS else "text" for column in self.insertion.target.columns]

    def _convert(self, block: Block) -> None:
        """Write rows that were refused as Arrow. Where a value has no place there, in halves as they came, down to the
        row that is to blame."""
        batch = block.decode(block.data)
        if batch.schema.types == self.task.schema.types:
            self.insertion.write(pa.RecordBatch.from_arrays(batch.columns, schema=self.task.schema))
        elif block.num_rows > 1:
            half = block.num_rows // 2
            for part in (cut(block, 0, half), cut(block, half, block.num_rows - half)):
                if self._refusal([part]):
                    self._convert(part)
        else:
            self.insertion.flush()
            if reason := self._refusal([block]):
                self.task.reject(batch, 0, self._explained(batch, reason))

    def _explained(self, texts: pa.RecordBatch, reason: str) -> str:
        """The server's words, with the value that they are about."""
        for column, wanted in zip(texts.columns, self.task.schema, strict=True):
            if cast(column, wanted.type).bad is not None:
                return f"column {wanted.name!r}: {column[0].as_py()!r:.100} is no {wanted.type}: {reason}"
        return reason
