"""Problem matchers: files, single lines, lines in a row, loops, slow expressions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.errors import UserError
from skep.pipeline.engine import matchers as module
from skep.pipeline.engine.matchers import Issue, Matchers


def loaded(tmp_path: Path, *matchers: object) -> Matchers:
    file = tmp_path / "matcher.json"
    file.write_text(json.dumps({"problemMatcher": matchers}))
    found = Matchers()
    found.add(str(file))
    return found


GCC = {
    "owner": "gcc",
    "pattern": [
        {
            "regexp": r"^(.+):(\d+):(\d+):\s+(?:fatal )?(error|warning):\s+(.+)$",
            "file": 1,
            "line": 2,
            "column": 3,
            "severity": 4,
            "message": 5,
        }
    ],
}
ESLINT = {
    "owner": "eslint-stylish",
    "pattern": [
        {"regexp": r"^([^\s].*)$", "file": 1},
        {
            "regexp": r"^\s+(\d+):(\d+)\s+(error|warning|info)\s+(.*)\s\s+(.*)$",
            "line": 1,
            "column": 2,
            "severity": 3,
            "message": 4,
            "code": 5,
            "loop": True,
        },
    ],
}


def test_a_single_line_gives_an_issue_with_its_place(tmp_path: Path) -> None:
    issues = loaded(tmp_path, GCC).take(
        ["ok", "\x1b[1msrc/a.c:3:7: warning: unused\x1b[0m", "src/b.c:1:1: error: no"]
    )

    assert issues == [
        Issue(level="warning", message="unused", file="src/a.c", line="3", column="7"),
        Issue(level="error", message="no", file="src/b.c", line="1", column="1"),
    ]


def test_lines_in_a_row_share_what_the_first_said_and_the_last_loops(tmp_path: Path) -> None:
    matchers = loaded(tmp_path, ESLINT)
    issues = matchers.take(["test.js", '  1:0   error  Missing "use strict"   strict'])
    issues += matchers.take(
        ["  5:10  warning  Unused   no-unused", "", "other.js", "  2:1  info  Note   note", "  x"]
    )

    assert [(one.file, one.line, one.level, one.code) for one in issues] == [
        ("test.js", "1", "error", "strict"),
        ("test.js", "5", "warning", "no-unused"),
        ("other.js", "2", "error", "note"),
    ]


def test_the_severity_of_the_matcher_holds_where_a_line_says_none(tmp_path: Path) -> None:
    matcher = {"owner": "o", "severity": "warning", "pattern": {"regexp": "^W (.*)$", "message": 1}}

    assert loaded(tmp_path, matcher).take(["W careful", "W "]) == [Issue(level="warning", message="careful")]


def test_a_matcher_is_replaced_by_its_owner_and_removed(tmp_path: Path) -> None:
    matchers = loaded(tmp_path, GCC, {**GCC, "owner": "GCC"})
    assert len(matchers.take(["a.c:1:1: error: x"])) == 1

    matchers.remove("Gcc")
    assert not matchers
    matchers.remove("never there")


def test_a_match_that_backtracks_forever_is_broken_off_and_its_matcher_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT_S", 0.05)
    matchers = loaded(tmp_path, {"owner": "bad", "pattern": {"regexp": "^(a+)+$", "message": 1}})
    for _ in range(3):
        assert matchers.take(["a" * 60 + "b"]) == []

    assert not matchers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "no list `problemMatcher`"),
        ('{"problemMatcher": [{}]}', "no `owner`"),
        ('{"problemMatcher": [{"owner": "o"}]}', "no `pattern`"),
        ('{"problemMatcher": [{"owner": "o", "pattern": [{}]}]}', "no `regexp`"),
        ('{"problemMatcher": [{"owner": "o", "pattern": [{"regexp": "("}]}]}', "is wrong"),
        (
            '{"problemMatcher": [{"owner": "o", "pattern": [{"regexp": "(a)", "message": 2}]}]}',
            "names group 2",
        ),
        ('{"problemMatcher": [{"owner": "o", "pattern": [{"regexp": "a", "loop": true}]}]}', "`loop`"),
    ],
)
def test_a_wrong_file_is_said(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "m.json"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        Matchers().add(str(file))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no problem matcher file"):
        Matchers().add(str(tmp_path / "none.json"))


@given(st.lists(st.text(max_size=30), max_size=20))
def test_no_output_breaks_a_matcher(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    matchers = loaded(tmp_path_factory.mktemp("m"), GCC, ESLINT)

    for issue in matchers.take([*lines, "f.c:1:1: error: x"]):
        assert issue.message
