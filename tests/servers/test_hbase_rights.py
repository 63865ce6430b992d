"""What users of HBase may do who may not do everything: HBase leaves out what one may not read, and says nothing."""

from __future__ import annotations

import pyarrow as pa
import pytest

from starhaul import ConfigError, PermanentError
from starhaul.testing import RecordingTask
from starhaul_writers.hbase import Hbase11xWriter
from tests.servers.hbase import HbaseTables
from tests.servers.hbase_plugins import RUN, contents, place, reading, rows_of, write, writing

pytestmark = pytest.mark.timeout(300)  # the first test starts HBase


def test_a_user_without_rights(hbase: HbaseTables) -> None:
    """Who may do but a part of what a job needs is told so; HBase itself leaves out what a user may not read."""
    table = hbase.create(families="cf=1,o=3")
    writer = writing(place(hbase, table), column=[{"index": n, "name": f"{f}:v", "type": "string"} for n, f in
                                                  ((1, "cf"), (2, "o"))])  # fmt: skip
    rows = pa.table({"k": ["a", "b"], "x": ["1", None], "y": ["2", "3"]})
    write(writer, rows)
    before = contents(hbase, table)
    key, cf, o = {"name": "rowkey"}, {"name": "cf:v"}, {"name": "o:v"}
    with hbase.server.thrift_of("stranger") as server:
        where = {**place(hbase, table), "thriftServers": [server]}
        strangers = Hbase11xWriter(writer.params.model_copy(update={"thrift_servers": (server,)}))
        for columns, told in (([key, cf], "cf:v of "), ([key], "")):
            with pytest.raises(
                ConfigError, match=f": {told}HBase table \"{table}\" cannot be read: Insufficient .*'stranger'.*READ"
            ):
                reading(where, *columns).check()
            with pytest.raises(
                PermanentError, match=r"Insufficient permissions for user 'stranger' .*action=READ.*grant"
            ):
                rows_of(reading(where, *columns))
        with pytest.raises(ConfigError, match=r"cf:v of .* cannot be read: Insufficient .*looks for its last row"):
            strangers.check(rows.schema)
        task = RecordingTask(rows.schema)
        task.run = RUN
        with pytest.raises(PermanentError, match=r"user=stranger, .*action=WRITE.*grant"):
            strangers.write(task, rows.to_batches())
        assert task.rejected == [], "no row is to blame"

        hbase.server.command("grant", "stranger", f"{table}:cf", "READ,WRITE")
        assert rows_of(reading(where, key, cf)) == [{"rowkey": "a", "cf:v": "1"}]
        for columns, told in (([key, cf, o], "o:v of "), ([key], "")):
            with pytest.raises(ConfigError, match=f": {told}HBase table .* cannot be read: Insufficient permissions"):
                reading(where, *columns).check()
        with pytest.raises(ConfigError, match=r"o:v of .* cannot be read"):
            strangers.check(rows.schema)
        with pytest.raises(PermanentError, match=r"user=stranger, .*family=o:v.*action=WRITE"):
            strangers.write(task, rows.to_batches())
        assert contents(hbase, table) == before

        hbase.server.command("grant", "stranger", table, "READ,WRITE")
        for columns in ([key, cf, o], [key]):
            reading(where, *columns).check()
            assert len(rows_of(reading(where, *columns))) == 2
        versions = reading(where, key, o, mode="multiVersionFixedColumn", maxVersion=-1)
        assert [row["value"] for row in rows_of(versions)] == ["2", "3"]
        write(strangers, pa.table({"k": ["c"], "x": ["5"], "y": ["6"]}))
        assert len(contents(hbase, table)) == 3
        with pytest.raises(PermanentError, match=r"truncate has to know the column families.*CREATE or ADMIN"):
            Hbase11xWriter(strangers.params.model_copy(update={"truncate": True})).prepare(rows.schema, RUN)
        hbase.server.command("grant", "stranger", table, "READ,WRITE,CREATE")
        Hbase11xWriter(strangers.params.model_copy(update={"truncate": True})).prepare(rows.schema, "20261126_101113_x")
        assert contents(hbase, table) == {}


def test_truncate_by_a_user_who_sees_a_part(hbase: HbaseTables) -> None:
    """Rows that it may not read would stay, and it could not see them."""
    table = hbase.create(families="cf=1,o=1")
    connection = hbase.server.connect()
    connection.table(table).put(b"a", {b"o:v": b"1"})
    connection.close()
    hbase.server.command("grant", "partial", table, "WRITE,CREATE")
    hbase.server.command("grant", "partial", f"{table}:cf", "READ")
    with hbase.server.thrift_of("partial") as server:
        where = {**place(hbase, table), "thriftServers": [server]}
        with pytest.raises(ConfigError, match=r"o: of .* cannot be read: Insufficient permissions for user 'partial'"):
            writing(where, columnFamily="cf", truncate=True).prepare(pa.schema([("k", pa.string())]), RUN)
    assert len(contents(hbase, table)) == 1
