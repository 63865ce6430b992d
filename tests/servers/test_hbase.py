"""HBase beyond the kit: what Java wrote, what is refused, and tables that change half-way."""

from __future__ import annotations

import struct
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

import starhaul
from starhaul import ConfigError, PermanentError, TransientError
from starhaul.testing import RecordingTask
from tests.servers.hbase import HbaseTables
from tests.servers.hbase_plugins import RUN, contents, filled, place, reading, rows_of, write, writing

pytestmark = pytest.mark.timeout(300)  # the first test starts HBase
KINDS = ("binary", "framed", "compact", "framed-compact")
TYPES = ("long", "int", "short", "double", "float", "boolean", "decimal", "string", "binarystring")
STAMP = 1795687872999


def test_reads_what_java_wrote(hbase: HbaseTables) -> None:
    table = hbase.create()
    hbase.server.command("put-values", table)
    columns = [
        {"name": f"cf:{name}", "type": {"decimal": "decimal(50,20)", "binarystring": "string"}.get(name, name)}
        for name in TYPES
    ]
    text_as_bytes = {"name": "cf:string", "type": "binarystring"}
    found = rows_of(reading(place(hbase, table), {"name": "rowkey"}, *columns))
    shown = rows_of(reading(place(hbase, table), text_as_bytes))
    high, low, minus, zero = found
    assert list(high.values())[:6] == ["high", 2**63 - 1, 2**31 - 1, 2**15 - 1, 5e-324, 1.401298464324817e-45]
    assert list(low.values())[1:6] == [-(2**63), -(2**31), -(2**15), -1.7976931348623157e308, -3.4028234663852886e38]
    assert list(minus.values())[1:7] == [-1, -1, -1, float("-inf"), -1.5, True]
    assert (zero["cf:long"], str(zero["cf:double"]), zero["cf:boolean"]) == (0, "-0.0", False)
    assert zero["cf:float"] != zero["cf:float"]
    assert [row["cf:decimal"] for row in found] == [
        Decimal("12345678901234567890123456789.0123456789"), Decimal(-1000), Decimal(-128), Decimal(0),
    ]  # fmt: skip
    assert [row["cf:string"] for row in found] == ["é😀\\x", "", " ", "a\tb\0"]
    assert [row["cf:string"] for row in shown] == [row["cf:binarystring"] for row in found]


@pytest.mark.parametrize("kind", KINDS)
def test_writes_what_java_writes(hbase: HbaseTables, kind: str) -> None:
    """Java's values are read, written elsewhere, and are the same bytes there; through every kind of Thrift server."""
    table, other = hbase.create(), hbase.create(b"l")
    hbase.server.command("put-values", table)
    kinds = {name: {"decimal": "decimal(38,10)", "binarystring": "string"}.get(name, name) for name in TYPES}
    columns = [{"name": f"cf:{name}", "type": type_} for name, type_ in kinds.items()]
    reader = reading(place(hbase, table, kind), {"name": "rowkey"}, *columns)
    task = RecordingTask(reader.schema())
    source = pa.Table.from_batches([b for split in reader.split(1) for b in reader.read(split, task)], reader.schema())
    assert len(task.rejected) == 1, "one decimal has 39 digits"
    cells = [{"index": n + 1, "name": f"cf:{name}", "type": kinds[name]} for n, name in enumerate(TYPES)]
    assert not write(writing(place(hbase, other, kind), column=cells), source).rejected
    wanted, found = contents(hbase, table), contents(hbase, other)
    del wanted[b"high"]
    for row in (wanted, found):
        for each in row.values():
            each.pop(b"cf:decimal")  # its scale may be another
    assert found == wanted


def test_values_of_the_wrong_length_are_rejected(hbase: HbaseTables) -> None:
    table = hbase.create()
    connection = hbase.server.connect()
    for key, cell in ((b"a", b"\0" * 8), (b"b", b"\0" * 9), (b"c", b"\0"), (b"d", b"")):
        connection.table(table).put(key, {b"cf:n": cell})
    connection.close()
    reader = reading(place(hbase, table), {"name": "rowkey"}, {"name": "cf:n", "type": "long"})
    task = RecordingTask(reader.schema())
    assert rows_of(reader, task) == [{"rowkey": "a", "cf:n": 0}, {"rowkey": "d", "cf:n": None}]
    assert [reason for _, reason, _ in task.rejected] == [
        "cf:n: 00 00 00 00 00 00 00 00 00 is no long, which has 8 bytes", "cf:n: 00 is no long, which has 8 bytes",
    ]  # fmt: skip


def test_ranges_of_binary_keys(hbase: HbaseTables) -> None:
    table = hbase.create(b"\x01\xff", b"m")
    connection = hbase.server.connect()
    keys = [b"\x00", b"\x01\xfe", b"\x01\xff", b"a", b"m", b"z\\"]
    for key in keys:
        connection.table(table).put(key, {b"cf:a": b"1"})
    connection.close()

    def keys_of(**limits: Any) -> list[str]:
        reader = reading(place(hbase, table), {"name": "rowkey", "type": "binarystring"}, range=limits)
        return [row["rowkey"] for row in rows_of(reader)]

    assert keys_of() == ["\\x00", "\\x01\\xFE", "\\x01\\xFF", "a", "m", "z\\x5C"]
    assert keys_of(startRowkey="\\x01\\xFF", endRowkey="m", isBinaryRowkey=True) == ["\\x01\\xFF", "a"]
    assert keys_of(startRowkey="a", endRowkey="z\\\\") == ["a", "m", "z\\x5C"]
    assert keys_of(startRowkey="b", endRowkey="c") == []
    assert keys_of(startRowkey="m", endRowkey="m") == ["m"]
    assert keys_of(startRowkey="\\x01\\xFF", endRowkey="\\x01\\xFF", isBinaryRowkey=True) == ["\\x01\\xFF"]
    assert keys_of(startRowkey="b", endRowkey="b") == []
    with pytest.raises(ConfigError, match="two hexadecimal digits"):
        keys_of(startRowkey="\\x0", isBinaryRowkey=True)
    with pytest.raises(ConfigError, match="no key lies between"):
        keys_of(startRowkey="b", endRowkey="a")


def test_keys_and_cells_of_one_column(hbase: HbaseTables) -> None:
    """A column may be a part of the key as text, and a cell as a number; texts are in the encoding."""
    table = hbase.create()
    key = [{"index": 1, "type": "string"}, {"index": -1, "value": "_"}, {"index": 0, "type": "short"}]
    cells = [{"index": 0, "name": "cf: n", "type": "long"}, {"index": 1, "name": "cf:t"}]
    writer = writing(place(hbase, table), rowkeyColumn=key, column=cells, encoding="gbk")
    source = pa.table({"n": pa.array([1, 2, 70000, None], pa.int64()), "t": ["中", "é", "x", "y"]})
    task = write(writer, source)
    assert contents(hbase, table) == {
        "中_".encode("gbk") + b"\0\1": {b"cf:n": struct.pack(">q", 1), b"cf:t": "中".encode("gbk")},
        "é_".encode("gbk") + b"\0\2": {b"cf:n": struct.pack(">q", 2), b"cf:t": "é".encode("gbk")},
    }
    assert ["70000" in task.rejected[0][1], task.rejected[1][1]] == [True, "the row key is null"]


def test_nulls(hbase: HbaseTables) -> None:
    cells = [{"index": 1, "name": "cf:a"}, {"index": 2, "name": "cf:b", "type": "int"}]
    source = pa.table({"k": ["1", "2"], "a": [None, "x"], "b": pa.array([None, None], pa.int32())})
    table = hbase.create()
    task = write(writing(place(hbase, table), column=cells), source)
    assert contents(hbase, table) == {b"2": {b"cf:a": b"x"}}
    assert "every cell is null" in task.rejected[0][1]
    assert not write(writing(place(hbase, table), column=cells, nullMode="EMPTY"), source).rejected
    assert contents(hbase, table) == {
        b"1": {b"cf:a": b"", b"cf:b": b""},
        b"2": {b"cf:a": b"x", b"cf:b": b""},
    }


@pytest.mark.parametrize(
    ("version", "column", "stamps"),
    [
        (None, ["", ""], [STAMP, STAMP]),
        ({"index": -1, "value": 123456789}, ["", ""], [123456789] * 2),
        ({"index": 1}, pa.array([5, 7], pa.int64()), [5, 7]),
        ({"index": 1, "timeZone": "UTC"}, ["1970-01-01 00:00:01", "1970-01-01 00:00:02 003"], [1000, 2003]),
        ({"index": 1, "timeZone": "Asia/Shanghai"}, ["1970-01-01 08:00:01", "1970-01-01 08:00:02 003"], [1000, 2003]),
        ({"index": 1, "timeZone": "Asia/Shanghai"}, pa.array([28_801, 28_802], pa.timestamp("s")), [1000, 2000]),
        ({"index": 1, "timeZone": "America/New_York"}, pa.array([1, 2], pa.date32()), [104_400_000, 190_800_000]),
        ({"index": 1, "timeZone": "UTC"}, pa.array([1, 2], pa.timestamp("s", "Asia/Shanghai")), [1000, 2000]),
        ({"index": 1}, pa.array([1, 2], pa.timestamp("s", "Asia/Shanghai")), [1000, 2000]),
    ],
    ids=["run", "constant", "numbers", "texts", "texts of a zone", "times of a zone", "dates", "zoned", "times"],
)
def test_timestamps(hbase: HbaseTables, version: Any, column: Any, stamps: list[int]) -> None:
    table = hbase.create(families="cf=3")
    writer = writing(place(hbase, table), column=[{"index": 2, "name": "cf:v"}], versionColumn=version)
    source = pa.table({"k": ["a", "b"], "version": column, "v": ["x", "y"]})
    for _ in range(2):
        write(writer, source)
    found = contents(hbase, table, include_timestamp=True)
    assert [cells[b"cf:v"][1] for cells in found.values()] == stamps
    connection = hbase.server.connect()
    assert len(connection.table(table).cells(b"a", b"cf:v", versions=3)) == 1, "a second attempt left a version"
    connection.close()


def test_wrong_versions_are_rejected(hbase: HbaseTables) -> None:
    table = hbase.create()
    version = {"index": 1, "timeZone": "Europe/Berlin"}
    writer = writing(place(hbase, table), column=[{"index": 0, "name": "cf:v"}], versionColumn=version)
    source = pa.table(
        {"k": list("abcd"), "version": ["2026-03-29 01:59:59", "yesterday", None, "2026-03-29 02:30:00 000"]}
    )
    task = write(writer, source)
    assert [reason.partition(":")[0] for _, reason, _ in task.rejected] == ["versionColumn"] * 3
    assert list(contents(hbase, table)) == [b"a"]


def test_versions_of_no_zone(hbase: HbaseTables, tmp_path: Path) -> None:
    """Times are in the job's zone. A text, which the plugin reads itself, needs one of its own."""
    table = hbase.create()
    given = {**place(hbase, table), "column": [{"index": 2, "name": "cf:v"}], "versionColumn": {"index": 1}}
    with pytest.raises(ConfigError, match=r"versionColumn.timeZone: 'v' says no time zone"):
        writing(given).check(pa.schema([("k", pa.string()), ("v", pa.string()), ("c", pa.string())]))
    with pytest.raises(ValidationError, match="no time zone 'Mars'"):
        writing(given, versionColumn={"index": 1, "timeZone": "Mars"})
    columns = [("k", "string"), ("1970-01-01 08:00:05", "date"), ("x", "string")]
    reader = {"name": "streamreader", "column": [{"value": v, "type": t} for v, t in columns], "sliceRecordCount": 1}
    writer = {"name": "hbase11xwriter", "rowkeyColumn": [{"index": 0}], **given}
    job: dict[str, Any] = {"reader": reader, "writer": writer}
    with pytest.raises(ConfigError, match="timeZone"):
        starhaul.run(job, state=tmp_path)
    for settings in ({"conversion": {"timeZone": "Asia/Shanghai"}}, {"conversion": "datax"}):
        report = starhaul.run({**job, "settings": settings}, state=tmp_path)
        assert (report.state, report.rejected) == ("done", 0)
        assert contents(hbase, table, include_timestamp=True) == {b"k": {b"cf:v": (b"x", 5000)}}


@pytest.mark.parametrize("mode", ["normal", "multiVersionFixedColumn"])
def test_a_scan_that_the_server_gave_up(hbase: HbaseTables, mode: str) -> None:
    """As it does where nothing is asked of it for a minute; here another client closes it. In the other mode the
    connection that asks for versions is cut besides."""
    table = hbase.create(families="cf=3")
    connection = hbase.server.connect()
    with connection.table(table).batch(batch_size=2000) as batch:
        for n in range(500):
            batch.put(f"{n:03}", {b"cf:n": struct.pack(">i", n)}, wal=False)
    more = {} if mode == "normal" else {"mode": mode, "maxVersion": 2}
    where = place(hbase, table, "binary" if mode == "normal" else "compact")
    reader = reading(where, {"name": "rowkey"}, {"name": "cf:n", "type": "int"}, scanCacheSize=50, **more)
    (split,) = reader.split(1)
    batches = reader.read(split, RecordingTask(reader.schema()))
    before = connection.client.scannerOpen(table.encode(), b"", [], {})  # they are numbered
    keys = next(batches)["rowkey"].to_pylist()
    for _ in range(3):
        if mode == "normal":
            ours = connection.client.scannerOpen(table.encode(), b"", [], {})
            closed = [each for each in range(before + 1, ours) if closes(connection, each)]
            assert closed
            before = ours
        else:
            hbase.server.restart_thrift("compact")
        keys += [key for _ in range(2) for key in next(batches)["rowkey"].to_pylist()]
    keys += [key for batch in batches for key in batch["rowkey"].to_pylist()]
    connection.close()
    assert keys == [f"{n:03}" for n in range(500)]


def closes(connection: Any, scanner: int) -> bool:
    """Close a scanner, if it is open."""
    from Hbase_thrift import IllegalArgument

    try:
        connection.client.scannerClose(scanner)
    except IllegalArgument:
        return False
    return True


def test_what_hbase_refuses_is_found_and_rejected(hbase: HbaseTables) -> None:
    table = hbase.create()
    source = pa.table(
        {"k": [str(n) for n in range(100)], "v": ["x" * (11 << 20) if n == 41 else "x" for n in range(100)]}
    )
    writer = writing(place(hbase, table), column=[{"index": 1, "name": "cf:v"}], writeBufferSize=64 << 20)
    task = write(writer, source)
    ((_, reason, _),) = task.rejected
    assert "KeyValue size too large" in reason
    assert len(contents(hbase, table, columns=[b"cf:v"], filter=b"KeyOnlyFilter()")) == 99


def test_missing_family(hbase: HbaseTables) -> None:
    table = hbase.create()
    where = place(hbase, table)
    with pytest.raises(ConfigError, match=r'column\[0\].name: .* no column family "other" \(it has cf\)'):
        writing(where, column=[{"index": 0, "name": "other:x"}]).check(pa.schema([("k", pa.string())]))
    with pytest.raises(ConfigError, match='no column family "other"'):
        reading(where, {"name": "other:x"}).check()
    with pytest.raises(ConfigError, match='there is no table "nowhere"'):
        reading({**where, "table": "nowhere"}, {"name": "cf:x"}).check()


def test_a_family_that_goes_away(hbase: HbaseTables) -> None:
    table = hbase.create(families="cf=1,gone=1")
    writer = writing(place(hbase, table), column=[{"index": 1, "name": "gone:v"}])
    hbase.server.command("drop-family", table, "gone")
    task = RecordingTask(writer.accept(pa.schema([("k", pa.string()), ("v", pa.string())])))
    batch = pa.record_batch({"k": ["1", "2", "3"], "v": ["x", None, "y"]})
    assert writer.write(task, [batch]).rows == 0
    assert ["NoSuchColumnFamily" in reason for _, reason, _ in task.rejected] == [False, True, True]


def test_a_table_that_is_disabled(hbase: HbaseTables) -> None:
    """It has no region that serves it: told before a run, and in its midst no row is to blame."""
    table = filled(hbase, 3000)
    hasty = {**place(hbase, table), "timeout": 5}  # HBase itself tries for minutes
    reader = reading(hasty, {"name": "cf:n", "type": "int"}, scanCacheSize=50)
    writer = writing(hasty, column=[{"index": 0, "name": "cf:v"}])
    task = RecordingTask(writer.accept(pa.schema([("k", pa.string())])))
    task.run = RUN
    batches = reader.read(reader.split(1)[0], RecordingTask(reader.schema()))
    next(batches)
    connection = hbase.server.connect()
    connection.disable_table(table)
    connection.close()
    try:
        for check in (reader.check, lambda: writer.check(task.schema)):
            with pytest.raises(ConfigError, match=r'table: the table "test_\d+" is disabled'):
                check()
        with pytest.raises((PermanentError, TransientError), match=table):
            list(batches)
        with pytest.raises((PermanentError, TransientError), match=table):
            writer.write(task, [pa.record_batch({"k": ["1", "2"]})])
        assert task.rejected == []
    finally:
        connection = hbase.server.connect()
        connection.enable_table(table)
        connection.close()
    assert len(rows_of(reader)) == 3000
    assert writer.write(task, [pa.record_batch({"k": ["1", "2"]})]).rows == 2


def test_truncate_keeps_the_regions(hbase: HbaseTables) -> None:
    table = hbase.create(b"m", families="cf=1,other=1")
    connection = hbase.server.connect()
    with connection.table(table).batch(batch_size=500) as batch:
        for n in range(1500):
            batch.put(f"{n}", {b"cf:v": b"old", b"other:v": b"old"}, wal=False)
    # The run begins later than these, as runs do, though not by the clock of this test.
    found = connection.table(table).scan(limit=1, include_timestamp=True)
    newest = max(stamp for _, cells in found for _, stamp in cells.values()) // 1000 + 60
    run = time.strftime("%Y%m%d_%H%M%S", time.gmtime(newest)) + "_abcdef"
    writer = writing(place(hbase, table), column=[{"index": 1, "name": "cf:v"}], truncate=True)
    write(writer, pa.table({"k": ["1", "n"], "v": ["new", "new"]}), run)
    assert contents(hbase, table) == {b"1": {b"cf:v": b"new"}, b"n": {b"cf:v": b"new"}}
    assert len(connection.table(table).regions()) == 2
    with pytest.raises(PermanentError, match="newer than this run"):
        writer.prepare(pa.schema([]), "20200101_000000_abcdef")
    with pytest.raises(ValidationError, match="truncate"):
        writing(place(hbase, table), columnFamily="cf", truncate=True, versionColumn={"index": 0})
    connection.close()


def test_rows_that_a_deletion_hides(hbase: HbaseTables) -> None:
    """A write that nobody can see is no success."""
    table = hbase.create()
    connection = hbase.server.connect()
    connection.table(table).delete(b"a")
    connection.close()
    writer = writing(place(hbase, table), column=[{"index": 0, "name": "cf:v"}])
    with pytest.raises(PermanentError, match="not there"):
        write(writer, pa.table({"k": ["a"]}), "20200101_000000_abcdef")


def test_rows_that_later_cells_hide(hbase: HbaseTables) -> None:
    table = hbase.create(families="cf=5")
    connection = hbase.server.connect()
    connection.table(table).put(b"a", {b"cf:v": b"old"}, timestamp=4_102_444_800_000)
    connection.close()
    cells = [{"index": 0, "name": "cf:v"}]
    with pytest.raises(PermanentError, match="hidden by cells of a later time, 2100-01-01 00:00:00Z"):
        write(writing(place(hbase, table), column=cells), pa.table({"k": ["a"]}))
    write(writing(place(hbase, table), column=cells, versionColumn={"index": -1, "value": 5}), pa.table({"k": ["a"]}))
    write(writing(place(hbase, table), column=cells), pa.table({"k": ["b"]}))


def test_versions_of_several_types_are_text(hbase: HbaseTables) -> None:
    table = hbase.create(families="cf=5")
    connection = hbase.server.connect()
    for stamp in (1, 2, 3):
        connection.table(table).put(b"\x01", {b"cf:n": struct.pack(">i", stamp), b"cf:t": b"t"}, timestamp=stamp)
    connection.close()
    columns = [{"name": "rowkey", "type": "binarystring"}, {"name": "cf:n", "type": "int"}, {"name": "cf:t"}]
    reader = reading(place(hbase, table), *columns, mode="multiversionfixedcolumn", maxVersion=-1)
    found = [tuple(row.values()) for row in rows_of(reader)]
    assert found == [("\\x01", "cf:n", n, str(n)) for n in (3, 2, 1)] + [("\\x01", "cf:t", n, "t") for n in (3, 2, 1)]
