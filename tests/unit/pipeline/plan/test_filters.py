"""Filter patterns: GitHub's documented examples, errors, and the two matchers against each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.plan import filters
from skep.pipeline.plan.filters import Pattern, PatternError, compile_pattern, included, last_match

from .building import cases

LETTERS = "ab/-."
PIECES = st.sampled_from(
    ["a", "b", "/", "-", ".", "*", "**", "**/", "a?", "b+", "[ab]", "[a-b]+", "\\*", "?", "+"]
)
PATTERNS = st.lists(PIECES, min_size=1, max_size=10).map("".join)
NAMES = st.text(LETTERS + "*", max_size=10)


def compiled(text: str) -> Pattern:
    pattern = compile_pattern(text)
    assert isinstance(pattern, Pattern), pattern
    return pattern


@pytest.mark.parametrize("case", cases("filters"), ids=lambda case: " ".join(case["patterns"]))
def test_patterns_take_and_leave_names_as_documented(case: dict[str, list[str]]) -> None:
    patterns = [compiled(text) for text in case["patterns"]]
    assert [name for name in case["takes"] if not included(patterns, name)] == []
    assert [name for name in case["leaves"] if included(patterns, name)] == []


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "the pattern is empty"),
        ("!", 1, "the pattern is empty"),
        ("?a", 0, "`?` needs a character or a class before it"),
        ("!+a", 1, "`+` needs a character or a class before it"),
        ("a[b", 1, "`[` is not closed by `]`"),
        ("[]", 0, "`[]` is empty"),
        ("x[z-a]", 1, "the range `z-a` runs backwards"),
        ("a\\", 1, "nothing follows `\\`"),
        ("[a\\", 0, "`[` is not closed by `]`"),
    ],
)
def test_a_wrong_pattern_is_a_value_with_its_place(text: str, position: int, message: str) -> None:
    assert compile_pattern(text) == PatternError(text=text, position=position, message=message)


def test_the_last_match_decides_and_is_named() -> None:
    patterns = [compiled(text) for text in ("**", "!docs/**", "docs/api/**")]
    deciding = last_match(patterns, "docs/api/a.md")
    assert deciding is not None
    assert (deciding.text, deciding.negated) == ("docs/api/**", False)
    assert last_match(patterns[1:], "src/a") is None


def test_the_same_text_is_compiled_once() -> None:
    assert compile_pattern("src/**/only-once") is compile_pattern("src/**/only-once")


@given(PATTERNS, NAMES)
def test_following_states_gives_what_re_gives(text: str, name: str) -> None:
    try:
        atoms = filters._Scanner(text, 0).scan()
    except filters._ScanError:
        assert isinstance(compile_pattern(text), PatternError)
        return
    assert filters._by_states(atoms)(name) == filters._by_re(atoms)(name)


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_compiles_or_says_why(text: str, name: str) -> None:
    pattern = compile_pattern(text)
    if isinstance(pattern, PatternError):
        assert 0 <= pattern.position <= len(text)
        assert pattern.message
    else:
        assert pattern.matches(name) in (True, False)


@given(st.text(LETTERS, min_size=1, max_size=20))
def test_an_escaped_name_matches_itself_and_a_star_star_matches_all(name: str) -> None:
    escaped = "".join(f"\\{char}" for char in name)
    assert compiled(escaped).matches(name)
    assert not compiled(escaped).matches(name + "a")
    assert compiled("**").matches(name)
    assert compiled("*").matches(name) == ("/" not in name)


def test_a_pattern_of_many_wildcards_is_decided_on_a_long_unlucky_name() -> None:
    # backtracking would need about 400 ** 12 steps
    pattern = compiled("**a" * 12 + "b")
    assert not pattern.matches("a" * 400)
    assert pattern.matches("a" * 400 + "b")


@pytest.mark.parametrize("text", ["a?" * 60 + "b", "a*" * 60 + "b", "[ab]?" * 60 + "c"])
def test_a_hostile_pattern_takes_no_hours(text: str) -> None:
    pattern = compile_pattern(text)
    assert isinstance(pattern, Pattern)
    assert not pattern.matches("a" * 200)
