"""Commits of other repositories, as folders: fetched once, kept by content, checked before each use.

root/commits/<owner>/<name>/<sha>   the tree id of that commit
root/refs/<owner>/<name>            what refs named when they were asked for last (JSON)
root/packs/<sha>.git                the commit as git keeps it: bare, without history
root/trees/<tree>/files             its files, read-only; never changed, only replaced as a whole
root/trees/<tree>/kept.json         a stamp of the files, its submodules, what is to be said of it
root/making/<key>-...               being made; removed by the next who makes the same
root/locks/<key>                    held while one is made

Everything is made under `making` and renamed, so that it is whole or not there, whatever dies.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from skep.host.files import atomic_write
from skep.host.locks import try_exclusive
from skep.host.removal import remove_tree
from skep.host.stoppable import run_stoppable
from skep.model.errors import HostError, UserError

from .remote_git import Origin, RemoteGit, git_environment
from .tree_hash import GITLINK, TreeEntry, check_links, check_paths, parse_listing, stamp_of, tree_id

_WAIT_S = 0.02
_LOCAL_S = 120.0  # limit of git's work on this machine alone

Stop = Callable[[], bool]


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCommit:
    """A commit whose files are here."""

    repository: str
    sha: str
    tree: str
    folder: str  # of its files; read-only
    notes: tuple[str, ...] = ()  # what is not as in a clone: submodules, LFS
    was_fetched: bool = False  # just now


class ActionStore:
    """The commits kept below `root`. Any number of threads and processes may ask at once.

    Raises HostError where the machine or an origin refuses, UserError for what an origin does not have or may not hold.
    """

    def __init__(self, root: str, *, timeout_s: float = 60.0) -> None:
        self.root = root
        self._timeout_s = timeout_s

    def find(self, repository: str, sha: str) -> StoredCommit | None:
        """The commit, if it is here and nobody changed a file of it. Asks no network, starts nothing."""
        try:
            with open(self._commit_path(repository, sha), encoding="ascii") as file:
                tree = file.read(80).strip()
            with open(f"{self.root}/trees/{tree}/kept.json", encoding="utf-8") as file:
                kept = json.load(file)
            folder = f"{self.root}/trees/{tree}/files"
            if kept["stamp"] != stamp_of(folder):
                return None
        except (OSError, ValueError, KeyError):
            return None
        return StoredCommit(
            repository=repository, sha=sha, tree=tree, folder=folder, notes=tuple(kept["notes"])
        )

    def resolve(self, origin: Origin, ref: str, stop: Stop = _never) -> str:
        """The commit that a ref names at its origin now; remembered for `remembered`."""
        sha = self._git().resolve(origin, ref, stop)
        path = self._refs_path(origin.repository)
        with self._held(f"refs-{origin.repository.replace('/', '-').lower()}", stop):
            known = _read_json(path)
            known[ref] = sha
            os.makedirs(os.path.dirname(path), exist_ok=True)
            atomic_write(path, json.dumps(known, indent=0, sort_keys=True).encode())
        return sha

    def remembered(self, repository: str, ref: str) -> str:
        """The commit that a ref named when it was asked for last; '' when it never was."""
        return str(_read_json(self._refs_path(repository)).get(ref, ""))

    def obtain(self, origin: Origin, sha: str, stop: Stop = _never) -> StoredCommit:
        """The commit, fetched if it is not here. One fetches, others wait for it."""
        found = self.find(origin.repository, sha)
        if found is not None:
            return found
        with self._held(sha, stop):
            found = self.find(origin.repository, sha)
            if found is not None:
                return found
            return self._make(origin, sha, stop)

    def verify(self, commit: StoredCommit) -> str:
        """The tree id that the files of a kept commit have now, from their bytes. Raises OSError."""
        kept = _read_json(f"{self.root}/trees/{commit.tree}/kept.json")
        submodules = kept.get("submodules")
        return tree_id(commit.folder, submodules if isinstance(submodules, dict) else {}, len(commit.tree))

    def drop(self, commit: StoredCommit) -> None:
        """Forgets the files of a commit; the next `obtain` makes them anew, from the pack when that is here."""
        remove_tree(f"{self.root}/trees/{commit.tree}")

    def export(self, commit: StoredCommit, ref: str, target: str) -> None:
        """Puts the commit into the bare repository `target`, made if needed, as the tag `ref` - or under `refs/skep/` when
        `ref` is its own id, so that it can be fetched from there."""
        name = f"refs/skep/{commit.sha}" if ref.lower() == commit.sha else f"refs/tags/{ref}"
        pack = f"{self.root}/packs/{commit.sha}.git"
        if not os.path.isdir(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            kind = "sha1" if len(commit.sha) == 40 else "sha256"
            self._local("init", "--quiet", "--bare", f"--object-format={kind}", "--", target)
        fetch = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head")
        self._local("--git-dir", target, *fetch, "--", pack, commit.sha)
        self._local("--git-dir", target, "update-ref", name, commit.sha)

    # --- making ------------------------------------------------------------------------------------------------------
    def _make(self, origin: Origin, sha: str, stop: Stop) -> StoredCommit:
        pack = f"{self.root}/packs/{sha}.git"
        part = f"{self.root}/making/{sha}-{secrets.token_hex(6)}"
        try:
            os.makedirs(part)
            if not os.path.isdir(pack):
                self._git().fetch(origin, sha, f"{part}/git", stop)
                os.makedirs(os.path.dirname(pack), exist_ok=True)
                os.rename(f"{part}/git", pack)
            tree, notes = self._write_files(origin, sha, pack, part)
            path = self._commit_path(origin.repository, sha)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            atomic_write(path, tree.encode())
        except OSError as error:
            raise HostError(
                f"`{origin.repository}` cannot be kept in `{self.root}`: {error.strerror or error}",
                hint="is the disk full? see `skep doctor`",
            ) from error
        finally:
            remove_tree(part)
        folder = f"{self.root}/trees/{tree}/files"
        return StoredCommit(
            repository=origin.repository, sha=sha, tree=tree, folder=folder, notes=notes, was_fetched=True
        )

    def _write_files(self, origin: Origin, sha: str, pack: str, part: str) -> tuple[str, tuple[str, ...]]:
        """Writes the files of a fetched commit, checks them, puts them to their place: tree id and notes."""
        what = f"`{origin.repository}` at {sha[:12]}"
        done = self._local("--git-dir", pack, "rev-parse", f"{sha}^{{commit}}", f"{sha}^{{tree}}")
        commit, _, tree = done.decode("ascii").strip().partition("\n")
        if commit != sha:
            raise UserError(f"{what} is no commit but a tag of {commit[:12]}", hint="write the commit's id")
        entries = parse_listing(self._local("--git-dir", pack, "ls-tree", "-r", "-z", tree))
        check_paths(entries, what)
        files = f"{part}/new/files"
        os.makedirs(files)
        env = {**_quiet_environment(), "GIT_INDEX_FILE": f"{part}/index", "GIT_WORK_TREE": files}
        self._local("--git-dir", pack, "read-tree", "--reset", "-u", tree, cwd=files, env=env)
        check_links(files, entries, what)
        submodules = {entry.path: entry.digest for entry in entries if entry.mode == GITLINK}
        written = tree_id(files, submodules, len(tree))
        if written != tree:
            raise HostError(
                f"{what}: the files that were written are {written[:12]}, and should be {tree[:12]}",
                hint="is the disk healthy? try again",
            )
        notes = _notes(files, entries)
        _make_read_only(files)
        kept = {"stamp": stamp_of(files), "submodules": submodules, "notes": notes, "sha": sha}
        atomic_write(f"{part}/new/kept.json", json.dumps(kept).encode())
        self._place(f"{part}/new", tree, part)
        return tree, notes

    def _place(self, new: str, tree: str, part: str) -> None:
        """Renames a finished tree to its place. A damaged one that stands there is moved away first: whoever uses it sees
        whole files again a moment later."""
        final = f"{self.root}/trees/{tree}"
        os.makedirs(os.path.dirname(final), exist_ok=True)
        with self._held(f"tree-{tree}", _never):
            if os.path.isdir(final):
                os.rename(final, f"{part}/old")
            os.rename(new, final)

    def _git(self) -> RemoteGit:
        os.makedirs(self.root, exist_ok=True)
        return RemoteGit(self.root, timeout_s=self._timeout_s)

    def _local(self, *words: str, cwd: str = "", env: dict[str, str] | None = None) -> bytes:
        """What a git command on this machine alone prints. The user's configuration, filters and hooks do not count."""
        argv = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *words]
        done = run_stoppable(argv, cwd=cwd or self.root, env=env or _quiet_environment(), timeout_s=_LOCAL_S)
        if done.exit_code:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise HostError(
                f"git cannot keep an action: {said[0].removeprefix('fatal: ').removeprefix('error: ')}",
                hint="is the disk full? see `skep doctor`",
            )
        return done.stdout

    @contextmanager
    def _held(self, key: str, stop: Stop) -> Iterator[None]:
        """The lock of one key; what a dead holder left is removed."""
        try:
            os.makedirs(f"{self.root}/locks", exist_ok=True)
            while True:
                with try_exclusive(f"{self.root}/locks/{key}") as ours:
                    if ours:
                        self._sweep(key)
                        yield
                        return
                if stop():
                    raise HostError("stopped while another run fetched the same")
                time.sleep(_WAIT_S)
        except OSError as error:
            raise HostError(f"cannot use `{self.root}`: {error.strerror or error}") from error

    def _sweep(self, key: str) -> None:
        folder = f"{self.root}/making"
        if os.path.isdir(folder):
            for name in os.listdir(folder):
                if name.startswith(f"{key}-"):
                    remove_tree(f"{folder}/{name}")

    def _commit_path(self, repository: str, sha: str) -> str:
        return f"{self.root}/commits/{repository.lower()}/{sha}"

    def _refs_path(self, repository: str) -> str:
        return f"{self.root}/refs/{repository.lower()}.json"


def _quiet_environment() -> dict[str, str]:
    return {**git_environment(), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def _notes(files: str, entries: tuple[TreeEntry, ...]) -> tuple[str, ...]:
    notes = []
    if submodules := [entry.path for entry in entries if entry.mode == GITLINK]:
        notes.append(f"its submodules are not fetched: {', '.join(submodules)}")
    for entry in entries:
        if entry.path.rpartition("/")[2] == ".gitattributes" and entry.mode.startswith("100"):
            with open(os.path.join(files, entry.path), "rb") as file:
                if b"filter=lfs" in file.read():
                    notes.append("its files in Git LFS are pointers only")
                    break
    return tuple(notes)


def _make_read_only(folder: str) -> None:
    """Takes the write bits from everything below a folder."""
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(path, name)
            if not os.path.islink(full):
                os.chmod(full, 0o555 if os.stat(full).st_mode & 0o100 else 0o444)
    for path, _, _ in os.walk(folder, topdown=False):
        os.chmod(path, 0o555)  # noqa: S103  others may look, nobody may write


def _read_json(path: str) -> dict[str, object]:
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
