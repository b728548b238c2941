"""Starts the real `skep` in a project of its own, for acceptance tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class SkepProject:
    """A folder with workflows, committed, and an environment with its own home and state."""

    root: Path
    env: Mapping[str, str]

    @property
    def state(self) -> Path:
        return Path(self.env["SKEP_STATE_DIR"])

    def start(self, *words: str, text: bool = True) -> subprocess.Popen[str]:
        """`skep WORDS` in the background."""
        return subprocess.Popen(
            [sys.executable, "-m", "skep.cli.main", *words],
            cwd=self.root,
            env=dict(self.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=text,
        )

    def call(
        self, *words: str, timeout_s: float = 120, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`skep WORDS` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "skep.cli.main", *words],
            cwd=self.root,
            env=dict(self.env),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            input=stdin,
            check=False,
        )

    def facts(self, *words: str) -> list[dict[str, object]]:
        """The facts of `skep run --json WORDS`."""
        return [json.loads(line) for line in self.call("run", "--json", *words).stdout.splitlines()]

    def runs(self) -> list[dict[str, object]]:
        """`skep runs --json`, newest first."""
        found = json.loads(self.call("runs", "--json").stdout)
        assert isinstance(found, list)
        return found

    def write(self, workflow: str, name: str = "ci.yml") -> None:
        """Puts a workflow into the work tree."""
        (self.root / ".github" / "workflows" / name).write_text(workflow)


def make_project(home: Path, **workflows: str) -> SkepProject:
    """A project below `home`; `ci="..."` becomes .github/workflows/ci.yml."""
    root = home / "project"
    (root / ".github" / "workflows").mkdir(parents=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    git = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    env = {**kept, **git, "PYTHONPATH": str(SOURCE), "HOME": str(home), "SKEP_STATE_DIR": str(home / "state")}
    project = SkepProject(root, env)
    for name, text in workflows.items():
        project.write(text, f"{name}.yml")
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "project"]):
        subprocess.run(["git", *identity, *words], cwd=root, env=env, check=True)
    return project


def processes_with(marker: str) -> list[int]:
    """Living processes that carry the marker in their arguments."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                arguments = Path(entry.path, "cmdline").read_bytes()
                state = Path(entry.path, "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if marker.encode() in arguments and state != "Z":
                found.append(int(entry.name))
    return found


def wait_until_gone(marker: str, within_s: float) -> list[int]:
    """What is still alive with the marker after at most that long."""
    until = time.monotonic() + within_s
    while (alive := processes_with(marker)) and time.monotonic() < until:
        time.sleep(0.05)
    return alive
