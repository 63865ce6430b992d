"""What `txtfilewriter` writes reads back."""

import gzip
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul.testing import RecordingTask
from starhaul.testing.delivery import Delivery
from tests.unit.writers.txtfile.conftest import content, publish, reader, shown, table, writer

NASTY = [
    None,
    "",
    "\\N",
    '"',
    ",",
    "\n",
    "\r\n",
    "\\",
    "  ",
    "null",
    "😀",
    "\x00",
    "#x",
    "\ufeff",
    'a"b',
    "||",
    "\r",
    "|",
]
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where to write thousands of files that are all synced to disk."""
TEXTS = st.lists(st.tuples(*[st.one_of(st.sampled_from(NASTY), st.text(max_size=4))] * 2), max_size=8)


def round_trip(rows: list[tuple[Any, ...]], **style: Any) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows that read back and those that were rejected."""
    width = len(rows[0])
    batch = table(*map(list, zip(*rows, strict=True)))
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        rejected = publish(writer(directory, **style), batch)
        config = {key: style[key] for key in ("fieldDelimiter", "encoding", "fileFormat") if key in style}
        csv_config = {"recordDelimiter": style.get("lineDelimiter")} if "lineDelimiter" in style else {}
        if style.get("csvWriterConfig", {}).get("escapeMode") == 2:
            csv_config["escapeMode"] = 2
        source = reader(
            directory,
            nullFormat=style.get("nullFormat", "\\N"),
            column=[{"index": index} for index in range(width)],
            csvReaderConfig=csv_config,
            **config,
        )
        task = RecordingTask(source.schema())
        batches = [batch for split in source.split(1) for batch in source.read(split, task)]
        assert task.rejected == []
    read = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    return read, [tuple(row.values()) for row, _, _ in rejected]


CSV_STYLES = [
    {},
    {"fieldDelimiter": "||"},
    {"fieldDelimiter": "\x01\x02", "lineDelimiter": "\r\n"},
    {"nullFormat": ""},
    {"nullFormat": "null", "fieldDelimiter": "\t", "lineDelimiter": "\r"},
    {"csvWriterConfig": {"forceQualifier": True}},
    {"csvWriterConfig": {"escapeMode": 2}, "nullFormat": "NULL"},
    {"csvWriterConfig": {"escapeMode": 2}},
    {"encoding": "utf-16", "fieldDelimiter": "§"},
    {"lineDelimiter": ";"},
]


@pytest.mark.parametrize("style", CSV_STYLES, ids=str)
def test_nasty_texts_come_back_from_csv(style: dict[str, Any]) -> None:
    rows = [(text, other) for text in NASTY for other in (*NASTY, "x")]
    assert round_trip(rows, fileFormat="csv", **style) == (rows, [])
    alone = [(text,) for text in NASTY]
    assert round_trip(alone, fileFormat="csv", **style) == (alone, [])


@settings(max_examples=100, deadline=None)
@given(rows=TEXTS.filter(bool), style=st.sampled_from(CSV_STYLES))
def test_any_text_comes_back_from_csv(rows: list[tuple[Any, ...]], style: dict[str, Any]) -> None:
    assert round_trip(rows, fileFormat="csv", **style) == (rows, [])


@settings(max_examples=100, deadline=None)
@given(rows=TEXTS.filter(bool), style=st.sampled_from([{}, {"fieldDelimiter": "||"}, {"nullFormat": ""}]))
def test_any_text_comes_back_from_text_or_is_rejected(rows: list[tuple[Any, ...]], style: dict[str, Any]) -> None:
    read, rejected = round_trip(rows, fileFormat="text", **style)
    assert sorted(map(repr, [*read, *rejected])) == sorted(map(repr, rows))
    plain = [row for row in rows if all(value is None or value.isalnum() for value in row)]
    assert not set(plain) & set(rejected)


def test_one_column_of_text_keeps_empty_values() -> None:
    rows = [("a",), ("",), (None,), ("b",)]
    assert round_trip(rows, fileFormat="text") == (rows, [])


def test_reasons_of_text() -> None:
    with tempfile.TemporaryDirectory() as directory:
        rejected = publish(writer(directory), table(["a,b", "a\nb", "\\N", "ok"], ["x"] * 4))
        assert [(row["c0"], reason) for row, reason, _ in rejected] == [
            ("a,b", "c0: holds ',', which text without quotes cannot tell apart"),
            ("a\nb", "c0: holds '\\n', which text without quotes cannot tell apart"),
            ("\\N", "c0: is '\\\\N', the text that stands for null, which text without quotes cannot tell apart"),
        ]
        assert content(Path(directory)) == b"ok,x\n"


def test_only_what_needs_quotes_has_them(tmp_path: Path) -> None:
    publish(writer(tmp_path, fileFormat="csv"), table(["a", 'b"', None, "\\N"], ["1", "2,3", "", None]))
    assert content(tmp_path) == b'a,1\n"b""","2,3"\n\\N,\n"\\N",\\N\n'


def test_characters_that_the_encoding_lacks(tmp_path: Path) -> None:
    rejected = publish(writer(tmp_path, encoding="gbk"), table(["中", "😀", "a"], ["1", "2", "a,b"]))
    assert [(row["c0"], reason) for row, reason, _ in rejected] == [
        ("😀", "holds a character that gbk has not"),
        ("a", "c1: holds ',', which text without quotes cannot tell apart"),
    ]
    assert content(tmp_path) == "中,1\n".encode("gbk")


def test_header_suffix_and_compression(tmp_path: Path) -> None:
    target = writer(tmp_path, fileFormat="csv", header=["a", "b,c"], suffix=".csv", compress="gzip")
    publish(target, table(["1"], ["2"]))
    assert shown(tmp_path) == ["t__run_1_t0.csv.gz"]
    assert gzip.decompress(content(tmp_path)) == b'a,"b,c"\n1,2\n'


@pytest.mark.parametrize(
    ("compress", "suffix"), [("gzip", ".gz"), ("bz2", ".bz2"), ("bzip2", ".bz2"), ("zstd", ".zst")]
)
def test_what_is_packed_reads_back(tmp_path: Path, compress: str, suffix: str) -> None:
    publish(writer(tmp_path, compress=compress, header=True), table(["x"] * 1000))
    assert shown(tmp_path) == [f"t__run_1_t0{suffix}"]
    source = reader(tmp_path, skipHeader=True)
    task = RecordingTask(source.schema())
    assert task.schema.names == ["c0"]
    assert sum(len(batch) for split in source.split(1) for batch in source.read(split, task)) == 1000


def test_patterns_and_bytes(tmp_path: Path) -> None:
    batch = pa.record_batch({"at": [datetime(2024, 1, 2, 3, 4, 5)], "raw": [b"\xff\x00"]})
    target = writer(tmp_path, dateFormat="yyyy/MM/dd HH:mm:ss", byteEncoding="base64")
    delivery = Delivery(target, batch.schema)
    delivery.prepare()
    (converted,) = delivery.converted(pa.Table.from_batches([batch]))
    delivery.commit(delivery.write(delivery.task(), [converted]))
    assert content(tmp_path) == b"2024/01/02 03:04:05,/wA=\n"


@pytest.mark.parametrize(
    ("parameters", "written"),
    [
        ({"fileFormat": "csv", "byteEncoding": "base64"}, b"YWI=\n\\N\n"),
        ({"fileFormat": "json", "byteEncoding": "base64"}, b'{"raw":"YWI="}\n{"raw":null}\n'),
        ({"fileFormat": "sql", "table": "t"}, b'INSERT INTO "t" ("raw") VALUES\n(\'\\x6162\'),\n(NULL);\n'),
    ],
)
def test_bytes_of_one_length_are_bytes(tmp_path: Path, parameters: dict[str, Any], written: bytes) -> None:
    batch = pa.record_batch({"raw": pa.array([b"ab", None], pa.binary(2))})
    delivery = Delivery(writer(tmp_path, **parameters), batch.schema)
    delivery.prepare()
    (converted,) = delivery.converted(pa.Table.from_batches([batch]))
    delivery.commit(delivery.write(delivery.task(), [converted]))
    assert content(tmp_path) == written
