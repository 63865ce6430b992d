"""What Hive knows of its tables, by `DESCRIBE FORMATTED`, which every server answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.hive_types import hive_type
from starhaul_stores.hive.connection import Connection, quoted

_FORMATS = {
    "org.apache.hadoop.mapred.TextInputFormat": "text",
    "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat": "orc",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat": "parquet",
}
_LENGTH = re.compile(r"(?:var)?char\((\d+)\)")
_NULL = "serialization.null.format"
_OF_TEXT = (
    "escape.delim", "skip.header.line.count", "skip.footer.line.count", "serialization.encoding",
    "serialization.last.column.takes.rest", "timestamp.formats",
)  # fmt: skip
"""Properties that give text files another meaning."""
_PLAIN_TEXT = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


class NoSuchTableError(ConfigError):
    """There is no table of that name."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    type: str
    """By Hive's name, lower case."""

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of its values; text for one that nobody has heard of."""
        try:
            return hive_type(self.type)
        except ValueError:
            return pa.string()

    @property
    def length(self) -> int | None:
        """How many characters it takes; None if it is no `char(n)` or `varchar(n)`."""
        found = _LENGTH.fullmatch(self.type)
        return int(found[1]) if found else None

    def too_long(self, values: pa.Array) -> list[int]:
        """The rows with more characters than it takes, which Hive cuts off."""
        import pyarrow.compute as pc

        if self.length is None:
            return []
        longer = pc.greater(pc.utf8_length(values), pa.scalar(self.length, pa.int32()))
        found: list[int] = pc.indices_nonzero(pc.fill_null(longer, False)).to_pylist()
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view."""

    database: str
    name: str
    columns: Sequence[Column]
    partitioned_by: Sequence[Column]
    kind: str
    """`MANAGED_TABLE`, `EXTERNAL_TABLE`, `VIRTUAL_VIEW` or another word of Hive's."""
    location: str
    """URL of its directory; empty for a view."""
    input_format: str
    serde: str
    properties: Mapping[str, str]
    """Of the table and of its SerDe."""
    buckets: int = 0
    """How many it is clustered into; 0 if it is not."""

    @property
    def sql(self) -> str:
        """Its name as SQL."""
        return f"{quoted(self.database)}.{quoted(self.name)}"

    @property
    def format(self) -> str | None:
        """`text`, `orc` or `parquet`; None for another."""
        found = _FORMATS.get(self.input_format)
        return None if found == "text" and self.serde != _PLAIN_TEXT else found

    @property
    def counted(self) -> bool:
        """Whether Hive may answer questions by statistics, which know nothing of files that others put there, until it
        is told that they are not right. It never does so for external tables."""
        return self.kind == "MANAGED_TABLE"

    @property
    def delimiter(self) -> str:
        """What stands between the fields of a text file: a character, or the number of one (`LazyUtils.getByte`)."""
        told = self.properties.get("field.delim", self.properties.get("serialization.format", "1"))
        return chr(int(told)) if re.fullmatch("[+]?[0-9]+", told) and int(told) < 128 else told

    @property
    def null(self) -> str:
        """How NULL stands in a text file."""
        return self.properties.get(_NULL, "\\N")

    def obstacle(self) -> str:
        """Why its files cannot be read or written as they are, or an empty text."""
        if self.kind == "VIRTUAL_VIEW" or not self.location:
            return "it is a view"
        if self.properties.get("transactional", "").lower() == "true":
            return "it is transactional: its files hold rows that were deleted, and versions of others"
        if "storage_handler" in self.properties:
            return "its rows are in another store"
        if self.format is None:
            return f"its format is {self.input_format or self.serde}"
        for each in (*self.columns, *self.partitioned_by):
            if pa.types.is_nested(each.arrow) or (pa.types.is_timestamp(each.arrow) and each.arrow.tz):
                return f"column {each.name!r} is {each.type[:60]}"
        if self.format == "text":
            return self._obstacle_of_text()
        return ""

    def kept_otherwise(self, partition: Table) -> str:
        """Why files of the table's cannot stand in this partition, or an empty text. A partition keeps what it was
        made with when the table is changed."""
        if partition.format != self.format:
            return f"is {partition.format or 'of another format'}, not {self.format}"
        own = replace(partition, properties={**self.properties, **partition.properties})  # as Hive has it
        # blanks behind a partition's null are not told
        if self.format == "text" and (own.delimiter, own.null.rstrip(" ")) != (self.delimiter, self.null.rstrip(" ")):
            return f"has {own.delimiter!r} between fields and {own.null!r} for NULL, other than the table"
        return own.obstacle()

    def _obstacle_of_text(self) -> str:
        for name in _OF_TEXT:
            if self.properties.get(name, "0").lower() not in ("0", "utf-8", "false"):
                return f"its text files have {name} {self.properties[name]!r}"
        if self.properties.get("line.delim", "\n") != "\n" or len(self.delimiter.encode()) != 1:
            return "its text files have delimiters of their own kind"
        if self.delimiter in self.null:
            return f"its delimiter {self.delimiter!r} is part of {self.null!r}, which stands for NULL"
        return ""


def find_table(db: Connection, name: str, database: str) -> Table:
    """A table by its name, with or without a database. `ConfigError` if there is none."""
    schema, _, own = name.replace("`", "").rpartition(".")
    schema = schema or database
    try:
        told = db.rows(f"DESCRIBE FORMATTED {quoted(schema)}.{quoted(own)}")
    except PermanentError as error:
        if not any(sign in error.problem for sign in ("10001", "10072", "not found")):
            raise
        raise _no_such_table(db, schema, own) from error
    table = parsed(schema, own, told)
    if table.format != "text" or _NULL not in table.properties:
        return table
    return replace(table, properties={**table.properties, _NULL: _null_of(db, table)})


def _null_of(db: Connection, table: Table) -> str:
    """How NULL stands in a table's text files, to the last blank: DESCRIBE pads all cells, also an empty one."""
    told = table.null.rstrip(" ")
    answer = "\n".join(str(row[0]) for row in db.rows(f"SHOW CREATE TABLE {table.sql}"))
    found = re.search(rf"'{re.escape(_NULL)}'='({re.escape(told)} *)'", answer)
    if found is None and not told:
        hint = "read it by a query; ask Hive by SHOW CREATE TABLE"
        raise PermanentError(table.sql, f"Hive does not tell its {_NULL}", hint)
    return table.null if found is None else found[1]


def parsed(database: str, name: str, told: Sequence[Sequence[Any]]) -> Table:
    """What DESCRIBE FORMATTED answers: columns, then sections that begin with `#`, of pairs."""
    columns: list[Column] = []
    partitioned_by: list[Column] = []
    facts: dict[str, str] = {}
    properties: dict[str, str] = {}
    section = ""
    for first, second, third in ((*map(_text, row), "", "", "")[:3] for row in told):
        if first.startswith("#"):
            if first != "# col_name":
                section = first
        elif section == "" and first:
            columns.append(Column(first, second.lower()))
        elif section == "# Partition Information" and first:
            partitioned_by.append(Column(first, second.lower()))
        elif first.endswith(":"):
            facts[first.rstrip(": ")] = second
        elif not first and second:
            properties[second] = third.encode("latin-1", "backslashreplace").decode("unicode_escape")  # Java's escapes
    own = [column for column in columns if column.name not in {each.name for each in partitioned_by}]
    return Table(
        database, name, own, partitioned_by, facts.get("Table Type", ""), facts.get("Location", ""),
        facts.get("InputFormat", ""), facts.get("SerDe Library", ""), properties,
        int(number) if (number := facts.get("Num Buckets", "")).isdecimal() else 0,  # -1 of none
    )  # fmt: skip


def _text(value: Any) -> str:
    """A cell without the blanks that Hive pads it with. A delimiter may be a blank or a control character."""
    text = "" if value is None else str(value)
    padded = text.rstrip(" ")
    return padded if padded or not text else " "


def _no_such_table(db: Connection, database: str, name: str) -> ConfigError:
    try:
        there = [str(row[0]) for row in db.rows(f"SHOW TABLES IN {quoted(database)}")]
    except PermanentError as error:
        if "10072" not in error.problem and "not exist" not in error.problem:
            raise
        return ConfigError("table", f"there is no database {database!r}", "check `table` and `url`")
    close = get_close_matches(name.lower(), there, 3)
    hint = f"did you mean {' or '.join(close)}?" if close else "check `table`"
    return NoSuchTableError("table", f"there is no table {name!r} in {database!r}", hint)
