"""What is known of a job before anything runs."""

from collections.abc import Mapping, Sequence

from skep.pipeline.plan.build import build_plan
from skep.pipeline.plan.outlook import JobOutlook, OutlookOptions, Verdict, workflow_outlook

from .building import a_repository, a_trigger, a_workflow

STEPS = "steps: [{run: 'true'}]"


def outlook(jobs: str, matrix: Mapping[str, Sequence[str]] | None = None) -> dict[str, JobOutlook]:
    workflow = a_workflow(f"on: push\njobs:\n{jobs}")
    plan = build_plan([workflow], a_trigger(), a_repository(), run_id="1", run_number=1, variables={"v": "x"})
    options = OutlookOptions(
        variables={"v": "x"},
        matrix=matrix or {},
        unsupported=lambda labels: "no windows here" if "windows" in labels else None,
    )
    return {job.id: job for job in workflow_outlook(plan.workflows[0], options)}


def job(name: str, rest: str = "", runs_on: str = "x") -> str:
    return f"  {name}: {{runs-on: {runs_on}, {STEPS}{', ' + rest if rest else ''}}}\n"


def test_jobs_come_after_what_they_need() -> None:
    found = outlook(job("c", "needs: b") + job("b", "needs: [a]") + job("a"))
    assert list(found) == ["a", "b", "c"]
    assert found["c"].needs == ("b",)


def test_a_condition_is_decided_when_all_it_reads_is_known() -> None:
    found = outlook(
        job("yes", "if: github.ref_name == 'main'")
        + job("no", "if: vars.v == 'y'")
        + job("also", "needs: no, if: always()")
        + job("skipped", "needs: no")
        + job("below", "needs: skipped")
        + job("later", "needs: yes, if: needs.yes.outputs.x == '1'")
        + job("bad-day", "needs: yes, if: failure()")
    )
    verdicts = {name: one.verdict for name, one in found.items()}
    assert verdicts == {
        "yes": Verdict.RUNS,
        "no": Verdict.SKIPPED,
        "also": Verdict.RUNS,
        "skipped": Verdict.SKIPPED,
        "below": Verdict.SKIPPED,
        "later": Verdict.LATER,
        "bad-day": Verdict.LATER,
    }
    assert found["no"].reason == "`if` is false: vars.v == 'y'"
    assert found["skipped"].reason == "it needs `no`, which is skipped"
    assert found["later"].reason == "`if` reads `needs`: needs.yes.outputs.x == '1'"


def test_static_legs_are_named_with_their_labels() -> None:
    rest = "strategy: {matrix: {os: [linux, windows], n: [1]}, max-parallel: 1}"
    found = outlook(job("t", rest, "'${{ matrix.os }}'"))["t"]
    assert found.legs is not None
    assert [(leg.name, leg.labels, leg.unsupported) for leg in found.legs] == [
        ("t (linux, 1)", ("linux",), ""),
        ("t (windows, 1)", ("windows",), "no windows here"),
    ]
    assert (found.is_matrix, found.max_parallel) == (True, 1)


def test_a_name_that_reads_the_matrix_stands_alone() -> None:
    rest = "name: 'On ${{ matrix.os }} of ${{ strategy.job-total }}', strategy: {matrix: {os: [a, b]}}"
    legs = outlook(job("t", rest))["t"].legs
    assert legs is not None
    assert [leg.name for leg in legs] == ["On a of 2", "On b of 2"]


def test_only_the_wanted_legs_are_shown() -> None:
    legs = outlook(job("t", "strategy: {matrix: {os: [a, b]}}"), {"os": ["b"]})["t"].legs
    assert legs is not None
    assert [leg.name for leg in legs] == ["t (b)"]


def test_a_matrix_from_needs_is_known_later() -> None:
    rest = "needs: a, strategy: {matrix: '${{ fromJSON(needs.a.outputs.m) }}'}"
    found = outlook(job("a") + job("t", rest))["t"]
    assert (found.legs, found.verdict) == (None, Verdict.RUNS)
    rest = "needs: a, strategy: {matrix: {x: '${{ fromJSON(needs.a.outputs.m) }}', y: [1]}}"
    assert outlook(job("a") + job("t", rest))["t"].legs is None


def test_a_matrix_that_cannot_be_expanded_is_a_problem() -> None:
    found = outlook(job("t", "strategy: {matrix: \"${{ fromJSON('[1]') }}\"}"))["t"]
    assert found.problem == "`strategy.matrix` must be a mapping, not a list"


def test_runner_labels_from_lists_groups_and_needs() -> None:
    found = outlook(
        job("list", runs_on="[self-hosted, windows]")
        + job("group", runs_on="{group: big}")
        + job("both", runs_on="{group: big, labels: [l]}")
        + job("later", "needs: list", runs_on="'${{ needs.list.outputs.os }}'")
    )
    labels = {name: one.legs[0].labels for name, one in found.items() if one.legs}
    assert labels == {
        "list": ("self-hosted", "windows"),
        "group": ("group:big",),
        "both": ("l",),
        "later": (),
    }


def test_a_call_names_its_workflow() -> None:
    found = outlook("  call: {uses: owner/repo/.github/workflows/x.yml@v1}\n")["call"]
    assert found.calls == "owner/repo/.github/workflows/x.yml@v1"


def test_a_name_that_cannot_be_evaluated_is_a_problem() -> None:
    found = outlook(job("t", "name: \"${{ fromJSON('[1]') }}\""))["t"]
    assert found.legs is None
    assert "a string" in found.problem


def test_a_condition_that_cannot_be_evaluated_is_decided_later() -> None:
    found = outlook(job("t", "if: fromJSON(github.nothing)"))["t"]
    assert found.verdict is Verdict.LATER
    assert "cannot be evaluated" in found.reason
