"""The strings under the attributes of a class, which are their documentation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1024)  # most plugins' parameters inherit from the same few classes
def attribute_docs(cls: type[Any]) -> Mapping[str, str]:
    """Name → string under it, for the attributes that the class itself defines. The language keeps no trace of them but
    the source: without one (a frozen program, a class made at a prompt) the answer is empty."""
    import ast
    import inspect
    import itertools
    import textwrap

    try:
        definition = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError):
        return {}
    docs: dict[str, str] = {}
    for attribute, string in itertools.pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
        match attribute, string:
            case (
                ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)),
                ast.Expr(ast.Constant(str(text))),
            ):
                docs[name] = inspect.cleandoc(text)
    return docs
