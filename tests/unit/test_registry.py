"""The registry: plugins are found by name, and a stranger's broken one harms nobody."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from starhaul import Event, PluginError, RunFinished, hookimpl
from starhaul.registry import Registry
from starhaul.testing import memory
from starhaul.testing.memory import MemoryReader, MemoryWriter

READER = "starhaul.testing.memory:MemoryReader"


class Announces:
    """A plugin that announces some readers."""

    def __init__(self, readers: Mapping[str, str]) -> None:
        self._readers = readers

    @hookimpl
    def starhaul_readers(self) -> Mapping[str, str]:
        return self._readers


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.register(memory, "memory")
    return registry


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on `sys.path`, where third parties install themselves."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("third_"):
            del sys.modules[name]


def _install(site: Path, name: str, code: str) -> None:
    """A distribution with one module, which its entry point names."""
    (site / f"{name}.py").write_text(dedent(code), encoding="utf-8")
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[starhaul]\n{name} = {name}\n", encoding="utf-8")


GOOD = f"""
    from starhaul import hookimpl

    @hookimpl
    def starhaul_readers():
        return {{"ThirdReader": "{READER}", "third": "{READER}"}}
"""


def test_finds_by_any_case(registry: Registry) -> None:
    assert registry.reader("memoryreader") is MemoryReader
    assert registry.reader("MemoryReader") is MemoryReader
    assert registry.writer("MEMORYWRITER") is MemoryWriter
    assert registry.plugin("writer", "memoryWriter") is MemoryWriter


def test_kinds_are_kept_apart(registry: Registry) -> None:
    with pytest.raises(PluginError, match="no writer named 'memoryreader'"):
        registry.writer("memoryreader")


def test_aliases_share_a_class_and_have_one_canonical_name(registry: Registry) -> None:
    registry.register(Announces({"mem": READER, "Memory": READER}), "more")
    assert registry.reader("mem") is registry.reader("memory") is MemoryReader
    assert registry.aliases("reader", "MemoryReader") == ["mem", "memory"]
    assert registry.canonical("reader").count("memoryreader") == 1
    assert not {"mem", "memory"} & set(registry.canonical("reader"))


def test_listing_is_sorted_and_lower_case(registry: Registry) -> None:
    names = list(registry.listed("reader"))
    assert names == sorted(names)
    assert all(name == name.lower() for name in names)
    assert registry.listed("reader")["memoryreader"].provider == "memory"


def test_registering_refreshes_the_listing(registry: Registry) -> None:
    assert "late" not in registry.listed("reader")
    registry.register(Announces({"late": READER}))
    assert "late" in registry.listed("reader")


def test_did_you_mean(registry: Registry) -> None:
    with pytest.raises(PluginError, match=r"no reader named 'memoryreder' \(did you mean 'memoryreader'"):
        registry.reader("memoryreder")


def test_nothing_close_lists_what_is_known(registry: Registry) -> None:
    with pytest.raises(PluginError, match=r"known: .*memoryreader"):
        registry.reader("q")


def test_first_to_announce_a_name_keeps_it(registry: Registry) -> None:
    registry.register(Announces({"MEMORYREADER": "os:path"}), "usurper")
    assert registry.reader("memoryreader") is MemoryReader
    assert f"the name belongs to {READER} already" in registry.broken["usurper reader MEMORYREADER"]


def test_the_same_name_for_the_same_class_is_no_conflict(registry: Registry) -> None:
    registry.register(Announces({"memoryreader": READER}), "echo")
    assert registry.reader("memoryreader") is MemoryReader
    assert registry.broken == {}


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("no_such_module:Reader", "ModuleNotFoundError"),
        ("starhaul.testing.memory:Nope", "AttributeError"),
        ("starhaul.testing.memory:MemoryWriter", "is not a reader class"),
        ("starhaul.testing.memory:MemoryStore", "is not a reader class"),
        ("starhaul.testing.memory:starhaul_readers", "is not a reader class"),
    ],
)
def test_plugin_that_cannot_be_loaded_fails_when_named(registry: Registry, target: str, told: str) -> None:
    registry.register(Announces({"wrong": target}), "wrong")
    assert registry.reader("memoryreader") is MemoryReader
    assert "memoryreader" in registry.canonical("reader")
    with pytest.raises(PluginError, match=told) as caught:
        registry.reader("wrong")
    assert "reader wrong" in str(caught.value)


def test_hook_that_raises_harms_nobody(registry: Registry) -> None:
    class Broken:
        @hookimpl
        def starhaul_readers(self) -> Mapping[str, str]:
            raise RuntimeError("boom")

    registry.register(Broken(), "broken")
    assert registry.reader("memoryreader") is MemoryReader
    assert registry.broken == {"broken": "RuntimeError: boom"}


@pytest.mark.parametrize("answer", [None, 7, {"name": None}, {7: READER}, {"name": "no.colon"}, ["memoryreader"]])
def test_hook_that_answers_nonsense_harms_nobody(registry: Registry, answer: object) -> None:
    class Nonsense:
        @hookimpl
        def starhaul_readers(self) -> object:
            return answer

    registry.register(Nonsense(), "nonsense")
    assert registry.reader("memoryreader") is MemoryReader
    assert any(each.startswith("nonsense") for each in registry.broken)


def test_broken_plugins_are_named_when_one_is_missed(registry: Registry) -> None:
    registry.register(Announces({"x": None}), "nonsense")  # type: ignore[dict-item]
    with pytest.raises(PluginError, match="plugins that failed to load: nonsense"):
        registry.reader("nope")


def test_misspelt_hook_is_refused() -> None:
    class Misspelt:
        @hookimpl
        def starhaul_reader(self) -> Mapping[str, str]:
            return {}

    registry = Registry()
    with pytest.raises(PluginError, match=r"misspelt: is not a usable plugin: .*starhaul_reader"):
        registry.register(Misspelt(), "misspelt")
    registry.register(memory, "memory")
    assert registry.reader("memoryreader") is MemoryReader


def test_registering_twice_is_refused_and_the_first_stays(registry: Registry) -> None:
    with pytest.raises(PluginError, match="memory"):
        registry.register(memory, "memory")
    assert registry.reader("memoryreader") is MemoryReader


def test_third_party_entry_point(site: Path) -> None:
    _install(site, "third_good", GOOD)
    registry = Registry()
    assert registry.reader("thirdreader") is MemoryReader
    assert registry.aliases("reader", "third") == ["thirdreader"]
    assert "third_good" not in registry.broken


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import no_such_driver", "ModuleNotFoundError"),
        ("raise RuntimeError('at import')", "at import"),
        ("def broken(:", "SyntaxError"),
        ("from starhaul import hookimpl\n@hookimpl\ndef starhaul_nope(): ...", "starhaul_nope"),
        ("from starhaul import hookimpl\n@hookimpl\ndef starhaul_readers(argument): ...", "argument"),
        ("raise SystemExit(3)", "SystemExit"),
    ],
)
def test_broken_third_party_is_reported_and_harms_nobody(site: Path, code: str, told: str) -> None:
    _install(site, "third_bad", code)
    _install(site, "third_good", GOOD)
    registry = Registry()
    assert told in registry.broken["third_bad"]
    assert registry.reader("third") is MemoryReader


def test_entry_points_of_bundled_plugins_are_loaded_and_no_plugin_is() -> None:
    code = """
        import sys
        from starhaul.registry import KINDS, Registry
        registry = Registry()
        assert not registry.broken, registry.broken
        assert all(registry.listed(kind) for kind in KINDS)
        print(*sorted(name for name in sys.modules if name.startswith(("starhaul_readers.", "starhaul_writers."))))
    """
    answer = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


PLUGIN_FILE = """
    from starhaul import hookimpl
    from starhaul.testing.memory import MemoryReader

    class FileReader(MemoryReader):
        '''Reads.'''
        name = "filereader"

    @hookimpl
    def starhaul_readers():
        return {"filereader": f"{__name__}:FileReader"}
"""


def test_plugin_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(dedent(PLUGIN_FILE), encoding="utf-8")
    registry = Registry(plugin_files=(path,))
    assert registry.reader("FileReader").name == "filereader"
    assert registry.listed("reader")["filereader"].provider == str(path)


def test_two_plugin_files_of_one_name(tmp_path: Path) -> None:
    """`a/mine.py` and `b/mine.py` are two plugins, and each name leads to its own."""
    paths = []
    for folder in ("first", "second"):
        path = tmp_path / folder / "mine.py"
        path.parent.mkdir()
        text = dedent(PLUGIN_FILE).replace("filereader", f"{folder}reader").replace("FileReader", folder.title())
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    registry = Registry(plugin_files=tuple(paths))
    assert registry.reader("firstreader").name == "firstreader"
    assert registry.reader("secondreader").name == "secondreader"


def test_plugin_file_in_two_registries(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(dedent(PLUGIN_FILE), encoding="utf-8")
    for registry in (Registry(plugin_files=(path,)), Registry(plugin_files=(path,))):
        assert registry.reader("filereader").name == "filereader"


@pytest.mark.parametrize("name", ["missing.py", "mine.txt", "."])
def test_plugin_file_that_is_none(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.txt").write_text("not python", encoding="utf-8")
    with pytest.raises(PluginError, match="takes the path of a Python file"):
        Registry(plugin_files=(tmp_path / name,))


@pytest.mark.parametrize("code", ["import no_such_driver", "def broken(:", "raise SystemExit(3)"])
def test_plugin_file_that_fails(tmp_path: Path, code: str) -> None:
    path = tmp_path / "broken_mine.py"
    path.write_text(code, encoding="utf-8")
    with pytest.raises(PluginError, match=r"broken_mine\.py: cannot be loaded"):
        Registry(plugin_files=(path,))
    assert not [name for name in sys.modules if "broken_mine" in name]


def test_observers_see_events_and_one_that_raises_is_logged(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Event] = []

    class Broken:
        @hookimpl
        def starhaul_event(self, event: Event) -> None:
            raise RuntimeError("boom")

    class Sees:
        @hookimpl
        def starhaul_event(self, event: Event) -> None:
            seen.append(event)

    class Careless:
        @hookimpl
        def starhaul_event(self) -> None:
            seen.append(RunFinished(run="careless", state="done"))

    for plugin in (Sees(), Broken(), Careless(), Sees()):
        registry.register(plugin)
    event = RunFinished(run="r", state="done")
    with caplog.at_level(logging.WARNING):
        registry.tell(event)
    assert seen.count(event) == 2
    assert "failed" in caplog.text
    assert "boom" in caplog.text
    assert [each.run for each in seen].count("careless") == 1
