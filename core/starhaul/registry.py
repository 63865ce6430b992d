"""Finds plugins by name, through pluggy, and imports only the ones a job uses."""

from __future__ import annotations

import importlib.util
import logging
import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pluggy

from starhaul.api import hookspecs
from starhaul.api.errors import PluginError
from starhaul.api.events import Event
from starhaul.api.reader import Reader
from starhaul.api.transformer import Transformer
from starhaul.api.writer import Writer

Kind: TypeAlias = Literal["reader", "writer", "transformer"]
KINDS: tuple[Kind, ...] = ("reader", "writer", "transformer")
ENTRY_POINT_GROUP = "starhaul"

_BASES: dict[Kind, type] = {"reader": Reader, "writer": Writer, "transformer": Transformer}
_TARGET = re.compile(r"[\w.]+:\w+")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listed:
    """A name under which a plugin can be used."""

    kind: Kind
    name: str
    """As a job may write it, lower case: a canonical name or an alias."""
    target: str
    """`module:Class`; names with equal targets are aliases of one another."""
    provider: str
    """The pluggy name of the module that announced it."""


class Registry:
    """The plugins that this process knows. Cheap to make: entry points are loaded, plugin modules are not.

    `plugin_files` are Python files to load as plugins without packaging (`--plugin FILE.py`). A module behind an
    entry point that cannot be imported is remembered in `broken` and harms nothing else.
    """

    def __init__(self, plugin_files: tuple[Path, ...] = ()) -> None:
        self.broken: dict[str, str] = {}
        self._pm = pluggy.PluginManager(hookspecs.PROJECT)
        self._pm.add_hookspecs(hookspecs)
        for point in sorted(metadata.entry_points(group=ENTRY_POINT_GROUP), key=_bundled_first):
            self._load(point)
        for path in plugin_files:
            self.register(_module_from(path), str(path))
        self._listed: dict[Kind, dict[str, Listed]] | None = None

    def register(self, plugin: object, provider: str = "") -> None:
        """Add an object or module with `@hookimpl` functions. Names it announces that are taken already stay with
        who was first. Raises `PluginError` if its hooks are misspelt, or if it is registered already."""
        known = self._pm.is_registered(plugin)
        try:
            self._pm.register(plugin, name=provider or None)
            self._pm.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if not known and self._pm.is_registered(plugin):
                self._pm.unregister(plugin)
            raise PluginError(provider or repr(plugin), f"is not a usable plugin: {error}") from error
        self._listed = None

    def reader(self, name: str) -> type[Reader[Any]]:
        """The reader class of this name or alias, in any case. Raises `PluginError` if there is none."""
        return self._class("reader", name)

    def writer(self, name: str) -> type[Writer[Any]]:
        """The writer class of this name or alias, in any case. Raises `PluginError` if there is none."""
        return self._class("writer", name)

    def transformer(self, name: str) -> type[Transformer[Any]]:
        """The transformer class of this name or alias, in any case. Raises `PluginError` if there is none."""
        return self._class("transformer", name)

    def plugin(self, kind: Kind, name: str) -> type[Any]:
        """`reader`, `writer` or `transformer`, by kind."""
        return self._class(kind, name)

    def listed(self, kind: Kind) -> Mapping[str, Listed]:
        """Every usable name of a kind, lower case, in order. Imports no plugin."""
        if self._listed is None:
            self._listed = {each: self._collect(each) for each in KINDS}
        return self._listed[kind]

    def canonical(self, kind: Kind) -> list[str]:
        """One name for each plugin of a kind, in order: the name that its class declares. Imports every plugin;
        those that fail are left out here and raise when they are asked for by name."""
        names = set()
        for name in self.listed(kind):
            try:
                names.add(self._class(kind, name).name)
            except PluginError as error:
                _log.debug("%s", error)
        return sorted(names)

    def aliases(self, kind: Kind, name: str) -> list[str]:
        """The other names of a plugin, in order."""
        listed = self.listed(kind)
        target = listed[name.lower()].target
        return [other for other, entry in listed.items() if entry.target == target and other != name.lower()]

    def urls(self, kind: Kind) -> Mapping[str, str]:
        """Kind of URL → name of the reader or writer that takes it. Imports no plugin. What a plugin announces that
        another one has taken, or announces wrongly, is in `broken`."""
        found: dict[str, str] = {}
        for implementation in getattr(self._pm.hook, f"starhaul_{kind}_urls").get_hookimpls():
            provider = implementation.plugin_name
            try:
                spec = dict(implementation.function())
            except Exception as error:  # as in `_collect`
                self.broken[provider] = f"{type(error).__name__}: {error}"
                continue
            for url, name in spec.items():
                if not (isinstance(url, str) and isinstance(name, str) and name.lower() in self.listed(kind)):
                    self.broken[f"{provider} URL {url!r}"] = f"there is no {kind} {name!r}"
                elif found.setdefault(url.lower(), name) != name:
                    self.broken[f"{provider} URL {url}"] = f"belongs to {found[url.lower()]} already"
        return dict(sorted(found.items()))

    def advice(self, kind: Kind, name: str, parameters: Mapping[str, Any]) -> str | None:
        """What a plugin knows to do about a name that is not there; None if it is there or nobody knows."""
        known = self.listed(kind)
        if name.lower() in known:
            return None
        try:
            return self._pm.hook.starhaul_advice(kind=kind, name=name, parameters=parameters, known=[*known])
        except Exception:  # a stranger's hook, asked in the midst of an error
            _log.warning("no advice on %s %s", kind, name, exc_info=True)
            return None

    def tell(self, event: Event) -> None:
        """Hand an event to every observer. An observer that raises is logged and does no other harm."""
        for implementation in self._pm.hook.starhaul_event.get_hookimpls():
            try:
                implementation.function(**dict.fromkeys(implementation.argnames, event))
            except Exception:
                _log.warning("observer %s failed", implementation.plugin_name, exc_info=True)

    def _load(self, point: metadata.EntryPoint) -> None:
        try:
            self.register(point.load(), point.value)
        except (Exception, SystemExit) as error:  # anything may be wrong with a stranger's module
            self.broken[point.value] = f"{type(error).__name__}: {error}"

    def _collect(self, kind: Kind) -> dict[str, Listed]:
        seen: dict[str, Listed] = {}
        hook = getattr(self._pm.hook, f"starhaul_{kind}s")
        for implementation in hook.get_hookimpls():
            provider = implementation.plugin_name
            try:
                spec = dict(implementation.function())
            except Exception as error:  # as above
                self.broken[provider] = f"{type(error).__name__}: {error}"
                continue
            for name, target in spec.items():
                if not (isinstance(name, str) and isinstance(target, str) and _TARGET.fullmatch(target)):
                    self.broken[f"{provider} {kind} {name!r}"] = f"{target!r} is not 'module:Class'"
                    continue
                entry = Listed(kind, name.lower(), target, provider)
                first = seen.setdefault(entry.name, entry)
                if first.target != target:
                    self.broken[f"{provider} {kind} {name}"] = f"the name belongs to {first.target} already"
        return dict(sorted(seen.items()))

    def _class(self, kind: Kind, name: str) -> Any:
        entry = self.listed(kind).get(name.lower())
        if entry is None:
            hint = self.advice(kind, name, {}) or self._hint(kind, name)
            raise PluginError("", f"no {kind} named {name!r}", hint)
        module, _, attribute = entry.target.partition(":")
        try:
            cls = getattr(import_module(module), attribute)
        except (Exception, SystemExit) as error:
            message = f"cannot be loaded from {entry.target}: {type(error).__name__}: {error}"
            raise PluginError(f"{kind} {name}", message, "is the package it needs installed?") from error
        if not (isinstance(cls, type) and issubclass(cls, _BASES[kind])):
            raise PluginError(f"{kind} {name}", f"{entry.target} is not a {kind} class")
        return cls

    def _hint(self, kind: Kind, name: str) -> str:
        import difflib

        known = list(self.listed(kind))
        close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.7)
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"known: {', '.join(known)}"
        if self.broken:
            hint += f"; plugins that failed to load: {', '.join(self.broken)}"
        return hint


def _bundled_first(point: metadata.EntryPoint) -> tuple[bool, str]:
    """Sorts entry points so that no third party can take the name of a bundled plugin."""
    return point.dist is None or point.dist.name != "starhaul", point.value


def _module_from(path: Path) -> object:
    number = zlib.crc32(bytes(path.absolute()))  # there may be many a plugin.py
    name = f"starhaul_plugin_{re.sub(r'[^0-9a-zA-Z]', '_', path.stem)}_{number}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise PluginError(str(path), "no such plugin file", "--plugin takes the path of a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that 'module:Class' in its hooks can name the module itself by __name__
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(str(path), f"cannot be loaded: {type(error).__name__}: {error}") from error
    return module
