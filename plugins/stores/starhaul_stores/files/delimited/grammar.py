"""The exact reading of delimited text, by regular expressions. Slow, and the reference for the fast path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from starhaul_stores.files.delimited.dialect import Dialect

_LETTER_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "e": "\x1b", "v": "\v", "a": "\a", "0": "\0"}
_ESCAPE = re.compile(
    r"\\(?:[uU]([0-9A-Fa-f]{4})|[xX]([0-9A-Fa-f]{2})|[oO]([0-7]{3})|[dD]([0-9]{3})|([0-7]{3})|(.))", re.DOTALL
)


class Grammar:
    """A dialect, compiled. Records are found in UTF-8 bytes, fields in the text of one record.

    The bytes must begin at a record border, and the last record must end with a line break to count as complete.
    Safe to share between threads.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        record, field = _patterns(dialect)
        self._record = re.compile(record.encode(), re.DOTALL)
        self._field = re.compile(field, re.DOTALL)

    def records(self, data: bytes) -> Iterator[re.Match[bytes]]:
        """The complete records of `data`, in order and without gaps. Group `text` is the record without its line
        break, or None if it is a comment. What lies behind the last match is incomplete."""
        position = 0
        while match := self._record.match(data, position):
            yield match
            position = match.end()

    def fields(self, text: str) -> list[str | None]:
        """The fields of one record, null where a field is one of the dialect's nulls. Raises `ValueError` if an
        escape is no character."""
        values: list[str | None] = []
        for match in self._field.finditer(text):
            values.append(self._value(match["quoted"], match["rest"]))
            if match.end() == len(text) and not match["delimiter"]:
                break
        return values

    def _value(self, quoted: str | None, rest: str) -> str | None:
        if self.dialect.trim:
            rest = rest.strip(_blanks(self.dialect)) if quoted is None else rest.rstrip(_blanks(self.dialect))
        if quoted is None and rest in self.dialect.nulls:
            return None
        if self.dialect.backslash:
            return _unescaped(quoted or "") + _unescaped(rest)
        quote = self.dialect.quote or ""
        return rest if quoted is None else quoted.replace(quote * 2, quote) + rest


def _patterns(dialect: Dialect) -> tuple[str, str]:
    """The expressions of one record and of one field. Possessive throughout: one pass, no backtracking, no stack."""
    end = re.escape(dialect.record_delimiter or "")
    line_end = end or r"(?:\r\n|\n|\r(?!\Z))"  # a CR at the very end of the data may be half of a CR LF
    stop = end or r"\r\n"
    delimiter = re.escape(dialect.delimiter)
    bare = _run(dialect.delimiter, stop, dialect.backslash)
    blanks = f"[{_blanks(dialect)}]*+" if dialect.trim else ""
    if dialect.quote is None:
        record_field, field = bare, f"(?P<quoted>(?!))?(?P<rest>{bare})"
    else:
        quote = re.escape(dialect.quote)
        inside = rf"(?:[^{quote}\\]++|\\.)*+" if dialect.backslash else f"[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+"
        record_field = f"(?:{blanks}{quote}{inside}{quote}{bare}|(?!{blanks}{quote}){bare})"
        field = f"(?:{blanks}{quote}(?P<quoted>{inside}){quote})?+(?P<rest>{bare})"
    body = f"(?P<text>{record_field}(?:{delimiter}{record_field})*+)"
    comment = f"{re.escape(dialect.comment)}[^{stop}]*+|" if dialect.comment else ""
    return f"(?:{comment}{body}){line_end}", f"{field}(?P<delimiter>{delimiter}|\\Z)"


def _run(delimiter: str, stop: str, backslash: bool) -> str:
    """Characters up to the next delimiter or line break. A delimiter of one byte fits into the set of characters."""
    escaped = re.escape(delimiter)
    slash = r"\\" if backslash else ""
    one_byte = len(delimiter.encode()) == 1
    plain = f"[^{escaped}{stop}{slash}]" if one_byte else f"(?:(?!{escaped})[^{stop}{slash}])"
    return rf"(?:{plain}|\\.)*+" if backslash else f"{plain}*+"


def _blanks(dialect: Dialect) -> str:
    return " \t".replace(dialect.delimiter, "")


def _unescaped(text: str) -> str:
    """The escapes of javacsv's backslash mode, which DataX reads with: `\\n`, `\\u00e9`, `\\x1f`, `\\o037`, `\\d031`,
    `\\037`; `\\0` is how MySQL writes NUL; any other character after a backslash stands for itself. `ValueError` for
    half of a surrogate pair."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_escape, text).encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _escape(match: re.Match[str]) -> str:
    four, two, octal, decimal, bare, other = match.groups()
    if other is not None:
        return _LETTER_ESCAPES.get(other, other)
    digits, base = (four or two, 16) if four or two else (decimal, 10) if decimal else (octal or bare, 8)
    return chr(int(digits, base))
