"""Concurrency groups hold across processes of one repository; jobs do not see each other's files."""

from __future__ import annotations

import json
import time
from pathlib import Path

from .skep_process import SkepProject, make_project

GROUPED = """
on: push
concurrency:
  group: deploy
  cancel-in-progress: CANCEL
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "begin $$" >> LOG
          for i in $(seq LOOPS); do [ -e GO ] && break; sleep 0.1; done
          echo "end $$" >> LOG
"""


def grouped(tmp_path: Path, *, cancel: bool) -> tuple[SkepProject, Path]:
    log = tmp_path / "log"
    text = (
        GROUPED.replace("CANCEL", str(cancel).lower())
        .replace("LOG", str(log))
        .replace("LOOPS", "200" if cancel else "8")
        .replace("GO", str(tmp_path / "go"))
    )
    return make_project(tmp_path, ci=text), log


def wait_for_text(path: Path) -> None:
    for _ in range(200):
        if path.exists() and path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} stayed empty")


def test_two_runs_of_one_group_follow_each_other(tmp_path: Path) -> None:
    project, log = grouped(tmp_path, cancel=False)
    first = project.start("run")
    wait_for_text(log)
    second = project.start("run")
    codes = [process.wait(timeout=60) for process in (first, second)]
    for process in (first, second):
        process.communicate()

    words = [line.split() for line in log.read_text().splitlines()]
    assert codes == [0, 0]
    assert [word for word, _ in words] == ["begin", "end", "begin", "end"]
    assert words[0][1] == words[1][1]


def test_cancel_in_progress_cancels_the_running_one(tmp_path: Path) -> None:
    project, log = grouped(tmp_path, cancel=True)
    first = project.start("run", "--json")
    wait_for_text(log)
    second = project.start("run")
    out, _ = first.communicate(timeout=60)
    (tmp_path / "go").touch()
    said, _ = second.communicate(timeout=60)
    facts = [json.loads(line) for line in out.splitlines()]

    assert (first.returncode, facts[-1]["status"]) == (1, "cancelled")
    assert second.returncode == 0, said


def test_jobs_share_no_workspace_home_or_temp(tmp_path: Path) -> None:
    text = """
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        n: [1, 2, 3, 4]
    steps:
      - uses: actions/checkout@v4
      - run: |
          for place in "$GITHUB_WORKSPACE" "$HOME" "$RUNNER_TEMP"; do
            test ! -e "$place/mine"
            echo ${{ matrix.n }} > "$place/mine"
          done
          sleep 0.2
          for place in "$GITHUB_WORKSPACE" "$HOME" "$RUNNER_TEMP"; do
            test "$(cat "$place/mine")" = ${{ matrix.n }}
          done
"""
    project = make_project(tmp_path, ci=text)

    assert project.call("run", "-j", "4").returncode == 0
    assert not (project.root / "mine").exists()


def test_in_place_writes_into_the_users_tree_and_nothing_is_removed(tmp_path: Path) -> None:
    text = """
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: echo built > built.txt && test -f uncommitted.txt
"""
    project = make_project(tmp_path, ci=text)
    (project.root / "uncommitted.txt").write_text("mine")
    done = project.call("run", "--in-place")

    assert done.returncode == 0, done.stdout
    assert (project.root / "built.txt").read_text() == "built\n"
    assert (project.root / "uncommitted.txt").read_text() == "mine"


def test_a_run_that_is_pruned_takes_its_artifacts_along(tmp_path: Path) -> None:
    text = """
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: echo built > built.txt
      - uses: actions/upload-artifact@v4
        with: {name: built, path: built.txt}
"""
    project = make_project(tmp_path, ci=text)
    for _ in range(3):
        assert project.call("run", "--keep-count", "2").returncode == 0

    assert len(project.runs()) == 2
    assert (
        len(list(project.state.glob("repos/*/cache/artifacts/*/built*")))
        + len(list(project.state.glob("repos/*/cache/artifacts/*/*.json")))
        >= 2
    )
    assert len(list(project.state.glob("repos/*/cache/artifacts/*"))) == 2


def test_a_workflow_edited_during_its_run_changes_nothing_of_it(tmp_path: Path) -> None:
    text = """
on: push
jobs:
  first:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo begun >> BEGUN
          for i in $(seq 100); do [ -e GO ] && exit 0; sleep 0.1; done; exit 1
  second:
    needs: first
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: ./act
"""
    project = make_project(
        tmp_path, ci=text.replace("BEGUN", str(tmp_path / "begun")).replace("GO", str(tmp_path / "go"))
    )
    action = project.root / "act" / "action.yml"
    action.parent.mkdir()
    good = "name: a\ndescription: d\nruns: {using: composite, steps: [{shell: bash, run: 'true'}]}\n"
    action.write_text(good)
    run = project.start("run")
    wait_for_text(tmp_path / "begun")
    project.write("on: [\n")
    (tmp_path / "go").touch()
    said, _ = run.communicate(timeout=60)

    assert run.returncode == 0, said
    assert project.call("run").returncode == 2, "the next run reads what stands there now"
