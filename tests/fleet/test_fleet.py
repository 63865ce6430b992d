"""Rules over every plugin that is registered, found from the registry and never from a list."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from starhaul import Capability, Params, Reader, Writer
from starhaul.registry import KINDS, Kind, Registry
from starhaul.testing import ReaderConformance

CONFORMANCE = Path(__file__).parents[1] / "conformance"

VOCABULARY: Mapping[str, str] = {
    "charset": "encoding",
    "columns": "column",
    "compression": "compress",
    "delimiter": "fieldDelimiter",
    "separator": "fieldDelimiter",
    "sep": "fieldDelimiter",
    "directory": "path",
    "dir": "path",
    "file": "path",
    "files": "path",
    "folder": "path",
    "paths": "path",
    "filename": "fileName",
    "filter": "where",
    "condition": "where",
    "mode": "writeMode",
    "nullValue": "nullFormat",
    "nullText": "nullFormat",
    "passwd": "password",
    "pwd": "password",
    "query": "querySql",
    "sql": "querySql",
    "tableName": "table",
    "tables": "table",
    "url": "jdbcUrl",
    "user": "username",
    "userName": "username",
    "batchRecords": "batchRows",
    "rowsPerBatch": "batchRows",
}
"""A name that a parameter could have → the one that DataX's jobs, and hence all our plugins, use."""

WAIVED: Mapping[tuple[str, str], str] = {
    (name, "columns"): "our own transformers name columns; DataX's `column` describes those of a store"
    for name in ("cast", "rename", "select")
} | {
    (name, "mode"): "DataX's HBase jobs call it so; it tells what a row is, not what happens to rows that are there"
    for name in ("hbase11xreader", "hbase11xwriter")
} | {
    (name, "url"): "DataX has no plugin for Hive; there is no JDBC here" for name in ("hivereader", "hivewriter")
} | {
    (name, "url"): "the URL need not be JDBC's; `jdbcUrl` is understood as well"
    for store in (
        "mysql", "postgresql", "oceanbasev10", "rdbms", "oracle", "sqlserver", "drds", "adbmysql", "adbpg", "gaussdb",
        "kingbasees", "hologresjdbc",
    )
    for name in (f"{store}reader", f"{store}writer")
    if name not in ("adbmysqlreader", "adbpgreader", "hologresjdbcreader")
}  # fmt: skip
"""(plugin, parameter) → why this plugin calls it so all the same."""

UNTRIED = "nothing here was run against one"
"""What the page of a plugin says that the tests have no server for."""

NO_SERVER: Mapping[str, str] = (
    {
        f"{store}{kind}": f"{product} comes in no package that a test may install; its code is that of rdbms{kind}, "
        "which the kit tries on three databases, and tests/unit/stores/rdbms holds its SQL"
        for store, product in (("oracle", "Oracle"), ("sqlserver", "SQL Server"))
        for kind in ("reader", "writer")
    }
    | {
        f"{store}{kind}": f"its makers give no server away; its code is that of {wire}{kind}, which the kit tries, and "
        "tests/servers/test_declarations.py runs a job through it"
        for wire, store, kinds in (
            ("mysql", "drds", ("reader", "writer")),
            ("mysql", "adbmysql", ("writer",)),
            ("postgresql", "adbpg", ("writer",)),
            ("postgresql", "gaussdb", ("reader", "writer")),
            ("postgresql", "kingbasees", ("reader", "writer")),
            ("postgresql", "hologresjdbc", ("writer",)),
        )
        for kind in kinds
    }
    | {
        f"oss{kind}": "OSS comes in no package; its code is that of the other object stores, which the kit tries, and "
        "jobs in its words run on the same server in tests/servers/test_s3.py"
        for kind in ("reader", "writer")
    }
)
"""Plugin → why the kit cannot try it. Its page has to say so."""


@cache
def _registry() -> Registry:
    return Registry()


def _plugins() -> Iterator[tuple[Kind, str]]:
    for kind in KINDS:
        yield from ((kind, name) for name in _registry().canonical(kind))


def _names() -> Iterator[tuple[Kind, str]]:
    for kind in KINDS:
        yield from ((kind, name) for name in _registry().listed(kind))


PLUGINS = list(_plugins())
NAMES = list(_names())
each_plugin = pytest.mark.parametrize(("kind", "name"), PLUGINS, ids=[name for _, name in PLUGINS])
each_name = pytest.mark.parametrize(("kind", "name"), NAMES, ids=[f"{kind}-{name}" for kind, name in NAMES])


def parameters(params_type: type[Params]) -> dict[str, dict[str, Any]]:
    """Every parameter, those of nested models too: dotted name → JSON Schema."""
    schema = params_type.json_schema()
    models = {"": schema, **{f"{name}.": model for name, model in schema.get("$defs", {}).items()}}
    return {
        f"{model}{name}": field for model, part in models.items() for name, field in part.get("properties", {}).items()
    }


def off_vocabulary(params_type: type[Params]) -> dict[str, str]:
    """Top-level parameters that have a canonical name, with that name."""
    names = params_type.json_schema().get("properties", {})
    return {name: VOCABULARY[name] for name in names if VOCABULARY.get(name, name) != name}


def test_nothing_is_broken() -> None:
    for kind in KINDS:
        assert _registry().listed(kind)
    assert _registry().broken == {}


@each_name
def test_every_name_leads_to_a_plugin(kind: Kind, name: str) -> None:
    cls = _registry().plugin(kind, name)
    assert cls.name in _registry().listed(kind), f"{name!r} leads to a class that calls itself {cls.name!r}"
    assert _registry().plugin(kind, cls.name) is cls, f"{name!r} and {cls.name!r} lead to different classes"


@each_plugin
def test_names_follow_the_pattern(kind: Kind, name: str) -> None:
    """DataX's convention: a reader ends in `reader`, a writer in `writer`; the rest of the name is the short alias."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    if kind == "transformer":
        assert not name.endswith(("reader", "writer", "transformer"))
        return
    assert name.endswith(kind), f"{name!r} is a {kind}: DataX would call it {name + kind!r}"
    assert name.removesuffix(kind) in _registry().aliases(kind, name), f"the short alias of {name!r} is missing"


@each_plugin
def test_bundled_plugins_live_where_they_belong(kind: Kind, name: str) -> None:
    assert _registry().plugin(kind, name).__module__.startswith(f"starhaul_{kind}s.")


@each_plugin
def test_docstring_is_a_sentence(kind: Kind, name: str) -> None:
    first = (_registry().plugin(kind, name).__doc__ or "").strip().splitlines()[0]
    assert first.endswith("."), f"the first line is what users read: {first!r}"
    assert 10 <= len(first) <= 120


def test_docstrings_differ() -> None:
    first = [(_registry().plugin(kind, name).__doc__ or "").strip().splitlines()[0] for kind, name in PLUGINS]
    assert len(set(first)) == len(first)


@each_plugin
def test_every_parameter_is_documented(kind: Kind, name: str) -> None:
    for parameter, field in parameters(_registry().plugin(kind, name).params_type).items():
        text = field.get("description", "").strip()
        assert text, f"parameter {parameter!r} has no description; put a string under the field"
        assert text[-1] in ".!?)…", f"the description of {parameter!r} is no sentence: {text!r}"


@each_plugin
def test_parameters_are_spelt_as_in_a_job(kind: Kind, name: str) -> None:
    for parameter in parameters(_registry().plugin(kind, name).params_type):
        assert re.fullmatch(r"[a-z][a-zA-Z0-9]*", parameter.split(".")[-1]), f"{parameter!r} is not camelCase"


@each_plugin
def test_parameters_keep_to_the_vocabulary(kind: Kind, name: str) -> None:
    off = off_vocabulary(_registry().plugin(kind, name).params_type)
    unwaived = {parameter: good for parameter, good in off.items() if (name, parameter) not in WAIVED}
    assert not unwaived, f"use the canonical names, or waive them with a reason: {unwaived}"


@pytest.mark.parametrize(("name", "parameter"), WAIVED)
def test_waivers_are_needed(name: str, parameter: str) -> None:
    assert WAIVED[name, parameter].strip(), "a waiver needs a reason"
    kind: Kind = next(kind for kind, plugin in PLUGINS if plugin == name)
    assert parameter in off_vocabulary(_registry().plugin(kind, name).params_type), "stale waiver"


@each_plugin
def test_json_schema_is_valid(kind: Kind, name: str) -> None:
    schema = _registry().plugin(kind, name).params_type.json_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


@each_plugin
def test_promises_are_kept_by_code(kind: Kind, name: str) -> None:
    """A promise whose method is not written cannot be meant."""
    cls = _registry().plugin(kind, name)
    if kind == "reader" and Capability.SPLIT in cls.capabilities:
        assert cls.split is not Reader.split, "SPLIT is promised, but split() is not written"
    if kind == "writer":
        assert Capability.SPLIT not in cls.capabilities
        if Capability.EXACTLY_ONCE in cls.capabilities:
            assert cls.delivered is not Writer.delivered, "EXACTLY_ONCE is promised, but delivered() is not written"
        if Capability.ATOMIC in cls.capabilities:
            assert cls.commit is not Writer.commit, "ATOMIC is promised, but commit() is not written"
            assert cls.abort is not Writer.abort, "ATOMIC is promised, but abort() is not written"


def test_imports_are_light() -> None:
    """`starhaul plugins` and `job.schema.json` import every plugin there is."""
    modules = sorted({_registry().plugin(kind, name).__module__ for kind, name in PLUGINS})
    code = """
        import importlib, sys
        heavy, modules = set(sys.argv[1].split()), sys.argv[2].split()
        for module in modules:
            before = set(sys.modules)
            importlib.import_module(module)
            for loaded in heavy & (set(sys.modules) - before):
                print(f"{module} loads {loaded}")
    """
    code = "\n".join(line[8:] for line in code.splitlines())
    command = [sys.executable, "-c", code, " ".join(ReaderConformance.heavy_modules), " ".join(modules)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


def conformance_classes(tree: ast.Module, kind: Kind) -> Iterator[str]:
    """The plugins that a test module holds against the kit: what the fixture `reader`, `writer` or `transformer` of
    a subclass of the kit's class is annotated to return."""
    suite = f"{kind.title()}Conformance"
    found = {suite}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        bases = {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases}
        if not bases & found:
            continue
        found.add(node.name)
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == kind and method.returns is not None:
                yield ast.unparse(method.returns).split("[")[0].split(".")[-1]


@cache
def _held_against_the_kit(kind: Kind) -> frozenset[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(CONFORMANCE.glob("**/test_*.py"))]
    return frozenset(name for tree in trees for name in conformance_classes(tree, kind))


@each_plugin
def test_every_plugin_passes_the_kit(kind: Kind, name: str) -> None:
    plugin = _registry().plugin(kind, name)
    cls = plugin.__name__
    if name in NO_SERVER:
        assert cls not in _held_against_the_kit(kind), "stale: the kit tries it after all"
        assert UNTRIED in " ".join((plugin.__doc__ or "").split()), f"its docstring must say that {UNTRIED}"
        return
    assert cls in _held_against_the_kit(kind), (
        f"no class under tests/conformance extends {kind.title()}Conformance with a fixture `{kind}() -> {cls}`"
    )


class TestRulesBite:
    """The rules that read something find what is planted."""

    def test_vocabulary(self) -> None:
        class Off(Params):
            delimiter: str = ","
            """Between two values."""

        assert off_vocabulary(Off) == {"delimiter": "fieldDelimiter"}

    def test_nested_parameters_are_seen(self) -> None:
        class Inner(Params):
            bare: int = 0

        class Outer(Params):
            inner: Inner = Inner()
            """Documented."""

        found = parameters(Outer)
        assert set(found) == {"inner", "Inner.bare"}
        assert "description" not in found["Inner.bare"]

    @pytest.mark.parametrize(
        ("code", "found"),
        [
            ("class T(ReaderConformance):\n    def reader(self) -> Csv: ...", ["Csv"]),
            ("class T(testing.ReaderConformance):\n    def reader(self) -> m.Csv: ...", ["Csv"]),
            ("class A(ReaderConformance): ...\nclass T(A):\n    def reader(self) -> Csv: ...", ["Csv"]),
            ("class T(WriterConformance):\n    def reader(self) -> Csv: ...", []),
            ("class T(ReaderConformance):\n    def other(self) -> Csv: ...", []),
            ("class T:\n    def reader(self) -> Csv: ...", []),
        ],
    )
    def test_conformance_classes(self, code: str, found: list[str]) -> None:
        assert list(conformance_classes(ast.parse(code), "reader")) == found

    def test_canonical_names_are_not_off(self) -> None:
        assert not set(VOCABULARY.values()) & {bad for bad, good in VOCABULARY.items() if bad != good}


def test_modules_of_the_fleet_are_documented() -> None:
    for module in {_registry().plugin(kind, name).__module__ for kind, name in PLUGINS}:
        assert (importlib.import_module(module).__doc__ or "").strip(), f"{module} has no docstring"
