"""Patterns of artifact names that once took hours: each is answered at once now. A test that hangs has failed."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.errors import UserError
from skep.pipeline.natives.brace_words import expand_braces
from skep.pipeline.natives.name_patterns import name_matcher

LONG = "a" * 250


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("+(a|aa)" * 30 + "b", LONG, False),
        ("+(a|aa)" * 30, LONG, True),
        ("+(+(+(+(a|aa)*)))b", LONG, False),
        ("a*" * 30 + "b", LONG, False),
        ("x" + "!(a*)" * 40, "x" + LONG, False),
        ("x" + "!(a*)" * 40, "xb" + LONG, True),
        ("*(!(a|b)c|+(!(d)e|*(!(f)a)))" * 6, "ac" * 120, True),
        ("*(" * 40 + "a" + "b)" * 40, "ab" * 120, False),
        ("@(" * 5000, "a", False),
        ("[" * 5000, "[" * 5000, True),
        ("{" * 5000, "{" * 5000, True),
        ("{a,b}" * 2000, "a" * 2000, True),
        ("{1..999999999}", "7", True),
        ("{1.." + "9" * 5000 + "}", "1", False),
    ],
)
def test_no_pattern_takes_long(pattern: str, name: str, found: bool) -> None:
    assert name_matcher(pattern)(name) is found


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("@(" * 60 + "a" + ")" * 60, "groups nest deeper than 50"),
        ("{a," * 5000 + "b" + "}" * 5000, "braces nest deeper than 50"),
        ("a" * 65_537, "65536 is the limit"),
    ],
)
def test_absurd_patterns_are_refused(pattern: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        name_matcher(pattern)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("+(a|b)c", ["ac", "abac"], ["c", "ab"]),
        ("*(a)b", ["b", "aab"], ["ac"]),
        ("x+(!(a)b)", ["xb", "xcb", "xbab"], ["xa"]),
        ("x@(!(a)|b)c", ["xc", "xbc", "xdc"], ["xac"]),
        ("x@(!(a))c", ["xc", "xbc"], ["xac"]),
        ("x!(!(a))", ["xa"], ["x", "xb"]),
        ("x@(!(a|b))", ["x", "xab", "xc"], ["xa", "xb"]),
        ("@([|])x", ["|x"], ["x"]),
        ("@(a\\|b)", ["a|b"], ["a"]),
        ("a|b)", ["a|b)"], ["a"]),
        ("*(", ["(", "x("], ["x"]),
        ("?(", ["x("], ["("]),
    ],
)
def test_groups_in_groups_mean_what_they_say(pattern: str, yes: list[str], no: list[str]) -> None:
    matches = name_matcher(pattern)
    assert {name: matches(name) for name in (*yes, *no)} == {
        **dict.fromkeys(yes, True),
        **dict.fromkeys(no, False),
    }


GROUPS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "ab"]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("?*+@"), st.lists(inner, min_size=1, max_size=3)).map(
            lambda group: f"{group[0]}({'|'.join(group[1])})"
        ),
        st.lists(inner, min_size=1, max_size=3).map("".join),
    ),
    max_leaves=6,
)


@given(GROUPS)
def test_groups_match_what_their_regular_expression_matches(pattern: str) -> None:
    expression = re.sub(r"([?*+@])\(", r"(\1", pattern)  # the sign goes behind the group
    program = re.compile(_signs_behind(expression))
    matches = name_matcher(f"x{pattern}")
    for length in range(5):
        for letters in itertools.product("ab", repeat=length):
            name = "".join(letters)
            assert matches(f"x{name}") is (program.fullmatch(name) is not None)


def _signs_behind(text: str) -> str:
    """`(+a|b)` to `(?:a|b)+`, inner groups too."""
    out: list[str] = []
    signs: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "(":
            signs.append("" if text[at + 1] == "@" else text[at + 1])
            out.append("(?:")
            at += 2
            continue
        out.append(f"){signs.pop()}" if text[at] == ")" else text[at])
        at += 1
    return "".join(out)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a{b,c}d{e,f}", ["abde", "abdf", "acde", "acdf"]),
        ("{a,{b,c}d,}", ["a", "bd", "cd", ""]),
        ("{a{b,c}}", ["{ab}", "{ac}"]),
        ("{a,{b}", ["{a,{b}"]),
        ("{a,{b,c}", ["{a,b", "{a,c"]),
        ("${a,b}", ["${a,b}"]),
        ("\\{a,b}", ["\\{a,b}"]),
        ("{a,${b}}", ["a", "${b}"]),
        ("{2..-1}", ["2", "1", "0", "-1"]),
        ("x}{,}", ["x}", "x}"]),
        ("", [""]),
    ],
)
def test_braces_give_their_words_in_order(pattern: str, words: list[str]) -> None:
    assert expand_braces(pattern) == words


def test_braces_give_a_thousand_words_at_most() -> None:
    words = expand_braces("{a,b}" * 40)
    assert len(words) == 1000
    assert words[:2] == ["a" * 40, "a" * 39 + "b"]
    assert sum(map(len, expand_braces("{a,b}" * 13_000))) < 1 << 20
