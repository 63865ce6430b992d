"""Checks what a plugin class declares, when the class is made."""

from __future__ import annotations

import inspect
import re

from starhaul.api.errors import PluginError
from starhaul.api.params import Params

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def check_declaration(cls: type, kind: str) -> None:
    """Raise `PluginError` with a sentence if a concrete plugin class lacks its name, parameters or docstring.

    Called by `__init_subclass__`, so that a mistake shows when the module is imported, not in the night.
    Classes that still have abstract methods or set no name of their own are bases, and left alone.
    """
    if "name" not in cls.__dict__:
        return
    where = f"{cls.__module__}.{cls.__qualname__}"
    name = cls.__dict__["name"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(where, f"the {kind}'s name is {name!r}", "a name is lower case letters, digits, '_' and '-'")
    params_type = getattr(cls, "params_type", None)
    if not (inspect.isclass(params_type) and issubclass(params_type, Params)):
        raise PluginError(where, f"{kind} {name!r} has no params_type", "set it to a subclass of starhaul.Params")
    if not (cls.__doc__ or "").strip():
        raise PluginError(where, f"{kind} {name!r} has no docstring", "its first line is what users read in the docs")
