"""Linting never raises: random edits of real and wrong files, and random expressions in every place."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from skep.model.finding import Finding
from skep.pipeline.workflow.lint.check import lint_text
from skep.pipeline.workflow.lint.fixing import apply_edits
from tools import PROJECT

PIECES = (
    *("steps", "needs", "matrix", "inputs", "github", "env", "job", "runner", "strategy", "secrets", "jobs"),
    *("a", "build", "outputs", "result", "event", "os", "x-y", "*", "0", "-1", "1.5", "null", "true", "NaN"),
    *("'a'", "''", "'{0}'", "'{'", "'[1]'", "'success'", "(", ")", "[", "]", ".", ",", "!", "&&", "||", "=="),
    *("!=", "<", ">=", "contains(", "format(", "join(", "fromJSON(", "toJSON(", "case(", "startsWith("),
    *("always()", "success()", "hashFiles(", " ", "${{", "}}", "\n", "#", "é", "\t", "# skep: ignore[a] b"),
)
PLACES = (
    "on: push\nrun-name: {}\njobs: {{a: {{runs-on: x, steps: [{{run: x}}]}}}}\n",
    "on: push\nenv: {{A: {}}}\njobs: {{a: {{runs-on: x, steps: [{{run: x}}]}}}}\n",
    "on: push\njobs:\n  build:\n    runs-on: {}\n    steps: [{{run: x}}]\n",
    "on: push\njobs:\n  build:\n    runs-on: x\n    if: {}\n    steps: [{{run: x}}]\n",
    "on: push\njobs:\n  build:\n    runs-on: x\n    strategy: {{matrix: {}}}\n    steps: [{{run: x}}]\n",
    "on: push\njobs:\n  build:\n    runs-on: x\n    strategy:\n      matrix:\n        os: {}\n    steps: [{{run: x}}]\n",
    "on: push\njobs:\n  build:\n    runs-on: x\n    services: {{a: {{image: {}}}}}\n    steps: [{{run: x}}]\n",
    "on: [push, issues]\njobs:\n  build:\n    runs-on: x\n    steps:\n      - run: |\n          {}\n",
    "on: push\njobs:\n  build:\n    runs-on: x\n    steps:\n      - if: {}\n        uses: a/b@c\n        with: {{a: 1}}\n",
    "on: {{workflow_call: {{outputs: {{o: {{value: {}}}}}}}}}\njobs: {{build: {{runs-on: x, steps: [{{run: x}}]}}}}\n",
)


@cache
def files() -> tuple[str, ...]:
    """The cases of the rules and the examples."""
    paths = [
        *PROJECT.glob("tests/cases/lint/*/*/*.yml"),
        *PROJECT.glob("examples/*/.github/workflows/*.yml"),
    ]
    return tuple(path.read_text(encoding="utf-8") for path in sorted(paths))


def linted(text: str) -> tuple[Finding, ...]:
    """The findings; their edits, applied, give a text that can be linted, too."""
    findings = lint_text(text, "ci.yml", read_file=lambda _: text).findings
    for finding in findings:
        assert finding.message
        assert finding.where.path == "ci.yml"
    mended, done = apply_edits(text, findings)
    if done:
        lint_text(mended, "ci.yml")
    return findings


@given(st.data())
def test_edited_files_are_linted_without_an_error(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(files()))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        piece = "".join(data.draw(st.lists(st.sampled_from(PIECES), max_size=3)))
        text = text[:start] + piece + text[end:]
    linted(text)


@given(st.data())
def test_lines_of_two_files_together_are_linted_without_an_error(data: st.DataObject) -> None:
    one, other = (data.draw(st.sampled_from(files())).splitlines(keepends=True) for _ in range(2))
    cut = data.draw(st.integers(0, len(one)))
    linted("".join(one[:cut] + other[data.draw(st.integers(0, len(other))) :]))


@given(st.sampled_from(PLACES), st.lists(st.sampled_from(PIECES), max_size=12))
def test_any_expression_in_any_place_is_linted_without_an_error(place: str, pieces: list[str]) -> None:
    linted(place.format("${{ " + " ".join(pieces) + " }}"))
    linted(place.format("".join(pieces)))


def test_a_deep_expression_is_linted() -> None:
    deep = "!" * 45 + "github.nope"
    findings = linted(PLACES[7].format("${{ " + deep + " }}"))
    assert "unknown-property" in {finding.rule for finding in findings}
