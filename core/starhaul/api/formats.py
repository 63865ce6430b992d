"""How values appear as text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Formats:
    """How values appear as text, for conversions between text and times, bytes and instants.

    The defaults are strict ISO 8601. Patterns are Java's (`yyyy-MM-dd HH:mm:ss.SSS`), as in DataX job files.
    """

    datetime: str | None = None
    """Pattern of date and time; None is ISO 8601 with `T` or a blank, and as many fraction digits as there are."""
    date: str | None = None
    """Pattern of a date; None is `yyyy-MM-dd`."""
    time: str | None = None
    """Pattern of a time of day; None is `HH:mm:ss` with as many fraction digits as there are."""
    time_zone: str | None = None
    """IANA name of the zone that zone-less timestamps are in, where they meet zoned ones. None: they never meet."""
    encoding: str = "utf-8"
    """Encoding of bytes that become text, or text that becomes bytes."""
    datax: bool = False
    """Convert as DataX does it instead of exactly; see `starhaul.convert.datax`."""
    empty_as_null: bool = False
    """Whether an empty text is null."""
    extra: tuple[str, ...] = ()
    """Patterns that text may follow if it follows none of the others. Only with `datax`."""
