"""Parquet and ORC: types of Hive, files that differ from their neighbours, files that are damaged."""

from __future__ import annotations

from base64 import b85decode
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest

from starhaul import ConfigError, PermanentError, cast
from starhaul.testing import RecordingTask
from starhaul_readers.txtfile import TxtFileReader
from tests import txtfile
from tests.txtfile import read

WRITE: dict[str, Callable[[pa.Table, Path], None]] = {
    "parquet": lambda table, path: pa.parquet.write_table(table, path, row_group_size=10),
    "orc": lambda table, path: pa.orc.write_table(table, str(path)),
}
NESTED = pa.list_(pa.struct([("x", pa.map_(pa.int32(), pa.timestamp("us")))]))
FORMS = pytest.mark.parametrize("form", WRITE)
EVERY = [datetime(2024, 1, 2, 3, 4, 5, 123456), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1, 1, 1), None]


def reader(path: Path, form: str, **parameters: Any) -> TxtFileReader:
    return txtfile.reader(path, fileFormat=form, **parameters)


@FORMS
def test_timestamps_of_every_year(tmp_path: Path, form: str) -> None:
    table = pa.table({"id": [1, 2, 3, 4], "at": pa.array(EVERY, pa.timestamp("us"))})
    WRITE[form](table, tmp_path / "x")
    assert read(reader(tmp_path, form)) == (table, [])
    columns = [{"name": "id"}, {"name": "at", "type": "timestamp(ns)"}]
    rows, reasons = read(reader(tmp_path, form, column=columns))
    assert rows["id"].to_pylist() == [1, 4]
    assert [reason.partition(":")[0] for reason in reasons] == ["x", "x"]


def test_int96_is_exact(tmp_path: Path) -> None:
    """Arrow drops the nanoseconds, or wraps around in distant years."""

    def put(values: list[Any], unit: str) -> None:
        column = pa.array(values, pa.timestamp(unit))
        pa.parquet.write_table(pa.table({"at": column}), tmp_path / "x", use_deprecated_int96_timestamps=True)

    put(EVERY, "us")
    assert read(reader(tmp_path, "parquet"))[0]["at"].to_pylist() == EVERY
    put([1, -1, 1704164645123456789, None], "ns")
    rows, reasons = read(reader(tmp_path, "parquet", column=[{"name": "at", "type": "timestamp(ns)"}]))
    assert rows["at"].cast(pa.int64()).to_pylist() == [1, -1, 1704164645123456789, None]
    assert reasons == []
    rows, reasons = read(reader(tmp_path, "parquet"))
    assert rows["at"].to_pylist() == [None]
    assert [reason[:14] for reason in reasons] == ["x: row 1: at: ", "x: row 2: at: ", "x: row 3: at: "]


def test_int96_in_the_zone_of_its_writer(tmp_path: Path) -> None:
    """Hive wrote instants, and reads them back as times in its zone."""
    table = pa.table({"at": pa.array([datetime(2024, 7, 1, 12), datetime(9999, 12, 31, 12)], pa.timestamp("us"))})
    for metadata, parameters in (({"writer.time.zone": "Asia/Shanghai"}, {}), ({}, {"int96Zone": "Asia/Shanghai"})):
        named = table.replace_schema_metadata(metadata)
        pa.parquet.write_table(named, tmp_path / "x", use_deprecated_int96_timestamps=True)
        rows, _ = read(reader(tmp_path, "parquet", **parameters))
        assert rows["at"].to_pylist() == [datetime(2024, 7, 1, 20), datetime(9999, 12, 31, 20)]


@pytest.mark.parametrize("precision", [4, 9, 10, 18, 19, 38])
@FORMS
def test_decimals(tmp_path: Path, form: str, precision: int) -> None:
    """In Parquet they are fixed-length bytes, here with nulls between them; Hive's others are integers."""
    values = [None, Decimal("-9" * 1 + "9" * (precision - 3) + ".99"), Decimal("0.01"), None, Decimal("-0.01")]
    table = pa.table({"d": pa.array(values, pa.decimal128(precision, 2))})
    WRITE[form](table, tmp_path / "x")
    assert read(reader(tmp_path, form)) == (table, [])
    if form == "parquet":
        pa.parquet.write_table(table, tmp_path / "x", store_decimal_as_integer=precision <= 18)
        assert read(reader(tmp_path, form)) == (table, [])


@pytest.mark.parametrize("form", ["parquet", "orc", "avro"])
def test_decimals_of_other_scales(tmp_path: Path, form: str) -> None:
    """Arrow's scale may be negative, or larger than the precision, and no format's may."""
    target = txtfile.writer(tmp_path, fileFormat=form)
    for kind, wider in (
        (pa.decimal128(4, -4), pa.decimal128(8, 0)), (pa.decimal128(3, 5), pa.decimal128(5, 5)),
        (pa.decimal128(38, -40), pa.string()),
    ):  # fmt: skip
        assert target.accept(pa.schema([("d", kind)])).types == [wider]
    values = pa.array([Decimal("1.2E+5"), None, Decimal("-9.999E+7")], pa.decimal128(4, -4))
    written = write(tmp_path, pa.table({"d": cast(values, pa.decimal128(8, 0)).values}), fileFormat=form)
    assert read(reader(written, form))[0]["d"].to_pylist() == values.to_pylist()


@FORMS
def test_nested_values_as_they_are_or_as_json(tmp_path: Path, form: str) -> None:
    kind = pa.struct([("a", pa.list_(pa.int64())), ("m", pa.map_(pa.string(), pa.float64()))])
    table = pa.table({"n": pa.array([{"a": [1, None], "m": [("k", 0.5)]}, None], kind)})
    WRITE[form](table, tmp_path / "x")
    assert read(reader(tmp_path, form))[0]["n"].to_pylist() == table["n"].to_pylist()
    rows, _ = read(reader(tmp_path, form, column=[{"index": 0, "type": "string"}]))
    assert rows["n"].to_pylist() == ['{"a":[1,null],"m":{"k":0.5}}', None]


@FORMS
def test_columns_of_datax(tmp_path: Path, form: str) -> None:
    table = pa.table({"id": pa.array([1, 2], pa.int32()), "v": pa.array([None, Decimal("1.5")], pa.decimal128(9, 2))})
    WRITE[form](table, tmp_path / "x")
    columns = [{"index": 1, "type": "double"}, {"index": 0, "type": "string"}, {"value": "c", "type": "string"}]
    rows, reasons = read(reader(tmp_path, form, column=columns))
    assert (rows.to_pylist(), reasons) == (
        [{"v": None, "id": "1", "value_2": "c"}, {"v": 1.5, "id": "2", "value_2": "c"}], [],
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"no field 'none'.*they have id, v"):
        reader(tmp_path, form, column=[{"name": "none"}]).check()


@FORMS
def test_files_that_differ_from_the_first(tmp_path: Path, form: str) -> None:
    WRITE[form](pa.table({"a": [1], "b": ["x"]}), tmp_path / "1")
    WRITE[form](pa.table({"b": ["y"], "a": pa.array([2], pa.int16())}), tmp_path / "2")
    assert read(reader(tmp_path, form))[0].to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    WRITE[form](pa.table({"a": ["3", "three"], "b": ["y", "z"]}), tmp_path / "2")
    rows, reasons = read(reader(tmp_path, form))
    assert rows.to_pylist() == [{"a": 1, "b": "x"}, {"a": 3, "b": "y"}]
    assert reasons == ["2: row 2: a: 'three' does not fit int64 (expected an integer)"] or "three" in reasons[0]
    WRITE[form](pa.table({"a": [[1]], "b": ["y"]}), tmp_path / "2")
    with pytest.raises(PermanentError, match=r"/2: row 1: column a: list<.*> cannot become int64"):
        read(reader(tmp_path, form))
    WRITE[form](pa.table({"a": [2]}), tmp_path / "2")
    with pytest.raises(PermanentError, match="/2: has no column 'b', which the first file has"):
        read(reader(tmp_path, form))
    rows, _ = read(reader(tmp_path, form, missingAsNull=True))
    assert rows.to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    WRITE[form](pa.table({"a": [2], "b": ["y"], "c": [0]}), tmp_path / "2")
    with pytest.raises(PermanentError, match="/2: has a column 'c', which the first file has not"):
        read(reader(tmp_path, form))
    assert read(reader(tmp_path, form, column=[{"name": "a"}]))[0].to_pylist() == [{"a": 1}, {"a": 2}]


@FORMS
def test_damaged_files_are_named(tmp_path: Path, form: str) -> None:
    """Cut short, another format, and bits that turned: never a wrong value, never a missing row."""
    table = pa.table({"id": list(range(100)), "text": [f"some text {n}" for n in range(100)]})
    path = tmp_path / "x"
    write = {"parquet": lambda: pa.parquet.write_table(table, path, write_page_checksum=True, use_dictionary=False)}
    write.get(form, lambda: pa.orc.write_table(table, str(path), compression="zlib"))()
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[: len(whole) // 2], whole[:3], b"id,text\n1,x\n", whole[:-100] + b"\xff" * 100):
        path.write_bytes(damaged)
        with pytest.raises(PermanentError, match=r"/x.*: cannot be read as (Parquet|ORC): .*is it damaged"):
            read(reader(tmp_path, form))
    for place in range(10, min(len(whole), 1500), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            rows, reasons = read(reader(tmp_path, form))
        except (PermanentError, ConfigError):
            continue
        if form == "parquet":
            assert (rows, reasons) == (table, [])


@FORMS
def test_empty_files(tmp_path: Path, form: str) -> None:
    (tmp_path / "0").touch()
    with pytest.raises(ConfigError, match="the files are empty"):
        reader(tmp_path, form).check()
    WRITE[form](pa.table({"a": pa.array([], pa.int64())}), tmp_path / "1")
    assert read(reader(tmp_path, form))[0].num_rows == 0


def write(path: Path, table: pa.Table, **parameters: Any) -> Path:
    writer = txtfile.writer(path, **parameters)
    schema = writer.accept(table.schema)
    assert schema is not None
    writer.check(schema)
    writer.prepare(schema, "run_1")
    task = RecordingTask(schema, "t0", "run_1")
    receipt = writer.write(task, table.cast(schema).to_batches(max_chunksize=1000))
    writer.commit("run_1", [receipt])
    assert receipt.rows + len(task.rejected) == table.num_rows
    (found,) = (each for each in path.rglob("*") if each.is_file())
    assert found.stat().st_size == receipt.data["files"][0]["size"]
    return found


@pytest.mark.parametrize("compress", [None, "none", "snappy", "gzip", "zstd", "lz4"])
@FORMS
def test_what_is_written_reads_back(tmp_path: Path, form: str, compress: str | None) -> None:
    table = pa.table({"id": list(range(5000)), "text": [f"text {n}" for n in range(5000)]})
    write(tmp_path, table, fileFormat=form, suffix=f".{form}", compress=compress or ("snappy" if form == "orc" else ""))
    assert read(reader(tmp_path, form)) == (table, [])


def test_maps_and_nested_times_in_avro(tmp_path: Path) -> None:
    at, days = pa.timestamp("us"), pa.struct([("day", pa.list_(pa.date32()))])
    table = pa.table({
        "map": pa.array([[("a", 1), ("b", None)], None, [], [("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64())),
        "times": pa.array([[datetime.max], [datetime.min, None], None, []], pa.list_(at)),
        "deep": pa.array([[("k", {"day": [date.min]})], [], None, []], pa.map_(pa.string(), days)),
    })  # fmt: skip
    path = write(tmp_path, table, fileFormat="avro")
    rows, _ = read(reader(path, "avro"))
    assert rows.to_pylist() == table.to_pylist()[:3], "a key comes twice in the last"


@pytest.mark.parametrize("form", ["orc", "parquet"])
def test_a_batch_of_which_nothing_is_left(tmp_path: Path, form: str) -> None:
    table = pa.table({"at": pa.array([datetime(1500, 1, 1, 0, 0, 0, 5)], pa.timestamp("us"))})
    more = {"parquetTimestamps": "int96"} if form == "parquet" else {}
    path = write(tmp_path, table, fileFormat=form, **more)
    assert read(reader(path, form))[0].num_rows == 0


def test_how_timestamps_stand_in_parquet(tmp_path: Path) -> None:
    table = pa.table({"at": pa.array([datetime(2024, 1, 2, 3, 4, 5)], pa.timestamp("us"))})
    for how, physical, logical in (
        ("int96", "INT96", "None"),
        ("millis", "INT64", "milliseconds"),
        ("micros", "INT64", "microseconds"),
        ("nanos", "INT64", "nanoseconds"),
    ):
        path = write(tmp_path / how, table, fileFormat="parquet", parquetTimestamps=how)
        column = pa.parquet.ParquetFile(path).schema.column(0)
        assert column.physical_type == physical
        assert logical in str(column.logical_type)
        assert read(reader(path, "parquet"))[0]["at"].to_pylist() == table["at"].to_pylist()


def test_what_hive_would_misread_is_rejected(tmp_path: Path) -> None:
    """What it does read, in files that say by which calendar they count, is tested with Hive itself."""
    times = [
        datetime(1969, 12, 31, 23, 59, 59, 5),
        None,
        datetime(1582, 10, 14),
        datetime(1582, 10, 15),
        datetime(1970, 1, 1, 0, 0, 0, 5),
    ]
    table = pa.table({"id": range(5), "at": pa.array(times, pa.timestamp("us"))})
    nested = pa.table({"id": range(5), "at": pa.array([[{"x": [(1, time)]}] for time in times], NESTED)})
    for number, (given, form, more, kept) in enumerate((
        (table, "orc", {}, [1, 2, 3, 4]), (nested, "orc", {}, [1, 2, 3, 4]),
        (table, "parquet", {"parquetTimestamps": "int96"}, [0, 1, 3, 4]), (table, "parquet", {}, [0, 1, 2, 3, 4]),
    )):  # fmt: skip
        path = tmp_path / str(number)
        write(path, given, fileFormat=form, compress="none", **more)
        rows, reasons = read(reader(path, form, column=[{"name": "id"}]))
        assert (rows["id"].to_pylist(), reasons) == (kept, [])


def test_columns_by_the_types_of_hive(tmp_path: Path) -> None:
    table = pa.table({"x": [1], "y": ["1.50"], "z": [None]})
    columns = [
        {"name": "a", "type": "TINYINT"},
        {"name": "b", "type": "Decimal(10, 2)"},
        {"name": "c", "type": "array<struct<k:string,v:map<int,decimal(5,1)>>>"},
    ]
    writer = txtfile.writer(tmp_path, writeMode="append", fileFormat="orc", column=columns)
    inner = pa.struct([("k", pa.string()), ("v", pa.map_(pa.int32(), pa.decimal128(5, 1)))])
    assert writer.accept(table.schema) == pa.schema(
        [("a", pa.int8()), ("b", pa.decimal128(10, 2)), ("c", pa.list_(inner))]
    )


@pytest.mark.parametrize(
    ("form", "compress"), [("parquet", "bzip2"), ("orc", "brotli"), ("csv", "brotli"), ("json", "brotli")]
)
def test_compressions_that_a_format_has_not(tmp_path: Path, form: str, compress: str) -> None:
    with pytest.raises(ConfigError, match=f"compress.*{compress}"):
        write(tmp_path, pa.table({"a": [1]}), fileFormat=form, compress=compress)


def test_partitions_of_parquet(tmp_path: Path) -> None:
    table = pa.table({"id": list(range(100)), "dt": [str(n % 3) for n in range(100)]})
    parameters = {"fileFormat": "parquet", "partitionColumns": ["dt"], "suffix": ".parquet"}
    writer = txtfile.writer(tmp_path, writeMode="append", **parameters)
    task = RecordingTask(writer.accept(table.schema), "t0", "run_1")
    writer.prepare(task.schema, "run_1")
    writer.commit("run_1", [writer.write(task, table.to_batches(max_chunksize=7))])
    assert len(list(tmp_path.glob("dt=*/t__*.parquet"))) == 3
    rows, _ = read(reader(tmp_path, "parquet", partitionColumns=[{"name": "dt"}]))
    assert rows.sort_by("id") == table


INTERVALS = (
    "P(e~L6#x}16)Y?j2o(So1{DSX00IC200;pA0000200003000040000L02Pt}6_Nog6$ljo6$TXs001EX002P^000000000000000"
    "000000000000000000000000%0000&0000000000000000002I3jhEB00000000000000L0vS9t02mEqbz^H}VqbG(Xk~3-6$Ahk"
    "0wn?%0bwN~02K}u7!?8-0b?a902T-t92qPo02~zp85IB-7y)4w02T-qP8Lok2s{`B1ONa47z6<T000&MC<Fum000;S0RR915fK0x"
    "92Ec+02KlN001Tc92E{36#y9+0b>;a76=x&0T#FcCRRxt6#x|g6#@VN02YP<76>K?7KQ=<85|fKWOZX}WMVF9ZggdGc42H^Vr*}3"
    "ZC_?-Y;<LE7!7W3a&2L3X?kU3Ep{;g7$`(_V{1f0Aa-SPb7^mGAa*h?FfK75C}MSKY-AufWH&f5F*Id4Few=<8~^|u000040RR9{"
    "K~ga"
)
"""DuckDB 2.0.1: `a` 1 to 4, and `c` 65 months and 66 days (bytes that are text), NULL, 3.004 seconds, 0 days."""


def test_intervals_of_parquet(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b85decode(INTERVALS))
    rows, reasons = read(reader(tmp_path, "parquet"))
    assert rows.to_pydict() == {"a": [1, 2, 3, 4], "c": ["P65M66D", None, "PT3.004S", "PT0.000S"]}
    assert reasons == []
    assert read(reader(tmp_path, "parquet", column=[{"name": "a"}]))[0].to_pydict() == {"a": [1, 2, 3, 4]}
