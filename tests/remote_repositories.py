"""Bare repositories in a folder, as a company or a test serves actions: real git, no network."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GIT_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.invalid",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.invalid",
    "LC_ALL": "C.UTF-8",
}


def git(folder: Path, *words: str, stdin: bytes = b"", **env: str) -> str:
    """What git prints, stripped."""
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        env={**GIT_ENVIRONMENT, **env},
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (words, done.stderr.decode())
    return done.stdout.decode().strip()


@dataclass(frozen=True)
class Bare:
    """One bare repository."""

    path: Path

    def commit(self, files: Mapping[str, str | bytes], *, tag: str = "", branch: str = "main") -> str:
        """Commits these files, and no others, on a branch; an existing tag is moved. Gives the commit's id.

        A name ending in `*` is executable, one ending in `@` a symbolic link to its content.
        """
        index = str(self.path / "test-index")
        lines = []
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            blob = git(self.path, "hash-object", "-w", "--stdin", stdin=data)
            mode = "100755" if name.endswith("*") else "120000" if name.endswith("@") else "100644"
            lines.append(f"{mode} {blob} 0\t{name.rstrip('*@')}\n")
        git(self.path, "read-tree", "--empty", GIT_INDEX_FILE=index)
        git(self.path, "update-index", "--index-info", stdin="".join(lines).encode(), GIT_INDEX_FILE=index)
        return self.commit_tree(git(self.path, "write-tree", GIT_INDEX_FILE=index), tag=tag, branch=branch)

    def commit_tree(self, tree: str, *, tag: str = "", branch: str = "main") -> str:
        """Commits a tree that is there."""
        sha = git(self.path, "commit-tree", "-m", "a commit", tree)
        git(self.path, "update-ref", f"refs/heads/{branch}", sha)
        if tag:
            git(self.path, "update-ref", f"refs/tags/{tag}", sha)
        return sha

    def raw_tree(self, *entries: tuple[str, str, str]) -> str:
        """A tree of (mode, name, object) as it is, however wrong: what git itself would refuse to make."""
        data = b"".join(
            f"{mode} {name}".encode() + b"\0" + bytes.fromhex(digest) for mode, name, digest in entries
        )
        return git(self.path, "hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=data)

    def blob(self, text: str) -> str:
        """Stores a text."""
        return git(self.path, "hash-object", "-w", "--stdin", stdin=text.encode())


def make_bare(folder: Path, name: str) -> Bare:
    """`folder/name.git`, empty."""
    path = folder / f"{name}.git"
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "-b", "main", ".")
    return Bare(path)
