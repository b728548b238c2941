"""What a push or a pull request of this work tree, as it is now, would be: who, where, and which files changed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from skep.model.errors import UserError

from .git import Commit, Git

NO_COMMIT = "0" * 40
MAX_COMMITS = 20  # that a push payload lists
_FALLBACK_BRANCH = "main"
_LISTED_BRANCHES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """What one work tree says of itself. Outside git, and before the first commit, `sha` is 40 zeros."""

    root: str
    is_git: bool
    sha: str
    branch: str  # '' when HEAD is detached
    default_branch: str
    owner: str  # `local` without a remote that has one
    name: str
    actor: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed between a commit and the work tree."""

    before: str  # 40 zeros: there is nothing before
    paths: tuple[str, ...] | None  # below the root; None: cannot be known
    commits: tuple[Commit, ...] = ()  # oldest first, the last MAX_COMMITS
    base_sha: str = ""  # of a pull request: the target branch's commit
    why: str = ""  # one sentence, how `before` was found, or why `paths` is not known


def read_repository(git: Git, *, user: str = "") -> Repository:
    """The facts of the work tree at `git.root`. `user` is the actor when git knows none."""
    folder = _clean(os.path.basename(os.path.abspath(git.root))) or "project"
    if not git.is_repository():
        return Repository(
            root=git.root,
            is_git=False,
            sha=NO_COMMIT,
            branch=_FALLBACK_BRANCH,
            default_branch=_FALLBACK_BRANCH,
            owner="local",
            name=folder,
            actor=user or "local",
            email="",
        )
    branch, settings = git.branch(), git.settings()
    remote = _remote(settings, branch)
    owner, name = owner_and_name(git.ask("remote", "get-url", remote)) if remote else ("", "")
    return Repository(
        root=git.root,
        is_git=True,
        sha=git.resolve("HEAD") or NO_COMMIT,
        branch=branch,
        default_branch=_default_branch(git, settings, remote, branch),
        owner=owner or "local",
        name=name if owner else folder,
        actor=settings.get("github.user") or settings.get("user.name") or user or "local",
        email=settings.get("user.email", ""),
    )


def pushed_changes(git: Git, repository: Repository) -> Changes:
    """What pushing the work tree now would bring.

    Before is the merge base with the upstream branch, else the parent of HEAD, else the empty tree. When nothing waits to
    be pushed and the work tree is clean, it is the parent of HEAD too: the push that was.
    """
    if not repository.is_git:
        return Changes(before=NO_COMMIT, paths=None, why="this is not a git repository")
    if repository.sha == NO_COMMIT:
        return Changes(
            before=NO_COMMIT, paths=git.changed_files(git.empty_tree()), why="there is no commit yet"
        )
    upstream = git.upstream()
    base = git.merge_base(upstream, repository.sha) if upstream else ""
    if base:
        paths = git.changed_files(base)
        if paths or base != repository.sha:
            commits = _range(git, f"{base}..{repository.sha}")
            return Changes(before=base, paths=paths, commits=commits, why="since the upstream branch")
    return _since_parent(git, repository.sha)


def pull_request_changes(git: Git, repository: Repository, base: str) -> Changes:
    """What a pull request into `base` would bring: merge base to work tree. '' means the default branch, as far as it exists.

    Raises UserError when a base that was given does not exist.
    """
    if not repository.is_git:
        return Changes(before=NO_COMMIT, paths=None, why="this is not a git repository")
    wanted = base or repository.default_branch
    base_sha = next((sha for sha in map(git.resolve, _spellings(git, wanted)) if sha), "")
    if not base_sha and base:
        branches = [*git.refs("refs/heads"), *git.refs("refs/remotes")][:_LISTED_BRANCHES]
        hint = "branches: " + ", ".join(f"`{name}`" for name in branches) if branches else ""
        raise UserError(f"there is no branch or commit `{base}`", hint=hint)
    if not base_sha or repository.sha == NO_COMMIT:
        return Changes(
            before=NO_COMMIT, paths=None, base_sha=base_sha, why=f"branch `{wanted}` does not exist here"
        )
    before = git.merge_base(base_sha, repository.sha)
    if not before:
        why = f"`{wanted}` and HEAD have no common commit here"
        return Changes(before=NO_COMMIT, paths=None, base_sha=base_sha, why=why)
    return Changes(
        before=before,
        paths=git.changed_files(before),
        commits=_range(git, f"{base_sha}..{repository.sha}"),
        base_sha=base_sha,
        why=f"since the merge base with `{wanted}`",
    )


def branch_name(base: str) -> str:
    """The short branch name of what a user wrote: `main` of `main`, `origin/main`, `refs/heads/main`."""
    for prefix in ("refs/heads/", "refs/remotes/origin/", "origin/", "upstream/"):
        if base.startswith(prefix) and len(base) > len(prefix):
            return base.removeprefix(prefix)
    return base


def full_ref(git: Git, repository: Repository, ref: str) -> str:
    """The full name of a ref as a user writes it: an existing tag, else a branch, existing or not."""
    if not ref:
        return f"refs/heads/{repository.branch or repository.default_branch}"
    if ref.startswith("refs/"):
        return ref
    is_branch = repository.is_git and git.resolve(f"refs/heads/{ref}")
    if repository.is_git and not is_branch and git.resolve(f"refs/tags/{ref}"):
        return f"refs/tags/{ref}"
    return f"refs/heads/{ref}"


_SCP_LIKE = re.compile(r"^(?:[^@/]+@)?[^:/\\]{2,}:(?!//)(?P<path>.+)$")
_URL = re.compile(r"^(?:https?|ssh|git|git\+ssh)://[^/]+/(?P<path>.+)$", re.IGNORECASE)


def owner_and_name(url: str) -> tuple[str, str]:
    """Owner and name of a remote's URL; ('', '') for a path on this machine, which has no owner."""
    match = _URL.match(url) or _SCP_LIKE.match(url)
    if match is None:
        return "", ""
    parts = [part for part in match["path"].split("?")[0].split("/") if part]
    if len(parts) < 2:
        return "", ""
    return _clean(parts[-2]), _clean(parts[-1].removesuffix(".git"))


def _since_parent(git: Git, head: str) -> Changes:
    commits = git.commits([head], 1)
    parents = commits[0].parents if commits else ()
    if parents:
        return Changes(
            before=parents[0],
            paths=git.changed_files(parents[0]),
            commits=commits,
            why="since the commit before",
        )
    if git.is_shallow():
        return Changes(
            before=NO_COMMIT,
            paths=None,
            commits=commits,
            why="the clone is shallow: HEAD's parent is not here",
        )
    paths = git.changed_files(git.empty_tree())
    return Changes(before=NO_COMMIT, paths=paths, commits=commits, why="this is the first commit")


def _range(git: Git, revisions: str) -> tuple[Commit, ...]:
    return tuple(reversed(git.commits([revisions], MAX_COMMITS)))


def _spellings(git: Git, base: str) -> tuple[str, ...]:
    if base.startswith("refs/"):
        return (base,)
    return (
        f"refs/heads/{base}",
        *(f"refs/remotes/{remote}/{base}" for remote in _remotes(git.settings())),
        base,
    )


def _remote(settings: Mapping[str, str], branch: str) -> str:
    configured = settings.get(f"branch.{branch}.remote", "") if branch else ""
    if configured and configured != ".":
        return configured
    remotes = _remotes(settings)
    if "origin" in remotes:
        return "origin"
    return remotes[0] if remotes else ""


def _remotes(settings: Mapping[str, str]) -> tuple[str, ...]:
    names = (name[len("remote.") :].rpartition(".")[0] for name in settings if name.startswith("remote."))
    return tuple(sorted({name for name in names if name}))


def _default_branch(git: Git, settings: Mapping[str, str], remote: str, branch: str) -> str:
    if remote:
        target = git.ask("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
        prefix = f"refs/remotes/{remote}/"
        if target.startswith(prefix):
            return target.removeprefix(prefix)
    configured = settings.get("init.defaultbranch", "")
    for name in filter(None, (configured, "main", "master")):
        if git.resolve(f"refs/heads/{name}") or (remote and git.resolve(f"refs/remotes/{remote}/{name}")):
            return name
    return branch or configured or _FALLBACK_BRANCH


def _clean(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-")
