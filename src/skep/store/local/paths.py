"""Where everything that Skep keeps for one repository lies, below the user's state folder."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePaths:
    """The places of one repository; all absolute. Nothing exists before `create`."""

    state_dir: str  # of all repositories
    repository: str  # of this one

    @property
    def database(self) -> str:
        """The runs and their journals."""
        return f"{self.repository}/runs.sqlite"

    @property
    def runs(self) -> str:
        """Holds one folder per run."""
        return f"{self.repository}/runs"

    @property
    def locks(self) -> str:
        """Lock files between processes."""
        return f"{self.repository}/locks"

    @property
    def cache(self) -> str:
        """Caches of this repository."""
        return f"{self.repository}/cache"

    @property
    def artifacts(self) -> str:
        """Artifacts of this repository's runs; their bytes are blobs of the cache."""
        return f"{self.cache}/artifacts"

    @property
    def mirror(self) -> str:
        """The mirror of the user's tree."""
        return f"{self.repository}/mirror"

    @property
    def work(self) -> str:
        """Job folders, when no other work folder is set."""
        return f"{self.repository}/work"

    @property
    def reports(self) -> str:
        """Reports of Skep's own bugs."""
        return f"{self.state_dir}/reports"

    def run(self, run_id: str) -> RunPaths:
        """The places of one run. Raises OSError for an id that is no name: it comes from a file somebody may have changed."""
        if "/" in run_id or "\0" in run_id or run_id in ("", ".", ".."):
            raise OSError(errno.EINVAL, "a run cannot have that name", run_id)
        return RunPaths(root=f"{self.runs}/{run_id}")

    def create(self) -> None:
        """Makes the folders that others expect to exist, for this user alone. Raises OSError."""
        for folder in (self.state_dir, f"{self.state_dir}/repos", self.repository, self.runs, self.locks):
            make_private(folder)
            _check_private(folder, may_be_link=folder == self.state_dir)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPaths:
    """The places of one run; its folder is removed as a whole."""

    root: str

    @property
    def alive(self) -> str:
        """Locked by the process that executes the run, as long as it lives."""
        return f"{self.root}/alive"

    @property
    def logs(self) -> str:
        """One file per leg."""
        return f"{self.root}/logs"

    def create(self) -> None:
        """Makes the folders of a run. Raises OSError."""
        make_private(self.root)
        make_private(self.logs)


def state_paths(state_dir: str, root: str) -> StatePaths:
    """The places of the repository whose project root is `root` (symbolic links are followed)."""
    state_dir = os.path.abspath(os.path.expanduser(state_dir))
    name = sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:16]
    return StatePaths(state_dir=state_dir, repository=f"{state_dir}/repos/{name}")


def _check_private(folder: str, *, may_be_link: bool) -> None:
    """A folder that was there before us may be anybody's: who can write to it could put other records in place of ours,
    and what old runs left would be removed wherever a link leads.
    """
    found = os.stat(folder, follow_symlinks=may_be_link)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it must be a folder of its own", folder)
    if found.st_mode & stat.S_IWOTH:
        raise PermissionError(errno.EPERM, "every user can write to it", folder)


def make_private(folder: str) -> None:
    """Makes a folder and its missing parents, the folder itself for this user alone. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        os.mkdir(folder, 0o700)
