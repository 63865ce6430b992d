"""The fast path reads what the grammar reads, and the grammar reads what Python's `csv` module reads."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from starhaul_stores.files.delimited import cutting
from starhaul_stores.files.delimited.borders import Borders
from starhaul_stores.files.delimited.cutting import ranges
from starhaul_stores.files.delimited.dialect import Dialect
from starhaul_stores.files.delimited.grammar import Grammar
from starhaul_stores.files.delimited.parsing import Block, Layout, Parser, RecordTooLong

LETTERS = st.sampled_from(
    ["a", ",", '"', '""', "\n", "\r", "\r\n", "|", "||", "\\", "\\N", "#", " ", "é", "😀", "\x00", "\ufeff"]
)
HOSTILE = st.lists(LETTERS, max_size=60).map("".join)
BYTES = st.lists(st.one_of(LETTERS.map(str.encode), st.sampled_from([b"\xff", b"\xe2\x82"])), max_size=60).map(b"".join)
DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from([",", "|", "||", "\t", "§"]),
    quote=st.sampled_from(['"', None]),
    backslash=st.booleans(),
    comment=st.sampled_from(["#", None]),
    trim=st.booleans(),
    record_delimiter=st.sampled_from([None, "\n", ";"]),
    skip_empty=st.sampled_from([None, True, False]),
    nulls=st.sampled_from([frozenset(), frozenset({"\\N"}), frozenset({"", "a"})]),
)
LAYOUTS = st.one_of(
    st.integers(1, 3).map(lambda width: Layout(tuple(range(width)), width)),
    st.sets(st.integers(0, 2), min_size=1).map(lambda used: Layout(tuple(sorted(used)), None)),
    st.sets(st.integers(0, 4), min_size=1).map(lambda used: Layout(tuple(sorted(used)), None, padded=True)),
)


class SlowParser(Parser):
    """A parser without its fast path."""

    def _fast(self, data: bytes, line: int) -> Block | None:
        return None


class FastParser(Parser):
    """A parser that tells how often its fast path refused."""

    refused = 0

    def _fast(self, data: bytes, line: int) -> Block | None:
        block = super()._fast(data, line)
        self.refused += block is None
        return block


def read(parser: Parser, data: bytes, line: int = 1) -> tuple[list[Any], list[Any]]:
    """Rows with the record and the line of each; bad records with line and reason."""
    rows: list[Any] = []
    bad: list[Any] = []
    for block in parser.blocks(io.BytesIO(data), line):
        columns = [column.to_pylist() for column in block.columns]
        records = block.records()
        assert len(records) == block.rows
        rows += [(record, *values) for record, *values in zip(records, *columns, strict=True)]
        bad += block.bad
    return rows, bad


@settings(max_examples=300, deadline=None)
@given(data=BYTES, dialect=DIALECTS, layout=LAYOUTS, block_size=st.sampled_from([2, 5, 20, 1000]))
@example(b'"a\n",b\n"c', Dialect(), Layout((0, 1), 2), 4)
@example(b'a,b\r\n"\r\n",d\r', Dialect(), Layout((0, 1), 2), 3)
@example(b'x" y,"\n', Dialect(), Layout((0, 1), 2), 1000)
def test_the_fast_path_reads_as_the_grammar(data: bytes, dialect: Dialect, layout: Layout, block_size: int) -> None:
    whole = read(SlowParser(dialect, layout, 1 << 20, 1 << 20), data)
    assert read(Parser(dialect, layout, block_size, 1 << 20), data) == whole


@settings(max_examples=200, deadline=None)
@given(data=HOSTILE.map(lambda text: text.replace("\x00", "")))
def test_the_grammar_reads_as_pythons_csv(data: str) -> None:
    expected = [row for row in csv.reader(io.StringIO(data, newline=""), strict=False) if row]
    grammar = Grammar(Dialect())
    text = data if data.endswith("\n") else data + "\n"
    matches = list(grammar.records(text.encode()))
    rows = [grammar.fields(match["text"].decode()) for match in matches if match["text"]]
    if matches and matches[-1].end() == len(text.encode()):
        assert rows == expected
    else:
        assert rows == expected[:-1], "the last one is a quoted field that is not closed; csv takes it all the same"


@settings(max_examples=200, deadline=None)
@given(data=BYTES, dialect=DIALECTS, size=st.integers(1, 30))
def test_the_ranges_together_are_the_whole(data: bytes, dialect: Dialect, size: int) -> None:
    parser = Parser(dialect, Layout((0, 1), 2), 1000, 1 << 20)
    data = data.removeprefix("\ufeff".encode())
    whole = read(parser, data)
    rows: list[Any] = []
    bad: list[Any] = []
    position = 0
    for part in ranges(io.BytesIO(data), len(data), dialect, size):
        assert part.start == position
        position = part.end
        some, wrong = read(parser, data[part.start : part.end], part.line or 0)
        rows += some
        bad += wrong
    assert position == len(data)
    assert rows == whole[0]
    assert [(record.line, reason) for record, reason in bad] == [(record.line, reason) for record, reason in whole[1]]


@settings(max_examples=300, deadline=None)
@given(data=BYTES, dialect=DIALECTS, size=st.integers(1, 30), window=st.integers(2, 9))
def test_the_ranges_that_are_sought_are_the_whole(data: bytes, dialect: Dialect, size: int, window: int) -> None:
    dialect = replace(dialect, quote=None, backslash=False)
    parser = Parser(dialect, Layout((0, 1), 2), 1000, 1 << 20)
    data = data.removeprefix("\ufeff".encode())
    rows: list[Any] = []
    bad: list[Any] = []
    position = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "_SOUGHT", window)
        parts = list(cutting.sought(lambda start, end: data[start:end], len(data), dialect, size))
    for part in parts:
        assert part.start == position
        assert (part.line is None) == (part.start > 0)
        position = part.end
        some, wrong = read(parser, data[part.start : part.end])
        rows += [row[1:] for row in some]
        bad += [(record.text, reason) for record, reason in wrong]
    whole, wrong = read(parser, data)
    assert (position, rows) == (len(data), [row[1:] for row in whole])
    assert bad == [(record.text, reason) for record, reason in wrong]


def test_little_is_read_where_every_line_ends() -> None:
    data = b"1,some text\n" * 1_000_000
    asked: list[int] = []

    def given(start: int, end: int) -> bytes:
        asked.append(end - start)
        return data[start:end]

    parts = list(cutting.sought(given, len(data), Dialect(quote=None), 1 << 20))
    assert len(parts) == 12
    assert (len(asked), max(asked)) == (11, 64 << 10)
    assert sum(part.lines or 0 for part in parts) == pytest.approx(1_000_000, rel=0.001)
    (whole,) = cutting.sought(given, len(data), Dialect(quote=None, record_delimiter=";"), 1 << 20)
    assert whole.end == len(data), "there is no line end"


def test_a_large_file_is_cut_where_quotes_allow_it() -> None:
    record = b'1,"a quoted\nline break, and ""quotes""",5" pipe\n'
    data = record * 1000
    parts = list(ranges(io.BytesIO(data), len(data), Dialect(), 4000))
    assert len(parts) > 8
    assert all(part.start % len(record) == 0 for part in parts)
    assert [part.line for part in parts] == [1 + 2 * part.start // len(record) for part in parts]


def test_ordinary_files_take_the_fast_path() -> None:
    layout = Layout((0, 1, 2), 3)
    for dialect, data in (
        (Dialect(), b'1,"a, ""b""",c\n2,"x\ny",z\n'),
        (Dialect(), b'1,"a",5" pipe\n2,x,6" pipe\n'),
        (Dialect(delimiter="||"), b'1||"a||b"||c\n2||x||\n'),
        (Dialect(delimiter="§"), "1§a§c\n2§x§\n".encode()),
        (Dialect(trim=True, nulls=frozenset({"x"})), b"1, a ,c\n2,x ,\n"),
        (Dialect(backslash=True, comment="#", record_delimiter="\n"), b'1,"a",c#\n2,x,\n'),
    ):
        parser = FastParser(dialect, layout, 1 << 20, 1 << 20)
        rows, bad = read(parser, data)
        assert (len(rows), bad, parser.refused) == (2, [], 0), dialect


def test_a_ragged_row_does_not_leave_the_fast_path() -> None:
    parser = FastParser(Dialect(), Layout((0, 1), 2), 1 << 20, 1 << 20)
    rows, bad = read(parser, b'1,"a"\n2\n3,"b\n",c\n4,d\n')
    assert [row[1:] for row in rows] == [("1", "a"), ("4", "d")]
    assert [(record.text, record.line, reason) for record, reason in bad] == [
        (b"2", 2, "1 fields instead of 2"),
        (b'3,"b\n",c', 3, "3 fields instead of 2"),
    ]
    assert parser.refused == 0


def test_bytes_that_are_no_text_spoil_their_row_alone() -> None:
    parser = Parser(Dialect(), Layout((0,), None), 1 << 20, 1 << 20)
    rows, bad = read(parser, b"a,\xff\nb\xff,x\nc,y\n")
    assert [row[1] for row in rows] == ["a", "c"], "the first row's bad field is not wanted"
    assert [(record.line, reason) for record, reason in bad] == [(2, "a field is not valid text in this encoding")]


def test_a_quote_that_is_never_closed() -> None:
    rows, bad = read(Parser(Dialect(), Layout((0, 1), 2), 8, 1000), b'1,a\n2,"b\n3,c\n4,d')
    assert [row[1:] for row in rows] == [("1", "a")]
    assert [(record.text, record.line) for record, _ in bad] == [(b'2,"b\n3,c\n4,d', 2)]
    with pytest.raises(RecordTooLong) as caught:
        read(Parser(Dialect(), Layout((0, 1), 2), 8, 1000), b'1,a\n2,"b\n' + b"3,c\n" * 1000)
    assert caught.value.line == 2


def test_a_record_longer_than_a_block() -> None:
    long = b"x" * 10_000
    rows, bad = read(Parser(Dialect(), Layout((0, 1), 2), 64, 1 << 20), b'1,a\n2,"' + long + b'\n"\n3,' + long + b"\n")
    assert [len(row[2]) for row in rows] == [1, 10_001, 10_000]
    assert bad == []


def test_empty_lines() -> None:
    one, two = Layout((0,), 1), Layout((0, 1), 2)
    for data, layout, skip, expected in (
        (b"a\n\nb\n", one, None, ["a", "", "b"]),
        (b"a\n\nb\n", one, True, ["a", "b"]),
        (b'a\n""\nb\n', one, True, ["a", "", "b"]),
        (b"a,1\n\nb,1\n\n", two, None, ["a", "b"]),
    ):
        rows, bad = read(Parser(replace(Dialect(), skip_empty=skip), layout, 1000, 1000), data)
        assert [row[1] for row in rows] == expected
        assert bad == []
    assert [reason for _, reason in read(Parser(Dialect(skip_empty=False), two, 1000, 1000), b"a,1\n\n")[1]] == [
        "1 fields instead of 2"
    ]


def test_nulls_are_not_quoted() -> None:
    dialect = Dialect(nulls=frozenset({"\\N", ""}))
    for parser in (Parser, SlowParser):
        rows, _ = read(parser(dialect, Layout((0, 1), 2), 1000, 1000), b'\\N,"\\N"\n,""\n')
        assert [row[1:] for row in rows] == [(None, "\\N"), (None, "")]


def test_backslash_escapes() -> None:
    data = rb'a\,b,"x\"y\n",\u00e9\x41\o101\d065\101\q' + b"\nlone \\ud800,b,c\n"
    rows, bad = read(Parser(Dialect(backslash=True), Layout((0, 1, 2), 3), 1000, 1000), data)
    assert [row[1:] for row in rows] == [("a,b", 'x"y\n', "éAAAAq")]
    assert [record.line for record, _ in bad] == [2]


def test_borders_refuse_to_guess() -> None:
    assert Borders(Dialect()).certain(b'a,"b\nc\n') == 0
    assert Borders(Dialect(backslash=True)).certain(b"a\\\nb\n") == 0
    assert Borders(Dialect(delimiter="||")).certain(b'a|||"\nb\n') == 0
