"""Outputs of steps, jobs and runs have limits; what goes beyond is said and dropped, and the rest counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from skep.events.facts import Annotated, JobFinished
from skep.pipeline.engine.kept_outputs import (
    JOB_LIMIT_BYTES,
    RUN_LIMIT_BYTES,
    STEP_LIMIT_BYTES,
    STEPS_LIMIT_BYTES,
    KeptTexts,
    Room,
    text_bytes,
)
from skep.testing.runners import FakeStart, Scripted

from .engine_runs import EngineRun, job, run_workflow


def warnings(ran: EngineRun) -> list[str]:
    return [fact.message for fact in ran.sink.of(Annotated) if fact.level == "warning"]


def outputs(ran: EngineRun) -> list[dict[str, int]]:
    """Names and lengths of the outputs of the jobs, in the order of their ends."""
    return [{name: len(value) for name, value in fact.outputs.items()} for fact in ran.sink.of(JobFinished)]


@pytest.mark.parametrize(("text", "size"), [("", 0), ("abc", 6), ("é€", 4), ("\U0001f41d", 4), ("\ud800", 2)])
def test_texts_are_measured_in_utf_16(text: str, size: int) -> None:
    assert text_bytes(text) == size


def test_the_outputs_of_a_job_take_a_mebibyte_together_and_more_is_dropped(tmp_path: Path) -> None:
    text = job(
        "outputs:\n  one: ${{ steps.s.outputs.most }}\n  two: ${{ steps.s.outputs.more }}\n  three: ${{ steps.s.outputs.less }}\n"
        "steps:\n- id: s\n  run: x"
    )
    sizes = {"most": JOB_LIMIT_BYTES // 2 - 10, "more": 11, "less": 10}
    files = {"GITHUB_OUTPUT": "".join(f"{name}={'x' * size}\n" for name, size in sizes.items())}

    ran = run_workflow(tmp_path, text, script=lambda _: Scripted(files=files))

    assert outputs(ran) == [{"one": sizes["most"], "three": 10}]
    assert warnings(ran) == ["Skip output 'two': the outputs of a job may take 1 MiB together."]
    assert ran.jobs() == {"a": "success"}


def test_the_outputs_of_all_jobs_of_a_run_have_a_limit_too(tmp_path: Path) -> None:
    count = RUN_LIMIT_BYTES // JOB_LIMIT_BYTES + 2
    text = job(
        f"strategy:\n  matrix:\n    n: {list(range(count))}\n"
        "outputs:\n  o: ${{ steps.s.outputs.o }}\nsteps:\n- id: s\n  run: x"
    )
    value = "x" * (JOB_LIMIT_BYTES // 2)

    ran = run_workflow(tmp_path, text, script=lambda _: Scripted(files={"GITHUB_OUTPUT": f"o={value}\n"}))

    kept = [one for one in outputs(ran) if one]
    assert len(kept) == count - 2
    assert warnings(ran) == ["Skip output 'o': the outputs of all jobs may take 50 MiB together."] * 2


def test_the_outputs_of_a_step_have_a_limit_by_file_and_by_command(tmp_path: Path) -> None:
    half = "x" * (STEP_LIMIT_BYTES // 4 - 100)
    command = (
        f"::set-output name=c::{half}\n::set-output name=d::{half}\n::set-output name=short::y\n".encode()
    )

    def script(start: FakeStart) -> Scripted:
        return Scripted(
            output=command, files={"GITHUB_OUTPUT": f"file={half}\nfile=now short\nlate={half}\n"}
        )

    ran = run_workflow(
        tmp_path,
        job(
            "outputs:\n  short: ${{ steps.s.outputs.short }}\n  file: ${{ steps.s.outputs.file }}\n"
            "  c: ${{ steps.s.outputs.c == '' }}\nsteps:\n- id: s\n  run: x"
        ),
        script=script,
    )

    assert outputs(ran) == [{"short": 1, "file": 9, "c": 5}]
    expected = "Not all outputs of this step are kept (`file`, `late`): they may take 10 MiB together."
    assert warnings(ran) == [expected]


def test_the_outputs_that_the_steps_of_a_job_keep_have_a_limit(tmp_path: Path) -> None:
    count = STEPS_LIMIT_BYTES // (STEP_LIMIT_BYTES - 1000) + 1
    steps = "".join(f"- id: s{n}\n  run: x\n" for n in range(count)) + "- run: x\n- id: last\n  run: small\n"
    big = "x" * (STEP_LIMIT_BYTES // 2 - 400)

    def script(start: FakeStart) -> Scripted:
        return Scripted(files={"GITHUB_OUTPUT": "o=y\n" if "small" in start.script else f"o={big}\n"})

    ran = run_workflow(
        tmp_path, job(f"outputs:\n  o: ${{{{ steps.last.outputs.o }}}}\nsteps:\n{steps}"), script=script
    )

    assert outputs(ran) == [{"o": 1}]
    assert warnings(ran) == ["No outputs of this step are kept: those of one job may take 50 MiB together."]


def test_a_value_that_replaces_another_gives_its_room_back() -> None:
    kept = KeptTexts()
    most = "x" * (STEP_LIMIT_BYTES // 2 - 1)
    kept.save("a", most)
    kept.save("a", "y" * len(most))
    kept.save("b", "too much")
    assert (kept["a"][0], "b" in kept, kept.refused) == ("y", False, "`b`")
    kept.save("a", "short")
    kept.save("b", "fits")
    assert kept == {"a": "short", "b": "fits"}


def test_of_many_refused_values_a_few_are_named() -> None:
    kept = KeptTexts()
    for number in range(9):
        kept.save(f"n{number}", "x" * STEP_LIMIT_BYTES)
    assert kept.refused == "`n0`, `n1`, `n2`, `n3`, `n4`, ..."


def test_room_is_taken_to_its_last_byte() -> None:
    room = Room(10)
    assert [room.take(size) for size in (4, 7, 6, 1, 0)] == [True, False, True, False, True]
