"""`hashFiles` in steps: hashed in threads, once while nothing changed, given up when the job is stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from skep.model.errors import HostError
from skep.model.outcome import RunStatus
from skep.pipeline.engine.execute import RunExecution
from skep.pipeline.engine.file_hashes import FileHashes
from skep.pipeline.engine.stopping import StopKind, StopSignal
from skep.pipeline.ports import NativeCall, NativeResult
from skep.testing.runners import FakeStart, Scripted

from .engine_runs import job, run_workflow

STEPS = """
steps:
- if: hashFiles('if') != ''
  env: {A: "${{ hashFiles('env') }}"}
  name: named ${{ hashFiles('name') }}
  run: x
- run: y ${{ hashFiles('run') }}
  working-directory: ${{ hashFiles('folder') && '.' }}
  timeout-minutes: ${{ fromJSON(hashFiles('timeout') && '9') }}
- run: fails
  continue-on-error: ${{ hashFiles('continue') != '' }}
- uses: o/native@v1
  with: {key: "${{ hashFiles('with') }}"}
- uses: $/act
"""
ACTION = """
name: x
inputs: {key: {default: "${{ hashFiles('default') }}"}}
runs:
  using: composite
  steps: [{shell: bash, run: "z ${{ hashFiles('nested') }} ${{ inputs.key }}"}]
"""


def test_whatever_a_step_hashes_is_hashed_beside_the_loop_and_once(tmp_path: Path) -> None:
    (tmp_path / "act").mkdir()
    (tmp_path / "act" / "action.yml").write_text(ACTION)
    hashed: list[tuple[str, bool]] = []

    def hash_files(patterns: Sequence[str], root: str, _stopped: Callable[[], bool]) -> str:
        assert root == str(tmp_path / "boxes" / "0" / "w")
        hashed.append((patterns[0], threading.current_thread() is threading.main_thread()))
        return f"<{patterns[0]}>"

    async def native(call: NativeCall) -> NativeResult:
        assert call.inputs == {"key": "<with>"}
        return NativeResult()

    ran = run_workflow(
        tmp_path,
        job(STEPS),
        script=lambda start: Scripted(exit_code=1 if "fails" in start.script else 0),
        natives={"o/native": native},
        hash_files=hash_files,
    )

    assert ran.scripts() == ["x", "y <run>", "fails", "z <nested> <default>"]
    assert list(ran.steps())[:2] == ["named <name>", "Run y <run>"]
    assert ran.status is RunStatus.SUCCESS
    names = ["env", "if", "name", "run", "folder", "timeout", "continue", "with", "default", "nested"]
    assert sorted(name for name, _ in hashed) == sorted(names)
    assert not any(on_the_loop for _, on_the_loop in hashed)


def test_other_jobs_go_on_while_files_are_hashed(tmp_path: Path) -> None:
    text = job("steps:\n- run: waits for ${{ hashFiles('a') }}") + (
        "  b:\n    runs-on: ubuntu-latest\n    steps: [{run: quick}]\n"
    )
    quick = threading.Event()

    def script(start: FakeStart) -> Scripted:
        if start.script.strip() == "quick":
            quick.set()
        return Scripted()

    ran = run_workflow(tmp_path, text, script=script, hash_files=lambda *_: str(quick.wait(5)))

    assert ran.scripts() == ["quick", "waits for True"]


def test_a_cancel_ends_hashing_and_what_still_runs_may_hash_anew(tmp_path: Path) -> None:
    hashed: list[str] = []

    def hash_files(patterns: Sequence[str], _root: str, stopped: Callable[[], bool]) -> str:
        hashed.append(patterns[0])
        if patterns[0] == "huge":
            for _ in range(500):
                if stopped():
                    raise HostError("stopped")
                threading.Event().wait(0.01)
        return "done"

    ran = run_workflow(
        tmp_path,
        job(
            "steps:\n- if: hashFiles('huge')\n  run: never\n- if: always() && hashFiles('small')\n  run: tidy"
        ),
        hash_files=hash_files,
        during=lambda execution: execution.cancel("test"),
    )

    assert ran.status is RunStatus.CANCELLED
    assert ran.steps() == {"Run never": "skipped", "Run tidy": "success"}
    assert hashed == ["huge", "small"]


def test_a_killed_job_hashes_nothing_more(tmp_path: Path) -> None:
    hashed: list[str] = []

    def hash_files(patterns: Sequence[str], _root: str, stopped: Callable[[], bool]) -> str:
        hashed.append(patterns[0])
        while not stopped():
            threading.Event().wait(0.01)
        raise HostError("stopped")

    def kill(execution: RunExecution) -> None:
        execution.kill("test")

    steps = (
        "steps:\n- if: always() && hashFiles('one')\n  run: x\n- if: always() && hashFiles('two')\n  run: y"
    )
    ran = run_workflow(tmp_path, job(steps), hash_files=hash_files, during=kill)

    assert (ran.status, ran.scripts(), hashed) == (RunStatus.CANCELLED, [], ["one"])


def test_a_hash_that_fails_fails_its_step(tmp_path: Path) -> None:
    def hash_files(*_: object) -> str:
        raise HostError("cannot read the folder `x`")

    ran = run_workflow(
        tmp_path, job("steps:\n- run: x ${{ hashFiles('x') }}\n- run: y"), hash_files=hash_files
    )

    assert list(ran.steps().values()) == ["failure", "skipped"]
    assert "cannot read the folder `x`" in ran.logs.text("w.yml:a")


def test_what_is_known_holds_until_files_may_have_changed() -> None:
    asked: list[Sequence[str]] = []

    def compute(patterns: Sequence[str], _stopped: Callable[[], bool]) -> str:
        asked.append(patterns)
        if patterns[0] == "wrong":
            raise HostError("no")
        return f"{len(asked)}"

    hashes = FileHashes(compute, StopSignal())

    async def evaluate() -> None:
        assert await hashes.settle(lambda: (hashes(["a"]), hashes(["b"]), hashes(["a"]))) == ("1", "2", "1")
        with pytest.raises(HostError):
            await hashes.settle(lambda: hashes(["wrong"]))
        hashes.forget()
        assert hashes(["a"]) == "4"
        assert await hashes.settle(lambda: "nothing to hash") == "nothing to hash"

    asyncio.run(evaluate())
    assert len(asked) == 4


def test_without_a_reason_to_run_no_hash_is_made() -> None:
    stop = StopSignal()
    stop.fire(StopKind.KILL, "enough")
    hashes = FileHashes(lambda _patterns, _stopped: "never", stop)
    assert asyncio.run(hashes.settle(lambda: hashes(["a"]))) == ""
