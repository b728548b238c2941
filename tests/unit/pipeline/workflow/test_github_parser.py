"""Damaged workflows, read by us and by the parser that GitHub publishes: what is wrong, and where, is the same."""

from __future__ import annotations

import json
import random
import re
import subprocess
from pathlib import Path

from skep.model.finding import Finding
from skep.pipeline.workflow.reader import read_workflow
from tools import NPM_PACKAGES, needs_tool

from .test_fuzz import damaged, real_files

_PLACE = re.compile(r"\(Line: (\d+), Col: (\d+)\)")
_SCRIPT = Path(__file__).with_name("github_parser.mjs")
_DAMAGED = 400

# what their TypeScript parser does not look at, while GitHub's server does
_OURS_ALONE = {"bad-uses", "bad-pattern", "bad-timezone", "filter-conflict", "unknown-tag", "empty-matrix"}
_OURS_ALONE |= {"bad-version", "name-too-long", "bad-runner-group", "wrong-type", "no-image"}
# YAML itself: another parser, other words and places
_YAML = {
    "yaml-syntax",
    "control-character",
    "not-utf-8",
    "unknown-anchor",
    "complex-key",
    "multiple-documents",
}
_YAML |= {"empty-file", "recursive-alias", "wrong-tag", "unknown-tag", "byte-order-mark"}
# where their TypeScript parser is stricter than GitHub's server
_THEIRS_ALONE = re.compile(
    r"Unexpected type 'BasicExpressionToken'|Expected mapping end|at line \d+, column|image cannot be empty"
)
# of jobs that wait for one that can never start we name the cause alone, they every follower
_FOLLOWS = re.compile(r"creates a cycle in the dependency graph")
_CAUSES = {"unknown-need", "needs-cycle"}
# their server compares job ids without case, their TypeScript parser does not
_CASE = re.compile(r"needs: B$", re.MULTILINE)


def github_says(texts: list[str]) -> list[list[str]]:
    """The messages of GitHub's parser for each text."""
    answer = subprocess.run(
        ["node", str(_SCRIPT), str(NPM_PACKAGES)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)  # type: ignore[no-any-return]


def disagreement(text: str, findings: tuple[Finding, ...], messages: list[str]) -> str:
    """What one side reports and the other does not; '' when they agree or differ on purpose."""
    errors = [finding for finding in findings if finding.is_error]
    rules = {finding.rule for finding in errors}
    if rules & _YAML or any(_THEIRS_ALONE.search(message) for message in messages):
        return ""
    ours = {(finding.where.line, finding.where.column) for finding in errors}
    causes = [said for said in messages if not (rules & _CAUSES and _FOLLOWS.search(said))]
    theirs = {(int(line), int(column)) for said in causes for line, column in _PLACE.findall(said)}
    # their server takes `inputs:` with nothing below, their TypeScript parser does not
    rows = text.split("\n")
    theirs = {place for place in theirs if "inputs:" not in rows[place[0] - 1]}
    lines = {
        line for line, _ in ours
    }  # columns behind anchors and of missing values differ; conformance has exact ones
    if missed := [place for place in sorted(theirs - ours) if place[0] not in lines]:
        return f"only GitHub reports {missed}: {messages}"
    # they stop after the shape of the file, we go on
    if not messages and rules - _OURS_ALONE:
        return f"only we report {[(str(found.where), found.rule, found.message) for found in errors]}"
    return ""


@needs_tool("node", "npm:@actions/workflow-parser")
def test_a_damaged_workflow_is_wrong_at_the_same_places_for_github() -> None:
    chance = random.Random(20)
    originals = [text for text in real_files() if len(text) < 5000 and not _CASE.search(text)]
    texts = []
    for _ in range(_DAMAGED):
        text = chance.choice(originals)
        for _ in range(chance.choice([0, 1, 1, 2])):
            text = damaged(text, chance)
        texts.append(text.encode("utf-8", "replace").decode("utf-8"))
    found = [
        f"{problem}\n{text}"
        for text, messages in zip(texts, github_says(texts), strict=True)
        if (problem := disagreement(text, read_workflow(text, "x.yml")[1], messages))
    ]
    assert found == []
