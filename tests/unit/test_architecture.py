"""The star, held by the syntax trees of all modules: plugins know the hub, the hub knows no plugin, and the contract
knows nobody. Each rule is shown to catch a violation."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import starhaul

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "starhaul"
PLUGINS = ROOT / "plugins"
KINDS = ("starhaul_readers", "starhaul_writers", "starhaul_transformers")
SHARED = "starhaul_stores"

STORES = (
    "adls", "avro", "bigquery", "cassandra", "clickhouse", "cosmos", "couchbase", "csv", "databricks", "db2", "doris",
    "dremio", "druid", "duckdb", "dynamodb", "elasticsearch", "gaussdb", "gcs", "hana", "hbase", "hdfs", "hive",
    "hologres", "iceberg", "impala", "influxdb", "ingres", "kafka", "kingbase", "kudu", "mariadb", "maxcompute",
    "minio", "mongo", "mongodb", "mssql", "mysql", "neo4j", "oceanbase", "odps", "opensearch", "oracle", "orc", "oss",
    "parquet", "polardb", "postgres", "postgresql", "presto", "psycopg", "pulsar", "pymysql", "rabbitmq", "redis",
    "redshift", "rocksdb", "s3", "scylla", "sftp", "singlestore", "snowflake", "solr", "spanner", "sqlite", "sqlite3",
    "sqlserver", "starrocks", "sybase", "tdengine", "teradata", "tidb", "timescale", "trino", "tsdb", "vertica",
)  # fmt: skip
"""Names that would tie the hub to a store."""

MAY_NAME: Mapping[str, Mapping[str, str]] = {
    "runs": {"sqlite3": "the run store is an SQLite file, by the standard library"},
    "testing/plugin.py": dict.fromkeys(
        ["csv", "kafka", "oracle", "parquet", "psycopg", "pymysql", "redis", "sqlite", "postgresql"],
        "the drivers that importing a plugin must not load",
    ),
}
"""Path under the core → store → why it is named there. A reason for nothing fails."""

BANNED = re.compile(
    r"(?:^|_)(?:manager|utils?|helpers?|common|base)(?:$|_)|(?:Manager|Utils?|Helpers?|Common|Base)(?=[A-Z]|$)"
)
MOST_LINES = 350


def _modules(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Every dotted name that a module imports, in whatever place: `from a import b` gives `a.b`.

    `package` is the one that the module is in, for relative imports; `import_module` with a constant counts too.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.args[0].value


def _is_under(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def contract_breaks(tree: ast.AST) -> list[str]:
    """What a module of `starhaul.api` imports from the rest of the core, or from a plugin."""
    ours = ("starhaul", *KINDS, SHARED)
    return [
        name
        for name in imports(tree, "starhaul.api")
        if any(_is_under(name, package) for package in ours) and not _is_under(name, "starhaul.api")
    ]


def core_breaks(tree: ast.AST, package: str = "starhaul") -> list[str]:
    """What a module of the core imports from plugins."""
    return [name for name in imports(tree, package) if any(_is_under(name, each) for each in (*KINDS, SHARED))]


def plugin_breaks(tree: ast.AST, package: str) -> list[str]:
    """What a plugin's module imports beside public names, `starhaul_stores` and strangers' packages."""
    return [name for name in imports(tree, package) if not _plugin_may(name, package)]


def _plugin_may(name: str, package: str) -> bool:
    if name.split(".")[0] in ("core", "plugins"):
        return False
    if _is_under(name, "starhaul"):
        return name.removeprefix("starhaul.") in starhaul.__all__
    if any(_is_under(name, kind) for kind in KINDS):
        return package in KINDS[2:] and _is_under(name, package)  # transformers of one family share a module
    return True


def _words(text: str) -> set[str]:
    """The words of a text in any notation: `fromMysqlTable`, `mysql_table`, `MySQL table`, `S3`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return set(re.findall(r"[a-z0-9]+", f"{text} {spaced}".lower()))


def stores_named(tree: ast.Module) -> set[str]:
    """The stores that a module's code names: in identifiers, in imports and in strings that are not documentation."""
    documentation = set(_documentation(tree))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation:
            found |= _words(node.value)
        elif isinstance(node, ast.alias):
            found |= _words(node.name)
        else:
            texts = (getattr(node, field, None) for field in ("id", "attr", "arg", "name", "module"))
            found |= {word for text in texts if isinstance(text, str) for word in _words(text)}
    return found & set(STORES)


def _documentation(tree: ast.Module) -> Iterator[ast.Constant]:
    """Docstrings, and the strings under fields and constants: any statement that is a string and nothing else."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def banned_names(tree: ast.Module) -> list[str]:
    """Classes and functions whose name says nothing."""
    made = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [node.name for node in ast.walk(tree) if isinstance(node, made) and BANNED.search(node.name)]


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


API = _modules(CORE / "api")
REST = [path for path in _modules(CORE) if path not in API]
PLUGIN_MODULES = _modules(PLUGINS)
ALL = [*_modules(CORE), *PLUGIN_MODULES]


def _package(path: Path) -> str:
    """The import name of the package that a module is in."""
    folder = path.parent
    if CORE in path.parents:
        return ".".join(folder.relative_to(ROOT / "core").parts)
    return ".".join(folder.relative_to(PLUGINS).parts[1:])  # readers/starhaul_readers/…


@pytest.mark.parametrize("path", API, ids=_name)
def test_contract_imports_nothing_of_the_core(path: Path) -> None:
    assert contract_breaks(_parse(path)) == []


@pytest.mark.parametrize("path", REST, ids=_name)
def test_core_imports_no_plugin(path: Path) -> None:
    assert core_breaks(_parse(path), _package(path)) == []


@pytest.mark.parametrize("path", PLUGIN_MODULES, ids=_name)
def test_plugins_import_the_public_names_and_no_other_plugin(path: Path) -> None:
    assert plugin_breaks(_parse(path), _package(path)) == []


@pytest.mark.parametrize("path", _modules(CORE), ids=_name)
def test_core_names_no_store(path: Path) -> None:
    place = path.relative_to(CORE).as_posix()
    allowed = {store for prefix, stores in MAY_NAME.items() if place.startswith(prefix) for store in stores}
    named = stores_named(_parse(path)) - allowed
    assert not named, f"{place} names {sorted(named)}: the core describes no store; it is a plugin's to know"


@pytest.mark.parametrize(("prefix", "stores"), MAY_NAME.items(), ids=list(MAY_NAME))
def test_waivers_are_needed(prefix: str, stores: Mapping[str, str]) -> None:
    places = [path for path in _modules(CORE) if path.relative_to(CORE).as_posix().startswith(prefix)]
    named = {store for path in places for store in stores_named(_parse(path))}
    assert set(stores) <= named, f"stale waivers: {set(stores) - named}"
    assert all(reason.strip() for reason in stores.values())


@pytest.mark.parametrize("path", ALL, ids=_name)
def test_names_say_something(path: Path) -> None:
    assert not BANNED.search(path.stem), f"{path.name} says nothing"
    assert banned_names(_parse(path)) == []


@pytest.mark.parametrize("path", ALL, ids=_name)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_there_is_something_to_hold() -> None:
    assert len(API) > 10
    assert len(REST) > 20
    assert len(PLUGIN_MODULES) > 6


VIOLATIONS: Sequence[tuple[Callable[[ast.Module], object], str]] = [
    (contract_breaks, "from starhaul.convert.cast import cast"),
    (contract_breaks, "import starhaul.registry"),
    (contract_breaks, "from starhaul import Reader"),
    (contract_breaks, "from .. import registry"),
    (contract_breaks, "from ..convert.cast import cast"),
    (contract_breaks, "def f():\n    from starhaul.engine import library"),
    (contract_breaks, "import starhaul_stores.files"),
    (core_breaks, "import starhaul_readers.stream"),
    (core_breaks, "from importlib import import_module\nimport_module('starhaul_stores.sqlite')"),
    (lambda tree: plugin_breaks(tree, "starhaul_readers"), "from starhaul.engine import library"),
    (lambda tree: plugin_breaks(tree, "starhaul_readers"), "from starhaul.api.reader import Reader"),
    (lambda tree: plugin_breaks(tree, "starhaul_readers"), "import starhaul.registry as r"),
    (lambda tree: plugin_breaks(tree, "starhaul_readers"), "from starhaul import registry"),
    (lambda tree: plugin_breaks(tree, "starhaul_readers"), "from starhaul_readers.txtfile import TxtFileReader"),
    (lambda tree: plugin_breaks(tree, "starhaul_readers"), "from .txtfile import TxtFileReader"),
    (lambda tree: plugin_breaks(tree, "starhaul_readers"), "if True:\n    import starhaul_writers.sqlite"),
    (lambda tree: plugin_breaks(tree, "starhaul_stores"), "from starhaul_readers import stream"),
    (lambda tree: plugin_breaks(tree, "starhaul_writers"), "from core.starhaul import Reader"),
    (lambda tree: plugin_breaks(tree, "starhaul_writers"), "import plugins.stores"),
    (stores_named, "import psycopg"),
    (stores_named, "from adbc_driver_sqlite import dbapi"),
    (stores_named, "class MysqlTypes: ..."),
    (stores_named, "def f(oracle_mode): ..."),
    (stores_named, "if name == 'PostgreSQL': ..."),
    (stores_named, "x = f'{a} to Kafka'"),
    (stores_named, "writer.to_parquet()"),
    (banned_names, "class ConnectionManager: ..."),
    (banned_names, "class BaseReader: ..."),
    (banned_names, "def load_utils(): ..."),
    (banned_names, "class StringHelper: ..."),
]


@pytest.mark.parametrize(("rule", "code"), VIOLATIONS, ids=[code.replace("\n", " ") for _, code in VIOLATIONS])
def test_rules_catch_a_violation(rule: Callable[[ast.Module], object], code: str) -> None:
    assert rule(ast.parse(code))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (contract_breaks, "from starhaul.api.task import Task\nimport pyarrow"),
        (core_breaks, "from starhaul.registry import Registry"),
        (lambda tree: plugin_breaks(tree, "starhaul_readers"), "from starhaul import Reader, cast\nimport pymysql"),
        (lambda tree: plugin_breaks(tree, "starhaul_readers"), "from starhaul_stores.files import lines"),
        (stores_named, '"""As MySQL does it."""\nx = 1\n"""Oracle\'s name."""'),
        (stores_named, "trinomial = 'the s3cond'"),
        (banned_names, "class Based: ...\ndef database(): ...\ndef commonly(): ..."),
    ],
)
def test_rules_let_good_code_be(rule: Callable[[ast.Module], object], code: str) -> None:
    assert not rule(ast.parse(code))


def test_relative_imports_are_resolved() -> None:
    assert list(imports(ast.parse("from . import a\nfrom .b import c\nfrom ..d import e"), "p.q")) == [
        "p.q.a",
        "p.q.b.c",
        "p.d.e",
    ]


def test_packages_are_named_as_they_are_imported() -> None:
    assert _package(CORE / "api" / "task.py") == "starhaul.api"
    assert _package(PLUGINS / "readers" / "starhaul_readers" / "stream.py") == "starhaul_readers"
