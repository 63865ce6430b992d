"""An example of a plugin package for Starhaul. Names only; the modules are imported when a job uses them."""

from __future__ import annotations

from collections.abc import Mapping

from starhaul import hookimpl


@hookimpl
def starhaul_readers() -> Mapping[str, str]:
    """Canonical name and alias of the reader."""
    return {"helloreader": "starhaul_hello.reader:HelloReader", "hello": "starhaul_hello.reader:HelloReader"}


@hookimpl
def starhaul_writers() -> Mapping[str, str]:
    """Canonical name and alias of the writer."""
    return {"hellowriter": "starhaul_hello.writer:HelloWriter", "hello": "starhaul_hello.writer:HelloWriter"}
