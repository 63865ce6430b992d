"""HDFS when something is wrong: with the job, with the cluster, half-way through a file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyarrow as pa
import pytest

from starhaul import ConfigError, PermanentError, TransientError
from starhaul.testing.delivery import Delivery
from starhaul.testing.task import RecordingTask
from starhaul_readers.hdfs import HdfsReader, HdfsReaderParams
from starhaul_stores.files.places.hdfs import HdfsPlace
from starhaul_stores.files.places.place import FileStatus
from starhaul_stores.files.places.source import Link, Source
from starhaul_stores.hdfs.login import Login
from starhaul_writers.hdfs import HdfsWriter, HdfsWriterParams
from tests.servers.full_disk import can_fill_up, fill_up, make_room
from tests.servers.hdfs import HdfsDirectory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROWS = pa.table({"id": pa.array(range(1000), pa.int64()), "v": ["x" * 100] * 1000})
STANDBY = b"""{"RemoteException": {"exception": "StandbyException", "javaClassName": "x.StandbyException",
"message": "Operation category READ is not supported in state standby"}}"""


def reader(hdfs: HdfsDirectory, **more: Any) -> HdfsReader:
    parameters = {"path": hdfs.path, "fileType": "csv", "column": ["*"], "hdfsUsername": "alice", **more}
    return HdfsReader(HdfsReaderParams.parse(hdfs.parameters(**parameters)))


def writer(hdfs: HdfsDirectory, **more: Any) -> HdfsWriter:
    parameters = {
        "path": hdfs.path, "fileName": "t", "fileType": "csv", "writeMode": "append", "hdfsUsername": "alice", **more,
    }  # fmt: skip
    return HdfsWriter(HdfsWriterParams.parse(hdfs.parameters(**parameters)))


def read(source: HdfsReader) -> int:
    """How many rows there are."""
    return sum(batch.num_rows for split in source.split(2) for batch in source.read(split, RecordingTask()))


def write(target: HdfsWriter, rows: pa.Table = ROWS) -> None:
    """A whole run of one task."""
    delivery = Delivery(target, rows.schema)
    delivery.prepare()
    delivery.commit(delivery.write(delivery.task(), delivery.converted(rows)))


def status(place: HdfsPlace, path: str) -> FileStatus:
    with place.session() as session:
        found = session.stat(path)
    assert found is not None
    return found


def ask(source: HdfsReader) -> None:
    """Ask once, where a reader would ask again after a pause."""
    with source.place.session() as session:
        session.stat("/")


def test_missing_paths_and_wrong_kinds(hdfs: HdfsDirectory) -> None:
    hdfs.cluster.put(f"{hdfs.path}/file", b"1,a\n")
    with pytest.raises(ConfigError, match=r"no file matches .*none"):
        reader(hdfs, path=f"{hdfs.path}/none").check()
    with pytest.raises(ConfigError, match="no file matches"):
        reader(hdfs, path=f"{hdfs.path}/file/below").check()
    assert read(reader(hdfs, path=f"{hdfs.path}/f[hi]l{{e,x}}")) == 1
    for path in (f"{hdfs.path}/file", f"{hdfs.path}/file/below"):
        with pytest.raises(ConfigError, match=r"hdfs://127.0.0.1:\d+/test/\d+/file is not a directory"):
            writer(hdfs, path=path).check(ROWS.schema)
    hdfs.cluster.ask("PUT", "MKDIRS", f"{hdfs.path}/sub", permission="777")
    assert read(reader(hdfs)) == 1
    none = reader(hdfs, path=f"{hdfs.path}/none", column=[{"index": 0}], successOnNoFile=True)
    none.check()
    assert read(none) == 0


def test_no_permission(hdfs: HdfsDirectory) -> None:
    hdfs.cluster.put(f"{hdfs.path}/mine/a", b"1\n")
    hdfs.cluster.ask("PUT", "SETPERMISSION", f"{hdfs.path}/mine/a", permission="600")
    hdfs.cluster.ask("PUT", "SETPERMISSION", f"{hdfs.path}/mine", permission="755")
    with pytest.raises(ConfigError, match=r"no permission to read .*asked as alice"):
        reader(hdfs).check()
    with pytest.raises(PermanentError, match="Permission denied: user=alice, access=READ"):
        reader(hdfs).schema()
    with pytest.raises(ConfigError, match=r"no permission to write in .*/mine \(asked as alice\)"):
        writer(hdfs, path=f"{hdfs.path}/mine/below").check(ROWS.schema)
    with pytest.raises(PermanentError, match="Permission denied: user=alice, access=WRITE"):
        writer(hdfs, path=f"{hdfs.path}/mine/below").prepare(ROWS.schema, "run_1")
    assert read(reader(hdfs, hdfsUsername=hdfs.cluster.superuser)) == 1


def test_quotas(hdfs: HdfsDirectory) -> None:
    quotas: dict[str, dict[str, Any]] = {"names": {"namespacequota": 1}, "space": {"storagespacequota": 1 << 20}}
    for name, quota in quotas.items():
        hdfs.cluster.ask("PUT", "MKDIRS", f"{hdfs.path}/{name}", permission="777")
        hdfs.cluster.ask("PUT", "SETQUOTA", f"{hdfs.path}/{name}", **quota)
        with pytest.raises(PermanentError, match=r"quota .*exceeded.*raise the quota"):
            write(writer(hdfs, path=f"{hdfs.path}/{name}"), pa.concat_tables([ROWS] * 100))
        assert hdfs.cluster.names(f"{hdfs.path}/{name}") == []


def test_safe_mode(hdfs: HdfsDirectory) -> None:
    hdfs.cluster.put(f"{hdfs.path}/a", b"1\n")
    hdfs.cluster.administer("-safemode", "enter")
    try:
        assert read(reader(hdfs)) == 1
        with pytest.raises(TransientError, match="the name node is in safe mode"):
            write(writer(hdfs))
    finally:
        hdfs.cluster.administer("-safemode", "leave")
    write(writer(hdfs))
    assert read(reader(hdfs, path=f"{hdfs.path}/t__*")) == ROWS.num_rows


def test_who_answers(hdfs: HdfsDirectory) -> None:
    def check(**more: Any) -> None:
        reader(hdfs, **more).check()

    with pytest.raises(TransientError, match=r"http://127.0.0.1:1: no name node answers: Connection refused"):
        ask(reader(hdfs, webhdfsUrl="http://127.0.0.1:1"))
    with pytest.raises(ConfigError, match="the host is not known"):
        check(webhdfsUrl="http://no.such.host.invalid:9870")
    with pytest.raises(ConfigError, match="no TLS connection"):
        check(webhdfsUrl=hdfs.cluster.url.replace("http:", "https:"))
    refused = STANDBY.replace(b"StandbyException", b"SecurityException")
    with answering(403, refused) as url, pytest.raises(ConfigError, match="refuses the login"):
        check(webhdfsUrl=url)
    with answering(404, b"<html>not found</html>") as url, pytest.raises(ConfigError, match="not WebHDFS's"):
        check(webhdfsUrl=url)
    with answering(401, b"<html>who are you</html>") as url, pytest.raises(ConfigError, match="login was refused"):
        check(webhdfsUrl=url)


def test_a_delegation_token(hdfs: HdfsDirectory) -> None:
    """Without Kerberos the cluster gives none; that it is asked for is all that can be seen here."""
    with answering(403, STANDBY) as url:
        with pytest.raises(TransientError, match="standby"):
            ask(reader(hdfs, webhdfsUrl=url, delegationToken="to+ken"))
        assert "delegation=to%2Bken" in LAST[-1]


def test_fail_over(hdfs: HdfsDirectory) -> None:
    hdfs.cluster.put(f"{hdfs.path}/a", b"1\n")
    active = f"127.0.0.1:{hdfs.cluster.http_port}"
    with answering(403, STANDBY) as standby:
        config = {
            "dfs.nameservices": "ns",
            "dfs.ha.namenodes.ns": "nn1,nn2,nn3",
            "dfs.namenode.http-address.ns.nn1": "127.0.0.1:1",
            "dfs.namenode.http-address.ns.nn2": standby.removeprefix("http://"),
            "dfs.namenode.http-address.ns.nn3": active,
        }
        ours = {"defaultFS": "hdfs://ns", "webhdfsUrl": [], "hadoopConfig": config}
        assert read(reader(hdfs, **ours)) == 1
        write(writer(hdfs, **ours))
        assert read(reader(hdfs, path=f"hdfs://ns{hdfs.path}/t_*", **ours)) == ROWS.num_rows
        del config["dfs.namenode.http-address.ns.nn3"]
        with pytest.raises(TransientError, match=r"no name node of the cluster is active|no name node answers"):
            ask(reader(hdfs, **{**ours, "hadoopConfig": {**config, "dfs.ha.namenodes.ns": "nn1,nn2"}}))


def test_a_data_node_that_hangs_while_reading(hdfs: HdfsDirectory) -> None:
    """The connection counts as broken when no byte comes, and the file is read on from there."""
    content = bytes(range(256)) * (160 << 10)
    hdfs.cluster.put(f"{hdfs.path}/a", content)
    place = replace(reader(hdfs).place, timeouts=(10.0, 2.0))
    back = threading.Timer(4, hdfs.cluster.thaw, ["datanode"])
    with Link(place) as link, Source(link, status(place, f"{hdfs.path}/a")).stream() as stream:
        begin = stream.read(100_000)
        hdfs.cluster.freeze("datanode")
        back.start()
        try:
            rest = stream.readall()
        finally:
            back.join()
            hdfs.cluster.thaw("datanode")
    assert begin + rest == content


def test_a_data_node_dies_while_reading_and_while_writing(hdfs: HdfsDirectory) -> None:
    content = b"0123456789abcdef\n" * (4 << 20)
    hdfs.cluster.put(f"{hdfs.path}/a", content)
    place = reader(hdfs).place
    with place.session() as session, session.open_range(status(place, f"{hdfs.path}/a"), 0, len(content)) as stream:
        got = len(stream.read(1000))
        hdfs.cluster.kill("datanode")
        try:
            with suppress(TransientError):  # or it ends early, which the caller counts
                while data := stream.read(1 << 20):
                    got += len(data)
            assert got < len(content)
            with pytest.raises(TransientError, match=r"data node .* cannot be reached: Connection refused"):
                read(reader(hdfs))
        finally:
            hdfs.cluster.start("datanode")
    assert read(reader(hdfs)) == 4 << 20, "when it is back, all is read"

    target = writer(hdfs, path=f"{hdfs.path}/out")
    delivery = Delivery(target, ROWS.schema)
    delivery.prepare()
    batches = delivery.converted(pa.concat_tables([ROWS] * 300))

    def dying() -> Iterator[pa.RecordBatch]:
        yield from batches[:100]
        hdfs.cluster.kill("datanode")
        yield from batches[100:]

    try:
        with pytest.raises(TransientError, match="data node"):
            delivery.write(delivery.task(), dying())
        assert hdfs.cluster.names(f"{hdfs.path}/out") == [], "what was written is gone"
    finally:
        hdfs.cluster.start("datanode")
    receipt = delivery.write(delivery.task(attempt=2), batches)
    delivery.commit(receipt)
    assert read(reader(hdfs, path=f"{hdfs.path}/out")) == receipt.rows == 300_000


@pytest.fixture
def tight(hdfs: HdfsDirectory) -> Iterator[HdfsDirectory]:
    """One whose data node's disk `fill_up` fills."""
    cluster = hdfs.cluster
    cluster.kill("datanode")
    can_fill_up(cluster, "/data/current/")
    cluster.start("datanode")
    yield hdfs
    make_room(cluster)
    cluster.variables.clear()
    cluster.configure({"dfs.datanode.du.reserved": None})
    cluster.kill("datanode")
    cluster.start("datanode")


def test_a_disk_that_is_full(tight: HdfsDirectory) -> None:
    """In the midst of a file, and from the beginning, when the name node knows."""
    cluster, out = tight.cluster, f"{tight.path}/out"
    write(writer(tight, path=out))
    before = cluster.names(out)
    target = writer(tight, path=out)
    delivery = Delivery(target, ROWS.schema, run="run_2")
    delivery.prepare()
    batches = delivery.converted(pa.concat_tables([ROWS] * 300))

    def filling() -> Iterator[pa.RecordBatch]:
        yield from batches[:100]
        fill_up(cluster)
        yield from batches[100:]

    with pytest.raises(TransientError, match="is a data node up, with space on its disks"):
        delivery.write(delivery.task(), filling())
    assert cluster.names(out) == before, "what was written is gone"
    assert read(reader(tight, path=out)) == ROWS.num_rows
    cluster.kill("datanode")
    cluster.configure({"dfs.datanode.du.reserved": 1 << 60})
    cluster.start("datanode")
    with pytest.raises(TransientError, match="is a data node up, with space on its disks"):
        delivery.write(delivery.task(attempt=2), batches)
    assert cluster.names(out) == before
    cluster.kill("datanode")
    make_room(cluster)
    cluster.configure({"dfs.datanode.du.reserved": None})
    cluster.start("datanode")
    delivery.commit(delivery.write(delivery.task(attempt=3), batches))
    assert read(reader(tight, path=out)) == 301 * ROWS.num_rows


def test_a_cluster_without_a_data_node(hdfs: HdfsDirectory) -> None:
    place = reader(hdfs).place
    with place.session() as session:
        session.make_directory(hdfs.path)
    with answering(403, no_room()) as url:
        lost = replace(place, urls=(url,))
        with pytest.raises(TransientError, match="is a data node up"), lost.session() as session:
            session.make_directory(f"{hdfs.path}/x")


def test_a_file_under_construction_is_no_file_yet(hdfs: HdfsDirectory) -> None:
    """What a killed run was writing is hidden, whatever its length, and goes a week later."""
    place = HdfsPlace("cluster", (hdfs.cluster.url,), Login("alice"))
    with place.session() as session:
        with session.stage(hdfs.path, "t__1_t0", 1) as staging:
            staging.write(b"x" * (3 << 20))
            assert all(name.startswith(".") for name in hdfs.cluster.names(hdfs.path))
            with pytest.raises(ConfigError, match="no file matches"):
                reader(hdfs).check()
        session.clear(hdfs.path, "t", before=time.time() - 7 * 86400)
        assert len(hdfs.cluster.names(hdfs.path)) == 1
        session.clear(hdfs.path, "t", before=time.time() + 86400)
        assert hdfs.cluster.names(hdfs.path) == []


def test_many_entries(hdfs: HdfsDirectory) -> None:
    """More than the name node lists at a time."""
    for number in range(130):
        hdfs.cluster.ask("PUT", "MKDIRS", f"{hdfs.path}/d{number:03}")
    place = reader(hdfs).place
    with place.session() as session:
        assert sorted(entry.name for entry in session.entries(hdfs.path)) == [f"d{n:03}" for n in range(130)]


def no_room() -> bytes:
    return STANDBY.replace(b"StandbyException", b"IOException").replace(
        b"Operation category READ is not supported in state standby",
        b"File /x could only be written to 0 of the 1 minReplication nodes.",
    )


LAST: list[str] = []
"""Request lines that `answering` saw."""


@contextmanager
def answering(code: int, body: bytes) -> Iterator[str]:
    """The URL of a server that answers everything so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            LAST.append(self.path)
            self.send_response(code)
            self.send_header("Content-Type", "application/json" if body.startswith(b"{") else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_DELETE = do_GET

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
