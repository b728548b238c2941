"""What the reader says of wrong files, word for word: `tests/cases/workflow/<case>/{workflow.yml,findings.txt}`."""

from __future__ import annotations

from pathlib import Path

import pytest

from skep.cli.findings import render_findings
from skep.pipeline.workflow.reader import read_workflow
from tools import PROJECT

_CASES = sorted((PROJECT / "tests" / "cases" / "workflow").iterdir())


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_a_wrong_file_is_explained_in_these_words(case: Path, update_cases: bool) -> None:
    text = (case / "workflow.yml").read_text(encoding="utf-8")
    workflow, findings = read_workflow(text, "ci.yml")
    shown = render_findings(findings, {"ci.yml": text}, colour=False) + "\n"
    expected = case / "findings.txt"
    if update_cases:
        expected.write_text(shown, encoding="utf-8")
    assert workflow is None
    assert shown == expected.read_text(encoding="utf-8")
