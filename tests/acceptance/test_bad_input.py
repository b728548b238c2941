"""Whatever is wrong, `skep run` says it in its own words, with the right exit code: never a traceback, never a hang."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .skep_process import make_project, wait_until_gone

GOOD = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: true\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
WRONG_WORKFLOWS = {
    "malformed": ("on: push\njobs:\n  a: [\n", "ci.yml:4:1: error"),
    "unknown key": (GOOD.replace("steps", "stepz"), "did you mean `steps`?"),
    "cyclic needs": (
        GOOD
        + "  b:\n    needs: c\n    runs-on: x\n    steps: [{run: x}]\n  c:\n    needs: b\n    runs-on: x\n    steps: [{run: x}]\n",
        "circle of `needs`",
    ),
    "only cyclic needs": (
        "on: push\njobs:\n  b:\n    needs: b\n    runs-on: x\n    steps: [{run: x}]\n",
        "no `needs`",
    ),
    "unknown need": (
        GOOD.replace("    steps", "    needs: zz\n    steps") + GOOD[14:].replace("a:", "b:"),
        "`zz`",
    ),
    "billion laughs": (LAUGHS, "YAML nodes"),
    "ten megabytes": ("# " + "x" * 10_000_000 + "\n" + GOOD, "are allowed"),
    "unclosed expression": (GOOD.replace("true", "${{ github.ref"), "}}"),
    "empty": ("", "error"),
    "a list": ("- a\n- b\n", "error"),
    "tabs": ("on: push\njobs:\n\ta:\n", "error"),
    "control characters": ("on: push\njobs: \x01\n", "error"),
}


@pytest.mark.parametrize("name", WRONG_WORKFLOWS)
def test_a_wrong_workflow_is_a_finding_with_its_place(tmp_path: Path, name: str) -> None:
    text, message = WRONG_WORKFLOWS[name]
    project = make_project(tmp_path, ci=text)
    done = project.call("run", timeout_s=30)

    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert ".github/workflows/ci.yml" in done.stderr


def test_a_file_that_is_not_utf8_is_a_finding(tmp_path: Path) -> None:
    project = make_project(tmp_path, ci=GOOD)
    (project.root / ".github/workflows/ci.yml").write_bytes(b"on: push\nname: \xff\xfe\n")
    done = project.call("run")

    assert done.returncode == 2
    assert "ci.yml:2:7" in done.stderr


WRONG_WORDS = {
    ("run", "--job", "tset"): "there is no job `tset`",
    ("run", "--workflow", "nope.yml"): "nope.yml",
    ("run", "--event", "pusch"): "there is no event `pusch`",
    ("run", "--event", "workflow_dispatch", "--input", "count=many"): "count",
    ("run", "--event", "pull_request", "--base", "no-such-branch"): "no-such-branch",
    ("run", "--payload", "missing.json"): "missing.json",
    ("run", "--secret", "TOKEN=abc"): "every user of this machine",
    ("run", "--secret", "NOT_THERE"): "NOT_THERE",
    ("run", "--secrets-file", "missing"): "missing",
    ("run", "--input", "x"): "NAME=VALUE",
    ("run", "-j", "many"): "-j",
    ("run", "--workspace", "magic"): "magic",
    ("logs", "nothing-like-this"): "nothing-like-this",
    ("runs", "show", "last"): "no run",
    ("expr", "1 +"): "1 +",
    ("rnu",): "did you mean `skep run`?",
}


@pytest.mark.parametrize("words", WRONG_WORDS, ids=" ".join)
def test_wrong_words_are_explained(tmp_path: Path, words: tuple[str, ...]) -> None:
    text = GOOD.replace(
        "on: push", "on:\n  push:\n  workflow_dispatch:\n    inputs:\n      count: {type: number}"
    )
    done = make_project(tmp_path, ci=text).call(*words, stdin="")

    assert done.returncode == 2, done.stdout + done.stderr
    assert WRONG_WORDS[words] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_a_project_is_said(tmp_path: Path) -> None:
    project = make_project(tmp_path, ci=GOOD)
    shutil.rmtree(project.root / ".github")
    done = project.call("run")

    assert done.returncode == 2
    assert "no project here" in done.stderr
    assert "hint:" in done.stderr


def test_the_kept_output_of_a_step_is_limited_and_says_so(tmp_path: Path) -> None:
    text = GOOD.replace("true", "yes out | head -c 30000000; echo the end")
    project = make_project(tmp_path, ci=text)
    done = project.call("run", "--log-limit-bytes", "1 MiB")
    log = next(project.state.glob("repos/*/runs/*/logs/*.log"))

    assert done.returncode == 0, done.stdout
    assert 1_000_000 < log.stat().st_size < 1_200_000
    assert re.search(r"limit|dropped|not kept", log.read_text()[-400:])


def test_output_that_is_not_text_is_kept_as_it_is(tmp_path: Path) -> None:
    text = GOOD.replace("run: true", "run: printf '\\xff\\x00\\x1b[2J\\r\\n'; exit 1")
    project = make_project(tmp_path, ci=text)
    done = project.call("run")
    log = next(project.state.glob("repos/*/runs/*/logs/*.log"))

    assert done.returncode == 1
    assert b"\xff\x00\x1b[2J\r\n" in log.read_bytes()


def test_a_step_that_forks_daemons_and_ignores_signals_leaves_nothing(tmp_path: Path) -> None:
    marker = f"{8_000_000 + os.getpid()}.5"
    script = f"(setsid sh -c \"trap '' TERM INT HUP; while :; do sleep {marker}; done\" >/dev/null 2>&1 &); setsid sleep {marker} & true"
    project = make_project(tmp_path, ci=GOOD.replace("run: true", f"run: |\n          {script}"))
    done = project.call("run")

    assert done.returncode == 0, done.stdout
    assert wait_until_gone(marker, 2.0) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="not run: only root can mount a small disk")
@pytest.mark.parametrize("filled_before", [False, True])
def test_a_full_disk_is_a_failed_step_or_an_error_never_a_traceback(
    tmp_path: Path, filled_before: bool
) -> None:
    text = GOOD.replace("run: true", "run: head -c 60000000 /dev/zero > big; exit 0")
    project = make_project(tmp_path, ci=text)
    disk = tmp_path / "disk"
    disk.mkdir()
    fill = f"head -c 60000000 /dev/zero > {disk}/fill 2>/dev/null" if filled_before else "true"
    script = f"mount -t tmpfs -o size=30m none {disk} && {{ {fill}; }} ; exec {sys.executable} -m skep.cli.main run"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        cwd=project.root,
        env={**project.env, "SKEP_STATE_DIR": str(disk / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (
        ("full" in done.stderr or "disk" in done.stderr) if filled_before else "No space left" in done.stdout
    )
