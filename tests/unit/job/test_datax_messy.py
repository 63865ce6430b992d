"""Whole jobs in the state in which people keep them: copied from blogs, made by web consoles, edited by hand.

Each is loaded with the bundled plugins, and what it comes to is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starhaul.api.errors import ConfigError
from starhaul.job.job import Job
from starhaul.job.load import load_job
from starhaul.registry import Registry

Check = Callable[[Job], object]

STREAM_READER = '{"name": "streamreader", "parameter": {"sliceRecordCount": 5, "column": [{"value": "x"}]}}'
STREAM_WRITER = '{"name": "streamwriter", "parameter": {"print": false}}'


def reader(job: Job) -> dict[str, Any]:
    return dict(job.streams[0].reader.parameters)


def writer(job: Job) -> dict[str, Any]:
    return dict(job.streams[0].writer.parameters)


MESSY: dict[str, tuple[str, Any, Check]] = {
    "a web console's job": (
        """{
  "job": {
    "setting": {
      "speed": { "channel": 3, "byte": 1048576 },
      "errorLimit": { "record": 0, "percentage": 0.02 }
    },
    "content": [{
      "reader": {
        "name": "mysqlreader",
        "parameter": {
          "username": "yRjwDFuoPKlqya9h9H2Amg==", "password": "yRjwDFuoPKlqya9h9H2Amg==",
          "column": ["`id`", "`name`"], "splitPk": "",
          "connection": [{ "table": ["user"], "jdbcUrl": ["jdbc:mysql://127.0.0.1:3306/test"] }]
        }
      },
      "writer": {
        "name": "mysqlwriter",
        "parameter": {
          "username": "root", "password": "root", "column": ["`id`", "`name`"],
          "connection": [{ "table": ["user2"], "jdbcUrl": "jdbc:mysql://127.0.0.1:3306/test" }]
        }
      }
    }]
  }
}""",
        (["`id`", "`name`"], 3, 1048576),
        lambda job: (reader(job)["column"], job.settings.channel, job.settings.speed.byte),
    ),
    "numbers and booleans as texts": (
        '{"job": {"setting": {"speed": {"channel": "2", "byte": "-1"}, "errorLimit": {"record": "5", "percentage": '
        '"0.1"}}, "content": [{"reader": {"name": "streamreader", "parameter": {"sliceRecordCount": "5", "column": '
        '[{"value": "x"}]}}, "writer": {"name": "streamwriter", "parameter": {"print": "true"}}}]}}',
        (2, None, 5, 0.1, 5, True),
        lambda job: (
            job.settings.channel, job.settings.speed.byte, job.settings.error_limit.record,
            job.settings.error_limit.percentage, reader(job)["sliceRecordCount"], writer(job)["print"],
        ),
    ),
    "a scalar for a list, and the other way round": (
        """{"job": {"content": [{
            "reader": {"name": "txtfilereader", "parameter": {"path": "/data/in", "column": ["*"]}},
            "writer": {"name": "postgresqlwriter", "parameter": {"username": "u", "password": "", "column": "*",
                "preSql": "truncate t", "connection": [{"jdbcUrl": ["jdbc:postgresql://h/d"], "table": "t"}]}}}]}}""",
        (["/data/in"], ["*"], ["truncate t"], ["t"]),
        lambda job: (
            listed(reader(job)["path"]), listed(writer(job)["column"]), listed(writer(job)["preSql"]),
            listed(writer(job)["connection"][0]["table"]),
        ),
    ),
    "plugin names as the documentation spells them": (
        f'{{"job": {{"content": [{{"reader": {STREAM_READER.replace("streamreader", "StreamReader")}, '
        f'"writer": {STREAM_WRITER.replace("streamwriter", "STREAMWRITER")}}}]}}}}',
        ("StreamReader", "STREAMWRITER"),
        lambda job: (job.streams[0].reader.name, job.streams[0].writer.name),
    ),
    "made by hand with a Chinese input method": (
        f"｛“job”：｛“setting”：｛“speed”：｛“channel”：2｝｝，“content”：［｛“reader”：{STREAM_READER}，“writer”："
        f"{STREAM_WRITER}｝］｝｝",
        2,
        lambda job: job.settings.channel,
    ),
    "comments of every kind, some of them after values": (
        f"""# nightly
/* by Li Lei,
   2019 */
{{
  "job": {{ // the job
    "setting": {{"speed": {{"channel": 2 /* was 5 */}}}}, # fast enough
    "content": [{{"reader": {STREAM_READER}, // from "nowhere"
      "writer": {STREAM_WRITER}}}]
  }}
}}
// end""",
        2,
        lambda job: job.settings.channel,
    ),
    "a piece of JavaScript": (
        "{job: {setting: {speed: {channel: 2}}, content: [{reader: {name: 'streamreader', parameter: "
        "{sliceRecordCount: +5, column: [{value: 'it\\'s'}]}}, writer: {name: 'streamwriter', parameter: {}}}]}}",
        (5, "it's"),
        lambda job: (reader(job)["sliceRecordCount"], reader(job)["column"][0]["value"]),
    ),
    "commas forgotten and left over": (
        f'{{"job": {{"setting": {{"speed": {{"channel": 2,}},}} "content": [{{"reader": {STREAM_READER} "writer": '
        f"{STREAM_WRITER},}},,]}},}}",
        2,
        lambda job: job.settings.channel,
    ),
    "a byte order mark, and the line ends of Windows": (
        f'\ufeff{{"job": {{\r\n"content": [{{"reader": {STREAM_READER},\r\n"writer": {STREAM_WRITER}}}]\r\n}}}}\r\n',
        1,
        lambda job: len(job.streams),
    ),
    "no-break spaces from a web page": (
        f'{{\xa0"job":\xa0{{"content":\u3000[{{"reader": {STREAM_READER},\xa0"writer": {STREAM_WRITER}}}]}}}}',
        1,
        lambda job: len(job.streams),
    ),
    "a key twice": (
        f'{{"job": {{"setting": {{"speed": {{"channel": 5}}, "speed": {{"channel": 2}}}}, "content": [{{"reader": '
        f'{STREAM_READER}, "writer": {STREAM_WRITER}}}]}}}}',
        2,
        lambda job: job.settings.channel,
    ),
    "a query over several lines, with tabs": (
        """{"job": {"content": [{"reader": {"name": "mysqlreader", "parameter": {"username": "root", "password": "x",
            "connection": [{"jdbcUrl": ["jdbc:mysql://h:3306/d"], "querySql": ["select a,
\t\tb   -- both
from t;"]}]}}, "writer": %s}]}}""" % STREAM_WRITER,  # noqa: UP031 - braces
        "select a,\n\t\tb   -- both\nfrom t;",
        lambda job: listed(reader(job)["connection"][0]["querySql"])[0],
    ),
    "escapes that only Java knows": (
        '{"job": {"content": [{"reader": {"name": "streamreader", "parameter": {"sliceRecordCount": 1, "column": '
        f'[{{"value": "\\x41\\v\\0\\.\\/"}}]}}}}, "writer": {STREAM_WRITER}}}]}}}}',
        "A\x0b\0./",
        lambda job: reader(job)["column"][0]["value"],
    ),
    "nothing where a setting could be": (
        f'{{"job": {{"setting": {{"speed": {{"channel": 2, "byte": null}}, "errorLimit": null, "restore": {{}}}}, '
        f'"jobInfo": {{"a": 1}}, "content": [{{"reader": {STREAM_READER}, "writer": {STREAM_WRITER}, "transformer": '
        "null}]}}",
        (2, None),
        lambda job: (job.settings.channel, job.settings.error_limit.record),
    ),
    "a bare number for the speed": (
        f'{{"job": {{"setting": {{"speed": 1048576}}, "content": [{{"reader": {STREAM_READER}, "writer": '
        f"{STREAM_WRITER}}}]}}}}",
        (1, 1048576),
        lambda job: (job.settings.channel, job.settings.speed.byte),
    ),
    "framework settings beside the job": (
        f'{{"entry": {{"jvm": "-Xms1G"}}, "core": {{"transport": {{"channel": {{"speed": {{"byte": "1048576", '
        f'"record": -1}}}}}}, "container": {{"job": {{"sleepInterval": 0}}}}}}, "common": {{"column": '
        f'{{"timeZone": "GMT+8"}}}}, "job": {{"setting": {{"speed": {{"byte": 3145728}}}}, "content": '
        f'[{{"reader": {STREAM_READER}, "writer": {STREAM_WRITER}}}]}}}}',
        (3, "+08:00"),
        lambda job: (job.settings.channel, job.settings.conversion.time_zone),
    ),
    "variables without quotes, and in quotes": (
        f'{{"job": {{"setting": {{"speed": {{"channel": ${{n}}}}}}, "content": [{{"reader": '
        f'{STREAM_READER.replace("5", "$rows").replace("x", "${day} $day")}, "writer": {STREAM_WRITER}}}]}}}}',
        (4, 7, "2024-02-29 2024-02-29"),
        lambda job: (job.settings.channel, reader(job)["sliceRecordCount"], reader(job)["column"][0]["value"]),
    ),
    "several columns from one variable": (
        '{"job": {"content": [{"reader": {"name": "mysqlreader", "parameter": {"username": "r", "password": "", '
        '"column": ["${columns}"], "connection": [{"jdbcUrl": ["jdbc:mysql://h/d"], "table": ["t"]}]}}, "writer": '
        f"{STREAM_WRITER}}}]}}}}",
        ["id", "name"],
        lambda job: reader(job)["column"],
    ),
    "keys that DataX does not know, and typing errors": (
        f'{{"job": {{"setting": {{"speed": {{"channel": 2, "concurrent": 4}}}}, "content": [{{"reader": '
        f"{STREAM_READER}, "
        '"writer": {"name": "streamwriter", "parameter": {"print": false, "writerMode": "insert", "encodng": "x"}}}]}}',
        {"print": False},
        writer,
    ),
    "many tables by their numbers": (
        '{"job": {"content": [{"reader": {"name": "mysqlreader", "parameter": {"username": "r", "password": "", '
        '"column": ["*"], "connection": [{"jdbcUrl": ["jdbc:mysql://h1/d", "jdbc:mysql://h2/d"], "table": '
        f'["t_[00-31]", "a,b"]}}]}}}}, "writer": {STREAM_WRITER}}}]}}}}',
        ["t_[00-31]", "a,b"],
        lambda job: reader(job)["connection"][0]["table"],
    ),
    "a table told twice": (
        f'{{"job": {{"content": [{{"reader": {STREAM_READER}, "writer": {{"name": "mysqlwriter", "parameter": '
        '{"username": "r", "password": "", "column": ["a"], "table": "t", "connection": [{"jdbcUrl": '
        '"jdbc:mysql://h/d", "table": ["t"]}]}}}]}}',
        ["t"],
        lambda job: writer(job)["connection"][0]["table"],
    ),
    "a write mode in words": (
        f'{{"job": {{"content": [{{"reader": {STREAM_READER}, "writer": {{"name": "mysqlwriter", "parameter": '
        '{"username": "r", "password": "", "writeMode": "INSERT IGNORE INTO", "column": ["a"], "session": '
        '"set session sql_mode=\'ANSI\'", "connection": [{"jdbcUrl": "jdbc:mysql://h/d", "table": ["t"]}]}}}]}}',
        "INSERT IGNORE INTO",
        lambda job: writer(job)["writeMode"],
    ),
}  # fmt: skip


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


GIVEN = {"n": "4", "rows": "7", "day": "2024-02-29", "columns": 'id","name'}


@pytest.mark.parametrize(("text", "expected", "found"), MESSY.values(), ids=MESSY)
def test_messy_jobs(registry: Registry, tmp_path: Path, text: str, expected: Any, found: Check) -> None:
    path = tmp_path / "job.json"
    path.write_text(text, encoding="utf-8", newline="")
    assert found(load_job(path, registry, variables=GIVEN, environment={})) == expected


REFUSED = {
    "another encoding than the database's": (
        '{"job": {"content": [{"reader": {"name": "postgresqlreader", "parameter": {"username": "r", '
        '"password": "", "mandatoryEncoding": "gbk", "connection": [{"jdbcUrl": "jdbc:postgresql://h/d", '
        f'"table": ["t"]}}]}}}}, "writer": {STREAM_WRITER}}}]}}}}',
        "as the database declares them",
    ),
    "an encoding that nobody knows": (
        '{"job": {"content": [{"reader": {"name": "mysqlreader", "parameter": {"username": "r", "password": "", '
        '"mandatoryEncoding": "gbq", "connection": [{"jdbcUrl": ["jdbc:mysql://h/d"], "table": ["t"]}]}}, "writer": '
        f"{STREAM_WRITER}}}]}}}}",
        "no encoding is called 'gbq'",
    ),
    "several tables to write": (
        f'{{"job": {{"content": [{{"reader": {STREAM_READER}, "writer": {{"name": "mysqlwriter", "parameter": '
        '{"username": "r", "password": "", "column": ["a"], "connection": [{"jdbcUrl": "jdbc:mysql://h/d", "table": '
        '["t[0-3]"]}]}}}]}}',
        "one writer writes one table",
    ),
    "two tables, told in two ways": (
        f'{{"job": {{"content": [{{"reader": {STREAM_READER}, "writer": {{"name": "mysqlwriter", "parameter": '
        '{"username": "r", "password": "", "column": ["a"], "table": "u", "connection": [{"jdbcUrl": '
        '"jdbc:mysql://h/d", "table": ["t"]}]}}}]}}',
        "or connection with both",
    ),
    "tables and a query": (
        '{"job": {"content": [{"reader": {"name": "mysqlreader", "parameter": {"username": "r", "password": "", '
        '"connection": [{"jdbcUrl": ["jdbc:mysql://h/d"], "table": ["t"], "querySql": ["select 1"]}]}}, "writer": '
        f"{STREAM_WRITER}}}]}}}}",
        "either table or querySql",
    ),
    "a handler": (
        f'{{"job": {{"preHandler": {{"pluginType": "handler", "pluginName": "x"}}, "content": [{{"reader": '
        f'{STREAM_READER}, "writer": {STREAM_WRITER}}}]}}}}',
        "is Java code that DataX loads",
    ),
    "NaN": (
        f'{{"job": {{"setting": {{"speed": {{"channel": NaN}}}}, "content": [{{"reader": {STREAM_READER}, "writer": '
        f"{STREAM_WRITER}}}]}}}}",
        "not valid JSON: 'NaN' is no value",
    ),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_jobs_that_are_refused_say_why_and_where(registry: Registry, tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "job.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=reason) as caught:
        load_job(path, registry, environment={})
    assert all(each.file == str(path) and each.line for each in caught.value.problems) or str(path) in str(caught.value)
