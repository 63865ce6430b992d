"""Sequence files and RCFiles that Hadoop's and Hive's own code wrote: tests/fixtures/hadoop, made by the Java there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from starhaul import ConfigError, PermanentError
from starhaul_readers.txtfile import TxtFileReader
from tests import txtfile

FIXTURES = Path(__file__).parents[3] / "fixtures" / "hadoop"
FILES = sorted(path.name for suffix in ("seq", "rc") for path in FIXTURES.glob(f"*.{suffix}"))
ROWS = [
    (row, None if row % 7 == 0 else "text ü " + "x" * (row % 200), row * 0.5) for row in range(300)
]  # fmt: skip
COLUMNS = [{"index": 0, "type": "long"}, {"index": 1}, {"index": 2, "type": "double"}]


def reader(path: Path, **parameters: Any) -> TxtFileReader:
    form = "rc" if path.suffix == ".rc" else "seq"
    given: dict[str, Any] = {"column": COLUMNS, "fileFormat": form, "fieldDelimiter": "\x01", "nullFormat": "\\N"}
    given |= {"rcSerde": "ColumnarSerDe"} if form == "rc" else {}
    return txtfile.reader(path, **{**given, **parameters})


def read(source: TxtFileReader, target: int = 1) -> tuple[list[tuple[Any, ...]], list[str]]:
    rows, reasons = txtfile.read(source, target)
    return [tuple(row.values()) for row in rows.to_pylist()], reasons


def test_there_are_files_of_every_kind() -> None:
    kinds = [name.partition("-")[0] for name in FILES]
    assert kinds == ["DefaultCodec.rc", "GzipCodec.rc", *["block"] * 4, "none.rc", "none.seq", "record"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("target", [1, 2, 3, 7, 40])
def test_every_record_once_wherever_it_is_cut(name: str, target: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starhaul_stores.files.formats.input._SMALLEST", 1)
    monkeypatch.setattr("starhaul_stores.files.reader._SMALLEST_CUT", 1)
    source = reader(FIXTURES / name)
    assert len(source.split(target)) >= target
    assert read(source, target) == (ROWS, [])


@pytest.mark.parametrize("name", FILES)
def test_damage_is_told(name: str, tmp_path: Path) -> None:
    whole = (FIXTURES / name).read_bytes()
    for damaged in (whole[:-1], whole[:200], whole[:10], b"Obj\x01", whole + b"\x00\x00"):
        path = tmp_path / f"x{Path(name).suffix}"
        path.write_bytes(damaged)
        with pytest.raises(PermanentError, match=r"cannot be read as"):
            read(reader(path))


def test_fields_and_rejects(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "none.seq", tmp_path / "x")
    source = reader(tmp_path, column=["*"])
    assert source.schema().names == ["column_0", "column_1", "column_2"]
    assert len(read(source)[0]) == 300
    rows, reasons = read(reader(tmp_path, column=[{"index": 1, "type": "long"}]))
    assert len(rows) == 43
    assert reasons[0].partition(": ")[2].partition(" (")[0] == "column_1: 'text ü x' does not fit int64"
    rows, reasons = read(reader(tmp_path, column=[{"index": 3}]))
    assert (rows, reasons[0].partition(": ")[2]) == ([], "3 fields, but field 4 is needed")


def test_bytes_that_are_no_text_in_an_rcfile(tmp_path: Path) -> None:
    damaged = (FIXTURES / "none.rc").read_bytes().replace("text ü xx\x00".encode()[:8], b"text \xff\xff ", 1)
    path = tmp_path / "x.rc"
    path.write_bytes(damaged)
    rows, reasons = read(reader(path))
    assert len(rows) == 299
    assert [reason.partition(": ")[2] for reason in reasons] == ["row 2: the bytes of a value are no text"]
    rows, _ = read(reader(path, column=[{"index": 1, "type": "binary"}]))
    assert rows[1][0].startswith(b"text \xff\xff ")
    with pytest.raises(PermanentError, match="it has 3 columns, but column 3 is needed"):
        read(reader(path, column=[{"index": 3}]))


def test_rcfiles_that_may_hold_numbers_as_bytes() -> None:
    """The byte of the number 49 is the text `1`, and nothing in the file tells."""
    with pytest.raises(ConfigError, match="do not tell whether they hold text"):
        reader(FIXTURES / "none.rc", rcSerde=None).check()
    with pytest.raises(ConfigError, match=r"LazyBinaryColumnarSerDe are not read .*hivereader"):
        reader(FIXTURES / "none.rc", rcSerde="LazyBinaryColumnarSerDe").check()
