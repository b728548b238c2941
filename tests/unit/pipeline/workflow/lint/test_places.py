"""Findings point at the part of the file that is wrong, however YAML writes it."""

from __future__ import annotations

import pytest

from skep.cli.findings import place_of
from skep.model.finding import Location
from skep.pipeline.workflow.lint.check import lint_text
from skep.pipeline.workflow.lint.options import LintOptions
from skep.pipeline.workflow.lint.sites import ExpressionSite, find_part, parsed

ONLY = LintOptions(only=frozenset({"unknown-property"}))
FORMS = [
    "${{ github.wrong }}",
    '"${{ github.wrong }}"',
    "'${{ github.wrong }}'",
    "'it''s ${{ github.sha == ''a'' }} ${{ github.wrong }}'",
    '"a \\"b\\" ${{ format(\'{0}\', github.wrong) }}"',
    "|\n          one\n          two ${{ github.wrong }}\n",
    ">-\n          ${{ github.ref\n          && github.wrong }}\n",
    "one ${{ github.sha }}\n          two ${{\n          github.wrong }}",
    "|\n          ${{ github.sha ||\n              github.wrong }}\n",
]


@pytest.mark.parametrize("form", FORMS)
def test_the_wrong_part_is_pointed_at(form: str) -> None:
    text = f"on: push\npermissions: {{}}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {form}\n"
    (finding,) = lint_text(text, "ci.yml", options=ONLY).findings
    where = place_of(finding)
    lines = text.split("\n")
    assert where.line == where.end_line
    assert lines[where.line - 1][where.column - 1 : where.end_column - 1] == "github.wrong"


@pytest.mark.parametrize(
    "form",
    [
        "github.wrong",
        '"github.wrong"',
        "'github.ref == ''x'' && github.wrong'",
        ">-\n      github.ref\n      && github.wrong\n",
        "|\n      github.ref == 'x'\n        || github.wrong\n",
        "github.ref\n      && github.wrong",
    ],
)
def test_the_wrong_part_of_a_condition_is_pointed_at(form: str) -> None:
    text = f"on: push\npermissions: {{}}\njobs:\n  a:\n    if: {form}\n    runs-on: ubuntu-latest\n    steps: [{{run: make}}]\n"
    (finding,) = lint_text(text, "ci.yml", options=ONLY).findings
    where = place_of(finding)
    assert text.split("\n")[where.line - 1][where.column - 1 : where.end_column - 1] == "github.wrong"


def test_an_escape_that_cannot_be_followed_gives_the_whole_scalar() -> None:
    text = (
        "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        '      - run: "${{ \\x67ithub.wrong }}"\n'
    )
    (finding,) = lint_text(text, "ci.yml", options=ONLY).findings
    assert (place_of(finding).line, place_of(finding).column) == (7, 14)


def test_a_part_that_is_not_there_is_not_found() -> None:
    tree = parsed("a.b")
    assert tree is not None
    site = ExpressionSite(key="env", text="a.b", tree=tree, span=Location(path="x"), raw="${{ a.b }}")
    assert find_part("${{ a.c }}", site, 0, 3) is None
    assert find_part("${{ a.b }}", site, 2, 3) == (6, 7)
