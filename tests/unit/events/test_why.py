"""Why things ended as they did, from facts alone. (Whole runs: tests/acceptance/test_why.py.)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.events import facts as f
from skep.events.fold import RunView, fold
from skep.events.journal import decode_fact
from skep.events.naming import find_meant, suggestions
from skep.events.why import explain_job, explain_run, explain_step, explain_undecided
from skep.model.ids import JobKey, LegKey, StepId
from skep.testing.facts import NOON, run_body, run_started


@dataclass(frozen=True, kw_only=True)
class Told:
    """A job of a small run: how it ended, and what it needs."""

    end: str = "success"
    needs: tuple[str, ...] = ()
    reason: str = ""
    because: tuple[str, ...] = ()


def key(name: str) -> JobKey:
    return JobKey(f"ci.yml:{name}")


def a_run(jobs: Mapping[str, Told], *extra: f.Fact, ended: str = "failure", alive: bool = False) -> RunView:
    """A run of one workflow; a job without an end (`''`) is not recorded, `started` ones have not ended."""
    facts: list[f.Fact] = [
        run_started(),
        f.WorkflowStarted(
            at=NOON,
            workflow="ci.yml",
            path=".github/workflows/ci.yml",
            name="CI",
            run_name="",
            jobs=tuple(map(key, jobs)),
            needs={key(name): tuple(map(key, told.needs)) for name, told in jobs.items()},
            reason="branch `main` matches `main` of `branches`",
        ),
    ]
    for name, told in jobs.items():
        facts += _facts_of(name, told)
    facts += extra
    if ended:
        facts.append(f.RunFinished(at=NOON + 9, status=ended, duration_s=9.0, cpu_s=0.0))
    return fold(facts, alive=alive)


def _facts_of(name: str, told: Told) -> list[f.Fact]:
    leg = LegKey(key(name))
    if not told.end:
        return []
    if told.end in ("skipped", "unsupported") or (told.end == "failure" and told.reason):
        return [
            f.JobSkipped(
                at=NOON,
                job=key(name),
                leg=leg,
                name=name,
                reason=told.reason,
                outcome=told.end,
                because=told.because,
            )
        ]
    started: list[f.Fact] = [
        f.JobStarted(at=NOON, job=key(name), leg=leg, name=name, runs_on=("ubuntu-latest",)),
        f.StepStarted(at=NOON, leg=leg, step=StepId("make"), number=1, name="make", log_offset=0),
    ]
    if told.end == "started":
        return started
    code = {"failure": 2, "cancelled": 130}.get(told.end, 0)
    return [
        *started,
        f.StepFinished(
            at=NOON, leg=leg, step=StepId("make"), number=1, name="make", outcome=told.end, conclusion=told.end,
            exit_code=code, reason=told.reason,
        ),
        f.JobFinished(
            at=NOON, job=key(name), leg=leg, name=name, outcome=told.end, conclusion=told.end, reason=told.reason
        ),
    ]  # fmt: skip


def sentence(view: RunView, name: str) -> str:
    return explain_job(view, next(job for job in view.jobs if job.name == name)).sentence


def test_a_chain_of_needs_leads_to_the_step_that_failed() -> None:
    view = a_run({
        "build": Told(end="failure"),
        "test": Told(end="skipped", needs=("build",), reason="`build`, which it needs, ended as failure"),
        "deploy": Told(end="skipped", needs=("test",), reason="`test`, which it needs, ended as skipped"),
    })  # fmt: skip
    assert sentence(view, "deploy") == (
        "`deploy` was skipped: it needs `test`, which was skipped: it needs `build`, which failed in step 1 `make` with exit code 2"
    )


def test_of_several_needs_the_failed_one_is_blamed() -> None:
    view = a_run({
        "docs": Told(end="skipped", reason="`if: false` is false", because=("`false` is false",)),
        "build": Told(end="failure"),
        "deploy": Told(end="skipped", needs=("docs", "build"), reason="`docs`, which it needs, ended as skipped"),
    })  # fmt: skip
    assert sentence(view, "deploy").startswith("`deploy` was skipped: it needs `build`, which failed")


def test_a_job_with_a_false_if_of_its_own_blames_no_other() -> None:
    because = ("`github.event_name == 'release'` is false: `github.event_name` is 'push'",)
    view = a_run({
        "build": Told(end="failure"),
        "notify": Told(end="skipped", needs=("build",), reason="`if: always() && x` is false", because=because),
    })  # fmt: skip
    told = explain_job(view, view.jobs[1])
    assert (told.sentence, told.because, told.chain) == (
        "`notify` was skipped: `if: always() && x` is false",
        because,
        (),
    )


def test_a_journal_of_an_older_skep_is_explained_as_far_as_it_goes() -> None:
    """Without `because`: the reason stands alone."""
    view = fold([run_started(), *run_body()], alive=False)
    assert [one.sentence for one in explain_run(view)] == [
        "`test (3.11)` failed in step 1 `Test` with exit code 1",
        "`lint` was skipped: `if` is false: github.event_name",
        "`docs.yml` did not start: no changed path matches `docs/**`",
    ]
    assert explain_run(view)[0].annotations == ("test_a.py:7: 1 != 2",)


def test_facts_written_before_they_had_reasons_for_conditions_are_read() -> None:
    text = '{"at":1.0,"fact":"job_skipped","job":"ci.yml:a","leg":"ci.yml:a","name":"a","outcome":"skipped","reason":"x"}'
    fact = decode_fact(text)
    assert isinstance(fact, f.JobSkipped)
    assert fact.because == ()


def test_a_job_that_was_not_run_again_says_so() -> None:
    reused = f.JobReused(at=NOON, job=key("build"), leg=LegKey(key("build")), name="build")
    view = a_run({"build": Told(end="")}, reused, ended="success")
    assert sentence(view, "build") == "`build` did not run again: its success in an earlier run holds"


def test_a_need_that_cannot_run_here_is_the_root_cause() -> None:
    view = a_run(
        {
            "win": Told(end="unsupported", reason="`windows-latest` needs Windows"),
            "test": Told(end="skipped", needs=("win",), reason="`win`, which it needs, ended as skipped"),
        },
        ended="unsupported",
    )
    assert sentence(view, "test") == (
        "`test` was skipped: it needs `win`, which cannot run on this machine: `windows-latest` needs Windows"
    )


def test_a_cancelled_job_says_who_asked() -> None:
    cancel = f.CancelRequested(at=NOON, target="run", reason="interrupted by SIGINT")
    view = a_run({"test": Told(end="cancelled", reason="the run was cancelled")}, cancel, ended="cancelled")
    assert [one.sentence for one in explain_run(view)] == [
        "the run was cancelled: interrupted by SIGINT",
        "`test` was cancelled: the run was cancelled (interrupted by SIGINT)",
    ]


def test_a_replaced_workflow_names_its_concurrency_group() -> None:
    reason = "a newer run took its place in the concurrency group `deploy-main`"
    cancel = f.CancelRequested(at=NOON, target="ci.yml", reason=reason)
    view = a_run({"test": Told(end="skipped", reason="the run was cancelled")}, cancel, ended="cancelled")
    assert sentence(view, "test") == f"`test` was skipped: the run was cancelled ({reason})"


def test_a_killed_run_says_where_it_was() -> None:
    view = a_run({"build": Told(end="started"), "test": Told(end="", needs=("build",))}, ended="")
    assert [one.sentence for one in explain_run(view)][:3] == [
        "the run was interrupted: its process (4711) ended before it was done",
        "`build` was interrupted in step 1 `make`: the process that ran it ended before it was done",
        "`test` waited for `build`",
    ]


def test_a_living_run_says_what_it_waits_for() -> None:
    view = a_run({"build": Told(end="started"), "test": Told(end="", needs=("build",))}, ended="", alive=True)
    assert sentence(view, "build") == "`build` is running: step 1 `make`"
    assert explain_undecided(view, "ci.yml:test").sentence == "`test` waits for `build`"


def test_a_failed_step_says_how() -> None:
    view = a_run({"test": Told(end="failure")})
    job = view.jobs[0]
    assert explain_step(view, job, job.steps[0]).sentence == "`make` of `test` failed with exit code 2"


_ENDS = st.sampled_from(["success", "failure", "skipped", "cancelled", "unsupported", "started", ""])


@given(
    st.lists(st.tuples(_ENDS, st.sets(st.integers(0, 6), max_size=3), st.booleans()), max_size=7),
    st.booleans(),
)
def test_every_journal_is_explained_also_one_whose_needs_go_in_a_circle(
    drawn: list[tuple[str, set[int], bool]], alive: bool
) -> None:
    names = [f"job{number}" for number in range(len(drawn))]
    jobs = {
        names[number]: Told(
            end=end,
            needs=tuple(names[need] for need in sorted(needs) if need < len(names)),
            because=("`success()` is false",) if explained else (),
        )
        for number, (end, needs, explained) in enumerate(drawn)
    }
    view = a_run(jobs, ended="" if alive else "failure", alive=alive)
    for one in explain_run(view):
        assert one.sentence
        assert len({cause.key for cause in one.chain if cause.kind == "job"}) <= len(jobs)


@pytest.mark.parametrize(
    ("words", "jobs", "steps"),
    [
        (["build"], ["build"], []),
        (["BUILD"], ["build"], []),
        (["ci.yml:build"], ["build"], []),
        (["test (3.11)"], ["test (3.11)"], []),
        (["test311"], ["test (3.11)"], []),
        (["tes"], ["test (3.11)"], ["Test"]),
        (["build", "compile"], [], ["Compile"]),
        (["build", "1"], [], ["Compile"]),
        (["ci", "lint"], ["lint"], []),
        (["3.11"], ["test (3.11)"], []),
    ],
)
def test_names_are_matched_generously(words: list[str], jobs: list[str], steps: list[str]) -> None:
    meant, unknown = find_meant(fold([run_started(), *run_body()], alive=False), words)
    assert unknown is None
    assert [job.name for job in meant.jobs] == jobs
    assert [step.name for _, step in meant.steps] == steps


def test_a_workflow_is_meant_by_its_file_or_name_whether_it_started_or_not() -> None:
    view = fold([run_started(), *run_body()], alive=False)
    assert [one.key for one in find_meant(view, ["ci.yml"])[0].workflows] == ["ci.yml"]
    assert [one.path for one in find_meant(view, ["docs"])[0].skipped_workflows] == [
        ".github/workflows/docs.yml"
    ]


def test_an_unknown_name_has_suggestions() -> None:
    meant, unknown = find_meant(fold([run_started(), *run_body()], alive=False), ["ci", "biuld"])
    assert unknown == "biuld"
    assert suggestions(meant, unknown) == ("build",)


_WORDS = st.lists(
    st.one_of(st.text(max_size=12), st.sampled_from(["ci", "docs", "build", "t", "1", "3.11", "#1", "."])),
    max_size=3,
)


@given(_WORDS)
def test_any_words_mean_something_or_nothing(words: list[str]) -> None:
    meant, unknown = find_meant(fold([run_started(), *run_body()], alive=False), words)
    assert bool(meant) if unknown is None else unknown in words
    assert all(suggestions(meant, unknown or "x"))
