"""`skep why` after a real run of all files of tests/cases/why, each of which says in its head what must be answered.

`# why WORDS`, and below it lines that the answer must have (or begin with), indented as they are printed.
"""

from __future__ import annotations

import json
import re
import shlex
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from acceptance.skep_process import SkepProject, make_project

CASES = Path(__file__).parent.parent / "cases" / "why"
_QUESTION = re.compile(r"^# why (.+)\n((?:#   .*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Question:
    """Words, and what the answer must have."""

    workflow: str
    words: tuple[str, ...]
    lines: tuple[str, ...]


def questions() -> Iterator[Question]:
    for file in sorted(CASES.glob("*.yml")):
        for words, answer in _QUESTION.findall(file.read_text()):
            lines = tuple(line.removeprefix("#   ") for line in answer.splitlines())
            yield Question(file.stem, tuple(shlex.split(words)), lines)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> SkepProject:
    home = tmp_path_factory.mktemp("home")
    (home / "secrets").write_text("TOKEN=tops3cret\n")
    project = make_project(home, **{file.stem: file.read_text() for file in CASES.glob("*.yml")})
    done = project.call("run", "-j", "4", "--secrets-file", str(home / "secrets"))
    assert done.returncode == 1, done.stdout + done.stderr
    return project


@pytest.mark.parametrize(
    "question", list(questions()), ids=lambda one: f"{one.workflow}-{'-'.join(one.words)}"
)
def test_why_answers_what_the_case_says(question: Question, ran: SkepProject) -> None:
    inside = () if question.words == (question.workflow,) else (question.workflow,)

    answer = ran.call("why", *inside, *question.words)

    assert (answer.returncode, answer.stderr) == (0, "")
    said = answer.stdout.splitlines()
    for line in question.lines:
        assert any(one.startswith(line) for one in said), f"{line}\nnot in\n{answer.stdout}"


def test_why_without_words_explains_all_that_did_not_succeed(ran: SkepProject) -> None:
    answer = json.loads(ran.call("why", "--json").stdout)

    told = {one["key"]: one["status"] for one in answer["explanations"]}
    assert told["needs.yml:build"] == "failure"
    assert told["ends.yml:windows"] == "unsupported"
    assert told[".github/workflows/not-started.yml"] == "not started"
    assert told["ends.yml:passes"] == "success"  # its failure was let pass, which one wants to know
    assert "needs.yml:report" not in told
    order = [one["status"] for one in answer["explanations"]]
    assert order.index("failure") < order.index("unsupported") < order.index("skipped")


def test_the_chain_of_a_skipped_job_ends_at_its_root_cause(ran: SkepProject) -> None:
    (one,) = json.loads(ran.call("why", "--json", "needs", "deploy").stdout)["explanations"]

    assert [(cause["kind"], cause["name"]) for cause in one["chain"]] == [
        ("job", "test"),
        ("job", "build"),
        ("step", "make"),
    ]
    assert one["log"]["last_lines"][-1] == "make: *** [all] Error 2"


def test_an_unknown_name_gets_a_suggestion(ran: SkepProject) -> None:
    answer = ran.call("why", "needs", "biuld")

    assert answer.returncode == 2
    assert answer.stderr == (
        "error: run #1 has no workflow, job or step `biuld`\n\nhint: did you mean `build`?\n"
    )


def test_no_secret_reaches_an_answer(ran: SkepProject) -> None:
    assert "tops3cret" not in ran.call("why", "conditions", "steps").stdout + ran.call("why", "--json").stdout


SLOW = """\
on: push
jobs:
  first:
    runs-on: ubuntu-latest
    steps: [{name: waits, run: 'echo begun; sleep 60'}]
  second:
    needs: first
    runs-on: ubuntu-latest
    steps: [{run: 'true'}]
"""
QUICK = "on: workflow_dispatch\njobs: {only: {runs-on: ubuntu-latest, steps: [{name: bad, run: exit 5}]}}\n"


def wait_for_answer(project: SkepProject, words: tuple[str, ...], wanted: str) -> str:
    until = time.monotonic() + 30
    said = ""
    while wanted not in said and time.monotonic() < until:
        said = project.call("why", *words).stdout
        time.sleep(0.05)
    return said


def test_runs_at_the_same_time_are_explained_each_by_itself(tmp_path: Path) -> None:
    project = make_project(tmp_path, slow=SLOW, quick=QUICK)
    slow = project.start("run", "--workflow", "slow.yml")
    try:
        said = wait_for_answer(project, ("last", "first"), "  | begun\n")
        assert "`first` is running: step 1 `waits`" in said
        assert project.call("run", "--event", "workflow_dispatch").returncode == 1
        assert "`bad` of `only` failed with exit code 5" in project.call("why", "bad").stdout
        assert "`second` waits for `first`" in project.call("why", "1", "second").stdout
        assert "`first` is running: step 1 `waits`" in project.call("why", "1").stdout
    finally:
        slow.send_signal(signal.SIGINT)
        slow.communicate(timeout=60)
    after = project.call("why", "1").stdout
    assert "the run was cancelled: interrupted by" in after
    assert "`first` was cancelled: " in after


def test_a_run_whose_process_was_killed_says_where_it_was(tmp_path: Path) -> None:
    project = make_project(tmp_path, slow=SLOW)
    slow = project.start("run")
    wait_for_answer(project, ("last", "first"), "`first` is running: step 1 `waits`")
    slow.kill()
    slow.communicate(timeout=60)
    said = project.call("why").stdout
    assert ") ended before it was done" in said
    assert "`first` was interrupted in step 1 `waits`" in said
    assert "`second` waited for `first`" in said


REPLACED = """\
on: push
concurrency: {group: only-one, cancel-in-progress: true}
jobs:
  first:
    runs-on: ubuntu-latest
    steps: [{name: waits, run: sleep 60}]
"""


def test_a_run_that_a_newer_one_replaced_names_the_concurrency_group(tmp_path: Path) -> None:
    project = make_project(tmp_path, slow=REPLACED)
    older = project.start("run")
    wait_for_answer(project, ("last", "first"), "`first` is running")
    newer = project.start("run")
    try:
        older.communicate(timeout=60)
        said = project.call("why", "1", "first").stdout
        assert "a newer run took its place in the concurrency group `only-one`" in said
    finally:
        newer.send_signal(signal.SIGINT)
        newer.communicate(timeout=60)
