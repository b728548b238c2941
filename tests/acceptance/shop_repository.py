"""The shop as a repository of its own, for acceptance tests that run, change and break it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools import PROJECT

SHOP = PROJECT / "examples" / "shop"
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid", "-c", "commit.gpgsign=false")
_LEFT_OUT = ("node_modules", "dist", "build", ".cache", "reports", "__pycache__", "*.db")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopRepository:
    """A committed copy of the shop, and where Skep keeps its state."""

    root: Path
    state: Path

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """What a user's shell would have."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
        skep = {"SKEP_STATE_DIR": str(self.state), "PYTHONPATH": str(PROJECT / "src")}
        return {**kept, **skep, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **extra}

    def start(self, *words: str, **extra: str) -> subprocess.Popen[str]:
        """`skep WORDS` in the background; stderr goes where stdout goes."""
        return subprocess.Popen(
            [sys.executable, "-m", "skep", *words],
            cwd=self.root,
            env=self.environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def skep(self, *words: str, **extra: str) -> tuple[int, str]:
        """Exit code and all output of `skep WORDS`."""
        with self.start(*words, **extra) as process:
            said, _ = process.communicate(timeout=300)
        return process.returncode, said

    def commit(self, file: str, text: str) -> None:
        """Writes a file and commits it."""
        (self.root / file).write_text(text, encoding="utf-8")
        for words in (["add", file], ["commit", "-q", "-m", f"Change {file}"]):
            subprocess.run(["git", *IDENTITY, *words], cwd=self.root, env=self.environment({}), check=True)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replaces a text that must be there."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not have: {old}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


def copy_shop(root: Path, state: Path, *, top: Path | None = None) -> ShopRepository:
    """A new repository with the shop as it is now, on `main`. `top`: where git's top level is, when it lies above."""
    shutil.copytree(SHOP, root, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    shop = ShopRepository(root=root, state=state)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Add the shop"]):
        subprocess.run(["git", *IDENTITY, *words], cwd=top or root, env=shop.environment({}), check=True)
    return shop
