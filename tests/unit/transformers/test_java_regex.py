"""The expectations are those of Java; they were taken from java.util.regex itself."""

from __future__ import annotations

import pyarrow as pa
import pytest

from starhaul_transformers.java_regex import compile_java


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("ab", ["ab"], ["abc", "xab", "", "AB"]),
        ("a.c", ["abc", "a😀c", "a\x0bc"], ["a\nc", "a\rc", "a\x85c", "a\u2028c", "ac"]),
        ("(?s)a.c", ["a\nc", "a\u2029c"], ["ac"]),
        ("(?i)straße", ["STRAßE"], ["STRASSE"]),
        ("(?i)k", ["K"], ["\u212a"]),
        (r"\d+", ["12"], ["٣", "1 "]),
        (r"\w+", ["a_1"], ["é"]),
        (r"a\sb", ["a b", "a\x0bb"], ["a\xa0b"]),
        (r"a[\S]b", ["axb", "aéb"], ["a\x0bb"]),
        (r"a\hb", ["a\xa0b", "a\u3000b"], ["a\nb"]),
        (r"a\Rb", ["a\r\nb", "a\u2028b"], ["a\n\nb"]),
        (r".*\bé\b.*", ["x é y", "é"], ["aé"]),
        (r"ab$", ["ab"], ["ab\n"]),
        (r"(ab$|c)\s*", ["ab", "ab\n", "ab\r\n", "c"], ["ab\n\n"]),
        (r"ab\z", ["ab"], ["ab\n"]),
        (r"a|bc", ["a", "bc"], ["ac", "abc"]),
        (r"(?=.*\d)(?=.*[a-z]).{3,}", ["a1x"], ["abc", "a1"]),
        (r"(?<!a)b|ab", ["b", "ab"], ["a"]),
        (r"(a|b)\1", ["aa", "bb"], ["ab"]),
        (r"(?<x>\d)-\k<x>", ["1-1"], ["1-2"]),
        (r"a*+b", ["aab"], ["aa"]),
        (r"a*+ab", [], ["aab"]),
        (r"a{2,3}?", ["aa", "aaa"], ["a", "aaaa"]),
        (r"\Qa.b*\E+", ["a.b*", "a.b**"], ["aab"]),
        (r"[\u4e00-\u9fa5]+", ["日本"], ["ab"]),
        (r"\x41\x{1F600}\uD83D\uDE00\0101\t", ["A😀😀A\t"], [""]),
        (r"[]a^\-\\&-]+", ["]a^-\\&"], ["b", "["]),
        (r"[^a-c\d]", ["d", "\n", "😀"], ["a", "1"]),
        (r"\p{L}+", ["aé日"], ["1"]),
        (r"\p{Alpha}\P{Alpha}", ["aé"], ["éa"]),
        (r"\p{IsHan}\pL", ["日a"], ["aa"]),
        (r"a/b#c~'\"%", ["a/b#c~'\"%"], []),
        ("", [""], ["a"]),
        ("a" * 2 + "{1500}", ["a" * 1501], ["a" * 1500]),
        ("é{2}[😀-😂]", ["éé😁"], ["é😁"]),
    ],
)
def test_matches_as_java_does(pattern: str, matching: list[str], others: list[str]) -> None:
    regex = compile_java(pattern)
    texts = pa.array(["cut off", *matching, *others, None]).slice(1)
    wanted = [True] * len(matching) + [False] * len(others) + [None]
    assert regex.matches(texts).to_pylist() == wanted


@pytest.mark.parametrize("pattern", [r"ab.*", r"\d{4}-\d\d", "(?s).*x.*", r"[^,]*,\w+$", r"\p{Lu}.*"])
def test_the_usual_patterns_run_in_arrow(pattern: str) -> None:
    assert compile_java(pattern).re2 is not None


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("[a", "a `\\[` is never closed"),
        ("(a", "is no regular expression"),
        ("a)", "is no regular expression"),
        ("*a", "is no regular expression"),
        ("a**", "is no regular expression"),
        ("a{,3}", "a `{` that is no quantifier"),
        ("a{x", "a `{` that is no quantifier"),
        (r"\y", r"\\y is not supported"),
        ("a\\", "is not supported"),
        (r"\G", "is not supported"),
        ("[a[bc]]", "a class within a class"),
        ("[a-z&&[^b]]", "an intersection of classes"),
        (r"[\P{Alpha}]", "a negated property"),
        ("(?m)^a$", "the flag 'm'"),
        ("a(?i)b", "the group"),
        ("a(?i:b)", "the group"),
        (r"\p{javaLowerCase}", "cannot be used"),
        (r"(?=a)\p{L}", "together with look-around"),
        (r"\1", "is no regular expression"),
        (r"(a)\12", "this back reference"),
        (r"\uD83D", "the code d83d"),
        ("(?<=a+)b", "is no regular expression"),
        ("(?#a)b", "the group"),
    ],
)
def test_what_cannot_be_said_exactly_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        compile_java(pattern)
