"""A way from one type to another: how well it fits, and the kernel that goes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import pyarrow as pa

from starhaul.convert.attempt import Kernel
from starhaul.convert.classify import Fit


def unchanged(values: pa.Array) -> pa.Array:
    """The kernel of types that share their memory layout already."""
    return values


@dataclass(frozen=True)
class Route:
    """How to get from one type to another. Built for a pair of types and formats, used at once, never stored."""

    fit: Fit
    kernel: Kernel = unchanged
    """See `attempt.Kernel`."""
    rule: str = ""
    """What a value must be like to fit, or for `impossible` what to do instead. Ends in no full stop."""

    def then(self, following: Route) -> Route:
        """This route, then another from where it ends: as good as the worse of the two."""
        if self.fit is Fit.IMPOSSIBLE or following.fit is Fit.SAME:
            return self
        if following.fit is Fit.IMPOSSIBLE or self.fit is Fit.SAME:
            return following
        first, second = self.kernel, following.kernel
        rules = dict.fromkeys(rule for rule in (self.rule, following.rule) if rule)
        fit = max(self.fit, following.fit, key=lambda one: one.severity)
        return Route(fit, lambda values: second(first(values)), ", and ".join(rules))


def impossible(hint: str = "") -> Route:
    """No way from the one to the other."""
    return Route(Fit.IMPOSSIBLE, _refuse, hint)


def widening(target: pa.DataType) -> Route:
    """Arrow's own cast, where it can neither fail nor alter a value."""
    return Route(Fit.WIDENS, lambda values: values.cast(target))


def casting(target: pa.DataType, rule: str = "") -> Route:
    """Arrow's own safe cast, where it refuses precisely the values that do not fit."""
    return Route(Fit.CHECKED, lambda values: values.cast(target), rule)


def _refuse(values: pa.Array) -> NoReturn:
    raise TypeError(f"{values.type} cannot be converted")
