"""Findings on a terminal and in JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.cli.findings import finding_json, printable, render_finding, render_findings
from skep.model.finding import Finding, Location, Severity


def at(line: int, column: int, end_line: int, end_column: int, path: str = "a.yml") -> Location:
    """A place."""
    return Location(path=path, line=line, column=column, end_line=end_line, end_column=end_column)


def finding(where: Location, **more: str) -> Finding:
    """A finding of rule `rule`."""
    return Finding(rule="rule", message=more.get("message", "wrong"), where=where, hint=more.get("hint", ""))


def shown(where: Location, source: str) -> list[str]:
    """The excerpt: the line and its carets, gutter included."""
    return render_finding(finding(where), source, colour=False).split("\n")[1:]


def test_a_finding_has_place_message_excerpt_caret_and_hint() -> None:
    text = render_finding(
        finding(at(2, 3, 2, 7), message="unexpected key `need`", hint="did you mean `needs`?"),
        "jobs:\n  need: a\n",
        colour=False,
    )
    assert text == (
        "a.yml:2:3: error: unexpected key `need` [rule]\n"
        "    2 |   need: a\n"
        "      |   ^^^^\n"
        "\n"
        "hint: did you mean `needs`?"
    )


def test_without_source_or_line_there_is_no_excerpt() -> None:
    assert render_finding(finding(at(2, 3, 2, 7)), None, colour=False) == "a.yml:2:3: error: wrong [rule]"
    whole = Location(path="a.yml")
    assert render_finding(finding(whole), "x\n", colour=False) == "a.yml: error: wrong [rule]"
    assert render_finding(finding(at(9, 1, 9, 2)), "x\n", colour=False).count("\n") == 0


def test_a_pointed_finding_shows_the_part_that_is_wrong() -> None:
    pointed = Finding(rule="r", message="m", where=at(1, 4, 1, 20), focus=at(1, 10, 1, 13))
    assert render_finding(pointed, "a: ${{ b.c.d }}", colour=False).startswith("a.yml:1:10:")
    assert finding_json(pointed)["column"] == 10


def test_tabs_take_the_same_room_above_the_caret() -> None:
    line, carets = shown(at(1, 3, 1, 5), "\tabcd")
    assert line == "    1 |     abcd"
    assert carets == "      |      ^^"


def test_wide_characters_take_two_columns() -> None:
    _, carets = shown(at(1, 3, 1, 5), "日本語x")
    assert carets == "      |     ^^^"


def test_a_long_line_is_cut_around_the_caret() -> None:
    line, carets = shown(at(1, 501, 1, 505), "x" * 500 + "HERE" + "y" * 5000)
    assert len(line) < 120
    assert "HERE" in line
    assert line.index("HERE") == carets.index("^")
    assert carets.count("^") == 4


def test_a_span_of_several_lines_is_marked_to_the_end_of_its_first() -> None:
    _, carets = shown(at(1, 4, 3, 2), "a: [b,\n  c\n]")
    assert carets == "      |    ^^^"


def test_an_empty_span_has_one_caret() -> None:
    _, carets = shown(at(1, 3, 1, 3), "a:")
    assert carets == "      |   ^"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_lines_end_where_yaml_says(line_end: str) -> None:
    line, _ = shown(at(2, 1, 2, 2), f"a{line_end}b{line_end}c")
    assert line == "    2 | b"


def test_nothing_reaches_the_terminal_as_a_command() -> None:
    hostile = "\x1b]0;owned\x07\x9b31m\u202eabc\x7f\udcff"
    text = render_finding(finding(at(1, 1, 1, 2), message=hostile, hint=hostile), hostile, colour=False)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert printable("\x1b\u202e\udcff\t") == "\\x1b\\u202e\\xff "


def test_colour_is_only_decoration() -> None:
    plain = render_finding(finding(at(1, 1, 1, 2), hint="h"), "x", colour=False)
    coloured = render_finding(finding(at(1, 1, 1, 2), hint="h"), "x", colour=True)
    assert "\x1b[" in coloured
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_many_findings_are_in_the_order_of_their_places() -> None:
    findings = [finding(at(9, 1, 9, 2)), finding(at(2, 5, 2, 6)), finding(at(2, 1, 2, 2))]
    text = render_findings(findings, {}, colour=False)
    assert [part.split(": ")[0] for part in text.split("\n\n")] == ["a.yml:2:1", "a.yml:2:5", "a.yml:9:1"]


def test_json_has_every_field() -> None:
    warned = Finding(rule="r", message="m", where=at(1, 2, 3, 4), hint="h", severity=Severity.WARNING)
    assert json.loads(json.dumps(finding_json(warned))) == {
        "rule": "r",
        "severity": "warning",
        "message": "m",
        "hint": "h",
        "path": "a.yml",
        "line": 1,
        "column": 2,
        "end_line": 3,
        "end_column": 4,
    }


@given(
    st.text(st.characters(codec=None), max_size=300),
    st.integers(0, 12),
    st.integers(1, 400),
    st.integers(0, 12),
    st.integers(0, 400),
)
def test_any_place_in_any_text_can_be_shown(
    source: str, line: int, column: int, end_line: int, end_column: int
) -> None:
    where = at(line, column, end_line, end_column)
    text = render_finding(finding(where, message=source, hint=source), source, colour=False)
    assert all(len(row) < 140 for row in text.split("\n")[1:3] if " | " in row)
    assert all(character.isprintable() or character == "\n" for character in text)
