"""`skep plan` as typed."""

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

from skep.cli.main import main
from skep.events.facts import JobFinished, RunFinished
from skep.model.ids import JobKey, LegKey
from skep.store.local.paths import state_paths
from skep.store.local.records import RunRecords
from skep.testing.facts import NOON, run_started
from unit.cli.conftest import never
from unit.source.repositories import a_repository, commit, git, write

pytestmark = pytest.mark.usefixtures("no_git_settings")

CI = """\
name: CI
on:
  push:
    branches: [main]
    paths: ['src/**']
  workflow_dispatch:
    inputs:
      level: {type: choice, options: [low, high], required: true}
jobs:
  lint:
    runs-on: ubuntu-latest
    steps: [{run: 'true'}]
  test:
    needs: lint
    strategy: {matrix: {os: [ubuntu-latest, windows-latest], n: [1, 2]}}
    runs-on: ${{ matrix.os }}
    steps: [{run: 'true'}]
  deploy:
    needs: [lint, test]
    if: github.ref == 'refs/heads/production'
    runs-on: ubuntu-latest
    steps: [{run: 'true'}]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKEP_STATE_DIR", str(tmp_path / "state"))
    root = a_repository(tmp_path / "repo")
    git(root, "remote", "add", "origin", "https://github.com/mona/hello.git")
    write(root, ".github/workflows/ci.yml", text=CI)
    write(
        root,
        ".github/workflows/night.yml",
        text="on: {schedule: [{cron: '0 5 * * *'}]}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n",
    )
    commit(root, "README.md", message="Begin")
    commit(root, "src/a.py", message="Add a")
    monkeypatch.chdir(root)
    return root


def plan(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["plan", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    _, out, _ = plan(capsys, "--json", *words)
    return cast("dict[str, Any]", json.loads(out))


def test_the_plan_of_a_push_reads_well(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = plan(capsys)
    sha = git(root, "rev-parse", "HEAD")[:9]
    assert (code, err) == (0, "")
    assert out == (
        f"push of `main` at {sha} by Ada, 1 changed file (since the commit before): src/a.py\n"
        "\n"
        "ci.yml  CI: Add a\n"
        "  starts: branch `main` matches `main` of `branches`; `src/a.py` matches `src/**` of `paths`\n"
        "  lint                      ubuntu-latest\n"
        "  test    after lint        ubuntu-latest | windows-latest  "
        "4 legs: test (ubuntu-latest, 1) | test (ubuntu-latest, 2) | test (windows-latest, 1) | test (windows-latest, 2); "
        "not here: `windows-latest` needs Windows, and this machine runs Linux\n"
        "  deploy  after lint, test                                  "
        "skipped: `if` is false: github.ref == 'refs/heads/production'\n"
        "\n"
        "does not start:\n"
        "  night.yml  it does not listen to `push`; `on` has `schedule`\n"
    )


def test_the_json_has_all_of_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys)
    assert list(found) == ["trigger", "repository", "workflows", "estimate", "not_started", "findings"]
    assert found["trigger"]["changed_paths"] == ["src/a.py"]
    assert found["trigger"]["before"] == git(root, "rev-parse", "HEAD^")
    (workflow,) = found["workflows"]
    jobs = {job["id"]: job for job in workflow["jobs"]}
    assert jobs["test"]["legs"][0]["name"] == "test (ubuntu-latest, 1)"
    assert jobs["deploy"]["verdict"] == "skipped"
    assert jobs["test"]["needs"] == ["lint"]
    assert found["not_started"][0]["path"] == ".github/workflows/night.yml"


def test_a_change_outside_of_the_filter_starts_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(root, "docs/b.md")
    code, out, _ = plan(capsys)
    assert code == 0
    assert "nothing starts:\n  ci.yml     no changed file matches `paths` (`docs/b.md`)\n" in out
    write(root, "src/new.py")
    assert "starts: branch `main`" in plan(capsys)[1]


def test_a_pull_request_is_planned_against_its_base(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, ".github/workflows/pr.yml", text=CI.replace("push:", "pull_request:"))
    git(root, "checkout", "-q", "-b", "topic")
    commit(root, "src/c.py", message="Add c")
    _, out, _ = plan(capsys, "--event", "pull_request", "--base", "main")
    assert out.startswith("pull_request (opened) of `topic` into `main` at ")
    assert "pr.yml  CI: Add c\n  starts: base branch `main` matches `main` of `branches`;" in out


def test_dispatch_inputs_are_checked(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = plan(capsys, "--event", "workflow_dispatch", "--input", "levle=low")
    assert code == 2
    assert ".github/workflows/ci.yml:8:7: error: input `level` is required [input-required]" in err
    assert "hint: did you mean `level`?" in err
    assert plan(capsys, "--event", "workflow_dispatch", "--input", "level=mid")[0] == 2
    found = as_json(capsys, "--event", "workflow_dispatch", "--input", "level=low")
    assert found["workflows"][0]["inputs"] == {"level": "low"}


def test_an_unreadable_workflow_is_shown_and_the_others_planned(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(root, ".github/workflows/bad.yml", text="on: push\njobs: {a: {runs-on: x, neds: b, steps: []}}\n")
    code, out, err = plan(capsys)
    assert code == 2
    assert "ci.yml  CI" in out
    assert ".github/workflows/bad.yml:2:24: error: unexpected key `neds`" in err
    assert "Traceback" not in err
    assert plan(capsys, "-W", "ci.yml")[0] == 0


def test_jobs_and_legs_are_chosen(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "--job", "test", "--matrix", "os:ubuntu-latest", "--matrix", "n:2")
    jobs = found["workflows"][0]["jobs"]
    assert [job["id"] for job in jobs] == ["lint", "test"]
    assert [leg["name"] for leg in jobs[1]["legs"]] == ["test (ubuntu-latest, 2)"]


def test_the_plan_is_the_project_s_from_a_folder_inside(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = plan(capsys)[1]
    monkeypatch.chdir(root / "src")
    assert plan(capsys)[1] == outer


def test_what_this_machine_cannot_do_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """\
on: push
jobs:
  boxed: {runs-on: ubuntu-latest, container: node, steps: [{run: 'true'}]}
  far: {runs-on: ubuntu-latest, steps: [{uses: someone/something@v1}]}
  near: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4}]}
"""
    write(root, ".github/workflows/odd.yml", text=text)
    write(root, "skep.toml", text="[actions]\noffline = true\n")
    jobs = {job["id"]: job for job in as_json(capsys, "-W", "odd")["workflows"][0]["jobs"]}
    assert "container" in jobs["boxed"]["unsupported"]
    assert "someone/something@v1" in jobs["far"]["unsupported"]
    assert jobs["near"]["unsupported"] is None
    assert "not here: it runs in a `container`" in plan(capsys, "-W", "odd")[1]


def test_a_call_a_problem_and_a_later_matrix_are_shown(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """\
on: push
jobs:
  call: {uses: owner/repo/.github/workflows/x.yml@v1}
  broken: {runs-on: x, strategy: {matrix: "${{ fromJSON('[1]') }}"}, steps: [{run: 'true'}]}
  later: {needs: broken, runs-on: x, strategy: {matrix: "${{ fromJSON(needs.broken.outputs.m) }}"}, steps: [{run: 'true'}]}
  maybe: {needs: broken, if: needs.broken.outputs.x == '1', runs-on: x, steps: [{run: 'true'}]}
  many: {runs-on: ubuntu-latest, strategy: {matrix: {n: [1, 2, 3, 4, 5, 6, 7, 8]}}, steps: [{run: 'true'}]}
"""
    write(root, ".github/workflows/odd.yml", text=text)
    out = plan(capsys, "-W", "odd")[1]
    for expected in (
        "calls owner/repo/.github/workflows/x.yml@v1",
        "cannot be planned: `strategy.matrix` must be a mapping, not a list",
        "matrix known when its needs have ended",
        "decided later: `if` reads `needs`: needs.broken.outputs.x == '1'",
        "8 legs: many (1) | many (2) | many (3) | many (4) | many (5) | many (6) | and 2 more",
    ):
        assert expected in out
    assert "no leg is selected" in plan(capsys, "-W", "odd", "--matrix", "n:9")[1]


def test_a_project_without_workflows_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKEP_STATE_DIR", str(tmp_path / "state"))
    write(tmp_path, "empty/skep.toml", text="")
    monkeypatch.chdir(tmp_path / "empty")
    assert plan(capsys)[1].endswith("there is no workflow in `.github/workflows`\n")


def test_a_project_inside_a_bigger_repository_sees_its_own_changes(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, "shop/.github/workflows/ci.yml", text=CI)
    commit(root, "shop/src/x.py", "src/other.py", message="Shop")
    monkeypatch.chdir(root / "shop")
    out = plan(capsys)[1]
    assert "2 changed files (since the commit before): .github/workflows/ci.yml, src/x.py\n" in out
    assert "`src/x.py` matches `src/**` of `paths`" in out


def test_outside_of_git_path_filters_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKEP_STATE_DIR", str(tmp_path / "state"))
    write(tmp_path, "plain/.github/workflows/ci.yml", text=CI)
    monkeypatch.chdir(tmp_path / "plain")
    code, out, _ = plan(capsys)
    assert code == 0
    assert out.startswith("push of `main` at no commit by ")
    assert "changed files not known: this is not a git repository" in out
    assert "the changed files are not known, so `paths` passes" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--event", "psuh"], "there is no event `psuh`"),
        (["--workflow", "x.yml"], "there is no workflow `x.yml`"),
        (["--job", "tets"], "there is no job `tets`"),
        (["--event", "pull_request", "--base", "nope"], "there is no branch or commit `nope`"),
        (["--payload", "no.json"], "`no.json` cannot be read"),
    ],
)
def test_a_wrong_word_is_an_error_with_a_message(
    root: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    code, out, err = plan(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}")


def test_five_hundred_workflows_are_planned(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(500):
        write(root, f".github/workflows/w{number}.yml", text=CI.replace("src/**", f"src/{number}/**"))
    write(root, "src/7/x", "src/77/x")
    found = as_json(capsys)
    assert sorted(workflow["key"] for workflow in found["workflows"]) == ["ci.yml", "w7.yml", "w77.yml"]
    assert len(found["not_started"]) == 499


def finished_run(root: Path, took: dict[str, float]) -> None:
    """Records a successful run whose legs took that many seconds."""
    records = RunRecords(state_paths(os.environ["SKEP_STATE_DIR"], str(root)))
    number = records.reserve(NOON, os.urandom).number
    sink = records.begin(run_started(f"20261120T1200{number:02}-000000", number=number), on_failure=never)
    for leg, seconds in took.items():
        sink.publish(
            JobFinished(
                at=NOON,
                job=JobKey(leg.partition(" ")[0]),
                leg=LegKey(leg),
                name=leg,
                outcome="success",
                conclusion="success",
                duration_s=seconds,
            )
        )
    sink.publish(RunFinished(at=NOON, status="success", duration_s=1.0, cpu_s=0.0))
    sink.close()
    records.close()


TOOK = {"ci.yml:lint": 10.0, "ci.yml:test (ubuntu-latest, 1)": 60.0, "ci.yml:test (ubuntu-latest, 2)": 80.0}


def test_the_time_is_estimated_from_earlier_runs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for factor in (1, 3, 1):  # the median counts
        finished_run(root, {leg: seconds * factor for leg, seconds in TOOK.items()})
    _, out, _ = plan(capsys, "-j", "2")
    assert "\nestimated time: about 1 min 30 s with -j 2 (critical path: lint > test)\n" in out
    assert "ubuntu-latest                   about 10.0 s\n" in out
    _, out, _ = plan(capsys, "-j", "1")
    assert "\nestimated time: about 2 min 30 s with -j 1 (critical path: lint > test)\n" in out
    found = as_json(capsys, "-j", "2")
    assert found["estimate"] == {
        "wall_s": 90.0,
        "jobs": 2,
        "critical_path": ["lint", "test"],
        "critical_path_s": 90.0,
        "not_counted": [],
    }
    assert [job["expected_s"] for job in found["workflows"][0]["jobs"]] == [10.0, 80.0, None]


def test_jobs_that_never_succeeded_here_are_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_run(root, {"ci.yml:lint": 10.0})
    _, out, _ = plan(capsys, "-j", "2")
    assert (
        "estimated time: at least 10.0 s with -j 2 (critical path: lint); not counted, never succeeded here: `test`"
        in out
    )


def test_a_plan_writes_no_history(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan(capsys)
    assert not Path(os.environ["SKEP_STATE_DIR"]).exists()
    assert as_json(capsys)["estimate"] is None


def test_a_damaged_history_is_no_obstacle(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_run(root, {"ci.yml:lint": 10.0})
    Path(state_paths(os.environ["SKEP_STATE_DIR"], str(root)).database).write_bytes(b"no database" * 1000)
    code, out, err = plan(capsys)
    assert (code, "estimated" in out) == (0, False)
    assert err.startswith("warning: no estimate: the records in")


def test_the_jobs_of_a_called_workflow_are_estimated(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called = "on: workflow_call\njobs:\n  a: {runs-on: x, steps: [{run: 'true'}]}\n"
    called += "  b: {needs: a, runs-on: x, steps: [{run: 'true'}]}\n"
    caller = "on: push\njobs:\n  c: {uses: ./.github/workflows/called.yml}\n"
    caller += "  d: {needs: c, runs-on: ubuntu-latest, steps: [{run: 'true'}]}\n"
    write(root, ".github/workflows/called.yml", text=called)
    write(root, ".github/workflows/caller.yml", text=caller)
    finished_run(root, {"caller.yml:c/a": 2.0, "caller.yml:c/b": 3.0, "caller.yml:d": 4.0})
    _, out, _ = plan(capsys, "-W", "caller.yml", "-j", "2")
    assert "estimated time: about 9.0 s with -j 2 (critical path: c / a > c / b > d)" in out
