"""Every job that DataX publishes loads, or is refused for what is wrong with it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from starhaul.api.errors import ConfigError, PluginError, Problem
from starhaul.job.load import load_job
from starhaul.registry import Kind, Registry
from starhaul_stores.datax_plugins import READERS, SPELLINGS, WRITERS, advise

CORPUS = sorted((Path(__file__).parents[2] / "fixtures" / "datax-jobs").glob("*.json"))

REALLY_WRONG = {
    "userguide-1.json": {"parameter.column", "parameter.sliceRecordCount", "speed.channel"},
    "neo4jwriter-1.json": {""},
    "postgresqlreader-2.json": {"reader.parameter"},
    "rdbmsreader-1.json": {"reader.parameter"},
    "oraclewriter-2.json": {"writer.parameter", "writer.parameter.truncate"},
    "sqlserverwriter-1.json": {"writer.parameter"},
    "hdfsreader-1.json": {"reader.parameter"},
    "hdfswriter-1.json": {"writer.parameter", "writer.parameter.compress"},
    "oceanbasev10reader-2.json": {"reader.parameter"},
    "oceanbasev10writer-1.json": {"writer.parameter"},
    "oceanbasev10writer-2.json": {"writer.parameter"},
    "adbmysqlwriter-1.json": {"writer.parameter"},
    "ftpreader-1.json": {"writer.parameter.protocol", "writer.parameter.host", "writer.parameter.username"},
    "ftpwriter-1.json": {"writer.parameter.writeMode"},
    "osswriter-1.json": {"writer.parameter.accessId", "writer.parameter.writeMode"},
    "osswriter-2.json": {"writer.parameter.accessId"},
    "osswriter-3.json": {"writer.parameter.accessId"},
    "gaussdbreader-1.json": {"reader.parameter"},
    "gaussdbreader-2.json": {"reader.parameter"},
}
"""A template that is to be filled in, a piece of a job, an address `host:port`, and beside it what is a warning else.
File → ends of the places that are wrong."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def test_the_corpus_is_there() -> None:
    assert len(CORPUS) == 72


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_published_jobs(path: Path, registry: Registry) -> None:
    refusal = _refusal(path, registry)
    if isinstance(refusal, ConfigError):
        problems = [each for each in refusal.problems if not _is_expected(each)]
        assert all(_is_known_wrong(path, each) for each in problems), str(refusal)
    elif refusal is not None:
        told = str(refusal).splitlines()
        assert all("a plugin of DataX that is not here" in each for each in told)
        assert all(re.match(rf"{re.escape(str(path))}:\d+ job\.content\[0\]\.", each) for each in told)


def _refusal(path: Path, registry: Registry) -> ConfigError | PluginError | None:
    try:
        assert load_job(path, registry, environment={}).streams
    except (ConfigError, PluginError) as error:
        return error
    return None


def _is_expected(problem: Problem) -> bool:
    """A plugin that is not there, or that the example leaves open (`"reader": {}`)."""
    left_open = problem.path.endswith(("reader.name", "writer.name")) and "is required and missing" in problem.problem
    return left_open or problem.hint.startswith("a plugin of DataX that is not here")


def _is_known_wrong(path: Path, problem: Problem) -> bool:
    return any(problem.path.endswith(end) for end in REALLY_WRONG.get(path.name, ()))


def test_all_plugins_of_datax_are_known(registry: Registry) -> None:
    assert (len(READERS), len(WRITERS)) == (34, 44)
    named: list[tuple[Kind, str]] = [("reader", name) for name in (*READERS, *SPELLINGS)]
    named += [("writer", name) for name in WRITERS]
    for kind, name in named:
        there = name in registry.listed(kind)
        assert there or registry.advice(kind, name.upper(), {}), name
        assert not there or registry.advice(kind, name, {}) is None


def test_advice_names_what_is_there() -> None:
    assert advise("writer", "DorisWriter", {}, ["mysqlwriter", "txtfilewriter"]) == (
        "a plugin of DataX that is not here; use 'mysqlwriter': it speaks MySQL's protocol"
    )
    told = advise("writer", "doriswriter", {}, ["txtfilewriter"]) or ""
    assert "HTTP bulk load" in told
    assert advise("writer", "nosuchwriter", {}, []) is None
    assert advise("reader", "doriswriter", {}, []) is None
    assert advise("transformer", "dx_nothing", {}, []) is None


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("return record;", "leave the transformer out"),
        ('Column c = record.getColumn(1); record.setColumn(1, new StringColumn(c.asString().substring(2, 5)));\nreturn '
         "record;", 'dx_substr does the same: {"columnIndex": 1, "paras": ["2", "3"]}'),
        ("if (record.getColumn(0).asLong() > 5) { return null; } return record;",
         'dx_filter drops rows: {"columnIndex": 0'),
        ("def c = record.getColumn(2); record.setColumn(2, new StringColumn(DigestUtils.md5Hex(c.asString())))",
         'dx_digest does the same: {"columnIndex": 2, "paras": ["md5", "toLowerCase"]}'),
        ("something.else()", "a transformer of your own in Python"),
    ],
)  # fmt: skip
def test_groovy_is_refused_with_what_does_the_same(registry: Registry, code: str, told: str) -> None:
    content = {
        "reader": {"name": "streamreader", "parameter": {"column": [{"value": "a"}], "sliceRecordCount": 1}},
        "writer": {"name": "streamwriter", "parameter": {}},
        "transformer": [{"name": "dx_groovy", "parameter": {"code": code}}],
    }
    with pytest.raises(PluginError) as caught:
        load_job({"job": {"content": [content]}}, registry)
    assert "Groovy cannot run here" in str(caught.value)
    assert told in str(caught.value)


def test_the_rest_of_a_job_is_checked_though_a_plugin_is_missing(registry: Registry) -> None:
    content = {
        "reader": {"name": "gdbreader", "parameter": {}},
        "writer": {"name": "txtfilewriter", "parameter": {"path": "x"}},
    }
    with pytest.raises(ConfigError) as caught:
        load_job({"job": {"content": [content], "setting": {"speed": {"channel": 0}}}}, registry)
    places = {each.path for each in caught.value.problems}
    assert {"job.setting.speed.channel", "job.content[0].reader.name"} <= places
    assert any(each.startswith("job.content[0].writer.parameter.") for each in places)


def test_what_is_advised_for_phoenix() -> None:
    """Not the one missing plugin for the other."""
    for name in ("hbase11xsqlreader", "hbase20xsqlreader"):
        told = advise("reader", name, {}, ["rdbmsreader", "hbase11xreader"])
        assert "use 'rdbmsreader': the package phoenixdb" in str(told)
        assert "sqlline" in str(advise("reader", name, {}, []))
    for name in ("hbase11xsqlwriter", "hbase20xsqlwriter"):
        told = advise("writer", name, {}, ["rdbmswriter", "hbase11xwriter"])
        assert "use 'hbase11xwriter': not through Phoenix" in str(told)
        assert "psql.py" in str(advise("writer", name, {}, []))
