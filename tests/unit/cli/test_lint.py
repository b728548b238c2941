"""`skep lint` as typed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from skep.cli.lint_fixing import fix_file
from skep.cli.lint_project import LintedFile
from skep.model.errors import HostError
from skep.pipeline.workflow.lint.check import lint_text
from skep.pipeline.workflow.lint.registry import RULES

from .conftest import Call

GOOD = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: make}]\n"
WARNED = GOOD.replace("ubuntu-latest", "ubuntu-lastest")
WRONG = GOOD.replace("run: make", "run: 'echo ${{ github.nope }}'")
REFUSED = GOOD.replace("runs-on", "runson")
FIXABLE = GOOD.replace("run: make", "run: 'make'}, {run: \"x\"").replace(
    "steps: [{run: 'make'}, {run: \"x\"}]",
    'steps:\n      - run: echo "::set-output name=a::b" # why\n',
)


def put(project: Path, name: str, text: str) -> Path:
    """A workflow file of the project."""
    path = project / ".github" / "workflows" / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_clean_project_gives_nothing_and_zero(project: Path, skep: Call) -> None:
    put(project, "ci.yml", GOOD)
    said = skep("lint")
    assert (said.code, said.out, said.err) == (0, "", "nothing found in 1 file\n")


def test_a_warning_is_printed_and_is_no_failure(project: Path, skep: Call) -> None:
    put(project, "ci.yml", WARNED)
    said = skep("lint")
    assert said.code == 0
    assert said.out == (
        ".github/workflows/ci.yml:5:14: warning: no runner of GitHub has the label `ubuntu-lastest` [unknown-label]\n"
        "    5 |     runs-on: ubuntu-lastest\n"
        "      |              ^^^^^^^^^^^^^^\n"
        "\n"
        "hint: did you mean `ubuntu-latest`?\n"
    )
    assert said.err == "1 warning in 1 file\n"


@pytest.mark.parametrize(("text", "rule"), [(WRONG, "unknown-property"), (REFUSED, "unknown-key")])
def test_an_error_is_a_failure(project: Path, skep: Call, text: str, rule: str) -> None:
    put(project, "ci.yml", text)
    said = skep("lint")
    assert said.code == 1
    assert f"[{rule}]" in said.out


def test_only_the_files_named_are_checked(project: Path, skep: Call) -> None:
    put(project, "wrong.yml", WRONG)
    good = put(project, "good.yml", GOOD)
    assert skep("lint", str(good)).code == 0
    assert skep("lint", ".github/workflows/wrong.yml").code == 1
    assert skep("lint", ".github/workflows").code == 1
    assert skep("lint", ".").code == 1


def test_a_file_outside_of_a_project_is_checked(
    tmp_path: Path, skep: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alone.yml").write_text(WRONG, encoding="utf-8")
    said = skep("lint", "alone.yml")
    assert (said.code, said.out.partition(":")[0]) == (1, "alone.yml")


def test_places_of_several_projects_say_in_which_they_are(project: Path, skep: Call) -> None:
    for name in ("one", "two"):
        folder = project / name / ".github" / "workflows"
        folder.mkdir(parents=True)
        (folder / "ci.yml").write_text(WARNED, encoding="utf-8")
    said = skep("lint", "one", "two", "--json")
    assert isinstance(said.json, list)
    assert [finding["path"] for finding in said.json] == [
        "one/.github/workflows/ci.yml",
        "two/.github/workflows/ci.yml",
    ]


@pytest.mark.parametrize("path", ["nowhere.yml", "empty"])
def test_a_path_with_nothing_to_check_is_wrong_usage(project: Path, skep: Call, path: str) -> None:
    (project / "empty").mkdir()
    said = skep("lint", path)
    assert said.code == 2
    assert path in said.err


def test_the_local_actions_that_are_used_are_checked(project: Path, skep: Call) -> None:
    put(project, "ci.yml", GOOD.replace("run: make", "uses: ./actions/x"))
    action = project / "actions" / "x" / "action.yml"
    action.parent.mkdir(parents=True)
    action.write_text("name: x\ndescription: x\nruns: {using: compsite, steps: []}\n", encoding="utf-8")
    said = skep("lint")
    assert said.code == 1
    assert said.out.startswith("actions/x/action.yml:3:15: error: `using: compsite` is not supported")
    assert skep("lint", "actions/x/action.yml").code == 1


def test_an_action_outside_of_the_project_is_not_read(project: Path, skep: Call) -> None:
    put(project, "ci.yml", GOOD.replace("run: make", "uses: ./outside"))
    (project.parent / "outside").mkdir()
    (project.parent / "outside" / "action.yml").write_text("runs: {using: nothing}\n", encoding="utf-8")
    (project / "outside").symlink_to(project.parent / "outside")
    assert skep("lint").code == 0


def test_json_is_a_list_of_findings(project: Path, skep: Call) -> None:
    put(project, "ci.yml", WRONG)
    said = skep("lint", "--json")
    assert said.code == 1
    assert said.json == [
        {
            "rule": "unknown-property",
            "severity": "error",
            "message": "`github` has no property `nope`",
            "hint": "",
            "path": ".github/workflows/ci.yml",
            "line": 6,
            "column": 29,
            "end_line": 6,
            "end_column": 40,
            "fixable": False,
        }
    ]


def test_json_of_a_clean_project_is_an_empty_list(project: Path, skep: Call) -> None:
    put(project, "ci.yml", GOOD)
    assert skep("lint", "--format", "json").json == []


def test_github_lines_become_annotations(project: Path, skep: Call) -> None:
    put(project, "a,b.yml", WARNED)
    assert skep("lint", "--format", "github").out == (
        "::warning file=.github/workflows/a%2Cb.yml,title=unknown-label,line=5,endLine=5,col=14,endColumn=27::"
        "no runner of GitHub has the label `ubuntu-lastest`%0Ahint: did you mean `ubuntu-latest`?\n"
    )


# --- settings ---------------------------------------------------------------------------------------------------------
def test_the_settings_of_the_project_ignore_rules_and_change_severities(project: Path, skep: Call) -> None:
    put(project, "ci.yml", WARNED.replace("permissions: {}\n", ""))
    (project / "skep.toml").write_text(
        '[lint]\nignore = ["excessive-permissions"]\nseverity = ["unknown-label=error"]\n', encoding="utf-8"
    )
    said = skep("lint")
    assert said.code == 1
    assert said.out.count("[unknown-label]") == 1
    assert "[excessive-permissions]" not in said.out


def test_labels_and_owners_of_the_project_are_known(project: Path, skep: Call) -> None:
    put(project, "ci.yml", WARNED.replace("run: make", "uses: shop/build@v1"))
    (project / "skep.toml").write_text(
        '[lint]\nlabels = ["ubuntu-lastest"]\nowners = ["shop"]\n', encoding="utf-8"
    )
    assert skep("lint").out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rule", "unknwon-label"], "there is no rule `unknwon-label`"),
        (["--explain", "nothing-like-it"], "there is no rule `nothing-like-it`"),
        (["--lint-ignore", "nope"], "there is no rule `nope`"),
        (["--lint-severity", "unknown-label=loud"], "`unknown-label=loud` sets no severity"),
        (["--lint-severity", "unknown-label"], "`unknown-label` sets no severity"),
    ],
)
def test_a_rule_or_severity_that_does_not_exist_is_wrong_usage(
    project: Path, skep: Call, words: list[str], message: str
) -> None:
    put(project, "ci.yml", GOOD)
    said = skep("lint", *words)
    assert said.code == 2
    assert message in said.err


def test_only_the_rules_asked_for_are_looked_at(project: Path, skep: Call) -> None:
    put(project, "ci.yml", WARNED.replace("permissions: {}\n", ""))
    said = skep("lint", "--rule", "excessive-permissions")
    assert "[excessive-permissions]" in said.out
    assert "[unknown-label]" not in said.out


def test_silenced_findings_are_counted(project: Path, skep: Call) -> None:
    put(project, "ci.yml", WARNED.replace("lastest", "lastest # skep: ignore[unknown-label] ours"))
    said = skep("lint")
    assert (said.out, said.err) == ("", "nothing found in 1 file; 1 silenced\n")


# --- fixes ------------------------------------------------------------------------------------------------------------
def test_fix_mends_the_file_and_keeps_what_it_does_not_change(project: Path, skep: Call) -> None:
    path = put(project, "ci.yml", FIXABLE)
    os.chmod(path, 0o640)
    assert "`--fix` mends 1" in skep("lint").err
    said = skep("lint", "--fix")
    assert (said.code, said.out, said.err) == (0, "", "nothing found in 1 file; 1 mended\n")
    assert path.read_text(encoding="utf-8") == FIXABLE.replace(
        '"::set-output name=a::b"', '"a=b" >> "$GITHUB_OUTPUT"'
    )
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in path.parent.iterdir()] == ["ci.yml"]


def test_fix_leaves_a_file_without_fixable_findings_untouched(project: Path, skep: Call) -> None:
    path = put(project, "ci.yml", WARNED)
    before = path.stat()
    skep("lint", "--fix")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_fix_keeps_bytes_that_are_no_utf_8_and_line_ends_as_they_are(project: Path, skep: Call) -> None:
    path = put(project, "ci.yml", "")
    data = b"\xef\xbb\xbf" + FIXABLE.replace("\n", "\r\n").encode()
    path.write_bytes(data)
    skep("lint", "--fix")
    assert path.read_bytes() == data.replace(b'"::set-output name=a::b"', b'"a=b" >> "$GITHUB_OUTPUT"')


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    result = lint_text(FIXABLE, "ci.yml")
    file = LintedFile(path="ci.yml", place=str(tmp_path / "gone" / "ci.yml"), text=FIXABLE, result=result)
    with pytest.raises(HostError, match="cannot be written: No such file"):
        fix_file(file, lambda path, text: lint_text(text, path))


# --- rules ------------------------------------------------------------------------------------------------------------
def test_all_rules_are_listed(skep: Call) -> None:
    lines = skep("lint", "--list-rules").out.splitlines()
    assert [line.split()[0] for line in lines] == list(RULES)
    listed = json.loads(skep("lint", "--list-rules", "--json").out)
    assert [rule["rule"] for rule in listed] == list(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_can_be_explained(skep: Call, rule: str) -> None:
    said = skep("lint", "--explain", rule)
    assert said.code == 0
    assert said.out.startswith(f"{rule}: {RULES[rule].summary}\n")
    assert all(len(line) <= 120 for line in said.out.splitlines())
