"""`txtfilereader`: which files, which columns, what is rejected, and where it stood."""

from __future__ import annotations

import bz2
import gzip
import os
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from starhaul import ConfigError, PermanentError
from starhaul.testing import RecordingTask
from starhaul_readers.txtfile import TxtFileReader
from tests.txtfile import reader


def read(source: TxtFileReader, target: int = 1) -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
    """The rows, and each rejected row's place (without the directory) and reason."""
    source.check()
    task = RecordingTask(source.schema())
    batches = [batch for split in source.split(target) for batch in source.read(split, task)]
    rows = [tuple(row.values()) for row in pa.Table.from_batches(batches, schema=task.schema).to_pylist()]
    return rows, [(Path(at).name, reason) for _, reason, at in task.rejected]


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def make(content: bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return make


MakeFile = Callable[..., Path]


def test_star_takes_every_field_as_text(file: MakeFile) -> None:
    source = reader(file(b"1,a\n2,\n"))
    assert source.schema() == pa.schema([("column_0", pa.string()), ("column_1", pa.string())])
    assert read(source) == ([("1", "a"), ("2", "")], [])


def test_the_header_names_the_columns(file: MakeFile) -> None:
    source = reader(file(b'\xef\xbb\xbf"a\nb",,x,x\n1,2,3,4\n'), skipHeader=True)
    assert source.schema().names == ["a\nb", "column_1", "x", "column_3"]
    assert read(source) == ([("1", "2", "3", "4")], [])


def test_headers_that_differ_from_the_first(tmp_path: Path) -> None:
    """Values would stand in each other's columns."""
    (tmp_path / "a.csv").write_text("id,name\n1,a\n")
    (tmp_path / "b.csv").write_text("name,id\nb,2\n")
    with pytest.raises(PermanentError, match=r"b\.csv: its header has 'name' where the first file's has 'id'"):
        read(reader(tmp_path, skipHeader=True))
    with pytest.raises(PermanentError, match="its header has 'id' where the first file's has 'name'"):
        read(reader(tmp_path, skipHeader=True, column=[{"name": "name"}]))
    by_index = reader(tmp_path, skipHeader=True, column=[{"index": 0}, {"index": 1}])
    assert read(by_index) == ([("1", "a"), ("b", "2")], [])
    (tmp_path / "b.csv").write_text("ID,Name\n2,b\n")
    assert read(reader(tmp_path, skipHeader=True)) == ([("1", "a"), ("2", "b")], [])
    with pytest.raises(PermanentError, match="its header has 'ID' where the first file's has 'id'"):
        read(reader(tmp_path, skipHeader=True, column=[{"name": "id"}]))


def test_a_name_that_comes_twice_is_not_guessed_at(file: MakeFile) -> None:
    path = file(b"id,x,id\n1,a,2\n")
    with pytest.raises(ConfigError, match=r"header of .*data\.csv has 'id' twice"):
        reader(path, skipHeader=True, column=[{"name": "id"}]).check()
    assert read(reader(path, skipHeader=True, column=[{"name": "x"}, {"index": 2}]))[0] == [("a", "2")]


@pytest.mark.parametrize("form", ["csv", "text"])
def test_a_header_behind_the_first_cut_is_no_row(file: MakeFile, form: str) -> None:
    data = "\n" * 40 + "id,name\n" + "".join(f"{n},x\n" for n in range(20))
    source = reader(file(data.encode()), skipHeader=True, fileFormat=form, splitSize=10)
    assert source.schema().names == ["id", "name"]
    assert read(source) == ([(str(n), "x") for n in range(20)], [])


def test_columns_of_datax(file: MakeFile) -> None:
    path = file(b"7, 1.5 ,TRUE,2024-01-02 03:04:05,x\n8,2,false,2024-01-02,y\n")
    columns: list[dict[str, Any]] = [
        {"index": 4, "type": "STRING"},
        {"index": 0, "type": "Long"},
        {"index": 1, "type": "double"},
        {"index": 2, "type": "boolean"},
        {"index": 3, "type": "date"},
        {"value": "const", "type": "string"},
        {"value": 5, "type": "long"},
        {"value": None, "type": "date"},
    ]
    rows, rejected = read(reader(path, column=columns))
    assert rejected == []
    assert rows == [
        ("x", 7, 1.5, True, datetime(2024, 1, 2, 3, 4, 5), "const", 5, None),
        ("y", 8, 2.0, False, datetime(2024, 1, 2), "const", 5, None),
    ]


def test_exact_types_and_patterns(file: MakeFile) -> None:
    path = file(b"id,amount,day,raw\n1,12.30,02/01/2024,/wA=\n")
    columns = [
        {"name": "day", "type": "date32", "format": "dd/MM/yyyy"},
        {"name": "amount", "type": "decimal(9,2)"},
        {"name": "raw", "type": "binary(base64)"},
        {"name": "number", "index": 0, "type": "int8"},
    ]
    source = reader(path, column=columns, skipHeader=True)
    assert source.schema().names == ["day", "amount", "raw", "number"]
    assert read(source) == ([(date(2024, 1, 2), Decimal("12.30"), b"\xff\x00", 1)], [])


def test_rows_that_do_not_fit_are_rejected_with_their_place(file: MakeFile) -> None:
    path = file(b'id,n\n1,5\n2,"x\ny"\n3\n4,300\n5,,\n6,\xff\n7,7\n')
    columns = [{"index": 0}, {"index": 1, "type": "int8", "name": "n"}]
    rows, rejected = read(reader(path, column=columns, skipHeader=True))
    assert rows == [("1", 5), ("7", 7)]
    places = [place for place, _ in rejected]
    assert sorted(places) == ["data.csv:3", "data.csv:5", "data.csv:6", "data.csv:7", "data.csv:8"]
    reasons = dict(rejected)
    assert reasons["data.csv:5"] == "1 fields, but field 2 is needed"
    assert reasons["data.csv:6"].startswith("n: '300' does not fit int8")
    assert reasons["data.csv:8"] == "a field is not valid text in this encoding"


def test_places_are_exact_in_pieces(file: MakeFile) -> None:
    good = b'1,"two\nlines"\n'
    path = file(good * 50 + b"ragged\n" + good * 50)
    whole = read(reader(path))
    assert whole == ([("1", "two\nlines")] * 100, [("data.csv:101", "1 fields instead of 2")])
    source = reader(path, splitSize=64, blockSize=20)
    assert len(source.split(1)) > 10
    assert read(source) == whole


@pytest.mark.parametrize(("form", "good"), [("text", b"1,two\n"), ("json", b'{"a": 1}\n')])
def test_places_in_pieces_of_lines(file: MakeFile, form: str, good: bytes) -> None:
    """Nobody counted the lines before: they are told from the byte at which the piece begins."""
    data = good * 50 + b"ragged\n" + good * 50
    source = reader(file(data), fileFormat=form, splitSize=64, blockSize=20)
    splits = source.split(1)
    starts = [part["cut"]["start"] for split in splits for part in split.args["parts"]]
    assert len(starts) > 5
    rows, [(place, _)] = read(source)
    assert len(rows) == 100
    start = max(start for start in starts if start <= 50 * len(good))
    assert place == f"data.csv@{start}:{data[start:].splitlines().index(b'ragged') + 1}"


def test_empty_fields(file: MakeFile) -> None:
    path = file(b'1,,\n2,"",\\N\n')
    columns = [{"index": 0, "type": "long"}, {"index": 1}, {"index": 2, "type": "long", "name": "n"}]
    rows, rejected = read(reader(path, column=columns, nullFormat="\\N"))
    assert (rows, [place for place, _ in rejected]) == ([(2, "", None)], ["data.csv:1"])
    assert read(reader(path, column=columns, nullFormat="\\N", emptyAsNull=True)) == (
        [(1, None, None), (2, "", None)],
        [],
    )


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "utf-16-le", "utf-32", "gb18030", "big5", "utf-8-sig"])
def test_encodings(file: MakeFile, encoding: str) -> None:
    text = "名,值\n" + '中文,"一\n二"\n' * 200
    expected: tuple[Any, Any] = ([("中文", "一\n二")] * 200, [])
    assert read(reader(file(text.encode(encoding)), encoding=encoding, skipHeader=True)) == expected
    pieces = reader(file(text.encode(encoding)), encoding=encoding, skipHeader=True, blockSize=7, splitSize=100)
    assert (len(pieces.split(1)) > 1) == (not encoding.startswith(("utf-16", "utf-32")))
    assert read(pieces) == expected


@pytest.mark.parametrize("form", ["csv", "text"])
def test_an_encoding_with_other_line_ends_is_not_cut(file: MakeFile, form: str) -> None:
    """In EBCDIC the byte of ASCII's line end is another character."""
    rows = [(str(n), "\x8e") for n in range(20)]
    data = "".join(f"{n},{text}\n" for n, text in rows).encode("cp875")
    assert read(reader(file(data), encoding="cp875", fileFormat=form, splitSize=10)) == (rows, [])


def test_wrong_bytes_lose_their_row_alone(file: MakeFile) -> None:
    path = file("中,1\n".encode("gbk") + b"\x81,2\n" + "文,3\n".encode("gbk"))
    assert read(reader(path, encoding="gbk")) == (
        [("中", "1"), ("文", "3")],
        [("data.csv:2", "a field is not valid text in this encoding")],
    )


def test_a_header_in_another_encoding_is_refused(file: MakeFile) -> None:
    with pytest.raises(ConfigError, match=r"encoding: the first record of .*data.csv is not text in UTF-8"):
        reader(file("中,文\n1,2\n".encode("gbk")), skipHeader=True).check()


def test_wrong_bytes_of_utf_16_end_the_run(file: MakeFile) -> None:
    path = file("a,b\n".encode("utf-16-le") + b"\x00\xd8a\x00\n\x00")
    with pytest.raises(PermanentError, match=r"data.csv: the bytes at offset 8 are not text"):
        read(reader(path, encoding="utf-16-le"))


def test_packed_files(file: MakeFile, tmp_path: Path) -> None:
    data = b"id,x\n1,a\n"
    file(gzip.compress(data) + gzip.compress(data.replace(b"id,x\n", b"")), "a.csv.gz")
    file(bz2.compress(data), "b.csv.bz2")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("one.csv", data)
        archive.writestr("sub/two.csv", data + b"bad\n")
    source = reader(tmp_path, skipHeader=True)
    rows, rejected = read(source)
    assert rows == [("1", "a")] * 5
    assert rejected == [("two.csv:3", "1 fields instead of 2")]
    assert len(source.split(1)) == 4


@pytest.mark.parametrize("compress", ["gzip", "bz2", "zip", "zstd"])
def test_damaged_files_are_named(file: MakeFile, compress: str) -> None:
    path = file(b"this is not packed at all")
    with pytest.raises(PermanentError, match=f"data.csv: cannot be read as {compress}"):
        read(reader(path, column=[{"index": 0}], compress=compress))


def test_a_file_cut_short_is_damaged(file: MakeFile) -> None:
    path = file(gzip.compress(b"1,a\n" * 10000)[:-9], "x.gz")
    with pytest.raises(PermanentError, match="cannot be read as gzip"):
        read(reader(path))


def test_directories_and_patterns(file: MakeFile, tmp_path: Path) -> None:
    for name in ("a.csv", "b.txt", "sub/c.csv", "sub/deep/d.csv", ".hidden", "sub/.e.part", "[x].csv"):
        file(name.encode() + b"\n", name)

    def names(*patterns: str) -> list[str]:
        return sorted(row[0] for row in read(reader([f"{tmp_path}/{pattern}" for pattern in patterns]))[0])

    assert names("") == ["[x].csv", "a.csv", "b.txt", "sub/c.csv", "sub/deep/d.csv"]
    assert names("*.csv") == ["[x].csv", "a.csv"]
    assert names("**/*.csv") == ["[x].csv", "a.csv", "sub/c.csv", "sub/deep/d.csv"]
    assert names("?.csv", "a.*", "sub") == ["a.csv", "sub/c.csv", "sub/deep/d.csv"]
    assert names("[x].csv") == names("[x].c?v") == ["[x].csv"]
    assert names(".hidden") == [".hidden"]


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("_delta_log/0.json", "Delta Lake's"), ("sub/.hoodie/x", "Hudi's"), ("delta_0000001_0000001_0000/b", "Hive's"),
        ("dt=1/base_0000005_v0000012/b", "Hive's"), ("delete_delta_0000002_0000002/b", "Hive's"),
    ],
)  # fmt: skip
def test_tables_of_which_a_log_tells_the_rows(file: MakeFile, tmp_path: Path, log: str, told: str) -> None:
    file(b"1\n", "a.csv")
    file(b"2\n", log)
    with pytest.raises(ConfigError, match=f"is a table of {told}.*may hold rows that are none any more"):
        reader(tmp_path).check()
    assert read(reader([f"{tmp_path}/*.csv"])) == ([("1",)], [])
    file(b"3\n", "other/base_20261128")
    assert read(reader(tmp_path / "other")) == ([("3",)], [])
    assert read(reader([f"{tmp_path}/{log}"])) == ([("2",)], [])


def test_a_pattern_that_means_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    with pytest.raises(ConfigError, match=r"no file matches '.*/\*\.nix'"):
        reader([str(tmp_path / "there"), f"{tmp_path}/*.nix"]).check()


def test_a_pipe_is_no_empty_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").write_text("1\n")
    with pytest.raises(ConfigError, match="is a pipe or a device"):
        reader(tmp_path / "pipe", column=[{"index": 0}]).check()
    assert read(reader(tmp_path)) == ([("1",)], [])  # in a directory it is none of the files
    assert read(reader(os.devnull, column=[{"index": 0}])) == ([], [])


def test_files_without_permission_are_named(file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    source = reader(file(b"a\n"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match=r"no permission to read .*data\.csv"):
        source.check()


def test_empty_files(file: MakeFile) -> None:
    source = reader(file(b""))
    with pytest.raises(ConfigError, match="the files are empty"):
        source.check()
    assert read(reader(file(b""), column=[{"index": 0}])) == ([], [])
    assert read(reader(file(b"a,b\n"), skipHeader=True)) == ([], [])


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_file_that_changes_ends_the_run(file: MakeFile, when: str) -> None:
    path = file(b"1\n" * 1000)
    source = reader(path, blockSize=100)
    task = RecordingTask(source.schema())
    (split,) = source.split(1)
    batches = source.read(split, task)
    if when == "while":
        next(batches)
    with path.open("ab") as more:
        more.write(b"2\n")
    with pytest.raises(PermanentError, match="was changed after this run was planned"):
        list(batches)


def test_a_header_is_remembered_by_the_splits(file: MakeFile) -> None:
    """A resumed run sees the columns of the plan, whatever has come into the directory meanwhile."""
    source = reader(file(b"a,b\n1,2\n", "m/2.csv").parent, skipHeader=True)
    (split,) = source.split(1)
    file(b"x\n1\n", "m/1.csv")
    task = RecordingTask()
    assert [batch.to_pylist() for batch in source.read(split, task)] == [[{"a": "1", "b": "2"}]]


def test_a_quote_that_is_never_closed_is_found_before_memory_ends(file: MakeFile) -> None:
    path = file(b'1,a\n2,"b\n' + b"3,c\n" * 1000)
    with pytest.raises(PermanentError, match=r"data.csv:2: a record is longer than 500 bytes"):
        read(reader(path, maxRecordSize=500, blockSize=50))
    assert len(read(reader(path, fileFormat="text"))[0]) == 1002


def test_csv_reader_config(file: MakeFile) -> None:
    config = {"trimWhitespace": True, "useComments": True, "textQualifier": "'", "delimiter": ";"}
    path = file(b"# no; row\n a ;' b'\n\n")
    assert read(reader(path, csvReaderConfig=config)) == ([("a", " b")], [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin1"])
@pytest.mark.parametrize("header", [True, False])
def test_what_tells_excel_the_delimiter(file: MakeFile, encoding: str, header: bool) -> None:
    first = "a;b\r\n" if header else ""
    path = file(f"sep=;\r\n{first}1;é\r\nsep=;\r\nx\r\n".encode(encoding))
    line = 4 + header
    for block in (1, 1 << 20):
        source = reader(path, encoding=encoding, fieldDelimiter=";", skipHeader=header, blockSize=block)
        assert read(source) == ([("1", "é"), ("sep=", "")], [(f"data.csv:{line}", "1 fields instead of 2")])
    assert read(reader(file(b"sep=,\n1\n"), column=[{"index": 0}], fieldDelimiter=";"))[0] == [("sep=,",), ("1",)]
    text = reader(file(b"sep=;\n"), fileFormat="text", fieldDelimiter=";")
    assert read(text)[0] == [("sep=", "")]


def test_null_is_told_from_escapes(file: MakeFile) -> None:
    """As MySQL's `INTO OUTFILE` and PostgreSQL's `COPY` have it."""
    given = {"fileFormat": "text", "fieldDelimiter": "\t", "csvReaderConfig": {"escapeMode": 2}}
    path = file(b"\\N\tN\t\\\\N\na\\\tb\t\\0\\\n\\t\\\\\t\\Nx\n")
    assert read(reader(path, nullFormat="\\N", **given)) == ([(None, "N", "\\N"), ("a\tb", "\0\n\t\\", "Nx")], [])
    path = file(b"NULL\t\\NULL\t\n")
    assert read(reader(path, nullFormat="NULL", emptyAsNull=True, **given)) == ([(None, "NULL", None)], [])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"column": []}, "column"),
        ({"column": ["*", {"index": 0}]}, "stands alone"),
        ({"column": [{"type": "long"}]}, "needs an `index`"),
        ({"column": [{"index": 0, "value": "x"}]}, "not both"),
        ({"column": [{"index": 0, "type": "varchar"}]}, "'varchar' is not a type"),
        ({"fieldDelimiter": "\n"}, "fieldDelimiter"),
        ({"csvReaderConfig": {"noSuch": 1}}, "noSuch"),
        ({"csvReaderConfig": {"textQualifier": "\n"}}, "textQualifier"),
        ({"csvReaderConfig": {"recordDelimiter": "ab"}}, "recordDelimiter"),
        ({"csvReaderConfig": {"escapeMode": 2}, "nullFormat": "N\\"}, "nullFormat"),
        ({"encoding": "hex"}, "no encoding of text"),
        ({"compress": "rar"}, "compress"),
    ],
)
def test_parameters_that_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        reader("/tmp/x", **parameters)


def test_columns_that_are_refused(file: MakeFile) -> None:
    path = file(b"a,b\n1,2\n")
    for parameters, message in (
        ({"column": [{"name": "c"}], "skipHeader": True}, "no field 'c'"),
        ({"column": [{"name": "a"}]}, "set `skipHeader`"),
        ({"column": [{"value": "x", "type": "long"}]}, "the value is not of the type"),
    ):
        with pytest.raises(ConfigError, match=message):
            reader(path, **parameters).check()
