"""Whatever a file holds, loading it ends soon, in little memory, with a job or with a place."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starhaul.api.errors import ConfigError, PluginError
from starhaul.job.document import MAX_BYTES
from starhaul.job.load import load_job
from starhaul.registry import Registry

MB = 1024 * 1024
SIZE = 5 * MB

WELL = json.dumps(
    {
        "job": {
            "setting": {"speed": {"channel": 3}, "errorLimit": {"record": 0, "percentage": 0.02}},
            "content": [
                {
                    "reader": {"name": "fruitreader", "parameter": {"path": ["a"], "column": [{"index": 0}]}},
                    "writer": {"name": "fruitwriter", "parameter": {"path": "b", "mode": "insert"}},
                    "transformer": [{"name": "dx_cut", "parameter": {"columnIndex": 0, "paras": ["1"]}}],
                }
            ],
        },
        "core": {"transport": {"channel": {"speed": {"byte": 1048576}}}},
        "common": {"column": {"timeZone": "GMT+8"}},
    },
    indent=1,
)


def judged(path: Path, registry: Registry) -> None:
    error = refusal(path, registry)
    if isinstance(error, ConfigError) and all(each.file == str(path) for each in error.problems):
        return
    assert error is None or str(path) in str(error)


def refusal(path: Path, registry: Registry) -> ConfigError | PluginError | None:
    try:
        assert load_job(path, registry, variables={"x": '1","2'}, environment={}).streams
    except (ConfigError, PluginError) as error:
        return error
    return None


PIECES = st.sampled_from(
    ["{", "}", "[", "]",
     ",", ":", '"', "'", "“", "”", "，", "：", "｛", "#", "//", "/*", "*/", "\n", "\\", "$x", "${x}",
     "${", "null", "true", "1", "-", "1e400", '"job"', "job:", "\u3000", "\ufeff", "\x00", '"*password": "eA=="', "é"]
)  # fmt: skip


@given(cuts=st.lists(st.tuples(st.integers(0, len(WELL)), st.integers(0, 9), PIECES), min_size=1, max_size=6))
@settings(deadline=10_000, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_jobs_with_something_in_them_replaced(
    registry: Registry, tmp_path: Path, cuts: list[tuple[int, int, str]]
) -> None:
    text = WELL
    for place, length, piece in cuts:
        text = text[:place] + piece + text[place + length :]
    path = tmp_path / "job.json"
    path.write_text(text, encoding="utf-8")
    judged(path, registry)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.floats()
    | st.sampled_from(["", "a", "$x", "${x}", "1", "datax"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["name", "parameter", "speed", "channel", "byte", "path", "*password", "keyVersion", "${x}"]),
        inner, max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@given(data=st.data())
@settings(deadline=10_000, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_jobs_with_other_values(registry: Registry, tmp_path: Path, data: st.DataObject) -> None:
    document = json.loads(WELL)
    places = list(_places(document, ()))
    for place in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        owner: Any = document
        try:
            for step in place[:-1]:
                owner = owner[step]
            owner[place[-1]] = data.draw(VALUES)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has taken it away
    path = tmp_path / "job.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    judged(path, registry)


def _places(value: Any, at: tuple[Any, ...]) -> Any:
    for step, child in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield (*at, step)
        yield from _places(child, (*at, step))


def laughs(levels: int = 12) -> str:
    lines = ["a0: &a0 ha"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join([*lines, "job: {content: [*a9]}"])


NASTY: dict[str, tuple[str, Callable[[], str]]] = {
    "a hundred million laughs": (".yaml", laughs),
    "deep arrays": (".json", lambda: '{"job": ' + "[" * SIZE),
    "deep arrays that end": (".json", lambda: '{"job": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "deep objects": (".json", lambda: '{"job": ' * (SIZE // 8)),
    "deep lenient arrays": (".json", lambda: "{'job': " + "[" * SIZE),
    "many values": (".json", lambda: '{"job": [' + "1," * (SIZE // 2) + "1]}"),
    "many lenient values": (".json", lambda: "{'job': [" + "1," * (SIZE // 2) + "1]}"),
    "many comments": (".json", lambda: "{'job': [" + "//\n" * (SIZE // 3) + "]}"),
    "a long comment": (".json", lambda: "{'job': /*" + "*" * SIZE),
    "a long text": (".json", lambda: "{'job': '" + "x" * SIZE + "'}"),
    "a text without an end": (".json", lambda: "{'job': '" + "\\x" * (SIZE // 2)),
    "many quotes": (".json", lambda: "{'job': " + "'" * SIZE),
    "a long word": (".json", lambda: "{job: " + "9" * SIZE + "}"),
    "a word of variables": (".json", lambda: "{job: " + "${" * (SIZE // 2) + "}"),
    "variables in a text": (".json", lambda: '{"job": "' + "${x}" * (SIZE // 4) + '"}'),
    "variables without an end": (".json", lambda: '{"job": "' + "${env:" * (SIZE // 6) + '"}'),
    "many equal keys": (".json", lambda: '{"job": {' + '"a": 1,' * 500_000 + '"a": 1}}'),
    "a long number": (".json", lambda: '{"job": ' + "9" * SIZE + "}"),
    "noise": (".json", lambda: "{job:" + "".join(random.Random(5).choices("{}[],:'\"#/*$ab1 \n", k=2 * MB))),
    "blanks": (".json", lambda: "{'job': " + " " * SIZE + "}"),
}  # fmt: skip

LOAD = """
import sys, time
from pathlib import Path
from starhaul.api.errors import ConfigError
from starhaul.job.load import load_job
from starhaul.registry import Registry
registry = Registry()
start = time.perf_counter()
try:
    load_job(Path(sys.argv[1]), registry, variables={"x": "1"}, environment={})
except ConfigError as error:
    assert sys.argv[1] in str(error), error
    assert len(str(error)) < 20_000, len(str(error))
else:
    raise AssertionError("loaded")
# Not ru_maxrss, which begins with what the process held that forked this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(time.perf_counter() - start, peak.split()[1])
"""


@pytest.mark.parametrize("name", NASTY)
def test_time_and_memory_are_bounded(name: str, tmp_path: Path) -> None:
    suffix, make = NASTY[name]
    path = tmp_path / f"job{suffix}"
    path.write_text(make(), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", LOAD, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    seconds, kilobytes = done.stdout.split()
    assert float(seconds) < 20
    assert int(kilobytes) < 1024 * 1024


def test_a_hundred_megabytes_are_not_even_read(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "job.json"
    with path.open("wb") as file:
        file.truncate(100 * MB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    with pytest.raises(ConfigError, match=f"more than {MAX_BYTES}"):
        load_job(path, registry)
    assert time.perf_counter() - start < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
