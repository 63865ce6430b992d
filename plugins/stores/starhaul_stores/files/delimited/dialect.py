"""How rows and fields are told apart in delimited text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """The rules of one delimited text. They are those of Python's `csv` module and of `pyarrow.csv`:

    A field that begins with the quote ends at the next quote which is not doubled; delimiters and line breaks in
    between belong to it, and what follows the closing quote up to the delimiter is appended. A quote anywhere else
    is an ordinary character.
    """

    delimiter: str = ","
    """One or more characters, none of them a quote or a line break."""

    quote: str | None = '"'
    """One ASCII character, or None: no field is ever quoted."""

    backslash: bool = False
    """A backslash escapes the character after it, and quotes are not doubled (DataX's `escapeMode` 2)."""

    comment: str | None = None
    """A record that begins with this character is skipped."""

    trim: bool = False
    """Blanks and tabs around a field are removed, unless they are quoted."""

    record_delimiter: str | None = None
    """The character that ends a record; None: LF, CR LF and CR each do."""

    skip_empty: bool | None = None
    """Whether empty lines are skipped. None: they are, unless a record has one field: there they are a value."""

    nulls: frozenset[str] = frozenset()
    """An unquoted field of exactly one of these texts, as it stands there with its escapes, is null."""

    def skips_empty(self, width: int) -> bool:
        """`skip_empty` for records of `width` fields."""
        return width != 1 if self.skip_empty is None else self.skip_empty

    @property
    def plain(self) -> bool:
        """Whether a record border can be told from line breaks, quotes and delimiters alone."""
        return not (self.backslash or self.comment or self.trim or self.record_delimiter)


def has_whole_escapes(text: str) -> bool:
    """Whether no backslash at the end of a text would escape what follows."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 0


def overlaps_itself(delimiter: str) -> bool:
    """Whether a delimiter such as `||` can be found at two overlapping places of `|||`."""
    return any(delimiter.startswith(delimiter[shift:]) for shift in range(1, len(delimiter)))
