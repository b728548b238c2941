"""`skep lint --format sarif`: what SARIF 2.1.0 requires of a log, by its structure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skep.pipeline.workflow.lint.registry import RULES
from tools import PROJECT

from .conftest import Call

LEVELS = {"none", "note", "warning", "error"}


@pytest.fixture
def log(project: Path, skep: Call) -> dict[str, Any]:
    """The log of a project with all bad cases, and a silenced finding."""
    folder = project / ".github" / "workflows"
    for path in PROJECT.glob("tests/cases/lint/*/bad/*.yml"):
        (folder / f"{path.parts[-3]} {path.name}").write_text(
            path.read_text(encoding="utf-8"), encoding="utf-8"
        )
    (folder / "refused.yml").write_text("on: push\njobs: 1\n", encoding="utf-8")
    (folder / "silenced.yml").write_text(
        "on: push\npermissions: write-all # skep: ignore[excessive-permissions] a test\n"
        "jobs: {a: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n",
        encoding="utf-8",
    )
    found: dict[str, Any] = json.loads(skep("lint", "--format", "sarif").out)
    return found


def results(log: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The results of the one run."""
    (run,) = log["runs"]
    yield from run["results"]


def test_the_log_says_its_version_and_tool(log: dict[str, Any]) -> None:
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    driver = log["runs"][0]["tool"]["driver"]
    assert driver["name"] == "skep"
    assert driver["version"]
    assert log["runs"][0]["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}


def test_rules_are_described_once_each(log: dict[str, Any]) -> None:
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert {rule["id"] for rule in rules} >= set(RULES)
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in LEVELS


def test_every_result_has_its_rule_level_message_and_place(log: dict[str, Any]) -> None:
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    seen = set()
    for result in results(log):
        seen.add(result["ruleId"])
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in LEVELS
        assert result["message"]["text"]
        (place,) = (location["physicalLocation"] for location in result["locations"])
        uri = place["artifactLocation"]["uri"]
        assert uri.startswith(".github/workflows/")
        assert " " not in uri
        region = place["region"]
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1
        assert (region.get("endLine", region["startLine"]), region.get("endColumn", 10**9)) > (
            region["startLine"],
            region["startColumn"],
        )
        assert all(len(value) == 32 for value in result["partialFingerprints"].values())
    assert {"unknown-property", "untrusted-text", "wrong-type"} <= seen


def test_a_silenced_finding_is_there_as_suppressed(log: dict[str, Any]) -> None:
    (silenced,) = [result for result in results(log) if "suppressions" in result]
    assert silenced["suppressions"] == [{"kind": "inSource", "justification": "a test"}]


def test_a_fix_says_what_to_replace(log: dict[str, Any]) -> None:
    fixes = [fix for result in results(log) for fix in result.get("fixes", [])]
    assert fixes
    for fix in fixes:
        for change in fix["artifactChanges"]:
            assert change["artifactLocation"]["uri"]
            for replacement in change["replacements"]:
                assert replacement["deletedRegion"]["charLength"] >= 0
                assert isinstance(replacement["insertedContent"]["text"], str)
