"""`kill -9` of Skep at every fact of a run, and Ctrl-C: nothing outlives it, nothing stays locked, the record reads back."""

from __future__ import annotations

import signal
import time
import uuid
from pathlib import Path

import pytest

from .skep_process import SkepProject, make_project, processes_with, wait_until_gone

WORKFLOW = """
on: push
concurrency: only-one
jobs:
  first:
    runs-on: ubuntu-latest
    outputs:
      x: ${{ steps.s.outputs.x }}
    steps:
      - id: s
        run: echo "x=1" >> "$GITHUB_OUTPUT"
      - run: (setsid sleep MARKER & ) ; echo "# summary" >> "$GITHUB_STEP_SUMMARY"; echo "::warning::w"
  second:
    needs: first
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: sleep MARKER & sleep 0.05; trap '' TERM INT; echo "${{ needs.first.outputs.x }}"
"""


@pytest.fixture
def marker() -> str:
    return f"{7_000_000 + uuid.uuid4().int % 900_000}.25"


@pytest.fixture
def project(tmp_path: Path, marker: str) -> SkepProject:
    return make_project(tmp_path, ci=WORKFLOW.replace("MARKER", marker))


def test_killed_at_any_fact_nothing_outlives_the_run_and_the_next_one_works(
    project: SkepProject, marker: str
) -> None:
    total = len(project.facts())
    for point in range(1, total):
        process = project.start("run", "--json")
        assert process.stdout is not None
        for _ in range(point):
            process.stdout.readline()
        process.kill()
        process.communicate()
        assert wait_until_gone(marker, 2.0) == [], f"orphans after kill at fact {point} of {total}"
        newest = project.runs()[0]
        assert newest["status"] in ("interrupted", "success"), f"killed at fact {point}: {newest}"
        assert project.call("runs", "verify", "last").returncode == 0
    after = project.call("run")
    print(f"killed at {total - 1} points")

    assert after.returncode == 0, after.stdout + after.stderr
    assert processes_with(marker) == []
    assert not [path for path in project.state.glob("repos/*/work/*") if path.name != "trees"]


def test_an_interrupt_ends_steps_with_grace_and_runs_always_steps(tmp_path: Path, marker: str) -> None:
    text = f"""
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: trap 'echo was asked; exit 1' INT; echo ready; sleep {marker} & wait
      - run: echo never
      - if: always()
        run: echo cleanup
  b:
    needs: a
    runs-on: ubuntu-latest
    steps:
      - run: echo never
"""
    project = make_project(tmp_path, ci=text)
    process = project.start("run", "--logs")
    assert process.stdout is not None
    for line in process.stdout:
        if line.rstrip().endswith("| ready"):
            break
    process.send_signal(signal.SIGINT)
    rest, stderr = process.communicate(timeout=30)

    assert process.returncode == 130, stderr
    assert "| was asked" in rest
    assert "| cleanup" in rest
    assert "| never" not in rest
    assert wait_until_gone(marker, 2.0) == []
    assert project.runs()[0]["status"] == "cancelled"


def test_a_second_interrupt_kills_what_ignores_the_first(tmp_path: Path, marker: str) -> None:
    text = f"""
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: trap '' INT TERM; echo ready; sleep {marker}; sleep {marker}
"""
    project = make_project(tmp_path, ci=text)
    process = project.start("run", "--logs")
    assert process.stdout is not None
    for line in process.stdout:
        if line.rstrip().endswith("| ready"):
            break
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)

    assert process.returncode == 130
    assert wait_until_gone(marker, 2.0) == []
