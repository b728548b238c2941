"""Real repositories for tests: files written, git called, nothing of the tester's own settings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.invalid",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.invalid",
    "GIT_AUTHOR_DATE": "2026-11-20T12:00:00+01:00",
    "GIT_COMMITTER_DATE": "2026-11-20T12:00:00+01:00",
}


def git(root: Path, *arguments: str) -> str:
    """Calls git there; gives its output. Fails the test when git fails."""
    environment = {**os.environ, **IDENTITY, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def a_repository(root: Path) -> Path:
    """An empty repository on branch main."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.invalid")
    return root


def write(root: Path, *names: str, text: str = "x\n") -> None:
    """Writes the same text into files."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def commit(root: Path, *names: str, message: str = "change", text: str = "x\n") -> str:
    """Writes files and commits everything; gives the commit's id."""
    write(root, *names, text=text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


def a_clone(source: Path, target: Path, *options: str) -> Path:
    """A clone with `origin` as its upstream."""
    git(source, "clone", "-q", *options, source.as_uri(), str(target))
    git(target, "config", "user.name", "Ada")
    git(target, "config", "user.email", "ada@example.invalid")
    return target
