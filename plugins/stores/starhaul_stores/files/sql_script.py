"""What a dump of SQL holds: the rows of INSERT and COPY, as mysqldump and pg_dump write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starhaul_stores.files.streams import ByteStream

_READ = 1 << 20
_NEAR = 1 << 16
"""How long the beginning of a statement may be."""
_MYSQL_ESCAPES = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a", b"%": rb"\%",
                  b"_": rb"\_"}  # fmt: skip
_COPY_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_E_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_BLANK = re.compile(rb"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*(?!!)(?:[^*]|\*(?!/))*+\*/|\\(?!c(?:onnect)?\s)[a-z][^\n]*\n)*+")
_NAME = rb'(?:`(?:[^`]|``)+`|"(?:[^"]|"")+"|\[[^\]]+\]|[^\s`"(),.;\[]+)'
_TABLE = _NAME + rb"(?:\s*\.\s*" + _NAME + rb")*"
_COLUMNS = rb"(?:\(\s*(?P<columns>" + _NAME + rb"(?:\s*,\s*" + _NAME + rb")*)\s*\)\s*)?"
_INSERT = re.compile(
    rb"(?:INSERT|REPLACE)\s+(?:(?:LOW_PRIORITY|DELAYED|IGNORE)\s+)*INTO\s+(?P<table>" + _TABLE + rb")\s*" + _COLUMNS
    + rb"(?:OVERRIDING\s+\w+\s+VALUE\s+)?VALUES?\s*", re.IGNORECASE,
)  # fmt: skip
_COPY = re.compile(
    rb"COPY\s+(?P<table>" + _TABLE + rb")\s*" + _COLUMNS + rb"FROM\s+stdin\s*;[ \t]*\r?\n", re.IGNORECASE
)
_CREATE = re.compile(
    rb"CREATE\s+(?:UNLOGGED\s+|TEMPORARY\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<table>" + _TABLE + rb")\s*\(",
    re.IGNORECASE,
)
_NO_COLUMN = re.compile(
    rb"(?:PRIMARY|UNIQUE|KEY|INDEX|CONSTRAINT|FOREIGN|CHECK|FULLTEXT|SPATIAL|EXCLUDE|LIKE|PERIOD)\b", re.IGNORECASE
)
_NO_STANDARD_COLUMN = re.compile(
    rb"(?:PRIMARY|UNIQUE|CONSTRAINT|FOREIGN|CHECK|LIKE)\b|EXCLUDE\s*(?:USING\b|\()|PERIOD\s+FOR\b", re.IGNORECASE
)
"""PostgreSQL's columns may be called `key` or `index`, without quotes."""
_ROWS = re.compile(rb"(?:/\*M?!\d*\s*)?(?:INSERT|REPLACE|COPY|MERGE|LOAD\s+DATA)\b", re.IGNORECASE)
"""How statements begin that give a table rows."""
_ON = re.compile(rb"ON\s+(?:CONFLICT|DUPLICATE)\b", re.IGNORECASE)
_MYSQLS = re.compile(rb"/\*M?!\d{5}|\)\s*ENGINE\s*=", re.IGNORECASE)
"""How comments begin that MySQL or MariaDB run, and what no other's CREATE TABLE has."""
_CONNECT = re.compile(rb"\\c(?:onnect)?\s+(?P<database>[^\n]*?)\s*\n")
_USE = re.compile(rb"USE\s+(?P<schema>" + _NAME + rb")\s*;", re.IGNORECASE)
_PATH = re.compile(
    rb"(?:SELECT\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(\s*'search_path'\s*,\s*'(?P<set>[^']*)'[^;]*"
    rb"|SET\s+(?:SESSION\s+|LOCAL\s+)?search_path\s*(?:=|TO\s)\s*(?P<path>[^;]*));", re.IGNORECASE,
)  # fmt: skip
_DELIMITER = re.compile(rb"DELIMITER\s+(?P<mark>\S+)[^\n]*\n", re.IGNORECASE)
_ROUTINES = re.compile(rb".*?\nDELIMITER\s+;[^\n]*\n", re.DOTALL | re.IGNORECASE)
_FIRST = re.compile(
    rb"(?:(?:INSERT|REPLACE)\s(?:\w+\s+)*?INTO|(?:CREATE|DROP)\s+TABLE(?:\s+IF\s+(?:NOT\s+)?EXISTS)?)\s+(`?)",
    re.IGNORECASE,
)
_NUMBER = rb"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_QUOTED = rb"'(?:[^'\\]|''|\\.)*+'" rb'|"(?:[^"\\]|""|\\.)*+"' rb"|`[^`]*+`"
_STANDARD_QUOTED = rb"[eE]'(?:[^'\\]|''|\\.)*+'|'(?:[^']|'')*+'" rb'|"(?:[^"]|"")*+"'
_ESCAPED_QUOTED = rb"'(?:[^'\\]|''|\\.)*+'" rb'|"(?:[^"]|"")*+"'
_ESCAPING = re.compile(rb"^SET standard_conforming_strings = off;", re.MULTILINE)
"""What a dump of PostgreSQL says if a backslash escapes in all of its strings, as before version 9.1."""
_COMMENT = rb"--[^\n]*+\n|/\*(?:[^*]|\*(?!/))*+\*/"
_DOLLAR = rb"\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"


class Octets(bytes):
    """Bytes that a dump spells by their digits, so that they are in no encoding."""

    __slots__ = ()


DEFAULT = Octets(b"DEFAULT")
"""In place of a value that a dump does not tell, as PostgreSQL's of columns that are generated."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    table: tuple[str, ...]
    """Its name, after those of the schema and the database as far as they are told: by the statement, or by what was
    said before it (`USE`, `search_path`, `\\connect`)."""
    columns: Sequence[str] | None
    """Names, of the statement or of the CREATE TABLE before it; None where nothing names them."""
    values: Sequence[bytes | None]
    line: int
    standard: bool = False
    """Whether its bytes may be spelt as PostgreSQL does it: `\\x00ff`."""


class SqlScript:
    """Reads the rows of a dump, in order. One statement's row is in memory at a time. Raises `ValueError` with a
    sentence, which begins with `line N`, for what it cannot read; no row is passed over in silence."""

    def __init__(self, stream: ByteStream, longest: int) -> None:
        """`stream` is UTF-8; `longest` is how many bytes one row may have."""
        self._stream = stream
        self._longest = longest
        self._data = b""
        self._at = 0
        self._line = 1
        self._ended = False
        self._columns: dict[tuple[str, ...], Sequence[str]] = {}
        self._database = self._schema = ""
        while len(self._data) < _NEAR and self._more():
            pass
        standard = _is_standard(self._data[:_NEAR])
        self._escapes = not standard or _ESCAPING.search(self._data[:_NEAR]) is not None
        quoted = _QUOTED if not standard else _ESCAPED_QUOTED if self._escapes else _STANDARD_QUOTED
        dollar = rb"|" + _DOLLAR if standard else b""
        other = rb"[^;'\"`$/\-]" if standard else rb"[^;'\"`/\-]"
        parts = quoted + rb"|" + _COMMENT + dollar + rb"|" + other + rb"|[-/$`]"
        self._rest = re.compile(rb"(?:" + parts + rb")*+;", re.DOTALL)
        self._value = re.compile(
            rb"(?:(?P<null>NULL)|(?P<escaped>[eE]'(?:[^'\\]|''|\\.)*+')|(?:_binary\s+|_[a-z0-9]+\s+)?(?P<string>"
            + (rb"'(?:[^'\\]|''|\\.)*+'" if self._escapes else rb"'(?:[^']|'')*+'")
            + rb")|[xX]'(?P<hex>[0-9A-Fa-f]*)'|0x(?P<hex0>[0-9A-Fa-f]+)|[bB]'(?P<bits>[01]*)'"
            rb"|(?P<bare>" + _NUMBER + rb"|TRUE|FALSE|DEFAULT))\s*",
            re.IGNORECASE | re.DOTALL,
        )
        self._standard = standard

    def rows(self) -> Iterator[Row]:
        """The rows of all tables."""
        while True:
            self._take(_BLANK)
            if self._at >= len(self._data):
                if not self._more():
                    return
                continue
            if match := self._take(_INSERT):
                yield from self._inserted(match)
            elif match := self._take(_COPY):
                yield from self._copied(match)
            elif match := self._take(_CREATE):
                self._created(match)
            elif match := self._take(_USE):
                self._schema = _parts(match["schema"])[0]
            elif match := self._take(_PATH):
                self._schema = _first_schema(match["path"] if match["set"] is None else match["set"])
            elif match := self._take(_CONNECT):
                self._database, self._schema = match["database"].decode(errors="surrogateescape").strip('"'), ""
            elif match := self._take(_DELIMITER):
                self._skip_to_delimiter(match["mark"])
            elif match := self._take(_ROWS):
                shown = self._shown(len(match[0]))
                raise ValueError(f"line {self._line}: the rows of such a statement are not read: {shown}")
            elif not self._take(self._rest, self._longest):
                raise ValueError(f"line {self._line}: a statement does not end")

    def _inserted(self, head: re.Match[bytes]) -> Iterator[Row]:
        table = self._table(head)
        columns = _names(head["columns"]) if head["columns"] else self._columns_of(table)
        while True:
            line = self._line
            yield Row(table, columns, self._tuple(), line, self._standard)
            mark = self._expected(rb"[,;]", "`,` or `;` after a row") if not self._at_end_of_rows() else b";"
            if mark == b";":
                return

    def _at_end_of_rows(self) -> bool:
        if not self._take(_ON):
            return False
        if not self._take(self._rest, self._longest):
            raise ValueError(f"line {self._line}: a statement does not end")
        return True

    def _tuple(self) -> list[bytes | None]:
        self._expected(rb"\(", "`(` before a row")
        values: list[bytes | None] = []
        while True:
            match = self._take(self._value, self._longest)
            if match is None:
                raise ValueError(f"line {self._line}: a value is no literal: {self._shown()}")
            values.append(self._literal(match))
            if self._expected(rb"[,)]", "`,` or `)` after a value") == b")":
                self._take(_BLANK)
                return values

    def _literal(self, match: re.Match[bytes]) -> bytes | None:
        if match["string"] is not None:
            text = match["string"][1:-1].replace(b"''", b"'")
            if not self._escapes or b"\\" not in text:
                return text
            return _E_ESCAPE.sub(_copy_escape, text) if self._standard else _ESCAPE.sub(_mysql_escape, text)
        if match["null"]:
            return None
        if match["escaped"] is not None:
            return _E_ESCAPE.sub(_copy_escape, match["escaped"][2:-1].replace(b"''", b"'"))
        if (digits := match["hex"] if match["hex"] is not None else match["hex0"]) is not None:
            if len(digits) % 2:
                raise ValueError(f"line {self._line}: half of a byte")
            return Octets.fromhex(digits.decode())
        if match["bits"] is not None:
            return match["bits"] if self._standard else b"%d" % int(match["bits"] or b"0", 2)
        bare = match["bare"]
        if bare.upper() == b"DEFAULT":
            return DEFAULT
        return bare.lower() if bare[:1].isalpha() else bare

    def _copied(self, head: re.Match[bytes]) -> Iterator[Row]:
        table = self._table(head)
        columns = _names(head["columns"]) if head["columns"] else self._columns_of(table)
        line_of = re.compile(rb"([^\n]*)\n")
        while True:
            number = self._line
            match = self._take(line_of, self._longest)
            if match is None:
                raise ValueError(f"line {number}: the rows of COPY do not end with `\\.`")
            text = match[1].removesuffix(b"\r")
            if text == b"\\.":
                return
            fields = text.split(b"\t")
            values = [None if field == b"\\N" else _ESCAPE.sub(_copy_escape, field) for field in fields]
            yield Row(table, columns, values, number, standard=True)

    def _created(self, head: re.Match[bytes]) -> None:
        """Remember the columns of a table that is made."""
        line = self._line
        body = self._take(self._rest, self._longest)
        if body is None:
            raise ValueError(f"line {line}: a CREATE TABLE does not end")
        others = _NO_STANDARD_COLUMN if self._standard else _NO_COLUMN
        parts = [part for part in _at_depth(body[0]) if not others.match(part)]
        names = [_parts(match[0])[0] for part in parts if (match := re.match(_NAME, part))]
        self._columns[self._table(head)] = names

    def _table(self, head: re.Match[bytes]) -> tuple[str, ...]:
        """The table that a statement names, as fully as it is told."""
        parts = _parts(head["table"])
        if len(parts) == 1 and self._schema:
            parts = (self._schema, *parts)
        return (self._database, *parts) if len(parts) == 2 and self._database else parts

    def _columns_of(self, table: tuple[str, ...]) -> Sequence[str] | None:
        return self._columns.get(table, self._columns.get(table[-1:]))

    def _skip_to_delimiter(self, mark: bytes) -> None:
        """Past the routines of mysqldump, up to where the delimiter is `;` again."""
        if mark == b";":
            return
        if not self._take(_ROUTINES, self._longest):
            raise ValueError(f"line {self._line}: DELIMITER {mark.decode(errors='replace')} is never set back")

    def _expected(self, pattern: bytes, what: str) -> bytes:
        match = self._take(re.compile(rb"\s*(" + pattern + rb")\s*"))
        if match is None:
            raise ValueError(f"line {self._line}: there is no {what}: {self._shown()}")
        return match[1]

    def _take(self, pattern: re.Pattern[bytes], longest: int = _NEAR) -> re.Match[bytes] | None:
        """What the pattern matches here, and go behind it. A match that reaches the end of what was read might be
        longer, and none might become one as long as less than `longest` bytes are there: then more is read first."""
        while True:
            match = pattern.match(self._data, self._at)
            near = len(self._data) - self._at < longest if match is None else match.end() >= len(self._data) - 1
            if near and self._more():
                continue
            if match is None:
                return None
            self._line += self._data.count(b"\n", self._at, match.end())
            self._at = match.end()
            return match

    def _more(self) -> bool:
        if self._ended:
            return False
        held = self._data[self._at :]
        more = self._stream.read(max(_READ, len(held)))
        self._ended = not more
        self._data, self._at = held + more, 0
        return bool(more)

    def _shown(self, behind: int = 0) -> str:
        """What comes next, and so many bytes before it."""
        return repr(self._data[self._at - behind : self._at + 40].decode(errors="replace"))


def _is_standard(head: bytes) -> bool:
    """Whether strings are the standard's, and not MySQL's: by what the dump says of itself, or by comments that MySQL
    runs, or by how the first table's name is quoted."""
    if re.match(rb"(?:/\*.*?\*/;?\s*)*-- (?:MySQL|MariaDB) dump", head, re.DOTALL):
        return False
    if b"PostgreSQL database dump" in head:
        return True
    first = _FIRST.search(head)
    return not _MYSQLS.search(head) and (first is None or not first[1])


def _at_depth(body: bytes) -> Iterator[bytes]:
    """The definitions between the commas of a CREATE TABLE, up to the bracket that closes it."""
    depth, begin = 0, 0
    for match in re.finditer(rb"'(?:[^']|'')*+'|`[^`]*+`|\"[^\"]*+\"|--[^\n]*\n|[(),]", body):
        mark = match[0]
        if mark == b"(":
            depth += 1
        elif (mark == b"," and not depth) or (mark == b")" and not depth):
            yield body[begin : match.start()].strip()
            begin = match.end()
            if mark == b")":
                return
        elif mark == b")":
            depth -= 1


def _names(columns: bytes) -> list[str]:
    return list(_parts(columns))


def _parts(text: bytes) -> tuple[str, ...]:
    """The names in a list or in a qualified name, without their quotes."""
    return tuple(map(_plain, re.findall(_NAME, text)))


def _plain(quoted: bytes) -> str:
    name = quoted.decode(errors="surrogateescape")
    for opening, closing in ("``", '""', "[]"):
        if name.startswith(opening):
            return name[1:-1].replace(closing * 2, closing)
    return name


def _first_schema(path: bytes) -> str:
    """Where tables without a schema are, by a `search_path`; empty if it does not tell."""
    first = path.partition(b",")[0].strip().strip(b"'")
    return "" if first in (b"", b'"$user"', b"$user") or first.upper() == b"DEFAULT" else _parts(first)[0]


def _mysql_escape(match: re.Match[bytes]) -> bytes:
    return _MYSQL_ESCAPES.get(match[1][:1], match[1][:1]) + match[1][1:]


def _copy_escape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code[:1] == b"x" and len(code) > 1:
        return bytes([int(code[1:], 16)])
    if code[:1] in (b"u", b"U") and len(code) > 1:
        return chr(int(code[1:], 16)).encode("utf-8", "surrogatepass")  # half of a pair is no text, and told so
    if code[:1].isdigit() and code[:1] < b"8":
        return bytes([int(code, 8) & 0xFF])
    return _COPY_ESCAPES.get(code, code)
