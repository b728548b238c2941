"""`skep expr`, typed as a user types it."""

import json
from pathlib import Path

import pytest

from skep.cli.main import main

SHOWN = [
    (["1 == 1.0"], "true"),
    (["${{ github.ref }}", "--set", "github.ref=refs/heads/main"], "refs/heads/main"),
    (["on ${{ github.ref }}!", "--set", "github.ref=a=b"], "on a=b!"),
    (["matrix.os", "--set", 'matrix.os:=["a", {"b": 1.5}]'], '[\n  "a",\n  {\n    "b": 1.5\n  }\n]'),
    (["matrix.n + 0"], None),
    (["github.nothing"], ""),
    (["success() && !failure() && !cancelled() && always()"], "true"),
    (["my.own", "--set", "my.own=x"], "x"),
    (["env.A == env.a", "--set", "env.A=1"], "false"),
    (["hashFiles('*.none')"], ""),
]


@pytest.mark.parametrize(("words", "shown"), SHOWN)
def test_the_value_is_printed(
    words: list[str], shown: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["expr", *words])
    assert (code, capsys.readouterr().out) == ((2, "") if shown is None else (0, f"{shown}\n"))


MISTAKES = {
    "github.ref && gihub.sha": """\
error: unknown context `gihub`

  github.ref && gihub.sha
                ^^^^^

hint: did you mean `github`?
""",
    "a ${{ 1 }} b ${{ 'x }}": """\
error: `${{` is not closed

  a ${{ 1 }} b ${{ 'x }}
               ^^^

hint: `}}` is missing; within a string in quotes it does not count
""",
    "x ${{ 1 }} ${{ 2 == }}": """\
error: the expression ends too early

  x ${{ 1 }} ${{ 2 == }}
                     ^

hint: a value is missing at the end
""",
    "true &&\n  fromJSON('{')": """\
error: `fromJSON` got text that is not JSON: expecting property name enclosed in double quotes at character 2

    fromJSON('{')
             ^^^

hint: it got: {
""",
    "1 --set x": "error: `--set x` has no name and value\n\nhint: --set github.ref=refs/heads/main\n",
    "1 --set x.y=1 --set x.y.z=1": "error: `--set x.y.z=1`: `y` is already a value, not an object\n",
    "1 --set x:={": (
        "error: the value of `--set x:=` is not JSON: expecting property name enclosed in double quotes\n\n"
        "hint: for text, write `x=...`\n"
    ),
    "1 --context absent.json": "error: `absent.json` cannot be read: No such file or directory\n",
}


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_shown_with_its_place(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = typed.split() if " --" in typed else [typed]
    assert main(["expr", *words]) == 2
    assert capsys.readouterr().err == MISTAKES[typed]


def test_a_far_away_mistake_is_shown_with_what_is_around_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["expr", "true && " * 40 + "oops" + " && true" * 40]) == 2
    _, _, line, carets, *_ = capsys.readouterr().err.splitlines()
    assert len(line) <= 102
    assert line[carets.index("^") :].startswith("oops")


def test_contexts_come_from_files_and_later_ones_win(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text('{"github": {"ref": "a"}, "matrix": {"n": 1}}', encoding="utf-8")
    second.write_text('{"matrix": {"n": 2}}', encoding="utf-8")
    words = ["--context", str(first), "--context", str(second), "--set", "github.sha=1"]
    assert main(["expr", "format('{0} {1} {2}', github.ref, github.sha, matrix.n)", *words]) == 0
    assert capsys.readouterr().out == "a 1 2\n"


@pytest.mark.parametrize("content", ["[1]", "{", "\xff"])
def test_a_context_file_must_hold_an_object(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content.encode("latin-1"))
    assert main(["expr", "1", "--context", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def test_json_gives_kind_and_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["expr", "matrix", "--json", "--set", "matrix.a:=[1, null]"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "expression": "matrix",
        "kind": "Object",
        "value": {"a": [1, None]},
    }
    assert main(["expr", "0 > NaN || -Infinity", "--json", "--explain"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "expression": "0 > NaN || -Infinity",
        "kind": "Number",
        "value": "-Infinity",
        "explain": [
            {"expression": "0 > NaN || -Infinity", "kind": "Number", "value": "-Infinity"},
            {"expression": "-Infinity", "kind": "Number", "value": "-Infinity"},
        ],
    }


def test_explain_names_what_decided(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["expr", "matrix && github.n", "--explain", "--set", "matrix.a:=[1, 2]"]) == 0
    assert capsys.readouterr().out == "\n  matrix && github.n  ->  null\n  github.n  ->  null\n"
    words = ["github.ref == 'x' && matrix", "--explain", "--set", "github.ref=it's", "--set", "matrix.a=1"]
    assert main(["expr", *words]) == 0
    assert capsys.readouterr().out == (
        "false\n"
        "  github.ref == 'x' && matrix  ->  false\n"
        "  github.ref == 'x'  ->  false\n"
        "  github.ref  ->  'it''s'\n"
    )


def test_explain_cuts_long_values(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["matrix && matrix", "--explain", "--set", f"matrix.a:={list(range(100))}"]
    assert main(["expr", *words]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith('  matrix  ->  { "a": [ 0, 1, 2,')
    assert last.endswith("…")


def test_files_are_hashed_from_the_projects_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / "a.lock").write_text("a", encoding="utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert main(["expr", "hashFiles('a.lock')"]) == 0
    from_root = capsys.readouterr().out
    assert len(from_root.strip()) == 64
    monkeypatch.chdir(tmp_path)
    assert main(["expr", "hashFiles('a.lock')"]) == 0
    assert capsys.readouterr().out == from_root


def test_text_that_has_no_utf_8_is_printed_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["expr", "fromJSON('\"\\ud800\"')"]) == 0
    assert capsys.readouterr().out == "?\n"
