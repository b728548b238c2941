"""Whole runs on fakes: cancellation, groups, lost runners, unsupported legs, problems."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from skep.events.facts import (
    Annotated,
    CancelRequested,
    JobFinished,
    RunFinished,
    WorkflowFinished,
    WorkflowSkipped,
)
from skep.model.errors import UserError
from skep.model.outcome import RunStatus
from skep.pipeline.engine.services import CancelTiming, RunOptions
from skep.pipeline.ports import GroupClaim, NativeCall, NativeResult, Phase
from skep.testing.records import FakeConcurrencyGroups
from skep.testing.runners import FakeStart, Scripted

from .engine_runs import Script, job, run_workflow

QUICK = CancelTiming(after_interrupt_s=0.01, after_terminate_s=0.01)


def failing(text: str) -> Script:
    return lambda start: Scripted(exit_code=1 if text in start.script else 0)


def hanging(text: str, *, ignores: frozenset[str] = frozenset()) -> Script:
    return lambda start: Scripted(hangs=text in start.script, ignores=ignores)


def test_steps_run_in_order_and_a_failure_skips_the_rest(tmp_path: Path) -> None:
    ran = run_workflow(
        tmp_path,
        job("steps:\n- run: one\n- run: two\n- run: three\n- if: always()\n  run: four"),
        script=failing("two"),
    )

    assert ran.status is RunStatus.FAILURE
    assert ran.scripts() == ["one", "two", "four"]
    assert ran.steps() == {
        "Run one": "success",
        "Run two": "failure",
        "Run three": "skipped",
        "Run four": "success",
    }


def test_a_cancelled_run_interrupts_terminates_and_kills_in_turn(tmp_path: Path) -> None:
    ran = run_workflow(
        tmp_path,
        job("steps:\n- run: hang\n- run: never\n- if: always()\n  run: cleanup"),
        script=hanging("hang", ignores=frozenset(["INT", "TERM"])),
        during=lambda execution: execution.cancel("test"),
    )

    assert ran.status is RunStatus.CANCELLED
    assert ran.scripts() == ["hang", "cleanup"]
    assert ran.jobs() == {"a": "cancelled"}
    assert [fact.target for fact in ran.sink.of(CancelRequested)] == ["run"]


def test_a_step_whose_if_still_holds_goes_on_when_the_run_is_cancelled(tmp_path: Path) -> None:
    def script(start: FakeStart) -> Scripted:
        return Scripted(turns=20_000 if "long" in start.script else 1)

    ran = run_workflow(
        tmp_path,
        job("steps:\n- if: always()\n  run: long\n- run: never"),
        script=script,
        during=lambda execution: execution.cancel("test"),
    )

    assert ran.steps() == {"Run long": "success", "Run never": "skipped"}


def test_a_kill_ends_everything_at_once_even_always_steps(tmp_path: Path) -> None:
    options = RunOptions(cancel_timing=CancelTiming(after_interrupt_s=60, after_terminate_s=60))
    ran = run_workflow(
        tmp_path,
        job("steps:\n- run: hang\n- if: always()\n  run: cleanup"),
        script=hanging("hang", ignores=frozenset(["INT", "TERM"])),
        options=options,
        during=lambda execution: execution.kill("test"),
    )

    assert ran.scripts() == ["hang"]
    assert ran.steps() == {"Run hang": "cancelled", "Run cleanup": "cancelled"}


def test_a_cancelled_job_has_limited_time_for_its_cleanup(tmp_path: Path) -> None:
    ran = run_workflow(
        tmp_path,
        job("cancel-timeout-minutes: 0.001\nsteps:\n- run: hang\n- if: always()\n  run: hang too"),
        script=hanging("hang"),
        during=lambda execution: execution.cancel("test"),
    )

    assert ran.jobs() == {"a": "cancelled"}
    assert ran.steps()["Run hang too"] == "cancelled"


def test_waiting_jobs_of_a_cancelled_run_are_skipped_and_always_jobs_run(tmp_path: Path) -> None:
    text = """
on: push
jobs:
  a: {runs-on: x, steps: [{run: hang}]}
  b: {needs: a, runs-on: x, steps: [{run: never}]}
  c: {needs: a, if: always(), runs-on: x, steps: [{run: cleanup}]}
"""
    ran = run_workflow(
        tmp_path, text, script=hanging("hang"), during=lambda execution: execution.cancel("test")
    )

    assert ran.jobs() == {"a": "cancelled", "b": "skipped", "c": "success"}
    assert ran.scripts() == ["hang", "cleanup"]


def test_a_lost_runner_fails_the_job_with_the_reason(tmp_path: Path) -> None:
    ran = run_workflow(tmp_path, job("steps:\n- run: x"), script=lambda _start: Scripted(fails="lost"))

    assert ran.status is RunStatus.FAILURE
    assert "is gone" in ran.sink.of(JobFinished)[0].reason


def test_a_program_that_is_not_there_fails_the_step_with_an_annotation(tmp_path: Path) -> None:
    ran = run_workflow(tmp_path, job("steps:\n- run: x"), script=lambda _start: Scripted(fails="not found"))

    assert ran.steps() == {"Run x": "failure"}
    assert "program not found" in ran.sink.of(Annotated)[0].message


def test_a_workflow_waits_for_its_group_and_a_lost_place_cancels_it(tmp_path: Path) -> None:
    groups = FakeConcurrencyGroups()

    def during(_execution: object) -> None:
        task = asyncio.ensure_future(groups.claim(GroupClaim(group="g", holder="newer"), lambda: None))
        task.add_done_callback(lambda _: None)

    async def hold() -> None:
        await groups.claim(GroupClaim(group="g", holder="elsewhere"), lambda: None)

    asyncio.run(hold())
    ran = run_workflow(
        tmp_path, job("steps:\n- run: x", "on: push\nconcurrency: G"), groups=groups, during=during
    )

    assert ran.scripts() == []
    assert ran.status is RunStatus.CANCELLED
    assert ran.jobs() == {"a": "skipped"}


def test_groups_are_released_when_their_workflow_and_job_ended(tmp_path: Path) -> None:
    groups = FakeConcurrencyGroups()
    text = job("concurrency: inner\nsteps:\n- run: x", "on: push\nconcurrency: outer")
    ran = run_workflow(tmp_path, text, groups=groups)

    assert ran.status is RunStatus.SUCCESS
    assert (groups.holder_of("outer"), groups.holder_of("inner")) == (None, None)


def test_two_legs_of_one_group_run_one_after_the_other(tmp_path: Path) -> None:
    text = job(
        "strategy: {matrix: {n: [1, 2]}}\nconcurrency: {group: g, queue: max}\nsteps:\n- run: n${{ matrix.n }}"
    )
    ran = run_workflow(tmp_path, text)

    assert ran.jobs() == {"a (1)": "success", "a (2)": "success"}


def test_a_newer_leg_of_the_group_takes_the_place_of_one_that_waits(tmp_path: Path) -> None:
    text = job("strategy: {fail-fast: false, matrix: {n: [1, 2, 3]}}\nconcurrency: g\nsteps:\n- run: x")
    ran = run_workflow(tmp_path, text)

    assert ran.jobs() == {"a (1)": "success", "a (2)": "cancelled", "a (3)": "success"}


def test_an_unsupported_leg_makes_the_run_unsupported_unless_allowed(tmp_path: Path) -> None:
    def unsupported(labels: object) -> str | None:
        return "no windows here" if "windows" in str(labels) else None

    text = (
        job("steps:\n- run: x").replace("ubuntu-latest", "windows")
        + "  b:\n    runs-on: x\n    steps: [{run: y}]\n"
    )
    refused = run_workflow(tmp_path / "1", text, unsupported=unsupported)
    allowed = run_workflow(
        tmp_path / "2",
        text,
        unsupported=unsupported,
        options=RunOptions(allow_unsupported=True, cancel_timing=QUICK),
    )

    assert (refused.status, allowed.status) == (RunStatus.UNSUPPORTED, RunStatus.SUCCESS)
    assert refused.jobs() == {"a": "unsupported", "b": "success"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("concurrency", "${{ fromJSON('{') }}"),
        ("env", "${{ fromJSON('[1]') }}"),
        ("timeout-minutes", "${{ fromJSON('{') }}"),
        ("name", "${{ fromJSON('{') }}"),
        ("continue-on-error", "${{ fromJSON('{') }}"),
    ],
)
def test_a_value_that_cannot_be_evaluated_fails_its_job_and_nothing_else(
    tmp_path: Path, key: str, value: str
) -> None:
    text = job(f"{key}: {value}\nsteps:\n- run: x") + "  b:\n    runs-on: x\n    steps: [{run: y}]\n"
    ran = run_workflow(tmp_path, text, script=failing("x"))

    assert set(ran.jobs().values()) == {"failure", "success"}
    assert ran.status is RunStatus.FAILURE


def test_a_workflow_group_that_cannot_be_evaluated_fails_the_run(tmp_path: Path) -> None:
    ran = run_workflow(tmp_path, job("steps:\n- run: x", "on: push\nconcurrency: ${{ fromJSON('{') }}"))

    assert ran.status is RunStatus.FAILURE
    assert ".github/workflows/w.yml: `concurrency`" in ran.problems[0]
    assert ran.scripts() == []


def test_only_chosen_legs_run(tmp_path: Path) -> None:
    options = RunOptions(matrix={"n": ["2"]}, cancel_timing=QUICK)
    text = job("strategy: {matrix: {n: [1, 2]}}\nsteps:\n- run: n${{ matrix.n }}")

    assert run_workflow(tmp_path, text, options=options).scripts() == ["n2"]
    none = run_workflow(tmp_path / "2", text, options=RunOptions(matrix={"n": ["9"]}, cancel_timing=QUICK))
    assert none.jobs() == {"a": "skipped"}


def test_every_workflow_has_its_conclusion(tmp_path: Path) -> None:
    ran = run_workflow(
        tmp_path,
        job("steps:\n- run: x"),
        job("steps:\n- run: y"),
        job("steps:\n- run: z", "on: release"),
        script=failing("y"),
    )

    conclusions = {fact.workflow: fact.conclusion for fact in ran.sink.of(WorkflowFinished)}
    assert conclusions == {"w.yml": "success", "w1.yml": "failure"}
    assert [fact.path for fact in ran.sink.of(WorkflowSkipped)] == [".github/workflows/w2.yml"]
    assert ran.sink.of(RunFinished) == [], "the run's end is published by whoever opened the journal"


class Recorder:
    """A native action that writes down its calls."""

    def __init__(self, *, ok: bool = True, raises: str = "") -> None:
        self.calls: list[NativeCall] = []
        self._ok, self._raises = ok, raises

    async def __call__(self, call: NativeCall) -> NativeResult:
        self.calls.append(call)
        call.log("::set-output name=logged::yes")
        if self._raises:
            raise UserError(self._raises, hint="do better")
        if call.phase is Phase.MAIN:
            end = await call.run(["program", "argument"], call.box.workspace)
            assert end.exit_code == 0
        return NativeResult(
            ok=self._ok,
            outputs={"out": "1"},
            env={"FROM_NATIVE": "n"},
            paths=["/native"],
            state={"kept": "k"},
            post=True,
        )


def test_a_native_action_gets_inputs_and_gives_outputs_environment_and_a_post_phase(tmp_path: Path) -> None:
    native = Recorder()
    text = job(
        """
steps:
- uses: o/n@v1
  id: n
  with: {Some Input: "${{ github.event_name }}", flag: true}
- run: echo ${{ steps.n.outputs.out }} ${{ steps.n.outputs.logged }} ${{ env.FROM_NATIVE }}
"""
    )
    ran = run_workflow(tmp_path, text, natives={"o/n": native})

    main, post = native.calls
    assert dict(main.inputs) == {"some input": "push", "flag": "true"}
    assert main.env["INPUT_SOME_INPUT"] == "push"
    assert (main.phase, post.phase, dict(post.state)) == (Phase.MAIN, Phase.POST, {"kept": "k"})
    assert ran.scripts() == ["argument", "echo 1 yes n"]
    assert ran.runner.starts[1].spec.env["PATH"].startswith("/native:")
    assert list(ran.steps()) == ["Run o/n@v1", "Run echo 1 yes n", "Post Run o/n@v1"]


def test_a_native_action_that_fails_or_raises_fails_its_step(tmp_path: Path) -> None:
    text = job("steps:\n- uses: o/n@v1\n  continue-on-error: true\n- uses: o/r@v1")
    natives = {"o/n": Recorder(ok=False), "o/r": Recorder(raises="wrong input")}
    ran = run_workflow(tmp_path, text, natives=natives)

    assert ran.steps()["Run o/n@v1"] == "failure"
    assert ran.steps()["Run o/r@v1"] == "failure"
    assert "wrong input\nhint: do better" in [fact.message for fact in ran.sink.of(Annotated)]


def test_a_native_action_is_cancelled_with_its_job(tmp_path: Path) -> None:
    class Sleeper:
        async def __call__(self, call: NativeCall) -> NativeResult:
            await asyncio.sleep(60)
            return NativeResult()

    ran = run_workflow(
        tmp_path,
        job("steps:\n- uses: o/n@v1"),
        natives={"o/n": Sleeper()},
        during=lambda execution: execution.cancel("test"),
    )

    assert ran.steps() == {"Run o/n@v1": "cancelled"}


def test_a_bug_in_a_native_action_stops_the_run_and_is_raised(tmp_path: Path) -> None:
    class Broken:
        async def __call__(self, call: NativeCall) -> NativeResult:
            raise ZeroDivisionError

    text = job("steps:\n- uses: o/n@v1") + "  b:\n    runs-on: x\n    steps: [{run: hang}]\n"
    with pytest.raises(ZeroDivisionError):
        run_workflow(tmp_path, text, natives={"o/n": Broken()}, script=hanging("hang"))


def test_cpu_and_memory_add_up(tmp_path: Path) -> None:
    ran = run_workflow(
        tmp_path,
        job("steps:\n- run: x\n- run: y"),
        script=lambda _start: Scripted(cpu_s=0.5, peak_memory_bytes=7),
    )

    finished = ran.sink.of(JobFinished)[0]
    assert (finished.cpu_s, finished.peak_memory_bytes) == (1.0, 7)
