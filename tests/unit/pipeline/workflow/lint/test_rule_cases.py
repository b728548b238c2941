"""Each rule on good and bad files: `tests/cases/lint/<rule>/{good,bad}/`.

A case is a workflow `<name>.yml`, or a folder `<name>/` that is a whole project (`.github/workflows/`, actions, `skep.toml`).
What a bad one gives stands beside it, in `<name>.txt`; a good one gives nothing of its rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from skep.cli.findings import render_findings
from skep.model.finding import Finding
from skep.pipeline.workflow.lint.check import lint_text
from skep.pipeline.workflow.lint.options import LintOptions
from skep.pipeline.workflow.lint.registry import RULES
from skep.pipeline.workflow.reader import read_workflow
from tools import PROJECT

CASES = PROJECT / "tests" / "cases" / "lint"
WORKFLOWS = ".github/workflows/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One project of a case: its files by path."""

    rule: str
    is_bad: bool
    path: Path

    @property
    def files(self) -> Mapping[str, str]:
        if self.path.is_file():
            return {f"{WORKFLOWS}ci.yml": self.path.read_text(encoding="utf-8")}
        return {
            file.relative_to(self.path).as_posix(): file.read_text(encoding="utf-8")
            for file in sorted(self.path.rglob("*"))
            if file.is_file()
        }

    def __str__(self) -> str:
        return f"{self.rule}-{self.path.stem}"


def _cases(kind: str) -> list[Case]:
    return [
        Case(rule=folder.parent.name, is_bad=kind == "bad", path=path)
        for folder in sorted(CASES.glob(f"*/{kind}"))
        for path in sorted(folder.iterdir())
        if path.suffix == ".yml" or path.is_dir()
    ]


def findings_of(case: Case) -> list[Finding]:
    """What the rule of a case finds in the workflows of its project. A case must be readable."""
    files = case.files
    texts = {path: text for path, text in files.items() if path.startswith(WORKFLOWS)}
    called = {f"./{path}": text for path, text in texts.items()}.get
    trees = {path: read_workflow(text, path, called=called) for path, text in texts.items()}
    assert [found for _, findings in trees.values() for found in findings if found.is_error] == []
    readable = {path: tree for path, (tree, _) in trees.items() if tree is not None}
    options = LintOptions(only=frozenset({case.rule}))
    return [
        finding
        for path, text in texts.items()
        for finding in lint_text(
            text, path, options=options, workflows=readable, called=called, read_file=files.get
        ).findings
    ]


@pytest.mark.parametrize("case", _cases("bad"), ids=str)
def test_a_bad_file_is_explained_in_these_words(case: Case, update_cases: bool) -> None:
    shown = render_findings(findings_of(case), case.files, colour=False) + "\n"
    expected = case.path.with_suffix(".txt")
    if update_cases:
        expected.write_text(shown, encoding="utf-8")
    assert f"[{case.rule}]" in shown
    assert shown == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", _cases("good"), ids=str)
def test_a_good_file_gives_no_finding(case: Case) -> None:
    assert [f"{found.where}: {found.message}" for found in findings_of(case)] == []


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_good_and_bad_cases(rule: str) -> None:
    kinds = {(case.rule, case.is_bad) for kind in ("good", "bad") for case in _cases(kind)}
    assert {(rule, True), (rule, False)} <= kinds


def test_every_case_belongs_to_a_rule() -> None:
    assert {folder.name for folder in CASES.iterdir()} - set(RULES) == set()
