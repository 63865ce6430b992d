"""Names, statements and what the database knows of its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from string import ascii_lowercase, ascii_uppercase

from starhaul import Address, ConfigError
from starhaul_stores.relational.addresses import is_ours, matches
from starhaul_stores.relational.names import suggestion
from starhaul_stores.sqlite.connection import Connection
from starhaul_stores.sqlite.types import Declared, declared

_TOKEN = re.compile(r"""\s*("(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[^\s("'`\[;,.]+)""")
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
ROWIDS = ("rowid", "_rowid_", "oid")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, as `PRAGMA table_xinfo` tells it."""

    name: str
    type: Declared
    not_null: bool
    key: int
    """Its place in the primary key, from 1; 0 outside of it."""
    generated: bool


@dataclass(frozen=True)
class Table:
    """A table or view of the main database."""

    name: str
    kind: str
    """`table`, `view`, `virtual` or `shadow`."""
    columns: tuple[Column, ...]
    without_rowid: bool
    sql: str
    """Its CREATE statement."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of its primary key, in the key's order."""
        return tuple(column.name for column in sorted(self.columns, key=lambda each: each.key) if column.key)

    @property
    def rowid(self) -> str | None:
        """A name under which its rowid can be read; None if it has none, or columns hide every name."""
        if self.kind != "table" or self.without_rowid:
            return None
        taken = {column.name.lower() for column in self.columns}
        return next((name for name in ROWIDS if name not in taken), None)

    @property
    def rowid_alias(self) -> str | None:
        """The INTEGER PRIMARY KEY, which takes NULL as "number the row"; None if there is none."""
        alone = [column for column in self.columns if column.key]
        if self.rowid is None or len(alone) != 1 or alone[0].type.text.upper() != "INTEGER":
            return None
        return alone[0].name

    def column(self, name: str) -> Column | None:
        """The column of this name, in any (ASCII) case."""
        return self._by_name.get(fold(name))

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {fold(column.name): column for column in self.columns}


def find_table(db: Connection, name: str) -> Table | None:
    """The table or view of this name; None if there is none."""
    found = db.execute(
        "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower(?)", [name]
    )
    if not found:
        return None
    actual, sql = str(found[0][0]), str(found[0][1] or "")
    kinds = db.execute(
        "SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND lower(name) = lower(?)", [name]
    )
    fields = 'name, type, "notnull", pk, hidden'
    info = db.execute(f"SELECT {fields} FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid", [actual])
    columns = tuple(
        Column(str(n), declared(str(t or "")), bool(nn), int(pk), bool(hidden)) for n, t, nn, pk, hidden in info
    )
    kind, without_rowid = kinds[0] if kinds else ("table", 0)
    return Table(actual, str(kind), columns, bool(without_rowid), sql)


def tables(db: Connection, address: Address) -> Iterator[tuple[str, str, int | None]]:
    """Name, kind and estimated rows of every table and view that an address means. Raises `ConfigError` if it names one
    that is not there."""
    sql = "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
    found = [(str(name), str(kind)) for name, kind in db.execute(sql)]
    if not address.pattern:
        found = [each for each in found if not address.name or fold(each[0]) == fold(address.name[-1])]
    if not found and address.name and not address.pattern:
        raise no_such_table(db, address.name[-1])
    for name, kind in found:
        if not is_ours(name) and (not address.pattern or matches(address, name)):
            table = find_table(db, name)
            rowid = table.rowid if table else None
            # The largest rowid is near the number of rows unless many were deleted; counting would read the table.
            rows = db.value(f"SELECT max({rowid}) FROM {quoted(name)}") if rowid else None
            yield name, kind, int(rows or 0) if rowid else None


def no_such_table(db: Connection, name: str, hint: str = "") -> ConfigError:
    """The error to raise for a table that the job names and the database does not have."""
    rows = db.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
    names = [str(row[0]) for row in rows]
    close = suggestion(name, names)
    return ConfigError("table", f"{db.path} has no table {name!r}", "; ".join(filter(None, [close, hint])))


def unique_keys(db: Connection, table: Table) -> list[tuple[str, ...]]:
    """The column sets that the table holds unique over all rows: primary key and full unique indexes."""
    keys = [table.key] if table.key else []
    sql = 'SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial'
    for (index,) in db.execute(sql, [table.name]):
        names = [row[0] for row in db.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", [index])]
        if all(name is not None for name in names):
            keys.append(tuple(str(name) for name in names))
    return list(dict.fromkeys(keys))


def fold(name: str) -> str:
    """A name as SQLite compares it: it knows the case of ASCII letters only."""
    return name.translate(_LOWER)


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    if "\0" in name:
        raise ConfigError("column", f"SQLite names hold no NUL: {name!r}")
    return '"' + name.replace('"', '""') + '"'


def literal(value: int | float | str) -> str:
    """A value as an SQL literal."""
    if isinstance(value, str):
        plain = "\0" not in value
        return "'" + value.replace("'", "''") + "'" if plain else f"CAST(x'{value.encode().hex()}' AS TEXT)"
    return repr(value)


def statements(scripts: Sequence[str]) -> list[str]:
    """SQL texts cut into single statements. Semicolons in literals, comments and trigger bodies do not cut."""
    from sqlite3 import complete_statement  # looks at the text alone, opens nothing

    found = []
    for script in scripts:
        begun = ""
        for part in re.split(r"(?<=;)", script):
            begun += part
            if complete_statement(begun):
                found.append(begun)
                begun = ""
        found.append(begun)
    return [each.strip().rstrip(";").rstrip() for each in found if each.strip().strip(";").strip()]


def renamed(create: str, *names: str) -> str:
    """A stored CREATE statement with other names: for a table its own, for an index its own and its table's.

    SQLite stores `CREATE TABLE ` or `CREATE [UNIQUE] INDEX ` and then what the user wrote from the name on.
    """
    head = re.match(r"CREATE (?:TABLE|UNIQUE INDEX|INDEX) ", create)
    if head is None:
        raise ConfigError("table", f"cannot be staged: {create[:80]}", "overwrite needs an ordinary table")
    place, result = head.end(), head[0]
    for position, name in enumerate(names):
        if position:
            keyword = re.compile(r"\s*ON\b", re.IGNORECASE).match(create, place)
            place = keyword.end() if keyword else place
            result += " ON "
        token = _TOKEN.match(create, place)
        if token is None:
            raise ConfigError("table", f"cannot be staged: {create[:80]}")
        place, result = token.end(), result + quoted(name)
    return result + create[place:]
