"""Which paths one pattern matches, by itself and for what lies below."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.host.glob_patterns import GlobPattern, read_patterns
from skep.model.errors import UserError

ROOT = "/w"


def _pattern(text: str) -> GlobPattern:
    (pattern,) = read_patterns(text, root=ROOT, home="/home/me")
    return pattern


def _matches(text: str, path: str) -> bool:
    pattern = _pattern(text)
    return pattern.accepts(pattern.state_of(path))


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a", "/w/a", True),
        ("a", "/w/a/b", False),
        ("./a", "/w/a", True),
        ("/etc/x", "/etc/x", True),
        ("~/x", "/home/me/x", True),
        ("~", "/home/me", True),
        (".", "/w", True),
        ("*", "/w/.hidden", True),
        ("*", "/w/a/b", False),
        ("*.py", "/w/.py", True),
        ("a?", "/w/ab", True),
        ("a?", "/w/a", False),
        ("**", "/w", True),
        ("**", "/w/a/b", True),
        ("**/b", "/w/b", True),
        ("**/b", "/w/a/a/b", True),
        ("a/**", "/w/a", True),
        ("a/**/b", "/w/a/b", True),
        ("a/**/b/**/c", "/w/a/x/b/y/z/c", True),
        ("a/**/b/**/c", "/w/a/x/c", False),
        ("a**b", "/w/axxb", True),
        ("a**b", "/w/a/b", False),
        ("[ab]", "/w/b", True),
        ("[!ab]", "/w/b", False),
        ("[^ab]", "/w/c", True),
        ("[a-c]x", "/w/bx", True),
        ("[]a]", "/w/]", True),
        ("[a-]", "/w/-", True),
        ("[z-a]", "/w/[z-a]", True),
        ("[ab", "/w/[ab", True),
        ("[!]", "/w/x", True),
        ("[^]x", "/w/ax", True),
        ("[a\\]b]", "/w/]", True),
        ("a\\", "/w/a\\", True),
        ("[*]", "/w/*", True),
        ("[*]", "/w/x", False),
        ("\\*", "/w/*", True),
        ("\\*", "/w/x", False),
        ("{a,b}", "/w/{a,b}", True),
        ("{a,b}", "/w/a", False),
        ("+(a)", "/w/+(a)", True),
        ("a//b", "/w/a/b", True),
        ("A", "/w/a", False),
        ("[[&&~~||]x", "/w/&x", True),
    ],
)
def test_a_pattern_matches_whole_paths(pattern: str, path: str, expected: bool) -> None:
    assert _matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "search_path"),
    [
        ("src/*.py", "/w/src"),
        ("src/[a]/x", "/w/src/a/x"),
        ("src/a\\*b/?", "/w/src/a*b"),
        ("*/src", "/w"),
        ("/**", "/"),
        ("src/[ab]/x", "/w/src"),
        ("[]", "/w/[]"),
    ],
)
def test_the_search_starts_at_the_last_literal_folder(pattern: str, search_path: str) -> None:
    assert _pattern(pattern).search_path == search_path


def test_a_root_with_pattern_signs_is_taken_literally() -> None:
    (pattern,) = read_patterns("*.txt", root="/w[1]/a*b/c?d", home="/h")
    assert pattern.search_path == "/w[1]/a*b/c?d"
    assert pattern.accepts(pattern.state_of("/w[1]/a*b/c?d/x.txt"))
    assert not pattern.state_of("/w1")


@pytest.mark.parametrize("path", ["/w/src", "/w/src/a", "/w/src/a/b/c", "/", "/w"])
def test_a_folder_that_may_hold_matches_is_alive(path: str) -> None:
    assert _pattern("src/**/x.py").state_of(path)


@pytest.mark.parametrize("path", ["/w/doc", "/v", "/w/other/src"])
def test_a_folder_that_cannot_hold_matches_is_dead(path: str) -> None:
    assert _pattern("src/**/x.py").state_of(path) == 0


def test_comments_and_blank_lines_are_no_patterns() -> None:
    lines = "# all\n\n  *.py  \n!!!x\n!  y/\n"
    patterns = read_patterns(lines, root=ROOT, home="/h")
    assert [(p.texts[-1], p.negated, p.directories_only) for p in patterns] == [
        ("*.py", False, False),
        ("x", True, False),
        ("y", True, True),
    ]


@pytest.mark.parametrize("pattern", ["../x", "a/../b", "a/./b", "/./a", "!", "a/[.]"])
def test_a_pattern_that_leaves_its_way_is_refused(pattern: str) -> None:
    with pytest.raises(UserError):
        read_patterns(pattern, root=ROOT, home="/h")


@given(st.text(alphabet="ab*?[]!^-\\.{}()|+ é", min_size=1, max_size=12))
def test_any_segment_compiles_and_its_literal_form_matches_itself(text: str) -> None:
    try:
        patterns = read_patterns(text, root=ROOT, home="/h")
    except UserError:
        return
    for pattern in patterns:
        assert isinstance(pattern.accepts(pattern.state_of("/w/x/y")), bool)
        names = [segment for segment in pattern.segments if isinstance(segment, str)]
        if len(names) == len(pattern.segments):
            assert pattern.accepts(pattern.state_of("/" + "/".join(names)))


@pytest.mark.parametrize(
    "pattern", ["*a*a*a*a*ab", "a*" * 30 + "b", "?*" * 30 + "b", "*[ab]*[ab]*[ab]*[ab]*[ab]*c"]
)
def test_a_hostile_pattern_takes_no_hours(pattern: str) -> None:
    (read,) = read_patterns(pattern, root="/w", home="/h")
    state = read.step(read.state_of("/w"), "a" * 255)
    assert not read.accepts(state)


@given(st.text("ab*?", min_size=1, max_size=9), st.text("ab", min_size=1, max_size=9))
def test_stars_match_as_fnmatch_says(pattern: str, name: str) -> None:
    (read,) = read_patterns(pattern, root="/w", home="/h")
    if "**" not in pattern:
        found = read.accepts(read.step(read.state_of("/w"), name))
        assert found == fnmatchcase(name, pattern)


@pytest.mark.parametrize(
    "pattern", ["[" * 20_000, "[a" * 20_000, "[z-a" * 10_000 + "]", "\\[" * 5000 + "[" * 5000, "[]" * 10_000]
)
def test_signs_that_begin_no_class_cost_no_time_however_many(pattern: str) -> None:
    (read,) = read_patterns(pattern, root="/r", home="/h")
    assert read.segments[0] == "r"
    assert len(read.segments) == 2


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("[]a]", ["]", "a"], ["b", "[]a]"]),
        ("[!]a]", ["]a]", "xa]"], ["a]", "b"]),
        ("[z-a]", ["[z-a]"], ["z"]),
        ("[z-a[b-c]", ["[z-ab", "[z-ac"], ["b", "[z-a[b-c]"]),
        ("[a-c-e]", ["b", "-", "e"], ["d"]),
        ("[]-a]", ["]", "_", "a"], ["-"]),
        ("[\\]]", ["]"], ["\\"]),
        ("[\\!a]", ["!", "a"], ["b"]),
        ("[a", ["[a"], ["a"]),
    ],
)
def test_classes_are_read_as_minimatch_3_does(pattern: str, yes: list[str], no: list[str]) -> None:
    (read,) = read_patterns(pattern + "?", root="/r", home="/h")
    found = {name: read.accepts(read.state_of(f"/r/{name}.")) for name in (*yes, *no)}
    assert found == {**dict.fromkeys(yes, True), **dict.fromkeys(no, False)}
