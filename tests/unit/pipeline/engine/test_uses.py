"""Local actions on fakes: composite actions nested, JavaScript with post scripts, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from skep.events.facts import Annotated
from skep.model.outcome import RunStatus
from skep.pipeline.engine.services import CancelTiming, RunOptions
from skep.testing.runners import FakeStart, Scripted

from .engine_runs import EngineRun, Script, job, run_workflow

COMPOSITE = """
name: c
description: d
inputs:
  who: {description: w, default: "${{ github.ref_name }}"}
outputs:
  said: {description: s, value: "${{ steps.say.outputs.said }}"}
runs:
  using: composite
  steps:
"""


def composite(*steps: str) -> str:
    return COMPOSITE + "".join(f"    - {step}\n" for step in steps)


def run_local(
    tmp_path: Path,
    files: Mapping[str, str],
    steps: str,
    script: Script = lambda _start: Scripted(),
    debug: bool = False,
) -> EngineRun:
    """Runs a job whose project root has `files`; `$/folder` uses need no checkout."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    chosen = RunOptions(
        cancel_timing=CancelTiming(after_interrupt_s=0.01, after_terminate_s=0.01), debug=debug
    )
    return run_workflow(tmp_path, job(f"steps:\n{steps}"), script=script, options=chosen)


def said(start: FakeStart) -> Scripted:
    return Scripted(files={"GITHUB_OUTPUT": "said=hello\n"}) if "say" in start.script else Scripted()


def test_a_composite_action_has_its_own_steps_and_gives_its_outputs(tmp_path: Path) -> None:
    action = composite("{id: say, shell: bash, run: 'say ${{ inputs.who }} ${{ github.action_path }}'}")
    ran = run_local(
        tmp_path,
        {"act/action.yml": action},
        "- {id: use, uses: $/act}\n- run: got ${{ steps.use.outputs.said }} [${{ steps.say.outputs.said }}]",
        said,
    )

    assert ran.status is RunStatus.SUCCESS
    assert ran.scripts() == [f"say main {tmp_path}/act", "got hello []"]
    assert list(ran.steps()) == ["Run $/act", "Run got hello []"], (
        "inner steps are part of their action's step"
    )


def test_inputs_come_from_with_in_any_case_and_unknown_ones_are_warned_of(tmp_path: Path) -> None:
    action = composite("{shell: bash, run: 'say ${{ inputs.who }}'}")
    ran = run_local(tmp_path, {"act/action.yml": action}, "- {uses: $/act, with: {WHO: you, other: 1}}")

    assert ran.scripts() == ["say you"]
    assert "Unexpected input(s) 'other'" in ran.logs.text("w.yml:a")


def test_the_env_of_the_using_step_is_seen_inside_and_not_after(tmp_path: Path) -> None:
    action = composite("{shell: bash, run: 'in ${{ env.X }}', env: {Y: inner}}")
    ran = run_local(
        tmp_path, {"act/action.yml": action}, "- {uses: $/act, env: {X: outer}}\n- run: after [${{ env.X }}]"
    )

    assert ran.scripts() == ["in outer", "after []"]
    assert (ran.runner.starts[0].spec.env["X"], ran.runner.starts[0].spec.env["Y"]) == ("outer", "inner")
    assert "X" not in ran.runner.starts[1].spec.env


def test_a_failing_inner_step_fails_the_action_and_its_cleanup_runs(tmp_path: Path) -> None:
    action = composite(
        "{shell: bash, run: break}", "{shell: bash, run: never}", "{if: failure(), shell: bash, run: cleanup}"
    )
    ran = run_local(
        tmp_path,
        {"act/action.yml": action},
        "- uses: $/act",
        lambda start: Scripted(exit_code=start.script == "break"),
    )

    assert ran.scripts() == ["break", "cleanup"]
    assert ran.steps() == {"Run $/act": "failure"}


def test_an_inner_continue_on_error_lets_the_action_succeed(tmp_path: Path) -> None:
    action = composite(
        "{id: b, continue-on-error: true, shell: bash, run: break}",
        "{shell: bash, run: 'next ${{ steps.b.outcome }}'}",
    )
    ran = run_local(
        tmp_path,
        {"act/action.yml": action},
        "- uses: $/act",
        lambda start: Scripted(exit_code=start.script == "break"),
    )

    assert ran.scripts() == ["break", "next failure"]
    assert ran.status is RunStatus.SUCCESS


def test_what_an_inner_step_exports_holds_for_the_job(tmp_path: Path) -> None:
    action = composite("{shell: bash, run: export}")
    ran = run_local(
        tmp_path,
        {"act/action.yml": action},
        "- uses: $/act\n- run: later ${{ env.EXPORTED }}",
        lambda start: Scripted(files={"GITHUB_ENV": "EXPORTED=yes\n"} if start.script == "export" else {}),
    )

    assert ran.scripts() == ["export", "later yes"]


def test_an_action_that_uses_itself_ends_with_a_reason(tmp_path: Path) -> None:
    ran = run_local(tmp_path, {"act/action.yml": composite("{uses: $/act}")}, "- uses: $/act")

    assert ran.status is RunStatus.FAILURE
    assert any("nest deeper than 9" in fact.message for fact in ran.sink.of(Annotated))


@pytest.mark.parametrize(
    ("files", "uses", "message"),
    [
        ({}, "./missing", "did you forget actions/checkout"),
        ({"act/action.yml": "name: [\n"}, "$/act", "yaml-syntax"),
        ({"act/action.yml": "name: x\nruns: {using: docker, image: Dockerfile}"}, "$/act", "docker action"),
        ({"act/action.yml": "name: x\nruns: {using: node20, main: m.js}"}, "$/act", "`m.js` does not exist"),
        ({}, "./../../etc", "leaves the workspace"),
    ],
)
def test_an_action_that_cannot_run_says_why(
    tmp_path: Path, files: Mapping[str, str], uses: str, message: str
) -> None:
    ran = run_local(tmp_path, files, f"- uses: {uses}")

    assert ran.status is RunStatus.FAILURE
    assert any(message in fact.message for fact in ran.sink.of(Annotated)), ran.sink.of(Annotated)


NODE = """
name: j
description: d
inputs:
  big one: {description: b, default: none}
runs: {using: node24, pre: pre.js, main: main.js, post: post.js, post-if: POST_IF}
"""


@pytest.mark.parametrize(("post_if", "runs_post"), [("always()", True), ("success()", False)])
def test_a_javascript_action_runs_main_and_by_its_condition_post_with_state(
    tmp_path: Path, post_if: str, runs_post: bool
) -> None:
    def script(start: FakeStart) -> Scripted:
        if "main" in start.spec.argv[-1]:
            return Scripted(exit_code=1, files={"GITHUB_STATE": "kept=k\n"})
        return Scripted()

    files = {"act/action.yml": NODE.replace("POST_IF", post_if), "act/main.js": "main", "act/post.js": "post"}
    ran = run_local(tmp_path, files, "- {uses: $/act, with: {Big One: x}}", script)

    programs = [list(start.spec.argv) for start in ran.runner.starts]
    assert programs[0] == ["/bin/node", f"{tmp_path}/act/main.js"]
    assert ran.runner.starts[0].spec.env["INPUT_BIG_ONE"] == "x"
    assert (len(programs) == 2) is runs_post
    assert "`pre` execution is not supported" in ran.logs.text("w.yml:a")
    if runs_post:
        assert ran.runner.starts[1].spec.env["STATE_kept"] == "k"
        assert ran.steps()["Post Run $/act"] == "success"


def test_post_steps_run_in_reverse_order_and_may_fail_the_job(tmp_path: Path) -> None:
    text = NODE.replace("POST_IF", "always()")
    files = {
        f"{name}/{file}": text if file == "action.yml" else name
        for name in ("one", "two")
        for file in ("action.yml", "main.js", "post.js")
    }
    ran = run_local(
        tmp_path,
        files,
        "- uses: $/one\n- uses: $/two",
        lambda start: Scripted(exit_code=int(start.spec.argv[-1].endswith("one/post.js"))),
    )

    assert [start.spec.argv[-1].removeprefix(f"{tmp_path}/") for start in ran.runner.starts] == [
        "one/main.js",
        "two/main.js",
        "two/post.js",
        "one/post.js",
    ]
    assert ran.status is RunStatus.FAILURE


def test_summaries_bad_files_and_debug_lines(tmp_path: Path) -> None:
    def script(start: FakeStart) -> Scripted:
        match start.script:
            case "summary":
                return Scripted(files={"GITHUB_STEP_SUMMARY": "x" * 1_100_000})
            case "debug":
                return Scripted(output=b"::debug::seen\n")
            case _:
                return Scripted(files={"GITHUB_PATH": "/added\n"})

    ran = run_local(tmp_path, {}, "- run: path\n- run: debug\n- run: summary", script, debug=True)

    assert ran.steps() == {"Run path": "success", "Run debug": "success", "Run summary": "success"}
    assert any("content up to a size of 1024k" in fact.message for fact in ran.sink.of(Annotated))
    assert "##[debug]seen" in ran.logs.text("w.yml:a")
    assert ran.runner.starts[1].spec.env["PATH"].startswith("/added:")
    assert ran.runner.starts[1].spec.env["RUNNER_DEBUG"] == "1"
