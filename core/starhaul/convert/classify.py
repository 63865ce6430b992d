"""How well one Arrow type fits another. See `Fit`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from starhaul.api.formats import Formats


class Fit(StrEnum):
    """What happens to the values of a column on their way to another type. From best to worst."""

    SAME = "same"
    """The types are equal: values pass untouched."""

    WIDENS = "widens"
    """Every value that Arrow allows in the source type fits, and converts back to an equal value."""

    CHECKED = "checked"
    """Values that fit convert back to an equal value (or, for text, to another spelling of it). A row with one that
    does not fit is rejected, with the value named."""

    LOSSY = "lossy"
    """Part of every value is dropped on purpose, such as the date of a timestamp that becomes a time of day. Only
    where the job allows it."""

    IMPOSSIBLE = "impossible"
    """No value could ever be converted: the job is refused."""

    @property
    def severity(self) -> int:
        """0 for `same` to 4 for `impossible`."""
        return list(Fit).index(self)


def classify(source: pa.DataType, target: pa.DataType, formats: Formats) -> Fit:
    """How values of `source` fit `target`, by the types alone. Raises `ConfigError` if a pattern, time zone or
    encoding of `formats` that this pair needs is not understood. `describe` also says why."""
    return describe(source, target, formats)[0]


def describe(source: pa.DataType, target: pa.DataType, formats: Formats) -> tuple[Fit, str]:
    """`classify` with a note for people: what a checked value must look like, or what to do about an impossible
    pair. Empty where there is nothing to say."""
    if source == target and not (formats.datax or formats.empty_as_null):
        return Fit.SAME, ""
    # Deferred: the kernels import pyarrow.compute, which a job that converts nothing should not pay for.
    from starhaul.convert.routes import find_route

    route = find_route(source, target, formats)
    return route.fit, route.rule
