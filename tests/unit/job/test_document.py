"""Reading text: values, lines, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from starhaul import ConfigError
from starhaul.job.document import Document, document_of, dotted, exact_float, read_document


def read(tmp_path: Path, text: str | bytes, name: str = "a.yaml") -> Document:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-0", 0),
        ("012", "012"),
        ("0o14", "0o14"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("+86138", "+86138"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01 10:00:00", "2024-01-01 10:00:00"),
        ("1.5", 1.5),
        ("1e5", 100000.0),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("3.14159265358979323846", "3.14159265358979323846"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("=", "="),
    ],
)
def test_yaml_scalars_keep_what_was_typed(tmp_path: Path, scalar: str, value: Any) -> None:
    read_value = read(tmp_path, f"a: {scalar}\n").value["a"]
    assert read_value == value
    assert type(read_value) is type(value)


def test_yaml_lines(tmp_path: Path) -> None:
    document = read(tmp_path, "a:\n  b: 1\n  c:\n    - x\n    - y: {z: 1}\nd: &d\n  e: 2\nf: *d\n")
    assert document.line_of(()) == 1
    assert document.line_of(("a", "b")) == 2
    assert document.line_of(("a", "c", 0)) == 4
    assert document.line_of(("a", "c", 1, "y", "z")) == 5
    assert document.line_of(("f", "e")) == 8, "what an alias brings stands where the alias stands"
    assert document.line_of(("a", "b", "not", "there")) == 2


def test_json_lines(tmp_path: Path) -> None:
    text = '{\n "a": {"b": [1,\n  {"c": null, "d": "x,{\\"}"}\n ]},\n "e":\n  true, "f": {}, "g": [], "h": 1\n}'
    document = read(tmp_path, text, "a.json")
    assert document.line_of(()) == 1
    assert document.line_of(("a", "b", 0)) == 2
    assert document.line_of(("a", "b", 1, "c")) == 3
    assert document.line_of(("a", "b", 1, "d")) == 3
    assert document.line_of(("e",)) == 5
    assert document.line_of(("h",)) == 6


def test_json_and_yaml_read_the_same(tmp_path: Path) -> None:
    text = '{"a": [1, -2.5, "x\\u00e9", true, null, {"b": ""}], "c": 1E2}'
    assert read(tmp_path, text, "a.json").value == read(tmp_path, text, "a.yaml").value


def test_json_may_have_tabs_and_a_byte_order_mark(tmp_path: Path) -> None:
    assert read(tmp_path, b'\xef\xbb\xbf{\n\t"a":\t1}', "a.json").value == {"a": 1}


def test_a_text_with_another_suffix_is_json_if_it_begins_so(tmp_path: Path) -> None:
    assert read(tmp_path, '{"a":\t1}', "a.job").value == {"a": 1}
    assert read(tmp_path, "a: 1", "a.job").value == {"a": 1}


def test_repeated_keys(tmp_path: Path) -> None:
    document = read(tmp_path, '{"a": {"b": 1,\n"b": 2}}', "a.json")
    assert document.value == {"a": {"b": 2}}
    assert [(each.path, each.problem) for each in document.warnings] == [
        ("a.b", "is written more than once; the last one holds")
    ]
    with pytest.raises(ConfigError, match=r"a\.yaml:2:1: the key 'a' is written twice"):
        read(tmp_path, "a: 1\na: 2\n")


def test_numbers_that_no_double_holds_stay_text(tmp_path: Path) -> None:
    assert read(tmp_path, '{"a": 0.1234567890123456789012, "b": 1e400}', "a.json").value == {
        "a": "0.1234567890123456789012",
        "b": "1e400",
    }
    assert read(tmp_path, f'{{"a": {"9" * 5000}}}', "a.json").value == {"a": "9" * 5000}
    assert exact_float("0.1") == 0.1
    assert exact_float("1e-400") == "1e-400"
    assert exact_float("0.000000000000000000") == 0.0
    assert exact_float("123456789.123456789") == "123456789.123456789"


@pytest.mark.parametrize(
    ("name", "text", "place", "problem"),
    [
        ("a.json", '{\n "a": 1,\n "b" 2\n}', ":3:6", "not valid JSON: Expecting ':' delimiter"),
        ("a.json", '{"a": [1, 2}', ":1:12", "not valid JSON"),
        ("a.json", '{"b": 1,\n"a": NaN}', ":2:6", "not valid JSON: NaN"),
        ("a.json", '{"a": 1} x', ":1:10", "not valid JSON: Extra data"),
        ("a.json", '{"a": ' * 5000 + "1" + "}" * 5000, "", "levels deep"),
        ("a.yaml", "a:\n  - b\n c: 1\n", ":3:2", "not valid YAML: while parsing a block mapping"),
        ("a.yaml", "a: [1, 2\nb: 3\n", ":2:2", "not valid YAML"),
        ("a.yaml", "a: \x00\n", ":1", "not valid YAML"),
        ("a.yaml", "a: 1\n---\nb: 2\n", ":2:1", "a second document"),
        ("a.yaml", "a: !!python/object:os.system x\n", ":1:4", "tag tag:yaml.org,2002:python/object:os.system"),
        ("a.yaml", "a: !!binary aGk=\n", ":1:4", "is not supported"),
        ("a.yaml", "a: !!set {x}\n", ":1:4", "is not supported"),
        ("a.yaml", "? [a]\n: 1\n", ":1:3", "a key must be a text"),
        ("a.yaml", "a: &x {b: *x}\n", ":1:11", "around itself"),
        ("a.yaml", "x: &x {a: 1}\nb:\n  <<: *x\n", ":3:3", "merge keys are not supported"),
        ("a.yaml", "[" * 500, ":1:65", "levels deep"),
        ("a.yaml", "- " * 500, ":1:129", "levels deep"),
        ("a.yaml", "[" * 50_000, ":1:", "levels deep"),
    ],
)
def test_malformed_text_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, place: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, name)
    assert f"{name}{place}" in caught.value.where
    assert problem in str(caught.value)


def test_the_line_is_shown_unless_it_may_hold_a_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"near: oops: here"):
        read(tmp_path, "a: [1,\noops: here\n")
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, '{"userPassword": "hunter2", oops}', "a.json")
    assert "hunter2" not in str(caught.value)


def test_a_yaml_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(ConfigError, match="more than 200000 values, aliases included"):
        read(tmp_path, "\n".join(lines))


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_document(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="is a directory"):
        read_document(tmp_path)
    with pytest.raises(ConfigError, match="the file is empty"):
        read(tmp_path, " \n")
    with pytest.raises(ConfigError, match=r"a\.yaml:2: not UTF-8: byte 0xe9"):
        read(tmp_path, b"a: 1\nb: caf\xe9\n")
    big = tmp_path / "big.json"
    with big.open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    with pytest.raises(ConfigError, match="more than 16777216"):
        read_document(big)


def test_python_values() -> None:
    given = {"a": (1, 2.5, Path("x")), "b": {"c": None}}
    document = document_of(given)
    assert document.value == {"a": [1, 2.5, "x"], "b": {"c": None}}
    assert document.source == "<dict>"
    endless: dict[str, Any] = {}
    endless["a"] = endless
    for wrong in ({"a": object()}, {"a": {1: 2}}, {"a": float("nan")}, {"a": b"x"}, endless):
        with pytest.raises(ConfigError):
            document_of(wrong)


def test_dotted() -> None:
    assert dotted(("job", "content", 0, "reader")) == "job.content[0].reader"
    assert dotted(("a b", "c.d", "")) == "'a b'.'c.d'.''"
