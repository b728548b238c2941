"""Rules never raise, whatever a readable workflow looks like; what a rule offers to mend is mended."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from skep.model.finding import Finding
from skep.pipeline.workflow.lint.check import lint_context_findings, lint_text
from skep.pipeline.workflow.lint.context import lint_context
from skep.pipeline.workflow.lint.registry import RULES
from skep.pipeline.workflow.reader import read_workflow
from tools import PROJECT

CASES = sorted((PROJECT / "tests" / "cases" / "lint").glob("**/*.yml"))
SEEDS = range(6)
PATH = ".github/workflows/ci.yml"


def _mutants(text: str, other: str, seed: int) -> Iterator[str]:
    """The text with lines left out, doubled, moved, or taken from another file."""
    chance = random.Random(f"{seed}{text}")
    lines, others = text.splitlines(keepends=True), other.splitlines(keepends=True)
    for _ in range(3):
        changed = list(lines)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(changed))
            kind = chance.randrange(4)
            if kind == 0 and len(changed) > 1:
                del changed[at]
            elif kind == 1:
                changed.insert(at, changed[chance.randrange(len(changed))])
            elif kind == 2:
                changed[at] = others[chance.randrange(len(others))]
            else:
                changed[at] = changed[at].replace("[", "").replace('"', "'").replace("${{", "${{ !")
        yield "".join(changed)


def _lint(text: str) -> list[Finding]:
    workflow, _ = read_workflow(text, PATH)
    return lint_context_findings(lint_context(workflow, text)) if workflow is not None else []


@pytest.mark.parametrize("seed", SEEDS)
def test_no_rule_raises_on_any_workflow_that_can_be_read(seed: int) -> None:
    found = 0
    for number, path in enumerate(CASES):
        text = path.read_text(encoding="utf-8")
        other = CASES[(number * 7 + seed) % len(CASES)].read_text(encoding="utf-8")
        for mutant in _mutants(text, other, seed):
            lines = mutant.count("\n") + 2
            for finding in _lint(mutant):
                assert finding.rule in RULES
                assert 1 <= (finding.focus or finding.where).line <= lines
                found += 1
    assert found > len(CASES) // 4  # most mutants are still read, and some mistakes are still there


def test_a_shortened_version_is_mended_by_its_edit() -> None:
    text = (Path(PROJECT) / "tests/cases/lint/number-shortened/bad/matrix.yml").read_text(encoding="utf-8")
    found = [one for one in lint_text(text, PATH).findings if one.rule == "number-shortened"]
    for edit in sorted((edit for one in found for edit in one.edits), key=lambda edit: -edit.start):
        text = text[: edit.start] + edit.replacement + text[edit.end :]
    assert 'python-version: [3.9, "3.10", 3.11]' in text
    assert [one for one in lint_text(text, PATH).findings if one.rule == "number-shortened"] == []
