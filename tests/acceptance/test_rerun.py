"""Approvals on the command line and `--rerun-failed`, as typed."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from .skep_process import make_project

DEPLOY = """
on: push
jobs:
  stage:
    runs-on: ubuntu-latest
    environment: staging
    steps: [{run: echo staged}]
  produce:
    needs: stage
    runs-on: ubuntu-latest
    environment: production
    steps: [{run: echo produced}]
"""
FLAKY = """
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    outputs:
      v: ${{ steps.s.outputs.v }}
    steps:
      - id: s
        run: echo "v=$(date +%s%N)" >> "$GITHUB_OUTPUT"; echo built > built.txt; echo once >> COUNT
      - uses: actions/upload-artifact@v4
        with: {name: built, path: built.txt}
  test:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with: {name: built}
      - run: test "$(cat built.txt)" = built && test -n "${{ needs.build.outputs.v }}"
      - run: test -e MENDED
  after:
    needs: test
    runs-on: ubuntu-latest
    steps: [{run: echo fine}]
"""


def test_environments_need_an_approval_from_the_command_line_or_the_settings(tmp_path: Path) -> None:
    project = make_project(tmp_path, ci=DEPLOY)
    refused = project.call("run", "--approve", "staging", stdin="")
    approved = project.call("run", "--approve", "Staging", "--approve", "production")
    (project.root / "skep.toml").write_text('[environments]\nopen = ["staging", "production"]\n')
    opened = project.call("run")

    assert (refused.returncode, approved.returncode, opened.returncode) == (2, 0, 0)
    assert "jobs that deploy wait for an approval: --approve production" in refused.stderr
    assert "--approve production" in refused.stdout
    assert "approved by command line or settings" in approved.stdout
    assert "unapproved" in refused.stdout


def test_a_terminal_is_asked(tmp_path: Path) -> None:
    project = make_project(tmp_path, ci=DEPLOY)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "skep.cli.main", "run", "--approve", "staging"]
    with subprocess.Popen(
        command,
        cwd=project.root,
        env=dict(project.env),
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 1000)
        os.write(ours, b"y\n")
        out, _ = process.communicate(timeout=30)
    os.close(ours)

    assert process.returncode == 0, out
    assert b"`produce` deploys to `production`" in said


def test_what_failed_runs_again_with_the_outputs_and_artifacts_of_the_rest(tmp_path: Path) -> None:
    count, mended = tmp_path / "count", tmp_path / "mended"
    text = FLAKY.replace("COUNT", str(count)).replace("MENDED", str(mended))
    project = make_project(tmp_path, ci=text)
    assert project.call("run").returncode == 1

    mended.touch()
    again = project.call("run", "--rerun-failed", "last")

    assert again.returncode == 0, again.stdout
    assert count.read_text() == "once\n", "what succeeded does not run again"
    third = project.call("run", "--rerun-failed", "last")
    assert third.returncode == 0
    assert count.read_text() == "once\n"
    assert project.call("run", "--rerun-failed", "no-such-run").returncode == 2


def test_a_run_is_chosen_again_as_before_unless_something_else_is_said(tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    text = """
on:
  workflow_dispatch:
    inputs:
      level: {type: number, default: 1}
jobs:
  wanted:
    runs-on: ubuntu-latest
    steps:
      - run: test "${{ inputs.level }}/${{ vars.COLOUR }}" = 3/blue
      - run: test -e MENDED
  other:
    runs-on: ubuntu-latest
    steps: [{run: exit 1}]
"""
    project = make_project(tmp_path, ci=text.replace("MENDED", str(mended)), more=DEPLOY)
    words = ["--event", "workflow_dispatch", "--input", "level=3", "--var", "COLOUR=blue", "--job", "wanted"]
    assert project.call("run", *words).returncode == 1

    assert project.call("run", "--rerun-failed", "last").returncode == 1
    mended.touch()
    third = project.call("run", "--rerun-failed", "last")
    other = project.call("run", "--rerun-failed", "last", "--job", "other")

    assert third.returncode == 0, third.stdout + third.stderr
    assert "other" not in third.stdout
    assert (other.returncode, "ci / other" in other.stdout) == (1, True), other.stdout
