"""Avro: what other writers make, cut anywhere, packed anyhow, and damaged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.avro_types import arrow_fields
from tests import txtfile
from tests.txtfile import read


def _decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"logicalType": "decimal", "precision": precision, "scale": scale}


SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "r",
    "namespace": "org.x",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "text", "type": ["null", "string"]},
        {"name": "kind", "type": {"type": "enum", "name": "k", "symbols": ["A", "B"]}},
        {"name": "again", "type": ["null", "org.x.k"]},
        {"name": "fixed", "type": {"type": "fixed", "name": "f", "size": 2}},
        {"name": "big", "type": {"type": "fixed", "name": "d", "size": 20, **_decimal(40, 2)}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "many", "type": {"type": "map", "values": {"type": "bytes", **_decimal(4, 1)}}},
        {"name": "any", "type": ["null", "string", "long"]},
    ],
}  # fmt: skip


def row(number: int) -> dict[str, Any]:
    return {
        "id": number, "text": None if number % 3 else f"text {number}", "kind": "AB"[number % 2], "again": "A",
        "fixed": b"\x00\xff", "big": Decimal("-1234567890123456789012345678901234.56"), "day": date(9999, 12, 31),
        "at": datetime(1, 1, 1, tzinfo=UTC), "many": {"k": Decimal("1.5")}, "any": number if number % 2 else "x",
    }  # fmt: skip


def put(path: Path, rows: int, codec: str = "null", schema: Any = SCHEMA) -> None:
    with path.open("wb") as file:
        fastavro.writer(file, schema, map(row, range(rows)), codec, sync_interval=2000)


reader = partial(txtfile.reader, fileFormat="avro")


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz", "snappy", "zstandard"])
def test_types_and_codecs(tmp_path: Path, codec: str) -> None:
    if codec == "zstandard":
        pytest.importorskip("zstandard", reason="fastavro writes zstandard with a package of its own")
    put(tmp_path / "x", 100, codec)
    rows, reasons = read(reader(tmp_path))
    assert reasons == []
    assert rows.num_rows == 100
    first = rows.slice(1, 1).to_pylist()[0]
    assert first == row(1) | {"many": [("k", Decimal("1.5"))], "any": "1"}
    assert rows.schema.field("at").type == pa.timestamp("ms", "UTC")
    assert rows["any"].to_pylist()[:2] == ['"x"', "1"]


@pytest.mark.parametrize("target", [1, 2, 3, 7, 50])
def test_cut_anywhere(tmp_path: Path, target: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starhaul_stores.files.formats.input._SMALLEST", 1)
    monkeypatch.setattr("starhaul_stores.files.reader._SMALLEST_CUT", 1)
    put(tmp_path / "x", 1000)
    source = reader(tmp_path)
    assert len(source.split(target)) >= target
    assert read(source, target)[0]["id"].to_pylist() == list(range(1000))


def test_columns_and_rejects(tmp_path: Path) -> None:
    put(tmp_path / "x", 3)
    columns = [{"name": "text", "type": "long"}, {"index": 0, "type": "string"}]
    rows, reasons = read(reader(tmp_path, column=columns))
    assert rows.to_pylist() == [{"text": None, "id": "1"}, {"text": None, "id": "2"}]
    assert [reason.partition("block before")[0] for reason in reasons] == ["x: "]
    assert ": row 1: text: 'text 0' does not fit int64" in reasons[0]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x"
    put(path, 1000, "deflate")
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:-20], whole[: len(whole) // 2], whole[:10], b"Parquet", whole + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(PermanentError, match=r"/x: cannot be read as Avro: .*is it damaged"):
            read(reader(tmp_path))
    for place in range(len(whole) // 2, len(whole), 3001):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(PermanentError, match="/x: cannot be read as Avro"):
            read(reader(tmp_path))


def test_other_schemas_beside_it(tmp_path: Path) -> None:
    put(tmp_path / "1", 1, schema={"type": "record", "name": "r", "fields": SCHEMA["fields"][:2]})
    put(tmp_path / "2", 1, schema={"type": "record", "name": "r", "fields": SCHEMA["fields"][:1]})
    with pytest.raises(PermanentError, match="/2: has no column 'text'"):
        read(reader(tmp_path))
    assert read(reader(tmp_path, missingAsNull=True))[0]["text"].to_pylist() == ["text 0", None]
    (tmp_path / "1").write_bytes(b"")
    assert read(reader(tmp_path))[0].to_pylist() == [{"id": 0}]
    with (tmp_path / "0").open("wb") as file:
        fastavro.writer(file, "long", [1, 2])
    with pytest.raises(PermanentError, match=r"/0: cannot be read as Avro: its rows are of type .long."):
        reader(tmp_path).check()


def test_unions_of_several_types(tmp_path: Path) -> None:
    number = {"type": "bytes", **_decimal(10, 2)}
    day, at = ({"type": kind, "logicalType": name} for kind, name in (("int", "date"), ("long", "timestamp-micros")))
    unions = [["null", "string", "double", number, day, {"type": "array", "items": "long"}], ["null", "bytes", at]]
    fields = [{"name": name, "type": union} for name, union in zip("ab", unions, strict=True)]
    schema = {"type": "record", "name": "r", "fields": fields}
    values = [Decimal("12.30"), date(2024, 2, 29), [2**63 - 1], "é", 0.1, None]
    times = [datetime(1, 1, 1, 2, 3, 4, 5, tzinfo=UTC), b"\xff\x00", None, None, None, None]
    rows = [{"a": value, "b": time} for value, time in zip(values, times, strict=True)]
    with (tmp_path / "x").open("wb") as file:
        fastavro.writer(file, schema, rows)
    found = read(reader(tmp_path))[0]
    assert found["a"].to_pylist() == ["12.30", '"2024-02-29"', "[9223372036854775807]", '"é"', "0.1", None]
    assert found["b"].to_pylist()[:3] == ['"0001-01-01 02:03:04.000005Z"', '"ÿ\\u0000"', None]
    with (tmp_path / "x").open("wb") as file:
        fastavro.writer(file, schema, [{"a": float("nan"), "b": None}])
    with pytest.raises(PermanentError, match="a union holds nan, for which JSON has no number"):
        read(reader(tmp_path))


def test_a_schema_that_holds_itself(tmp_path: Path) -> None:
    more = {"name": "next", "type": ["null", "r"]}
    with (tmp_path / "x").open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "r", "fields": [more]}, [{"next": {"next": None}}])
    with pytest.raises(PermanentError, match="its schema holds itself"):
        reader(tmp_path).check()


def test_names_that_avro_has_not(tmp_path: Path) -> None:
    writer = txtfile.writer(tmp_path, fileFormat="avro")
    with pytest.raises(ConfigError, match="no name 'a b'"):
        writer.check(pa.schema([("a b", pa.int64())]))
    writer = txtfile.writer(tmp_path, fileFormat="avro", column=[{"name": "a_b"}])
    accepted = writer.accept(pa.schema([("a b", pa.int64())]))
    assert accepted == pa.schema([("a_b", pa.int64())])
    writer.check(accepted)


def test_a_name_is_of_the_namespace_it_stands_in(tmp_path: Path) -> None:
    """Java's writers leave out the namespace where it is that of what stands around."""

    def record(name: str, *fields: tuple[str, Any], **more: str) -> dict[str, Any]:
        return {"type": "record", "name": name, "fields": [{"name": n, "type": kind} for n, kind in fields], **more}

    mine, other = record("A", ("a", "int")), record("A", ("b", "string"), ("mine", ["null", "x.A"]), namespace="y")
    schema = record("row", ("f1", mine), ("f2", other), ("f3", "A"), ("f4", ["null", "y.A"]), namespace="x")
    first = pa.struct([("a", pa.int32())])
    second = pa.struct([("b", pa.string()), ("mine", first)])
    assert arrow_fields(schema).types == [first, second, first, second]
    inner = record("z.B", ("c", {"type": "fixed", "name": "A", "size": 2}), ("d", "A"), ("e", "x.A"))
    assert arrow_fields(record("x.row", ("f1", mine), ("f2", inner))).types[1] == pa.struct(
        [("c", pa.binary(2)), ("d", pa.binary(2)), ("e", first)]
    )
    with pytest.raises(ValueError, match="the unknown type 'A'"):
        arrow_fields(record("row", ("f1", {**mine, "namespace": "x"}), ("f2", "A")))
    rows = [{"f1": {"a": 1}, "f2": {"b": "x", "mine": {"a": 2}}, "f3": {"a": 3}, "f4": None}]
    with (tmp_path / "x").open("wb") as file:
        fastavro.writer(file, schema, rows)
    assert read(reader(tmp_path / "x"))[0].to_pylist() == rows


def test_a_schema_that_is_none(tmp_path: Path) -> None:
    put(tmp_path / "x", 1)
    data = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(data.replace(b'"name": "f"', b'"nome": "f"'))
    with pytest.raises(PermanentError, match="its schema is none"):
        read(reader(tmp_path / "x"))
