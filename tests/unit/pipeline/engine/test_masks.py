"""What a job masks itself holds in that job alone; how much it can mask is limited."""

from __future__ import annotations

from pathlib import Path

from skep.events.facts import Annotated, JobFinished, SummaryWritten
from skep.host.masking import JOB_VALUES
from skep.pipeline.engine.services import RunOptions
from skep.testing.runners import FakeStart, Scripted

from .engine_runs import job, run_workflow

TWO_JOBS = """
on: push
jobs:
  masks:
    runs-on: ubuntu-latest
    outputs:
      word: ${{ steps.out.outputs.word }}
    steps:
      - id: out
        run: mask
      - run: say
  other:
    needs: masks
    runs-on: ubuntu-latest
    name: the word is ${{ needs.masks.outputs.word || 'production' }}
    outputs:
      word: ${{ steps.out.outputs.word }}
    steps:
      - id: out
        run: say
"""


def test_what_one_job_masks_is_plain_text_in_another(tmp_path: Path) -> None:
    def script(start: FakeStart) -> Scripted:
        mask = b"::add-mask::production\n" if "mask" in start.script else b""
        say = b"in production\n::notice::of production\n"
        files = {"GITHUB_OUTPUT": "word=production\n", "GITHUB_STEP_SUMMARY": "# production"}
        return Scripted(output=mask + say, files=files)

    ran = run_workflow(tmp_path, TWO_JOBS, script=script)

    ended = {str(fact.job): fact for fact in ran.sink.of(JobFinished)}
    assert ended["w.yml:masks"].outputs == {}
    assert ended["w.yml:other"].outputs == {"word": "production"}
    assert ended["w.yml:other"].name == "the word is production"
    assert "in ***\n" in ran.logs.text("w.yml:masks")
    assert "production" not in ran.logs.text("w.yml:masks").partition("##[endgroup]")[2]
    assert "in production\n" in ran.logs.text("w.yml:other")
    assert {(fact.leg, fact.message) for fact in ran.sink.of(Annotated) if fact.level == "notice"} == {
        ("w.yml:masks", "of ***"),
        ("w.yml:other", "of production"),
    }
    assert [fact.markdown for fact in ran.sink.of(SummaryWritten)] == ["# ***", "# ***", "# production"]


def test_the_secrets_of_the_run_are_masked_in_every_job(tmp_path: Path) -> None:
    options = RunOptions(secrets={"PASSWORD": "hunter2"})
    ran = run_workflow(tmp_path, TWO_JOBS, script=lambda _: Scripted(output=b"hunter2\n"), options=options)

    assert all("hunter2" not in ran.logs.text(leg) for leg in ("w.yml:masks", "w.yml:other"))


def test_a_step_that_masks_too_many_values_fails_and_says_why(tmp_path: Path) -> None:
    masks = b"".join(b"::add-mask::value-%d\n" % number for number in range(JOB_VALUES + 20))
    ran = run_workflow(
        tmp_path, job("steps:\n- run: mask"), script=lambda _: Scripted(output=masks + b"value-3\n")
    )

    assert ran.steps() == {"Run mask": "failure"}
    errors = [fact.message for fact in ran.sink.of(Annotated)]
    assert all("this one is not masked" in message for message in errors)
    assert 1 <= len(errors) <= 21
    assert ran.logs.text("w.yml:a").endswith("***\n")
