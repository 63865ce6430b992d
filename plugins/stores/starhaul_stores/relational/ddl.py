"""CREATE TABLE statements as servers print them, taken apart without understanding their expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""\s+|--[^\n]*|/\*.*?\*/|'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\w+|.""", re.DOTALL
)
_STANDARD_TOKEN = re.compile(_TOKEN.pattern.replace(r"[^'\\]|''|\\.", "[^']|''"), re.DOTALL)


def tokens(sql: str, *, backslashes: bool = False) -> list[str]:
    """The tokens of a text, blanks and comments among them; joined they are the text. `backslashes` tells whether they
    escape in strings."""
    return (_TOKEN if backslashes else _STANDARD_TOKEN).findall(sql)


def body(create: str, *, backslashes: bool = False) -> tuple[str, list[str], str]:
    """What stands before the first bracket of a CREATE TABLE, the items within it, stripped, and what follows it.
    Raises `ValueError` if there is no such bracket."""
    depth, head, tail = 0, "", ""
    items = [""]
    for word in tokens(create, backslashes=backslashes):
        if word.startswith("--") and not backslashes:
            continue  # it would hide the comma that comes to stand behind it
        closed = depth == 0 and items != [""]
        if closed:
            tail += word
        elif word == ")" and depth == 1:
            depth = 0
            items.append("")
        elif depth == 1 and word == ",":
            items.append("")
        elif depth:
            depth += {"(": 1, ")": -1}.get(word, 0)
            items[-1] += word
        elif word == "(":
            depth = 1
        else:
            head += word
    if items == [""] or depth:
        raise ValueError("no CREATE TABLE with columns")
    return head, [item.strip() for item in items if item.strip()], tail


def words(item: str, *, backslashes: bool = False) -> list[str]:
    """The tokens of an item that mean something."""
    return [
        each for each in tokens(item, backslashes=backslashes) if not each.isspace() and each[:2] not in ("--", "/*")
    ]


def without(item: str, keyword: str, *, backslashes: bool = False) -> tuple[str, str]:
    """A column's definition without its clause that begins with a keyword and lasts to its end or to the next of the
    words that begin another clause; and that clause."""
    kept, cut, inside, depth = "", "", False, 0
    for word in tokens(item, backslashes=backslashes):
        if not depth and word.upper() == keyword:
            inside = True
        elif inside and not depth and word.upper() in _CLAUSES:
            inside = False
        depth += {"(": 1, ")": -1}.get(word, 0)
        if inside:
            cut += word
        else:
            kept += word
    return kept.rstrip(), cut.strip()


def clauses(item: str) -> Iterator[str]:
    """The tokens of a column's definition that stand in no bracket, upper case."""
    depth = 0
    for word in words(item):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if not depth:
            yield word.upper()


_CLAUSES = frozenset(
    {"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "GENERATED", "AS"}
)
