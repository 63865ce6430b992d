"""The commands that look at a job or at runs and change nothing: check, plan, preview, runs, schema."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import MakeJob, Starhaul


class TestCheck:
    def test_a_good_job(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        result = starhaul("check", make_job())
        assert result.exit_code == 0
        assert "valid, both sides answer (countreader → streamwriter)" in result.stdout

    def test_what_only_the_store_knows(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        job = make_job(oddTable="orders")
        result = starhaul("check", job)
        assert result.exit_code == 2
        assert result.stderr == "error: reader.oddTable: no table 'orders' (name another)\n"
        assert starhaul("check", job, "--no-connect").exit_code == 0

    def test_it_makes_no_run(self, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path) -> None:
        starhaul("check", make_job())
        assert not (tmp_path / "state").exists()

    def test_warnings_are_told(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        result = starhaul("check", make_job(), "-D", "unused=1")
        assert result.exit_code == 0
        assert result.stderr.startswith("warning: -D: variable 'unused'")


class TestPlan:
    def test_it_shows_splits_conversion_and_guarantee(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        result = starhaul("plan", make_job(tasks=12, writer={"name": "streamwriter"}))
        assert result.exit_code == 0, result.output
        rows = [line.split() for line in result.stdout.splitlines()]
        assert ["number", "int64", "number", "string", "widens"] in [row[:5] for row in rows]
        assert ["part", "3", "3"] in rows
        assert "… 2 more" in result.stdout
        assert "12 tasks" in result.stdout
        assert "guarantee  None: a failed run may leave rows behind" in result.stdout
        assert not any(line.endswith(" ") for line in result.stdout.splitlines())

    def test_as_json(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        planned = json.loads(starhaul("plan", make_job(password=None), "--json").stdout)
        assert planned["streams"][0]["splits"] == [{"id": "part 0", "rows": 3, "bytes": None}]


class TestPreview:
    def test_rows_as_the_writer_gets_them(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        result = starhaul("preview", make_job(rows=9, writer={"name": "streamwriter"}), "--rows", "2")
        assert result.exit_code == 0, result.output
        title, names, types, _, *rows = result.stdout.splitlines()
        assert title == "job: 2 rows"
        assert (names.split(), types.split()) == (["number", "word"], ["string", "string"])
        assert [row.split() for row in rows] == [["0", r"w0\x1b[2J"], ["1", r"w1\x1b[2J"]]

    def test_rejected_rows(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        result = starhaul("preview", make_job(rows=9, reject=[0, 3]), "--rows", "4")
        assert result.exit_code == 0, result.output
        assert "rejected  row 0: 0 is not wanted" in result.stdout
        assert "rejected  row 3: 3 is not wanted" in result.stdout
        assert "job: 4 rows" in result.stdout

    def test_an_empty_source(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        result = starhaul("preview", make_job(rows=0))
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("job: 0 rows\nnumber  ")

    def test_transformers_and_nulls(self, starhaul: Starhaul, tmp_path: Path) -> None:
        job = tmp_path / "job.yaml"
        job.write_text(
            "reader: {name: stream, recordCount: 2, column: [{name: a, value: x}, {name: b, value: null}]}\n"
            "transformers: [{name: select, columns: [b, a]}]\n"
            "writer: {name: stream, print: false}\n"
        )
        result = starhaul("preview", job)
        assert result.exit_code == 0, result.output
        assert [line.split() for line in result.stdout.splitlines()[-2:]] == [["NULL", "x"]] * 2


class TestRuns:
    def test_the_newest_first(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        starhaul("run", make_job("first.json"))
        starhaul("run", make_job("second.json", failAt=0))
        rows = [line.split() for line in starhaul("runs").stdout.splitlines()[2:]]
        assert [row[1:3] for row in rows] == [["second", "failed"], ["first", "done"]]
        assert len(starhaul("runs", "--limit", "1").stdout.splitlines()) == 3

    def test_another_state_folder(self, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path) -> None:
        starhaul("run", make_job(), "--state", tmp_path / "other")
        assert starhaul("runs").stdout.startswith("no runs in ")
        assert " done " in starhaul("runs", "--state", tmp_path / "other").stdout


class TestResume:
    def test_which_run_must_be_said(self, starhaul: Starhaul) -> None:
        assert "Name a RUN, or say --last." in starhaul("resume").stderr
        assert starhaul("resume", "20260101_000000_abcdef", "--last").exit_code == 2

    def test_nothing_to_resume(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        starhaul("run", make_job())
        result = starhaul("resume", "--last")
        assert result.exit_code == 2
        assert "to be resumed" in result.stderr

    def test_an_unknown_run(self, starhaul: Starhaul) -> None:
        assert "no such run" in starhaul("resume", "20260101_000000_abcdef").stderr


class TestReplay:
    def test_nothing_to_replay(self, starhaul: Starhaul, make_job: MakeJob) -> None:
        run = starhaul("run", make_job()).stdout.split()[1]
        result = starhaul("replay", run)
        assert result.exit_code == 2
        assert run in result.stderr

    def test_rejected_rows_go_through_again(self, starhaul: Starhaul, make_job: MakeJob, tmp_path: Path) -> None:
        target, gate = tmp_path / "target", tmp_path / "gate"
        writer = {"name": "gatewriter", "path": str(target), "gate": str(gate)}
        job = make_job(rows=4, writer=writer, settings={"errorLimit": {"record": 2}})
        run = starhaul("run", job).stdout.split()[1]
        assert target.read_text() == "0\n2\n"
        gate.touch()
        result = starhaul("replay", run)
        assert result.exit_code == 0, result.output
        assert target.read_text() == "0\n2\n1\n3\n"
        assert starhaul("replay", run).exit_code == 2


def test_schema_is_a_json_schema_of_jobs(starhaul: Starhaul, make_job: MakeJob) -> None:
    import jsonschema

    schema = json.loads(starhaul("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "reader.countreader" in schema["$defs"]
