"""DataX jobs as native ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from starhaul.api.errors import ConfigError, PluginError
from starhaul.cli.group import starhaul
from starhaul.job.datax_to_native import to_native
from starhaul.job.job import Job
from starhaul.job.load import load_job
from starhaul.registry import Registry

CORPUS = Path(__file__).parents[2] / "fixtures" / "datax-jobs"

Convert = Callable[..., str]


def document(setting: dict[str, Any] | None = None, streams: int = 1, **parameter: Any) -> dict[str, Any]:
    content = {
        "reader": {"name": "FruitReader", "parameter": {"path": "a"} | parameter},
        "writer": {"name": "fruit", "parameter": {"path": "b"}},
    }
    return {"job": {"setting": setting or {}, "content": [content] * streams}}


@pytest.fixture
def convert(registry: Registry, tmp_path: Path) -> Convert:
    """Converts a job, and checks that the native one does the same."""

    def convert(job: dict[str, Any] | str, environment: dict[str, str] | None = None, **variables: str) -> str:
        path = tmp_path / "job.json"
        path.write_text(job if isinstance(job, str) else json.dumps(job), encoding="utf-8")
        text = to_native(path, registry, variables=variables, environment=environment or {})
        native = tmp_path / "job.yaml"
        native.write_text(text, encoding="utf-8")
        secrets = {"READER_PASSWORD": "hunter2", "READER_X": "x"}
        given = {**variables, **secrets} if "READER_PASSWORD" in text else variables
        before = load_job(path, registry, variables=variables, environment=environment or {})
        after = load_job(native, registry, variables=given, environment=environment or {})
        assert told(after) == told(before)
        return text

    return convert


def told(job: Job) -> Any:
    streams = [
        [(use.name.lower().removesuffix("reader").removesuffix("writer"), use.parameters)
         for use in (each.reader, *each.transformers, each.writer)]
        for each in job.streams
    ]  # fmt: skip
    return streams, job.settings


def test_a_job(convert: Convert) -> None:
    text = convert(document({"speed": {"channel": "3"}}, column=[{"index": "0", "type": "long"}], fetchSize="10"))
    body = text[text.index("\nreader:") :]
    assert body.startswith(
        "\nreader:\n  name: fruitreader\n  path:\n  - a\n  column:\n  - index: 0\n    type: long\n  fetchSize: 10\n"
        "writer:\n  name: fruitwriter\n  path: b\n\nsettings:\n  channel: 3\n"
    )


def test_settings_and_their_differences(convert: Convert) -> None:
    text = convert(document({"speed": {"byte": 1000}, "errorLimit": {"record": 5, "percentage": 0.1}}))
    assert "  # Holds for the whole job." in text
    assert "  # Both limits hold;" in text
    assert "  errorLimit:\n    record: 5\n    percentage: 0.1\n" in text
    assert "# A value arrives exactly" in text
    plain = convert(document())
    assert "errorLimit: {record: null}" in plain
    assert "# DataX's default: any number of rows may be rejected." in plain
    assert "# A value arrives exactly" not in convert(document({"conversion": "datax"}))
    framework = document() | {
        "core": {"container": {"task": {"failOver": {"maxRetryTimes": 1}}}, "x": 1},
        "common": {"column": {"timeZone": "GMT+8", "extraFormats": ["yyyyMMdd"]}},
    }
    told = convert(framework)
    assert "attempts: 1" in told
    assert "three times in all" not in told
    assert "# - core.x: 'x' has no effect" in told


def test_variables_stay_variables(convert: Convert) -> None:
    job = document(path="/data/$day/${name}.csv", fetchSize="${n}", options={"a": "$gt ${a-b} ${env:HOME}"})
    text = convert(job, {"HOME": "/root"}, n="7", day="monday", name="x")
    assert '"/data/${day}/${name}.csv"' in text
    assert 'fetchSize: "${n}"' in text
    assert '"$gt $${a-b} ${env:HOME}"' in text
    assert "# Variables to be given: -D day=… -D n=… -D name=…\n" in text


def test_files_are_not_read_into_the_job(convert: Convert, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2")
    text = convert(document(password="${file:pw}"))
    assert "${file:pw}" in text
    assert "hunter2" not in text


def test_secrets_become_variables(convert: Convert) -> None:
    text = convert(document(password="hunter2"))
    assert "hunter2" not in text
    assert 'password: "${READER_PASSWORD}"' in text
    assert "# Secrets to be set in the environment, or given with -D: READER_PASSWORD\n" in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("jdbc:mysql://u:hunter%402@h:1/d?x=a@b", "jdbc:mysql://u:${READER_OPTIONS_U_PASSWORD}@h:1/d?x=a@b"),
        ("jdbc:mysql://h/d?user=u&password=hunter2", "jdbc:mysql://h/d?user=u&password=${READER_OPTIONS_U_PASSWORD}"),
        (
            "jdbc:sqlserver://h:1;databaseName=d;PWD=hunter2",
            "jdbc:sqlserver://h:1;databaseName=d;PWD=${READER_OPTIONS_U_PASSWORD}",
        ),
        ("jdbc:oracle:thin:u/hunter2@h:1:s", "jdbc:oracle:thin:u/${READER_OPTIONS_U_PASSWORD}@h:1:s"),
        ("pg://u:hunter2@$host/d", "pg://u:${READER_OPTIONS_U_PASSWORD}@${host}/d"),
        ("pg://u:$pw@h/d?sslpassword=hunter2", "pg://u:${pw}@h/d?sslpassword=${READER_OPTIONS_U_PASSWORD_1}"),
        ("pg://h:5432/d", "pg://h:5432/d"),
        ("a text: with u:hunter@h", "a text: with u:hunter@h"),
    ],
)
def test_passwords_in_urls_become_variables(registry: Registry, tmp_path: Path, url: str, shown: str) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(document(options={"u": url})), encoding="utf-8")
    text = to_native(path, registry, variables={"host": "h", "pw": "secret"}, environment={})
    assert yaml.safe_load(text)["reader"]["options"] == {"u": shown}


def test_several_streams(convert: Convert) -> None:
    text = convert(document(streams=2))
    assert "# DataX runs the first of these streams only.\nstreams:\n- reader:\n" in text


@pytest.mark.parametrize(
    "value", ["1e5", "012", "true", "null", "~", "NO", "1:30", "a: b", "# x", "é", "a\tb", " ", "-", "*"]
)
def test_texts_stay_texts(convert: Convert, value: str) -> None:
    convert(document(options={"x": value}))


def test_warnings_are_remarks(convert: Convert) -> None:
    text = convert("// made by hand\n{'job': {'content': [{reader: {name: 'fruit', parameter: {path: 'a', pth: 1}}, "
                   "writer: {name: 'fruit', parameter: {path: 'b'}}}]}}")  # fmt: skip
    assert "a key without quotes" in text
    assert "# - job.content[0].reader.parameter.pth: unknown key 'pth' has no effect\n" in text


def test_what_cannot_be_converted(convert: Convert, registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="right before a variable"):
        convert(document(path="$${x}"), x="y")
    path = tmp_path / "native.yaml"
    path.write_text("reader: {name: fruit, path: a}\nwriter: {name: fruit, path: b}\n")
    with pytest.raises(ConfigError, match="is no job in DataX's form"):
        to_native(path, registry)
    with pytest.raises(ConfigError, match="fetchSize: must be an integer"):
        convert(document(fetchSize="${n}"))


def test_a_job_whose_plugins_are_missing(registry: Registry, tmp_path: Path) -> None:
    job = document(path="/data/${day}")
    content = job["job"]["content"][0]
    content["writer"] = {
        "name": "NoSuchWriter",
        "parameter": {"Password": "hunter2", "connection": [{"accessKey": "hunter3", "url": "u${day}"}], "n": "1"},
    }
    content["transformer"] = [{"name": "dx_groovy", "parameter": {"code": "return record"}}]
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    text = to_native(path, registry, environment={})
    assert "hunter" not in text
    assert "# It cannot run as it is:\n# - job.content[0].writer.name: no writer named 'NoSuchWriter'" in text
    assert "# - job.content[0].transformer[0].name: no transformer named 'dx_groovy'" in text
    assert (
        "# Secrets to be set in the environment, or given with -D: WRITER_PASSWORD, WRITER_CONNECTION_ACCESSKEY" in text
    )
    assert yaml.safe_load(text)["writer"] == {
        "name": "nosuchwriter",
        "Password": "${WRITER_PASSWORD}",
        "connection": [{"accessKey": "${WRITER_CONNECTION_ACCESSKEY}", "url": "u${day}"}],
        "n": "1",
    }


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.json")), ids=lambda path: path.stem)
def test_published_jobs(path: Path, tmp_path: Path) -> None:
    """Each can be converted, unless it is wrong. The native one does the same, if its plugins are there."""
    registry = Registry()
    refusal = _refusal(path, registry)
    if isinstance(refusal, ConfigError):
        with pytest.raises(ConfigError):
            to_native(path, registry, environment={})
        return
    text = to_native(path, registry, environment={})
    native = tmp_path / "job.yaml"
    native.write_text(text, encoding="utf-8")
    secrets = re.findall(r"\$\{((?:READER|WRITER)_\w+)\}", text)
    if "# It cannot run as it is:" in text:
        with pytest.raises(PluginError):
            load_job(native, registry, variables=dict.fromkeys(secrets, "x"))
        assert isinstance(refusal, PluginError)
    elif secrets:
        assert load_job(native, registry, variables=dict.fromkeys(secrets, "x")).streams
    else:
        assert told(load_job(native, registry)) == told(load_job(path, registry))


def _refusal(path: Path, registry: Registry) -> Exception | None:
    try:
        load_job(path, registry, environment={})
    except (ConfigError, PluginError) as error:
        return error
    return None


def test_the_command(tmp_path: Path) -> None:
    output = tmp_path / "job.yaml"
    arguments = ["convert", str(CORPUS / "core-1.json")]
    printed = CliRunner().invoke(starhaul, arguments)
    assert printed.exit_code == 0
    assert CliRunner().invoke(starhaul, [*arguments, "-o", str(output)]).exit_code == 0
    assert output.read_text(encoding="utf-8") == printed.stdout
    again = CliRunner().invoke(starhaul, [*arguments, "-o", str(output)])
    assert again.exit_code == 2
    assert "cannot be written: File exists" in again.output
