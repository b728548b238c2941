"""Which commands run code of the work tree."""

from __future__ import annotations

import pytest

from skep.pipeline.workflow.lint.facts.project_code import changes_into, runs_project_code
from skep.pipeline.workflow.lint.facts.script import read_script


@pytest.mark.parametrize(
    "text",
    [
        "make",
        "sudo make",
        "npm ci",
        "npm --silent ci",
        "yarn",
        "pip install .",
        "pip install -e .[dev]",
        "python -m pip install -r requirements.txt",
        "python -m pytest",
        "python tools/x.py",
        "./run.sh",
        "bash run.sh",
        "uv run pytest",
        "go test ./...",
        "cd x && cargo build",
        "docker build .",
        "if true; then tox; fi",
        "/usr/bin/make all",
    ],
)
def test_builds_tests_and_scripts_are_the_projects_code(text: str) -> None:
    script = read_script(text)
    assert script is not None
    assert runs_project_code(script)


@pytest.mark.parametrize(
    "text",
    [
        "echo make",
        "npm --version",
        "pip install ruff",
        "python -m pip install build",
        "python -m venv .venv",
        "python -c 'import x'",
        "python --version",
        "bash -c true",
        "node /opt/tool.js",
        "git diff",
        "gh pr comment",
        "docker pull x",
        "FOO=make",
        "make --version",
        "sudo",
        "",
    ],
)
def test_looking_and_installing_others_is_not(text: str) -> None:
    script = read_script(text)
    assert script is not None
    assert not runs_project_code(script)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("cd pr", True),
        ("cd ./pr/src && make", True),
        ("cd prize", False),
        ("make -C pr", False),
        ("pushd pr/", True),
    ],
)
def test_a_script_goes_into_a_folder(text: str, changes: bool) -> None:
    script = read_script(text)
    assert script is not None
    assert changes_into(script, "pr/") is changes
