"""How one line names a source or target: URLs, what is asked of them, and what a reader finds there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Address:
    """What a plugin makes of a URL. `repr` never shows the parameters, which may hold a password."""

    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """JSON values under the names of a job document. From `from_url`: those that tell the place (a database, a folder).
    From `complete`: all that the plugin needs."""
    name: tuple[str, ...] = ()
    """What is meant in that place, in plain names without quotes: `("sales", "orders")`, a schema and a table. Empty
    where the URL names the place alone."""
    pattern: bool = False
    """Whether the last part of `name` is a pattern (`*` any characters, `?` one) and may mean several."""
    asks: str = ""
    """The parameter that takes the password, if the place may ask for one."""
    remarks: tuple[str, ...] = ()
    """What the user should know, a sentence each: types that were inferred."""

    def called(self, *name: str) -> Address:
        """The same place, and in it exactly this."""
        return replace(self, name=name, pattern=False)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What is to be read at an address. Empty: not said."""

    columns: tuple[str, ...] = ()
    """Names of the columns, in order."""
    where: str = ""
    """A condition, in the source's own language."""
    query: str = ""
    """A query in place of a table."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Column → type, as `parse_type` reads it, for sources that hold text."""


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """What is to become of rows at an address. Empty: not said."""

    mode: Literal["", "insert", "ignore", "replace", "update", "overwrite"] = ""
    create: bool = False
    """Whether to create what is not there."""
    keys: tuple[str, ...] = ()
    """The columns that tell whether a row is there already."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a reader found and can read."""

    name: tuple[str, ...]
    """Good for `Address.called`."""
    kind: str = "table"
    """`table`, `view`, `file` …"""
    rows: int | None = None
    """Estimated rows; None where nothing is known."""
    schema: pa.Schema | None = None
    """Its columns as the reader would give them, with the facts of `starhaul.api.table`; None where nobody asked, or
    that would take reading it."""


@dataclass(frozen=True, slots=True)
class Creation:
    """How a writer is going to create its target."""

    statements: tuple[str, ...]
    """In order; those that follow the load are among them."""
    left_out: tuple[str, ...] = ()
    """What the source has and the target will not, a sentence each."""
