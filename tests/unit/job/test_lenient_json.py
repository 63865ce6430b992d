"""The JSON that DataX users write: what it is made of, what is remarked on, where it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import json5
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul.api.errors import ConfigError
from starhaul.job.document import read_document
from starhaul.job.json_text import parse_json
from starhaul.job.lenient_json import (
    BARE_KEY,
    EXTRA_COMMA,
    HASH_COMMENT,
    MISSING_COMMA,
    ODD_MARK,
    ODD_NUMBER,
    ODD_QUOTES,
    ODD_SPACE,
    SEVERAL_LINES,
    make_strict,
)

STREAM = (
    '{"reader": {"name": "fruit", "parameter": {"path": "a"}}, "writer": {"name": "fruit", "parameter": {"path": "b"}}}'
)
JOB = {
    "job": {
        "setting": {"speed": {"channel": 3}},
        "content": [json.loads(STREAM)],
    }
}
WELL = json.dumps(JOB, indent=1)

# What fastjson takes: no remark.
SILENT = {
    "line comments": WELL.replace('"speed"', '// how fast\n"speed"'),
    "a comment before everything": f"// made by hand\n{WELL}",
    "a comment after everything": f"{WELL}\n// the end",
    "an empty comment": WELL.replace('"speed"', '//\n"speed"'),
    "a comment that looks like JSON": WELL.replace('"speed"', '// "speed": {"channel": 5},\n"speed"'),
    "single quotes": WELL.replace('"', "'"),
    "single quotes, some of them": WELL.replace('"speed"', "'speed'"),
    "a comma too many in an object": WELL.replace('"channel": 3', '"channel": 3,'),
    "a comma too many in an array": WELL.replace("]", ",]"),
    "a comma too many, then a comment": WELL.replace('"channel": 3', '"channel": 3, // four?'),
    "a byte order mark": f"\ufeff{WELL}",
    "Windows line ends": WELL.replace("\n", "\r\n"),
    "tabs": WELL.replace("\n", "\n\t"),
    "a slash in a text": WELL.replace('"path": "a"', '"path": "a"'),
    "numbers as texts": WELL.replace("3", '"3"'),
}

# What only published examples hold: understood, with a remark.
REMARKED = {
    "# comments": (WELL.replace('"speed"', '# how fast\n"speed"'), HASH_COMMENT, 4),
    "# at a line's end": (WELL.replace('"channel": 3', '"channel": 3 # three'), HASH_COMMENT, 5),
    "block comments": (WELL.replace('"speed"', '/* how\nfast */ "speed"'), HASH_COMMENT, 4),
    "block comment with stars": (WELL.replace('"speed"', '/*** how * fast ***/ "speed"'), HASH_COMMENT, 4),
    "keys without quotes": (WELL.replace('"speed"', "speed"), BARE_KEY, 4),
    "keys without quotes, many": (WELL.replace('"job"', "job").replace('"speed"', "speed"), BARE_KEY, 2),
    "full-width colon": (WELL.replace('"channel":', '"channel"：'), ODD_MARK, 5),
    "full-width comma": (WELL.replace("},", "}，"), ODD_MARK, 7),
    "full-width brackets": (WELL.replace("[", "［").replace("]", "］"), ODD_MARK, 8),
    "full-width braces": (WELL.replace("{", "｛").replace("}", "｝"), ODD_MARK, 1),
    "typographic quotes": (WELL.replace('"channel"', "“channel”"), ODD_QUOTES, 5),
    "typographic single quotes": (WELL.replace('"channel"', "‘channel’"), ODD_QUOTES, 5),
    "full-width quotes": (WELL.replace('"channel"', "＂channel＂"), ODD_QUOTES, 5),
    "a missing comma in an object": (WELL.replace("},\n  \"content", "}\n  \"content"), MISSING_COMMA, 8),
    "a missing comma on one line": (WELL.replace('"path": "b"', '"path": "b" "mode": "insert"'), MISSING_COMMA, 19),
    "an ideographic blank": (WELL.replace('"channel": ', '"channel":\u3000'), ODD_SPACE, 5),
    "a no-break space": (WELL.replace('"channel": ', '"channel":\xa0'), ODD_SPACE, 5),
    "a zero-width blank": (WELL.replace('"channel": ', '"channel":\u200b'), ODD_SPACE, 5),
    "two commas in an object": (WELL.replace("},", "},,"), EXTRA_COMMA, 7),
    "a comma before a key": (WELL.replace('"channel"', ',"channel"'), EXTRA_COMMA, 5),
    "a comma before an element": (WELL.replace("[", "[,"), EXTRA_COMMA, 8),
    "a number with leading zeros": (WELL.replace(": 3", ": 003"), ODD_NUMBER, 5),
    "a number with a plus": (WELL.replace(": 3", ": +3"), ODD_NUMBER, 5),
    "a number with a suffix": (WELL.replace(": 3", ": 3L"), ODD_NUMBER, 5),
    "a number that ends in a point": (WELL.replace(": 3", ": 3."), ODD_NUMBER, 5),
    "a text over two lines": (WELL.replace('"path": "a"', '"path": "a\n"'), SEVERAL_LINES, 13),
}  # fmt: skip


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT)
def test_what_fastjson_takes_is_taken_in_silence(load: Callable[..., Any], text: str) -> None:
    job = load(text, "a.json")
    assert job.settings.channel == 3
    assert [stream.reader.parameters for stream in job.streams] == [{"path": ["a"]}]
    assert job.warnings == ()


@pytest.mark.parametrize(("text", "kind", "line"), REMARKED.values(), ids=REMARKED)
def test_what_examples_show_is_taken_with_a_remark(load: Callable[..., Any], text: str, kind: str, line: int) -> None:
    job = load(text, "a.json")
    assert job.settings.channel == 3
    assert [each.reader.parameters["path"][0].strip() for each in job.streams] == ["a"]
    assert [(each.problem.partition(" (")[0].partition(";")[0], each.line) for each in job.warnings] == [(kind, line)]
    assert all(each.file.endswith("a.json") for each in job.warnings)


def test_missing_commas_in_an_array_are_what_fastjson_takes(load: Callable[..., Any]) -> None:
    text = WELL.replace('"path": "a"', '"path": ["a" "b"\n"c"]')
    job = load(text, "a.json")
    assert job.streams[0].reader.parameters == {"path": ["a", "b", "c"]}
    assert job.warnings == ()


def test_the_last_of_several_equal_keys_holds(load: Callable[..., Any]) -> None:
    job = load(WELL.replace('"channel": 3', '"channel": 1, // one\n "channel": 3'), "a.json")
    assert job.settings.channel == 3
    assert [(each.path, each.line) for each in job.warnings] == [("job.setting.speed.channel", 6)]


def test_one_remark_for_each_kind(load: Callable[..., Any]) -> None:
    job = load(WELL.replace('"', "＂").replace("＂speed＂", "# a\n# b\nspeed"), "a.json")
    assert sorted(each.problem.partition(";")[0] for each in job.warnings) == [
        f"{HASH_COMMENT} (and 1 more like it)", BARE_KEY, f"{ODD_QUOTES} (and 15 more like it)",
    ]  # fmt: skip


TEXTS = {
    "'it''s'": None,
    r"'it\'s'": "it's",
    "'say \"hi\"'": 'say "hi"',
    r"'say \"hi\"'": 'say "hi"',
    r'"it\'s"': "it's",
    r'"\x41\v"': "A\x0b",
    r'"\0\7\F"': "\0\x07\f",
    r'"\/\#\&\(\)\[\]\.\@"': "/#&()[].@",
    r'"C:\\new"': "C:\\new",
    r'"\u4e2d\n"': "中\n",
    '"a\tb"': "a\tb",
    '"a // b # c /* d */"': "a // b # c /* d */",
    "“a，b：c”": "a，b：c",
    '"｛“”｝"': "｛“”｝",
    "''": "",
    '"http://host:80/?a=1#b"': "http://host:80/?a=1#b",
    r'"\d"': None,
    "'a": None,
    '"a': None,
    "“a": None,
}


@pytest.mark.parametrize(("written", "value"), TEXTS.items(), ids=TEXTS)
def test_texts(written: str, value: str | None) -> None:
    text = f"{{'job': 1, \"x\": {written}}}"
    if value is None:
        with pytest.raises(ConfigError, match=r"a\.json:1:\d+: not valid JSON"):
            parse_json(text, "a.json")
    else:
        assert parse_json(text, "a.json").value == {"job": 1, "x": value}


# What fastjson 1.1.46 and fastjson2 2.0.23 make of it, one of them at least.
NUMBERS = {
    "+1": "1", "-1": "-1", "012": "12", "-007": "-7", "000": "0", "5L": "5", "5B": "5", "5S": "5", "1.5F": "1.5",
    "1.5D": "1.5", ".5": "0.5", "1.": "1", "1.10": "1.10", "1e5": "1e5", "01.e2D": "1e2",
    "123456789012345678901234567890L": "123456789012345678901234567890",
}  # fmt: skip


@pytest.mark.parametrize(("written", "strict"), NUMBERS.items())
def test_numbers(written: str, strict: str) -> None:
    assert make_strict(f"{{a: [{written}]}}", "").text == f'{{"a": [{strict}]}}'


WRONG = {
    "{'job':,}": ("1:8", "a ',' out of place"),
    "{'job',: 1}": ("1:7", "a ',' out of place"),
    ",{'job': 1}": ("1:1", "a ',' out of place"),
    "{'job': 1},": ("1:11", "a ',' out of place"),
    "{'job': }": ("1:9", "a value is missing"),
    "{'job'}": ("1:7", "a value is missing"),
    "{'job' 1}": ("1:8", "a ':' is missing"),
    "{'job':: 1}": ("1:8", "a ':' out of place"),
    "{'job': [1: 2]}": ("1:11", "a ':' out of place"),
    "{'job': abc}": ("1:9", "'abc' is no value; put texts in quotes"),
    "{'job': TRUE}": ("1:9", "'TRUE' is no value; put texts in quotes"),
    "{'job': 0x1F}": ("1:9", "'0x1F' is no value; put texts in quotes"),
    "{'job': 1_000}": ("1:9", "'1_000' is no value; put texts in quotes"),
    "{'job': .}": ("1:9", "'.' is no value; put texts in quotes"),
    "{'job': - 1}": ("1:9", "'-' is no value; put texts in quotes"),
    "{'job': NaN}": ("1:9", "'NaN' is no value; put texts in quotes"),
    "{'job': --1}": ("1:9", "'--1' is no value; put texts in quotes"),
    "{'job': 1]": ("1:10", "']' closes nothing"),
    "{'job': 1}}": ("1:11", "'}' closes nothing"),
    "{'job': 1} 2": ("1:12", "something follows the end"),
    "{'job': {\n'a': 1": ("2:7", "the text ends too early"),
    "{'job': /* a": ("1:9", "a comment without an end"),
    "{'job': {{}: 1}}": ("1:10", "a key must be a text"),
}


@pytest.mark.parametrize(("text", "told"), WRONG.items(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place(text: str, told: tuple[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        make_strict(text, "a.json")
    place, problem = told
    assert str(caught.value).startswith(f"a.json:{place}: not valid JSON: {problem}")


def test_what_the_json_module_finds_wrong_is_told_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"a\.json:2:8: not valid JSON: Invalid \\escape"):
        parse_json("{'job': 1, // a\n  'b': \"c\\q\"}", "a.json")


def test_only_datax_jobs_are_taken_leniently() -> None:
    with pytest.raises(ConfigError, match="Expecting property name"):
        parse_json("{'reader': 1}", "a.json")
    with pytest.raises(ConfigError, match="Expecting property name"):
        parse_json("{'reader': 1, 'x': {'job': 1}}", "a.json")


def test_files_without_a_suffix_may_begin_with_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "job"
    path.write_text(f"/* my job */\n{WELL}")
    assert read_document(path).value == JOB


def test_secrets_are_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_json("{'job': {'password': 'hunter2' : }}", "a.json")
    assert "hunter2" not in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_strict_json_stays_what_it_is(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    strict = make_strict(text, "")
    assert json.loads(strict.text) == value
    assert not strict.remarks
    assert strict.text.count("\n") == text.count("\n")


PIECES = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"a"', "'b'", "1", "-2.5", "true", "null", " ", "\n", "//c\n", "/*d*/", "key",
     "1e5", "'it\\'s'", '"\\u0041"', "{}", "[]", "'x':", ", "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
@settings(max_examples=400, deadline=None)
def test_what_json5_reads_is_read_alike(text: str) -> None:
    """json5 is the judge of what both languages have: comments, single quotes, keys without quotes, last commas."""
    try:
        expected = json5.loads(text)
    except ValueError:
        return
    assert json.loads(make_strict(text, "").text) == expected
