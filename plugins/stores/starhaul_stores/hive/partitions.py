"""What Hive knows of the partitions of a table: each has a location and a format of its own.

`DESCRIBE FORMATTED` tells of one. `EXPLAIN EXTENDED` of a query tells of all that it would read, with locations that
the server itself goes to, and many times as fast. As it is for people, what is not understood to the last line
is asked for one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from starhaul import PermanentError
from starhaul_stores.files.partitions import NULL, values_in
from starhaul_stores.hive.catalog import Column, Table, parsed
from starhaul_stores.hive.connection import Connection, literal, quoted

_FEW = 8
"""So many partitions are asked for one by one."""
_AT_ONCE = 250
"""Partitions in the condition of one query."""
_LINES = 5000


def find_partitions(db: Connection, table: Table) -> dict[str, Mapping[str, str | None]]:
    """The partitions of a table: their folders, and the value of each column."""
    return {folder: values_in(f"{folder}/") for (folder,) in db.rows(f"SHOW PARTITIONS {table.sql}")}


def partition_sql(table: Table, values: Mapping[str, str | None]) -> str:
    """`PARTITION (…)` for one of its partitions."""
    return f"PARTITION ({', '.join(_equations(values))})"


def is_in(table: Table, values: Mapping[str, str | None]) -> str:
    """The condition that a row is in a partition. Without a value, a column of text has the folder's name for it in
    Hive, and any other is NULL."""
    texts = {each.name for each in table.partitioned_by if pa.types.is_string(each.arrow)}
    conditions = [
        f"{quoted(name)} IS NULL" if value is None and name not in texts else next(_equations({name: value}))
        for name, value in values.items()
    ]
    return f"({' AND '.join(conditions)})"


def find_partition(db: Connection, table: Table, values: Mapping[str, str | None]) -> Table | None:
    """A partition; None if there is none."""
    try:
        told = db.rows(f"DESCRIBE FORMATTED {table.sql} {partition_sql(table, values)}")
    except PermanentError as error:
        if "10006" in error.problem or "not found" in error.problem.lower():
            return None
        raise
    return parsed(table.database, table.name, told)


def describe_partitions(
    db: Connection, table: Table, chosen: Mapping[str, Mapping[str, str | None]], every: bool
) -> dict[str, Table]:
    """Partitions by their folders, without those that are gone. `every`: these are all there are."""
    found: dict[str, Table] = {}
    if len(chosen) > _FEW:
        plain = {folder: values for folder, values in chosen.items() if not any(map(_breaks, values.values()))}
        for condition in [""] if every and len(plain) == len(chosen) else _conditions(table, list(plain.values())):
            told = _explained(db, table, condition)
            found |= {folder: told[key] for folder, values in plain.items() if (key := _key(values)) in told}
    for folder in chosen.keys() - found.keys():
        one = find_partition(db, table, chosen[folder])
        if one is not None:
            found[folder] = one
    return {folder: found[folder] for folder in chosen if folder in found}


def _equations(values: Mapping[str, str | None]) -> Iterator[str]:
    return (f"{quoted(name)}={literal(NULL if value is None else value)}" for name, value in values.items())


def _conditions(table: Table, chosen: Sequence[Mapping[str, str | None]]) -> Iterator[str]:
    for start in range(0, len(chosen), _AT_ONCE):
        yield " WHERE " + " OR ".join(is_in(table, each) for each in chosen[start : start + _AT_ONCE])


def _breaks(value: str | None) -> bool:
    """Whether the value would break the lines that it is told in."""
    return value is not None and not value.isprintable()


def _key(values: Mapping[str, str | None]) -> tuple[str, ...]:
    return tuple(NULL if value is None else value for value in values.values())


def _explained(db: Connection, table: Table, condition: str) -> dict[tuple[str, ...], Table]:
    """The partitions that a query would read, by their values, as far as they are understood."""
    query = f"EXPLAIN EXTENDED SELECT * FROM {table.sql}{condition} LIMIT 1"
    try:
        with db.result(query, _LINES) as (_, blocks):
            lines = (str(line, "utf-8", "replace") for (texts, *_) in blocks for line in texts.to_pylist())
            return _partitions_in(lines, table)
    except PermanentError:  # more than the server allows at once, for instance
        return {}


def _partitions_in(lines: Iterator[str], table: Table) -> dict[tuple[str, ...], Table]:
    """A partition is told so, and what is indented by two more belongs to the line before:

    input format: org.apache.hadoop.mapred.TextInputFormat
    output format: …
    partition values:
      dt 2026-11-22
    properties:
      location hdfs://…
    serde: org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe
    """
    inside = [each.name for each in table.partitioned_by]
    found: dict[tuple[str, ...], Table] = {}
    input_format = ""
    for line in lines:
        name, _, value = line.strip().partition(": ")
        if name == "input format":
            input_format = value
        if line.strip() != "partition values:":
            continue
        indent = len(line) - len(line.lstrip())
        values, end = _pairs(lines, indent)
        properties, serde = _pairs(lines, indent) if end == "properties:" else ([], "")
        facts = dict(properties)
        columns = _columns(facts) if len(facts) == len(properties) and serde.startswith("serde: ") else []
        named = facts.get("name", "").lower() == f"{table.database}.{table.name}".lower()
        if named and columns and facts.get("location") and [name for name, _ in values] == inside:
            found[tuple(value for _, value in values)] = Table(
                table.database, table.name, columns, table.partitioned_by, "", facts["location"], input_format,
                serde.removeprefix("serde: "), facts,
            )  # fmt: skip
    return found


def _pairs(lines: Iterator[str], indent: int) -> tuple[list[tuple[str, str]], str]:
    """Names and values, and the line behind them. A value that has lines continues without its indentation."""
    pairs: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith(" " * (indent + 2)) and line[indent + 2 : indent + 3].strip():
            name, _, value = line[indent + 2 :].partition(" ")
            pairs.append((name, value))
        elif line.startswith(" " * indent) and line[indent : indent + 1].strip():
            return pairs, line[indent:]
        elif not pairs or pairs[-1][0] == "location":
            break
        else:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}\n{line}")
    return pairs, ""


def _columns(facts: Mapping[str, str]) -> list[Column]:
    """The columns; none if they are not told."""
    names = facts.get("columns", "").split(facts.get("column.name.delimiter", ","))
    types = [""]
    for piece in facts.get("columns.types", "").split(":"):
        if types[-1].count("<") > types[-1].count(">"):
            types[-1] += f":{piece}"
        else:
            types.append(piece)
    told = len(names) == len(types) - 1 and all(names)
    return [Column(*each) for each in zip(names, types[1:], strict=True)] if told else []
