"""The page at the end of a run: cases are scenes below with their text in tests/cases/report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from golden import CASES, check_golden
from skep.cli.report.failures import fold_groups
from skep.cli.report.jobs import LIMIT, deviation
from skep.cli.report.look import Look, columns, size_text
from skep.cli.report.page import render_report
from skep.cli.report.summaries import LINES
from skep.events import facts as f
from skep.events.fold import JobView, RunView, StepView, fold
from skep.model.ids import JobKey, LegKey, StepId
from skep.testing.facts import LINT, NOON, RUN_STEP, TEST, run_body, run_started

OUTPUT = (
    b"##[group]Run pytest -q\npytest -q\nshell: bash\n##[endgroup]\n"
    b"##[group]Collecting\nsecret detail\n##[endgroup]\n"
    b"collected 2 items\n##[warning]old option\n\x1b[31mFAILED\x1b[0m test_a.py\x1b[2J\n"
    b"##[group]Broken group\nkept\n##[error]inside\n##[endgroup]\n##[error]Process completed with exit code 1.\n"
)
MARKDOWN = "## Result\n\n| test | time |\n|---|--:|\n| a | **1.5** |\n\n- [x] done <b>well</b>\n"


def view(*more: f.Fact, before: int = 0) -> RunView:
    """The sample run with more facts before its end."""
    body = run_body()
    return fold([run_started(), *body[: len(body) - 2 - before], *more, *body[-2:]], alive=False)


def tail(_job: JobView, _step: StepView) -> bytes:
    return OUTPUT


def _annotated(
    path: str, line: int, level: str, message: str, *, leg: LegKey = LINT, title: str = ""
) -> f.Annotated:
    return f.Annotated(
        at=NOON,
        leg=leg,
        step=RUN_STEP,
        level=level,
        message=message,
        path=path,
        line=line,
        title=title,
        column=2,
    )


def _rich() -> RunView:
    return view(
        f.SummaryWritten(at=NOON, leg=TEST, step=RUN_STEP, markdown=MARKDOWN),
        _annotated("b.py", 30, "warning", "unused import\n\nsecond line\nthird line"),
        _annotated("b.py", 4, "error", "a long message " * 12),
        _annotated("b.py", 4, "error", "a long message " * 12, leg=TEST),
        _annotated("", 0, "notice", "for everybody", title="Title"),
        _annotated("", 0, "error", "said by the failed step itself", leg=TEST),
        _annotated("", 0, "error", "said by a step that went on"),
        f.ArtifactStored(at=NOON, leg=TEST, name="b\x1b[2Jin", size_bytes=123_456_789, files=1, digest=""),
    )


def _many(failed: int) -> RunView:
    facts: list[f.Fact] = [run_started()]
    for number in range(1000):
        key = f"ci.yml:j{number}"
        outcome = "failure" if number < failed else "success"
        facts += [
            f.JobStarted(at=NOON, job=JobKey(key), leg=LegKey(key), name=f"j{number}", runs_on=()),
            f.StepFinished(
                at=NOON,
                leg=LegKey(key),
                step=StepId("s"),
                number=1,
                name="S",
                outcome=outcome,
                conclusion=outcome,
                exit_code=1,
            ),
            f.JobFinished(
                at=NOON,
                job=JobKey(key),
                leg=LegKey(key),
                name=f"j{number}",
                outcome=outcome,
                conclusion=outcome,
                duration_s=float(number),
            ),
        ]
    return fold([*facts, f.RunFinished(at=NOON, status="failure", duration_s=9, cpu_s=1)], alive=False)


def _unlike() -> RunView:
    found = view(f.JobReused(at=NOON, job=JobKey("ci.yml:old"), leg=LegKey("ci.yml:old"), name="old"))
    return replace(found, status="unapproved")


SCENES: dict[str, tuple[Callable[[], RunView], Look]] = {
    "pipe": (_rich, Look()),
    "terminal": (_rich, Look(width=79, colour=True, markdown=True)),
    "narrow": (_rich, Look(width=39, markdown=True)),
    "many-failed": (lambda: _many(30), Look(width=79)),
    "unlike-before": (_unlike, Look(expected={"ci.yml:build": 8.0})),
}


@pytest.mark.parametrize("name", SCENES)
def test_the_page_is_what_its_case_says(name: str, *, update_cases: bool) -> None:
    make, look = SCENES[name]
    lines = render_report(make(), tail, look, frozenset({"why"}))
    text = "\n".join(line.replace("\x1b[", "^") for line in lines) + "\n"
    check_golden(CASES / "report" / f"{name}.txt", text, update=update_cases)


def test_nothing_foreign_is_left_in_the_page() -> None:
    text = "\n".join(render_report(_rich(), tail, Look(width=79, markdown=True)))
    assert "\x1b" not in text


def test_a_long_summary_is_cut_and_says_what_shows_it_all() -> None:
    long = view(
        f.SummaryWritten(at=NOON, leg=TEST, step=RUN_STEP, markdown="\n\n".join(map(str, range(100))))
    )
    lines = list(render_report(long, tail, Look(markdown=True)))
    assert lines[LINES + 1] == "  … 161 more lines: skep runs show 1 --summary"
    assert "  99" in list(render_report(long, tail, Look(whole=True)))


def test_of_a_thousand_jobs_those_that_matter_are_shown() -> None:
    lines = list(render_report(_many(3), tail, Look()))
    jobs = [line for line in lines if " ci / j" in line and ("✓" in line[:1] or "  failed" in line)]
    assert [line.split()[3] for line in jobs] == [f"j{number}" for number in (0, 1, 2, *range(990, 1000))]
    assert "… 987 more jobs: skep runs show 1" in lines
    assert len(list(render_report(_many(0), tail, Look(whole=True)))) > 1000 > LIMIT


@pytest.mark.parametrize(
    ("took", "usual", "said"),
    [
        (10.0, None, ""),
        (10.0, 9.5, ""),
        (0.5, 0.1, ""),
        (15.0, 10.0, "50% slower than usual (10.0 s)"),
        (30.0, 10.0, "3.0 times as long as usual (10.0 s)"),
        (5.0, 10.0, "50% faster than usual (10.0 s)"),
    ],
)
def test_a_job_is_compared_with_what_it_usually_takes(took: float, usual: float | None, said: str) -> None:
    job = JobView(job="w:j", leg="w:j", name="j", status="success", duration_s=took)
    assert deviation(job, usual) == said


@pytest.mark.parametrize(
    ("lines", "folded"),
    [
        ([b"a", b"##[group]G", b"x", b"##[endgroup]", b"b"], [b"a", b"##[group]G", b"b"]),
        ([b"##[group]G", b"x"], [b"##[group]G", b"x"]),
        ([b"x", b"##[endgroup]", b"y"], [b"x", b"y"]),
        ([b"##[group]G", b"##[error]e", b"##[endgroup]"], [b"##[group]G", b"##[error]e"]),
        ([b"##[group]A", b"x", b"##[group]B", b"y", b"##[endgroup]"], [b"##[group]A", b"x", b"##[group]B"]),
    ],
)
def test_groups_are_folded_to_their_title(lines: list[bytes], folded: list[bytes]) -> None:
    assert fold_groups(lines) == folded


def test_columns_align_by_cells_and_leave_empty_ones_out() -> None:
    assert columns([("日本", "", "1"), ("a", "", "22")], right=frozenset({2})) == ["日本   1", "a     22"]
    assert columns([]) == []


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (12_000_000, "12 MB"), (10**13, "10.0 TB")],
)
def test_sizes_are_short(size: int, text: str) -> None:
    assert size_text(size) == text
