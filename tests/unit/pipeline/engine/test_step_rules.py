"""Rules of actions/runner on steps that only show when something is cancelled, runs late or comes after the job's steps."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from skep.events.facts import Annotated, JobFinished, JobStarted, StepFinished
from skep.model.outcome import Outcome, RunStatus
from skep.pipeline.engine.execute import RunExecution
from skep.pipeline.engine.services import CancelTiming, RunOptions
from skep.pipeline.ports import NativeCall, NativeResult, Phase
from skep.testing.runners import FakeStart, Scripted

from .engine_runs import EngineRun, Script, job, run_workflow
from .test_uses import composite, run_local

QUICK = CancelTiming(after_interrupt_s=0.01, after_terminate_s=0.01)
NODE = """
name: j
description: d
inputs: {value: {description: v, default: none}}
runs: {using: node24, main: main.js, post: post.js, post-if: POST_IF}
"""


def hanging(name: str) -> Script:
    return lambda start: Scripted(hangs=start.script.strip() == name)


def cancel(execution: RunExecution) -> None:
    execution.cancel("test")


def run_actions(
    tmp_path: Path, actions: dict[str, str], steps: str, script: Script = lambda _start: Scripted()
) -> EngineRun:
    """Runs steps that may use the actions `$/name`; JavaScript ones have a `main.js` and a `post.js`."""
    for name, text in actions.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "action.yml").write_text(text)
        for file in ("main.js", "post.js"):
            (tmp_path / name / file).write_text(f"{name} {file}")
    options = RunOptions(cancel_timing=QUICK)
    return run_workflow(tmp_path, job(f"steps:\n{steps}"), script=script, options=options, during=cancel)


# --- cancelled jobs --------------------------------------------------------------------------------------------------
def test_a_composite_that_cleans_up_a_cancelled_job_runs_its_steps(tmp_path: Path) -> None:
    cleanup = composite(
        "{shell: bash, run: 'clean ${{ job.status }}'}", "{if: cancelled(), shell: bash, run: more}"
    )
    ran = run_actions(tmp_path, {"c": cleanup}, "- run: hang\n- if: always()\n  uses: $/c", hanging("hang"))

    assert ran.scripts() == ["hang", "clean cancelled", "more"]


def test_a_step_inside_a_composite_is_cancelled_and_its_always_step_follows(tmp_path: Path) -> None:
    action = composite(
        "{shell: bash, run: hang}", "{shell: bash, run: never}", "{if: always(), shell: bash, run: clean}"
    )
    ran = run_actions(tmp_path, {"c": action}, "- uses: $/c", hanging("hang"))

    assert ran.scripts() == ["hang", "clean"]
    assert ran.steps() == {"Run $/c": "cancelled"}


def test_a_cancel_while_a_step_starts_is_not_lost(tmp_path: Path) -> None:
    executions: list[RunExecution] = []
    known = asyncio.Event()

    def script(start: FakeStart) -> Scripted:
        executions[0].cancel("while it starts")
        return Scripted(hangs=True)

    def remember(execution: RunExecution) -> None:
        executions.append(execution)
        known.set()

    class Waits:
        async def __call__(self, call: NativeCall) -> NativeResult:
            await known.wait()
            return NativeResult()

    ran = run_workflow(
        tmp_path,
        job("steps:\n- uses: o/wait@v1\n- run: hang"),
        natives={"o/wait": Waits()},
        script=script,
        options=RunOptions(cancel_timing=QUICK),
        during=remember,
    )

    assert ran.steps()["Run hang"] == "cancelled"


# --- time limits -----------------------------------------------------------------------------------------------------
def test_a_time_limit_that_cannot_be_evaluated_is_said_and_does_not_count(tmp_path: Path) -> None:
    text = job("steps:\n- run: x\n  timeout-minutes: ${{ fromJSON('\"long\"') }}")
    ran = run_workflow(tmp_path, text)

    assert ran.status is RunStatus.SUCCESS
    assert "the step has no time limit" in ran.sink.of(Annotated)[0].message


def test_a_step_inside_a_composite_without_time_left_does_not_start(tmp_path: Path) -> None:
    action = composite("{shell: bash, run: hang}", "{if: always(), shell: bash, run: late}")
    ran = run_local(
        tmp_path, {"c/action.yml": action}, "- uses: $/c\n  timeout-minutes: 0.0005", hanging("hang")
    )

    assert ran.scripts() == ["hang"]
    assert ran.steps() == {"Run $/c": "failure"}
    assert "has timed out" in ran.sink.of(StepFinished)[0].reason


# --- after the job's steps -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("post_if", "runs"), [("success()", False), ("failure()", True)])
def test_the_post_of_an_action_inside_a_composite_looks_at_the_job(
    tmp_path: Path, post_if: str, runs: bool
) -> None:
    files = {
        "outer/action.yml": composite("{uses: $/inner}"),
        "inner/action.yml": NODE.replace("POST_IF", post_if),
        "inner/main.js": "main",
        "inner/post.js": "post",
    }
    ran = run_local(
        tmp_path,
        files,
        "- uses: $/outer\n- run: break",
        lambda start: Scripted(exit_code=int(start.script == "break")),
    )

    assert ran.scripts() == ["main", "break", *(["post"] if runs else [])]


def test_a_native_post_inside_a_composite_is_told_how_the_job_stands(tmp_path: Path) -> None:
    seen: list[tuple[Phase, Outcome]] = []

    class Native:
        async def __call__(self, call: NativeCall) -> NativeResult:
            seen.append((call.phase, call.job_status))
            assert call.github["action_repository"] == "o/n"
            assert call.github["action_ref"] == "v1"
            return NativeResult(post=True)

    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "action.yml").write_text(composite("{uses: o/n/sub@v1}"))
    ran = run_workflow(
        tmp_path,
        job("steps:\n- uses: $/c\n- run: break"),
        natives={"o/n/sub": Native()},
        script=lambda _start: Scripted(exit_code=1),
    )

    assert ran.status is RunStatus.FAILURE
    assert seen == [(Phase.MAIN, Outcome.SUCCESS), (Phase.POST, Outcome.FAILURE)]


def test_env_and_inputs_of_a_post_step_are_evaluated_again(tmp_path: Path) -> None:
    files = {
        "a/action.yml": NODE.replace("POST_IF", "always()"),
        "a/main.js": "main",
        "a/post.js": "post",
    }
    steps = """
- uses: $/a
  env: {SEEN: "[${{ env.LATER }}]"}
  with: {value: "${{ env.LATER }}"}
- run: set
"""
    ran = run_local(
        tmp_path,
        files,
        steps,
        lambda start: Scripted(files={"GITHUB_ENV": "LATER=x\n"} if start.script == "set" else {}),
    )

    main, _, post = (start.spec.env for start in ran.runner.starts)
    assert (main["SEEN"], main["INPUT_VALUE"]) == ("[]", "")
    assert (post["SEEN"], post["INPUT_VALUE"]) == ("[x]", "x")


def test_the_post_of_an_action_whose_main_cannot_start_still_runs(tmp_path: Path) -> None:
    files = {"a/action.yml": NODE.replace("POST_IF", "always()"), "a/post.js": "post"}
    ran = run_local(tmp_path, files, "- uses: $/a")

    assert ran.scripts() == ["post"]
    assert ran.steps() == {"Run $/a": "failure", "Post Run $/a": "success"}


def test_a_javascript_action_sees_the_action_path_of_the_composite_around_it(tmp_path: Path) -> None:
    files = {
        "outer/action.yml": composite("{uses: $/inner}"),
        "inner/action.yml": NODE.replace("POST_IF", "always()"),
        "inner/main.js": "main",
        "inner/post.js": "post",
    }
    ran = run_local(tmp_path, files, "- uses: $/outer\n- uses: $/inner")

    paths = [start.spec.env.get("GITHUB_ACTION_PATH") for start in ran.runner.starts]
    assert paths == [f"{tmp_path}/outer", None, None, f"{tmp_path}/outer"]


# --- names and reasons -----------------------------------------------------------------------------------------------
def test_a_skipped_step_inside_does_not_explain_the_failure_of_another(tmp_path: Path) -> None:
    action = composite("{if: false, shell: bash, run: never}", "{shell: bash, run: break}")
    ran = run_local(tmp_path, {"c/action.yml": action}, "- uses: $/c", lambda _start: Scripted(exit_code=3))

    finished = ran.sink.of(StepFinished)[0]
    assert (finished.exit_code, finished.reason) == (3, "Run break: Process completed with exit code 3.")


def test_names_of_jobs_are_masked(tmp_path: Path) -> None:
    text = job(
        "name: deploy ${{ vars.WORD }}\nsteps:\n- name: |\n    ${{ vars.WORD }} first\n    second\n  run: x"
    )
    options = RunOptions(secrets={"S": "s3cretword"}, vars={"WORD": "s3cretword"}, cancel_timing=QUICK)
    ran = run_workflow(tmp_path, text, options=options)

    assert [fact.name for fact in ran.sink.of(JobStarted)] == ["deploy ***"]
    assert [fact.name for fact in ran.sink.of(JobFinished)] == ["deploy ***"]
    assert list(ran.steps()) == ["*** first"]


# --- values ----------------------------------------------------------------------------------------------------------
def test_a_value_with_a_nul_ends_there_and_a_name_with_an_equals_sign_too(tmp_path: Path) -> None:
    def script(start: FakeStart) -> Scripted:
        wrote = "A=x\0y\nB C=1\n" if start.script == "write" else ""
        return Scripted(files={"GITHUB_ENV": wrote} if wrote else {})

    ran = run_workflow(tmp_path, job('env: {"D=E": f}\nsteps:\n- run: write\n- run: read'), script=script)

    env = ran.runner.starts[1].spec.env
    assert (env["A"], env["B C"], env["D"]) == ("x", "1", "E=f")


def test_a_native_action_gets_inputs_as_a_process_would(tmp_path: Path) -> None:
    inputs: list[dict[str, str]] = []

    class Native:
        async def __call__(self, call: NativeCall) -> NativeResult:
            inputs.append(dict(call.inputs))
            return NativeResult()

    text = job('steps:\n- uses: o/n@v1\n  with: {path: "a\\0b"}')
    ran = run_workflow(tmp_path, text, natives={"o/n": Native()})

    assert ran.status is RunStatus.SUCCESS
    assert inputs == [{"path": "a"}]


@pytest.mark.parametrize("key", ["if", "env"])
def test_a_step_that_cannot_be_evaluated_fails_with_an_annotation_and_without_continue_on_error(
    tmp_path: Path, key: str
) -> None:
    text = job(f"steps:\n- run: x\n  {key}: ${{{{ fromJSON('[') }}}}\n  continue-on-error: true")
    ran = run_workflow(tmp_path, text)

    assert ran.steps() == {"Run x": "failure"}
    assert ran.jobs() == {"a": "failure"}
    assert [fact.level for fact in ran.sink.of(Annotated)] == ["error"]


def test_a_wrong_continue_on_error_fails_the_job_before_its_steps(tmp_path: Path) -> None:
    ran = run_workflow(tmp_path, job("continue-on-error: ${{ matrix.nothing }}\nsteps:\n- run: x"))

    assert ran.scripts() == []
    assert ran.jobs() == {"a": "failure"}


def test_a_job_that_may_fail_may_also_fail_to_give_its_outputs(tmp_path: Path) -> None:
    text = "continue-on-error: true\noutputs: {o: \"${{ fromJSON('[') }}\"}\nsteps:\n- run: x"
    ran = run_workflow(tmp_path, job(text))

    finished = ran.sink.of(JobFinished)[0]
    assert (finished.outcome, finished.conclusion) == ("failure", "success")


def test_a_composite_knows_how_it_stands(tmp_path: Path) -> None:
    action = composite(
        "{shell: bash, run: 'one ${{ github.action_status }}'}",
        "{if: always(), shell: bash, run: 'two ${{ github.action_status }}'}",
    )
    ran = run_local(tmp_path, {"c/action.yml": action}, "- uses: $/c", lambda _start: Scripted(exit_code=1))

    assert ran.scripts() == ["one success", "two failure"]


@pytest.mark.parametrize(
    ("token", "secrets", "expected"),
    [
        ("", {}, "[]"),
        ("t0k3n", {}, "[t0k3n]"),
        ("", {"github_token": "mine"}, "[mine]"),
        ("t0k3n", {"GITHUB_TOKEN": "mine"}, "[t0k3n]"),
    ],
)
def test_the_token_is_a_secret_and_a_secret_may_be_the_token(
    tmp_path: Path, token: str, secrets: dict[str, str], expected: str
) -> None:
    options = RunOptions(token=token, secrets=secrets)
    ran = run_workflow(
        tmp_path,
        job("steps:\n- run: '[${{ secrets.github_token }}]'\n- run: '[${{ github.token }}]'"),
        options=options,
    )

    assert ran.scripts() == [expected, expected]
