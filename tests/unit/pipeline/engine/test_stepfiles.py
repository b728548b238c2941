"""The folder of GITHUB_OUTPUT and its like belongs to the steps: whatever one does to it, those that come later run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from skep.events.facts import Annotated, JobFinished
from skep.model.outcome import RunStatus
from skep.pipeline.engine.effects import StepEffects
from skep.pipeline.engine.stepfiles import StepFiles, new_file
from skep.testing.runners import FakeStart, Scripted

from .engine_runs import job, run_workflow

LATER = """
outputs:
  word: ${{ steps.later.outputs.word }}
steps:
- run: vandal
- id: later
  run: output
- run: fails
- if: always()
  run: tidy
"""


def remove(folder: str) -> None:
    shutil.rmtree(folder)


def replace_by_file(folder: str) -> None:
    shutil.rmtree(folder)
    Path(folder).write_text("here I was")


def replace_by_link(folder: str) -> None:
    shutil.rmtree(folder)
    os.symlink("/proc/self", folder)


def plant(folder: str) -> None:
    for number in range(2, 9):
        Path(f"{folder}/script{number}.sh").symlink_to("/etc/passwd")
        for name in ("ENV", "OUTPUT", "PATH", "STATE", "STEP_SUMMARY"):
            os.mkdir(f"{folder}/{number}_{name}")


def lock(folder: str) -> None:
    os.chmod(folder, 0)


@pytest.mark.parametrize("vandal", [remove, replace_by_file, replace_by_link, plant, lock])
def test_steps_after_a_vandal_run_with_files_of_their_own(
    tmp_path: Path, vandal: Callable[[str], None]
) -> None:
    def script(start: FakeStart) -> Scripted:
        if "vandal" in start.script:
            vandal(os.path.dirname(start.spec.env["GITHUB_ENV"]))
        files = {"GITHUB_OUTPUT": "word=kept\n"} if "output" in start.script else {}
        return Scripted(files=files, exit_code=1 if "fails" in start.script else 0)

    ran = run_workflow(tmp_path, job(LATER), script=script)

    assert ran.scripts() == ["vandal", "output", "fails", "tidy"], ran.logs.text("w.yml:a")
    assert [fact.outputs for fact in ran.sink.of(JobFinished)] == [{"word": "kept"}]
    assert ran.status is RunStatus.FAILURE


def test_without_a_place_for_files_a_step_fails_and_the_others_still_have_their_turn(tmp_path: Path) -> None:
    def script(start: FakeStart) -> Scripted:
        root = os.path.dirname(os.path.dirname(start.spec.env["GITHUB_ENV"]))
        shutil.rmtree(root)
        Path(root).write_text("a file where the folder's parent was")
        return Scripted()

    ran = run_workflow(tmp_path, job(LATER), script=script)

    assert ran.scripts() == ["vandal"]
    assert ran.steps() == {
        "Run vandal": "success",
        "Run output": "failure",
        "Run fails": "skipped",
        "Run tidy": "failure",
    }
    messages = [fact.message for fact in ran.sink.of(Annotated)]
    assert any("the step has no GITHUB_OUTPUT and its like: Not a directory" in text for text in messages)


def test_post_steps_run_without_the_folder(tmp_path: Path) -> None:
    action = tmp_path / "act"
    action.mkdir()
    (action / "action.yml").write_text("name: x\nruns: {using: node20, main: main.js, post: post.js}\n")
    for name in ("main.js", "post.js"):
        (action / name).write_text("main" if "main" in name else "post")

    def script(start: FakeStart) -> Scripted:
        if start.script == "main":
            shutil.rmtree(os.path.dirname(start.spec.env["GITHUB_ENV"]))
        return Scripted()

    ran = run_workflow(tmp_path, job("steps:\n- uses: $/act"), script=script)

    assert ran.steps() == {"Run $/act": "success", "Post Run $/act": "success"}
    assert ran.scripts() == ["main", "post"]


def test_files_of_no_place_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    files, effects = StepFiles.create(f"{tmp_path}/file/folder", 1), StepEffects()
    assert files.problem.startswith("Not a directory: ")
    assert files.collect(effects) == ""
    assert (effects, set(files.variables().values())) == (StepEffects(), {""})


def test_a_new_file_is_never_one_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "script.sh").write_text("planted")
    handle, path = new_file(str(tmp_path), "script.sh")
    os.close(handle)
    assert path.startswith(f"{tmp_path}/script_")
    assert path.endswith(".sh")
    assert (tmp_path / "script.sh").read_text() == "planted"
