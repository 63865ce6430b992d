"""One column from one Arrow type to another. See `cast`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from starhaul.api.errors import ConfigError
from starhaul.api.formats import Formats
from starhaul.convert.classify import Fit
from starhaul.convert.shown import shown


@dataclass(frozen=True, slots=True)
class Cast:
    """A converted column. Where `bad` is true the value did not fit, and `values` holds null."""

    values: pa.Array
    bad: pa.BooleanArray | None = None
    """None when every value fitted."""
    explain: Callable[[int], str] = lambda row: ""
    """The reason why the value of a bad row did not fit, value included."""

    def misfits(self) -> dict[int, str]:
        """Row → the reason why its value did not fit."""
        bad = () if self.bad is None else self.bad.to_pylist()
        return {row: self.explain(row) for row, wrong in enumerate(bad) if wrong}


def cast(values: pa.Array, target: pa.DataType, formats: Formats = Formats()) -> Cast:
    """Convert a column to another type: exactly, or with the rows named that do not fit.

    Null stays null. Raises `ConfigError` when no value could ever be converted (the `impossible` pairs). Called
    from reader threads, by the engine between the two sides of a stream and by readers that parse text.

    The texts understood, and written, for each type are documented where they are converted: numbers in `text` and
    `decimals`, times in `iso` and `patterns`, bytes in `binary`, JSON in `nested`.
    """
    if values.type == target and not (formats.datax or formats.empty_as_null):
        return Cast(values)
    # Deferred: the kernels import pyarrow.compute, which a job that converts nothing should not pay for.
    from starhaul.convert.attempt import attempt
    from starhaul.convert.routes import find_route, unwrapped

    plain = unwrapped(values)
    route = find_route(plain.type, target, formats)
    if route.fit is Fit.IMPOSSIBLE:
        raise ConfigError("", f"{values.type} cannot become {target}", route.rule)
    converted, bad = attempt(plain, route.kernel)
    if bad is None:
        return Cast(converted)
    wanted = f" (expected {route.rule})" if route.rule else ""
    return Cast(converted, bad, lambda row: f"{shown(plain, row)} does not fit {target}{wanted}")
