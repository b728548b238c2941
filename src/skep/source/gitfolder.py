"""A private `.git` for workspaces: HEAD, refs and index as the user's, objects by reference, and nothing that acts.

No hooks, aliases, credentials, credential helpers, includes or filters of the user come along: only configuration that
says how files and index relate, and where remotes and branches are. The index is the user's own, byte for byte; its
stamps fit because workspace files keep size and mtime, and `core.checkStat=minimal` compares no more than those.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from skep.host.process import Completed, StartedCommand, tool_environment
from skep.model.errors import HostError

from .listing import GitPlace, find_git

KEPT_REFS = ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/pull/", "refs/notes/")
KEPT_SETTINGS = re.compile(
    r"core\.(autocrlf|eol|safecrlf|filemode|symlinks|ignorecase|precomposeunicode|repositoryformatversion"
    r"|sparsecheckout|sparsecheckoutcone|attributesfile|longpaths)"
    r"|extensions\.(objectformat|partialclone|compatobjectformat)|index\.sparse"
    r"|remote\..+\.(url|fetch|promisor|partialclonefilter|tagopt)|branch\..+\.(remote|merge)",
    re.DOTALL,
)
OWN_SETTINGS = (
    ("core.bare", "false"),
    ("core.logallrefupdates", "true"),
    ("core.checkstat", "minimal"),
    ("core.trustctime", "false"),
    ("core.fsmonitor", "false"),
    ("core.untrackedcache", "false"),
    ("gc.auto", "0"),
)
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """What the user's repository says now."""

    sha: str  # of HEAD; '' before the first commit
    ref: str  # HEAD's branch as refs/heads/x; '' when HEAD is detached
    refs: tuple[tuple[str, str, str], ...]  # (sha, name, '' or the ref it points to)
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalGit:
    """A repository on this machine, and what it says of itself now."""

    place: GitPlace
    state: GitState


def read_local_git(root: str) -> LocalGit | None:
    """The repository whose top is `root`; None when that is no top of a work tree. Raises UserError, HostError."""
    place = find_git(root)
    if place is None or place.prefix:
        return None
    return LocalGit(place=place, state=GitReading(place).finish())


class GitReading:
    """Git's answers about a repository, asked for at once; `finish` waits for them."""

    def __init__(self, place: GitPlace) -> None:
        self._place = place
        self._refs = _start(place, "for-each-ref", "--format=%(objectname)%00%(refname)%00%(symref)")
        self._settings = _start(place, "config", "--list", "-z")

    def finish(self) -> GitState:
        """The answers. Raises HostError when git fails."""
        refs, settings = self._refs.finish(), self._settings.finish()
        for answer in (refs, settings):
            if answer.exit_code != 0:
                raise HostError(f"git cannot read {self._place.root}: {answer.complaint}")
        known = {name: sha for sha, name, _ in _all_refs(refs)}
        ref, sha = _head(self._place)
        return GitState(
            sha=sha or known.get(ref, ""),
            ref=ref,
            refs=tuple(entry for entry in _all_refs(refs) if entry[1].startswith(KEPT_REFS)),
            settings=tuple(_read_settings(settings)),
        )


def _start(place: GitPlace, *arguments: str) -> StartedCommand:
    return StartedCommand(["git", *arguments], cwd=place.root, env=tool_environment())


def _head(place: GitPlace) -> tuple[str, str]:
    """The ref that HEAD names and '', or '' and the commit that it holds."""
    try:
        with open(os.path.join(place.git_dir, "HEAD"), encoding="utf-8", errors="surrogateescape") as file:
            text = file.read().strip()
    except OSError:
        return "", ""
    if text == "ref: refs/heads/.invalid":  # the reftable format keeps HEAD elsewhere
        symbolic = _start(place, "symbolic-ref", "-q", "HEAD").finish()
        if symbolic.exit_code != 0:
            return "", os.fsdecode(
                _start(place, "rev-parse", "-q", "--verify", "HEAD").finish().stdout
            ).strip()
        return os.fsdecode(symbolic.stdout).strip(), ""
    return (text[5:].strip(), "") if text.startswith("ref: ") else ("", text)


def _all_refs(answer: Completed) -> Iterable[tuple[str, str, str]]:
    for line in os.fsdecode(answer.stdout).split("\n"):
        sha, _, rest = line.partition("\0")
        name, _, symbolic = rest.partition("\0")
        if name:
            yield sha, name, symbolic


def _read_settings(answer: Completed) -> Iterable[tuple[str, str]]:
    for entry in os.fsdecode(answer.stdout).split("\0"):
        key, _, value = entry.partition("\n")
        if key and KEPT_SETTINGS.fullmatch(key):
            yield key, without_credentials(value) if key.endswith(".url") else value


def without_credentials(url: str) -> str:
    """A remote's address without the user name and password in it. `git@host:path` and `ssh://git@host` keep the user."""
    found = re.match(r"([a-z][a-z0-9+.-]*)://([^/?#]*)@", url, re.IGNORECASE)
    if found is None:
        return url
    user = found.group(2).partition(":")[0]
    kept = f"{user}@" if found.group(1).lower() in ("ssh", "git+ssh", "ssh+git") else ""
    return f"{found.group(1)}://{kept}{url[found.end() :]}"


def write_git_folder(target: str, place: GitPlace, state: GitState, *, with_index: bool = True) -> None:
    """Makes the `.git` folder `target`, which must not exist. Raises OSError."""
    for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        os.makedirs(os.path.join(target, folder))
    _write(target, "HEAD", f"ref: {state.ref}\n" if state.ref else f"{state.sha}\n")
    _write(target, "config", config_text([*_versions(state), *state.settings, *OWN_SETTINGS]))
    _write(
        target,
        "packed-refs",
        "".join(f"{sha} {name}\n" for sha, name, points_to in state.refs if not points_to),
    )
    for _, name, points_to in state.refs:
        if points_to:
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            _write(target, name, f"ref: {points_to}\n")
    _write(target, "objects/info/alternates", alternate_line(os.path.join(place.common_dir, "objects")))
    _copy(os.path.join(place.common_dir, "shallow"), os.path.join(target, "shallow"))
    _copy(
        os.path.join(place.git_dir, "info", "sparse-checkout"),
        os.path.join(target, "info", "sparse-checkout"),
    )
    if with_index:
        _copy_index(place.git_dir, target)


def _versions(state: GitState) -> list[tuple[str, str]]:
    has_version = any(key == "core.repositoryformatversion" for key, _ in state.settings)
    return [] if has_version else [("core.repositoryformatversion", "0")]


def _copy_index(git_dir: str, target: str) -> None:
    """The index and what it shares. Its mtime loses the fraction, so that git sees races of a whole second."""
    index = os.path.join(target, "index")
    if not _copy(os.path.join(git_dir, "index"), index):
        return
    seconds = os.stat(index).st_mtime_ns // SECOND_NS * SECOND_NS
    os.utime(index, ns=(seconds, seconds))
    for name in os.listdir(git_dir):
        if name.startswith("sharedindex."):
            _copy(os.path.join(git_dir, name), os.path.join(target, name))


def _copy(source: str, target: str) -> bool:
    try:
        shutil.copy2(source, target)
    except FileNotFoundError:
        return False
    return True


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "wb") as file:
        file.write(os.fsencode(text))


def alternate_line(path: str) -> str:
    """A line of `objects/info/alternates`; quoted where the path would be read as something else."""
    if path.startswith(('"', "#")) or "\n" in path:
        path = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return path + "\n"


def config_text(settings: Iterable[tuple[str, str]]) -> str:
    """Settings as a git configuration file; the same key may stand several times."""
    lines = []
    for key, value in settings:
        section, _, name = key.rpartition(".")
        section, _, sub = section.partition(".")
        head = f'[{section} "{_escape(sub)}"]' if sub else f"[{section}]"
        lines.append(f'{head}\n\t{name} = "{_escape(value)}"\n')
    return "".join(lines)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
