"""Findings of `skep lint` for programs: JSON, SARIF 2.1.0, and the lines that GitHub turns into annotations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote

from skep import __version__
from skep.model.finding import Finding, Location, Severity
from skep.pipeline.workflow.lint.registry import RULES

from .findings import finding_json, place_of
from .lint_project import LintedFile

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json]"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def as_json(files: Iterable[LintedFile]) -> list[Json]:
    """One object for each finding; `fixable` says whether `--fix` mends it."""
    return [
        {**finding_json(finding), "fixable": bool(finding.edits)}
        for file in files
        for finding in file.result.findings
    ]


def github_lines(files: Iterable[LintedFile]) -> list[str]:
    """Workflow commands, so that each finding becomes an annotation of a pull request.

    Source: GitHub's "Workflow commands": `%`, line ends, and in properties `:` and `,` are escaped.
    """
    return [_command(finding) for file in files for finding in file.result.findings]


def _command(finding: Finding) -> str:
    where = place_of(finding)
    properties = {"file": where.path, "title": finding.rule}
    if where.line:
        properties |= {"line": str(where.line), "endLine": str(where.end_line or where.line)}
        if where.end_line in {0, where.line}:  # GitHub takes columns only within one line
            properties |= {
                "col": str(where.column),
                "endColumn": str(max(where.end_column - 1, where.column)),
            }
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = finding.message + (f"\nhint: {finding.hint}" if finding.hint else "")
    return f"::{finding.severity} {shown}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# --- SARIF ------------------------------------------------------------------------------------------------------------
def as_sarif(files: Sequence[LintedFile]) -> dict[str, Json]:
    """One run of SARIF 2.1.0 with all findings; silenced ones are there, too, as suppressed.

    Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    everything = [
        (finding, file, reason)
        for file in files
        for finding, reason in [
            *((finding, None) for finding in file.result.findings),
            *file.result.silenced,
        ]
    ]
    ids = sorted({*RULES, *(finding.rule for finding, _, _ in everything)})
    index = {rule: number for number, rule in enumerate(ids)}
    results = [_result(finding, file.text, index, reason) for finding, file, reason in everything]
    driver: dict[str, Json] = {"name": "skep", "version": __version__, "rules": [_rule(rule) for rule in ids]}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [*results]},
        ],
    }


def _rule(rule: str) -> Json:
    info = RULES.get(rule)
    if info is None:
        text = "what GitHub, or Skep, cannot read"
        return {"id": rule, "shortDescription": {"text": text}, "defaultConfiguration": {"level": "error"}}
    return {
        "id": rule,
        "shortDescription": {"text": info.summary},
        "fullDescription": {"text": info.explanation},
        "help": {"text": info.explanation},
        "defaultConfiguration": {"level": _LEVELS[info.severity]},
    }


def _result(finding: Finding, text: str, index: Mapping[str, int], reason: str | None) -> Json:
    where = place_of(finding)
    message = finding.message + (f" Hint: {finding.hint}" if finding.hint else "")
    result: dict[str, Json] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": message},
        "locations": [{"physicalLocation": _physical(where)}],
        "partialFingerprints": {"lineHash/v1": _fingerprint(finding, where, text)},
    }
    if finding.edits:
        result["fixes"] = [_fix(finding, where)]
    if reason is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": reason}]
    return result


def _physical(where: Location) -> Json:
    place: dict[str, Json] = {"artifactLocation": {"uri": quote(where.path)}}
    if where.line:
        region: dict[str, Json] = {"startLine": where.line, "startColumn": max(where.column, 1)}
        if (where.end_line, where.end_column) > (where.line, where.column):
            region |= {"endLine": where.end_line, "endColumn": max(where.end_column, 1)}
        place["region"] = region
    return place


def _fix(finding: Finding, where: Location) -> Json:
    return {
        "description": {"text": finding.hint or finding.message},
        "artifactChanges": [
            {
                "artifactLocation": {"uri": quote(where.path)},
                "replacements": [
                    {
                        "deletedRegion": {"charOffset": edit.start, "charLength": edit.end - edit.start},
                        "insertedContent": {"text": edit.replacement},
                    }
                    for edit in finding.edits
                ],
            }
        ],
    }


def _fingerprint(finding: Finding, where: Location, text: str) -> str:
    """The same for a finding whose line moved, so that a program can tell old from new."""
    lines = text.splitlines()
    line = lines[where.line - 1].strip() if 0 < where.line <= len(lines) else ""
    whole = "\0".join((finding.rule, where.path, line, finding.message))
    return hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:32]
