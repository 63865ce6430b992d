"""The public names: what `starhaul` exports is what it says it exports, documented, and quick to get at."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import get_origin

import pytest

import starhaul

FACADE = Path(starhaul.__file__)


def _imported_for_type_checkers() -> dict[str, str]:
    """Name → module, of the imports under `if TYPE_CHECKING`."""
    tree = ast.parse(FACADE.read_text(encoding="utf-8"))
    imports = [
        node
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
    ]
    return {alias.asname or alias.name: node.module or "" for node in imports for alias in node.names}


def test_all_is_sorted_as_ruff_sorts_it_and_has_no_doubles() -> None:
    assert len(set(starhaul.__all__)) == len(starhaul.__all__)


def test_all_equals_the_lazy_map() -> None:
    assert sorted(starhaul.__all__) == sorted(starhaul._HOME)


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    assert _imported_for_type_checkers() == {name: f"starhaul.{home}" for name, home in starhaul._HOME.items()}


def test_dir_shows_all() -> None:
    assert set(starhaul.__all__) <= set(dir(starhaul))


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        starhaul.nope  # noqa: B018


@pytest.mark.parametrize("name", starhaul.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    value = getattr(starhaul, name)
    assert value is getattr(importlib.import_module(f"starhaul.{starhaul._HOME[name]}"), name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert get_origin(value) is None
        assert value.__module__.startswith("starhaul."), f"{name} comes from {value.__module__}"
        assert (value.__doc__ or "").strip(), f"{name} has no docstring"


@pytest.mark.parametrize("name", [name for name in starhaul.__all__ if name[0].isupper()])
def test_every_public_method_is_documented(name: str) -> None:
    value = getattr(starhaul, name)
    if not inspect.isclass(value):
        return
    bare = [
        method
        for method, function in vars(value).items()
        if inspect.isfunction(function) and not method.startswith("_") and not (function.__doc__ or "").strip()
    ]
    assert not bare, f"{name}: methods without a docstring: {bare}"


def test_import_is_light() -> None:
    """`starhaul --help` pays for this import."""
    code = "import starhaul, sys; print(*(m for m in ('pyarrow', 'pydantic', 'pluggy', 'yaml') if m in sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


def test_errors_load_no_arrow() -> None:
    code = "from starhaul import ConfigError; import sys; print('pyarrow' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
