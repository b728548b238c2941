"""A repository elsewhere, asked by git: which commit a ref names, and that commit alone, without history.

Nothing is asked on a terminal, no hook, filter or submodule runs, a token goes through the environment and never through
the command line. `where` is any URL that git knows, or a folder.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from skep.host.process import Completed, tool_environment
from skep.host.stoppable import run_stoppable
from skep.model.errors import HostError, UserError

_OPTIONS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "fetch.unpackLimit=1",
    "-c", "fetch.recurseSubmodules=no",
    "-c", "protocol.version=2",
    "-c", "protocol.ext.allow=never",
)  # fmt: skip
_IS_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_IS_SCP = re.compile(r"[^/:]+:(?!/?/)")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PRIVATE = (
    "authentication failed",
    "could not read username",
    "403",
    "401",
    "not found",
    "permission denied",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a repository is fetched from."""

    repository: str  # as the user wrote it: `owner/name`
    where: str  # a URL, or an absolute path
    token: str = ""
    is_mirror: bool = False
    token_hint: str = ""  # what to do when it asks who we are

    @property
    def needs_network(self) -> bool:
        """Whether it is not simply a folder of this machine."""
        return not is_folder(self.where) and not self.where.startswith("file://")

    @property
    def shown(self) -> str:
        """The place for messages, without a password."""
        return without_password(self.where)


def is_folder(where: str) -> bool:
    """Whether a place is a path, and no URL or `host:path`."""
    return not _IS_URL.match(where) and (where.startswith(("/", ".", "~")) or not _IS_SCP.match(where))


def without_password(where: str) -> str:
    """A URL as it may be shown."""
    if not _IS_URL.match(where):
        return where
    parts = urlsplit(where)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class RemoteGit:
    """Asks origins. Calls may overlap. Raises HostError when an origin does not answer, UserError when it has not what is asked.

    `timeout_s` limits each command; `stop` ends one early.
    """

    def __init__(self, folder: str, *, timeout_s: float = 60.0) -> None:
        """`folder`: an existing one to run in, not in a repository of somebody else."""
        self._folder = folder
        self._timeout_s = timeout_s

    def resolve(self, origin: Origin, ref: str, stop: Callable[[], bool] = lambda: False) -> str:
        """The commit that a tag, else a branch, names now. Tags come first, as in git's own rules."""
        names = [ref] if ref.startswith("refs/") else [f"refs/tags/{ref}", f"refs/heads/{ref}"]
        patterns = [pattern for name in names for pattern in (name, f"{name}^{{}}")]
        done = self._ask(origin, ["ls-remote", "--", _place(origin), *patterns], stop)
        found: dict[str, str] = {}
        for line in done.stdout.decode(errors="replace").splitlines():
            sha, _, name = line.partition("\t")
            found[name] = sha
        for name in names:
            if (sha := found.get(f"{name}^{{}}") or found.get(name, "")) and _SHA.fullmatch(sha):
                return sha
        raise UserError(
            f"`{origin.repository}` has no tag or branch `{ref}` at {origin.shown}",
            hint=f"`git ls-remote {origin.shown}` lists what it has",
        )

    def fetch(self, origin: Origin, sha: str, git_dir: str, stop: Callable[[], bool] = lambda: False) -> None:
        """Brings one commit and its files into the new bare repository `git_dir`."""
        make_bare(git_dir, sha)
        words = ["--git-dir", git_dir, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"]
        done = self._run(origin, [*words, "--", _place(origin), sha], stop)
        if done.exit_code:
            message = done.stderr.decode(errors="replace")
            if "not our ref" in message or "couldn't find remote ref" in message:
                raise UserError(
                    f"`{origin.repository}` has no commit {sha} at {origin.shown}",
                    hint="is it of another repository, or was it removed? choose another commit or a tag",
                )
            raise _failure(origin, done, self._timeout_s)

    def _ask(self, origin: Origin, words: list[str], stop: Callable[[], bool]) -> Completed:
        done = self._run(origin, words, stop)
        if done.exit_code:
            raise _failure(origin, done, self._timeout_s)
        return done

    def _run(self, origin: Origin, words: list[str], stop: Callable[[], bool]) -> Completed:
        argv = ["git", *_OPTIONS, *words]
        env = git_environment() | _token_variables(origin)
        return run_stoppable(argv, cwd=self._folder, env=env, timeout_s=self._timeout_s, stop=stop)


def git_environment() -> dict[str, str]:
    """What git inherits: the user's own configuration, proxies and credential helpers, but no questions."""
    return {**tool_environment(), "GIT_ASKPASS": "true", "SSH_ASKPASS": "true", "GCM_INTERACTIVE": "never"}


def make_bare(git_dir: str, sha: str) -> None:
    """An empty bare repository for commits with ids such as `sha`, without the work of `git init`."""
    os.makedirs(f"{git_dir}/objects")
    os.makedirs(f"{git_dir}/refs")
    os.makedirs(f"{git_dir}/info")
    is_sha1 = len(sha) == 40
    config = f"[core]\n\trepositoryformatversion = {0 if is_sha1 else 1}\n\tbare = true\n"
    if not is_sha1:
        config += "[extensions]\n\tobjectformat = sha256\n"
    for name, text in (
        ("HEAD", "ref: refs/heads/main\n"),
        ("config", config),
        # the bytes as they were committed: no line endings changed, no program run
        ("info/attributes", "* -text -eol -ident -filter -working-tree-encoding\n"),
    ):
        with open(f"{git_dir}/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _place(origin: Origin) -> str:
    """What git is told. Raises HostError for a folder that is not there."""
    where = origin.where
    if not is_folder(where):
        return where
    for path in (where, f"{where}.git"):
        if os.path.isdir(path):
            return path
    raise HostError(
        f"the mirror of `{origin.repository}` is not there: `{where}`",
        hint="see `[actions.mirrors]` in skep.toml; is a disk not mounted?",
    )


def _token_variables(origin: Origin) -> dict[str, str]:
    if not origin.token or not origin.where.startswith(("https://", "http://")):
        return {}
    word = base64.b64encode(f"x-access-token:{origin.token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{origin.where}.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {word}",
    }


def _failure(origin: Origin, done: Completed, timeout_s: float) -> HostError:
    what = f"`{origin.repository}` cannot be fetched from {origin.shown}"
    if done.timed_out:
        return HostError(
            f"{what}: no answer within {timeout_s:g} s",
            hint="raise `timeout_s` in `[actions]` of skep.toml, or name a nearer place in `[actions.mirrors]`",
        )
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    said = next(
        (line for line in lines if line.startswith("fatal:")), lines[0] if lines else "no reason given"
    )
    said = said.removeprefix("fatal: ").replace(origin.where, origin.shown)
    if any(word in said.lower() for word in _PRIVATE):
        hint = f"does it exist? is it private? {origin.token_hint}"
    elif "dubious ownership" in said:
        hint = (
            f"another user owns it; if you trust it: git config --global --add safe.directory {origin.shown}"
        )
    else:
        hint = "is there a network? `skep actions mirror DIR` makes copies for work without one"
    return HostError(f"{what}: {said}", hint=hint)
