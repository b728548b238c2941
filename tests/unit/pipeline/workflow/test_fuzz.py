"""The reader never raises and always ends, whatever it is given; what it accepts, it can evaluate and read again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.cli.findings import render_findings
from skep.model.finding import Finding
from skep.pipeline.actions.manifest import read_action
from skep.pipeline.workflow.reader import read_workflow
from tools import PROJECT

from .conformance import ROOT, load_case

_WORDS = st.sampled_from(
    [
        *(
            "on: push\n",
            "jobs:\n",
            "  a:\n",
            "    runs-on: x\n",
            "    steps:\n",
            "      - run: y\n",
            "- ",
            "? ",
        ),
        *(
            "&a ",
            "*a",
            "<<: ",
            "!!int ",
            "!x ",
            "|\n",
            ">-\n",
            "{",
            "}",
            "[",
            "]",
            ",",
            ": ",
            "\t",
            "#",
            "---\n",
        ),
        *(
            "${{ ",
            " }}",
            "github",
            ".",
            "'",
            '"',
            "fromJSON(",
            ")",
            "insert",
            "needs: a\n",
            "if: ",
            "matrix:",
            "\r",
        ),
        *(
            "\x85",
            "\u2028",
            "\ufeff",
            "\udcff",
            "😀",
            "\x00",
            "...",
            "%YAML 1.2\n",
            "uses: a/b@c\n",
            "strategy:\n",
        ),
    ]
)
_TEXTS = st.one_of(
    st.text(st.characters(codec=None), max_size=200),
    st.binary(max_size=200).map(lambda data: data.decode("utf-8", "surrogateescape")),
    st.lists(_WORDS, max_size=60).map("".join),
)


def real_files() -> list[str]:
    """Texts of real and of conformance workflows."""
    paths = [*PROJECT.glob(".github/workflows/*.yml"), *PROJECT.glob("tests/cases/workflow/*/workflow.yml")]
    texts = [path.read_text(encoding="utf-8") for path in sorted(paths)]
    if ROOT.is_dir():
        texts += [load_case(path).text for path in sorted(Path(ROOT, "workflow-reader").glob("*.yml"))]
    return [text for text in texts if text]


_REAL = real_files()


def check(text: str) -> None:
    """Reads a text as a workflow and as an action."""
    called = {"./.github/workflows/a.yml": text}
    workflow, findings = read_workflow(text, "x.yml", called=called.get)
    holds_together(text, workflow is not None, findings)
    action, findings = read_action(text, "action.yml")
    holds_together(text, action is not None, findings)


def holds_together(text: str, accepted: bool, findings: tuple[Finding, ...]) -> None:
    """A tree if and only if nothing is wrong; findings that can be shown, at places that exist."""
    assert accepted == (not any(finding.is_error for finding in findings))
    lines = len(text.splitlines()) + 1
    assert all(0 <= finding.where.line <= lines + 1 for finding in findings)
    assert all(finding.rule and finding.message for finding in findings)
    render_findings(findings, {"x.yml": text, "action.yml": text}, colour=False)


@given(_TEXTS)
def test_any_text_is_read_or_explained(text: str) -> None:
    check(text)


@given(st.sampled_from(_REAL), st.randoms(use_true_random=False), st.integers(1, 6))
def test_a_damaged_workflow_is_read_or_explained(text: str, chance: random.Random, damages: int) -> None:
    for _ in range(damages):
        text = damaged(text, chance)
    check(text)


def damaged(text: str, chance: random.Random) -> str:
    """The text with one part dropped, doubled, moved, indented or replaced."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    match chance.randrange(7):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2:
            lines.insert(chance.randrange(len(lines)), lines.pop(at))
        case 3:
            lines[at] = " " * chance.randrange(5) + lines[at]
        case 4:
            lines[at] = lines[at].replace(":", chance.choice(["", "::", ": &a", ": *a", ": |", ": ${{"]), 1)
        case 5:
            position = chance.randrange(len(lines[at]) + 1)
            junk = chance.choice(["${{", "}}", "'", '"', "\t", "[", "{", "!", "\x01", "on", "\udcfe", "#"])
            lines[at] = lines[at][:position] + junk + lines[at][position:]
        case _:
            lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", _REAL, ids=range(len(_REAL)))
def test_a_file_cut_anywhere_is_read_or_explained(text: str) -> None:
    step = max(len(text) // 25, 1)
    for end in range(0, len(text), step):
        check(text[:end])


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), max_size=3)), min_size=1
    )
)
def test_jobs_are_accepted_exactly_when_their_needs_have_an_order(jobs: list[tuple[str, list[str]]]) -> None:
    needs = dict(jobs)
    text = "on: push\njobs:\n" + "".join(
        f"  {name}:\n    runs-on: x\n    needs: [{', '.join(wanted)}]\n" for name, wanted in needs.items()
    )
    done: set[str] = set()
    while ready := [name for name, wanted in needs.items() if name not in done and set(wanted) <= done]:
        done.update(ready)
    workflow, _ = read_workflow(text, "x.yml")
    assert (workflow is not None) == (done == set(needs))
