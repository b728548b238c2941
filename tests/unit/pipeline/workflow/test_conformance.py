"""GitHub's and SchemaStore's own cases, read from beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from skep.pipeline.actions.manifest import read_action
from skep.pipeline.workflow.reader import read_workflow

from .conformance import ROOT, Dumper, as_typescript, load_case

# GitHub accepts anchors since 2025; the case is older
_EXCEPTIONS = {"errors-anchor-tag.yml"}
_READER = sorted((ROOT / "workflow-reader").glob("*.yml"))
_SCHEMASTORE = sorted(
    path for path in (ROOT / "schemastore").rglob("*.*") if "-template-properties" not in path.parts
)


def _name(path: Path) -> str:
    return path.stem


def test_the_cases_are_there() -> None:
    if not ROOT.is_dir():
        pytest.skip(f"no conformance cases: {ROOT} is absent")
    assert _READER
    assert _SCHEMASTORE


@pytest.mark.parametrize("path", _READER, ids=_name)
def test_github_reads_this_file_in_the_same_way(path: Path) -> None:
    case = load_case(path)
    workflow, findings = case.read()
    if path.name in _EXCEPTIONS:
        assert workflow is not None
        return
    if "errors" in case.expected:
        assert workflow is None
        places = {(found.where.line, found.where.column) for found in findings if found.is_error}
        if case.expected_places:
            assert places == case.expected_places, findings
        return
    assert workflow is not None, findings
    dumper = Dumper(with_source=case.with_source)
    dumped = dumper.workflow(
        workflow,
        with_events="events" in case.expected,
        sort_files=case.options.get("is-partial-rerun", False),
    )
    if "input-types" not in case.expected:
        dumped.pop("input-types", None)
    if case.of_typescript:
        assert as_typescript(dumped) == as_typescript(case.expected)
        return
    assert dumped == case.expected


@pytest.mark.parametrize("path", _SCHEMASTORE, ids=_name)
def test_schemastore_accepts_and_rejects_the_same_files(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    read = read_action if "action" in path.parts else read_workflow
    tree, findings = read(text, path.name)
    assert (tree is not None) == ("accept" in path.parts), findings
