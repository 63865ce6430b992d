"""DataX's launcher fetches jobs from servers."""

from __future__ import annotations

import base64
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from starhaul.job import address
from tests.unit.cli.datax import Datax, Write, job
from tests.unit.cli.datax import call as call
from tests.unit.cli.datax import write as write


class _Server(http.server.BaseHTTPRequestHandler):
    text: ClassVar = job()
    failures: ClassVar = 0
    authorizations: ClassVar[list[str | None]]

    def do_GET(self) -> None:
        type(self).authorizations.append(self.headers.get("Authorization"))
        if type(self).failures:
            type(self).failures -= 1
            self.send_error(503)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(type(self).text.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[_Server]]]:
    monkeypatch.setattr(address, "PAUSE_SECONDS", 0.01)

    class Server(_Server):
        authorizations: ClassVar[list[str | None]] = []

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as each:
        thread = threading.Thread(target=each.serve_forever)
        thread.start()
        yield f"127.0.0.1:{each.server_port}", Server
        each.shutdown()
        thread.join()


def test_jobs_from_a_server(call: Datax, server: tuple[str, type[_Server]]) -> None:
    host, handler = server
    handler.failures = 1
    done = call(f"http://{host}/inner/job/77/config")
    assert done.return_value == 0, done.output
    assert "[job-77] INFO  JobContainer" in done.stdout
    assert handler.authorizations == [None, None]
    handler.failures = 2
    failed = call(f"http://{host}/job.json")
    assert failed.return_value == 1
    assert "cannot be fetched: 503" in failed.stdout


def test_a_server_of_jobs_that_does_not_answer_is_asked_twice(call: Datax, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(address, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failed = call(f"http://joe:hunter2@127.0.0.1:{silent.getsockname()[1]}/job.json")
        silent.settimeout(1)
        for _ in range(2):
            silent.accept()[0].close()
        with pytest.raises(TimeoutError):
            silent.accept()
    assert failed.return_value == 1
    assert "cannot be fetched: timed out" in failed.stdout
    assert "hunter2" not in failed.output


def test_who_fetches_a_job(
    call: Datax, server: tuple[str, type[_Server]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, handler = server
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / ".secret.properties").write_text("auth.user=joe\nauth.pass=hunter2\n")
    monkeypatch.setenv("DATAX_HOME", str(tmp_path))
    assert call(f"http://{host}/job.json").return_value == 0
    assert call(f"http://jane:s%20x@{host}/job.json").return_value == 0
    sent = [base64.b64decode((each or "").removeprefix("Basic ")).decode() for each in handler.authorizations]
    assert sent == ["joe:hunter2", "jane:s x"]
    handler.text = "{"
    failed = call(f"http://jane:hunter2@{host}/job.json")
    assert f"http://{host}/job.json" in failed.stdout
    assert "hunter2" not in failed.output


def test_jobs_by_file_address(call: Datax, write: Write) -> None:
    assert call(f"file://{write(job())}").return_value == 0
