"""The examples and our own workflow are what we say: right, without a warning, and passing their own tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skep.pipeline.actions.manifest import read_action
from skep.pipeline.workflow.reader import read_workflow
from tools import PROJECT, needs_tool

SHOP = PROJECT / "examples" / "shop"
WORKFLOWS = [
    PROJECT / ".github" / "workflows" / "ci.yml",
    *sorted((SHOP / ".github" / "workflows").glob("*.yml")),
]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_workflow_of_ours_has_no_finding(path: Path) -> None:
    workflow, findings = read_workflow(path.read_text(encoding="utf-8"), ".github/workflows/ci.yml")
    assert findings == ()
    assert workflow is not None


def test_the_action_of_the_shop_has_no_finding() -> None:
    path = SHOP / ".github" / "actions" / "setup" / "action.yml"
    action, findings = read_action(path.read_text(encoding="utf-8"), ".github/actions/setup/action.yml")
    assert findings == ()
    assert action is not None


def test_our_own_workflow_never_runs_itself() -> None:
    text = WORKFLOWS[0].read_text(encoding="utf-8")
    assert "make self" not in text.replace("with `make self`", "")
    assert "make run" not in text


@pytest.mark.parametrize("journal", ["wal", "delete", "memory"])
def test_the_shop_passes_its_own_tests(journal: str) -> None:
    env = {**os.environ, "SHOP_JOURNAL": journal, "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests"],
        cwd=SHOP,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@needs_tool("npm", "node")
def test_the_lock_file_of_the_web_part_is_the_one_of_its_package_file(tmp_path: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_bytes((SHOP / "web" / name).read_bytes())
    ran = subprocess.run(
        ["npm", "ls", "--package-lock-only", "--all"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
