"""One git work tree, asked through plumbing commands. Synchronous; every answer is read fresh.

git never prompts, never takes optional locks, and runs no hook, alias, external diff or fsmonitor of the user. Paths are
text with `surrogateescape`, relative to the root given, which may be a folder inside the work tree.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from skep.host.process import LIMIT_S, Completed, run_sync
from skep.model.errors import HostError, UserError

_QUIET = (
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.quotePath=false",
    "-c", "diff.external=",
    "-c", "gc.auto=0",
)  # fmt: skip
_LOCAL_VARIABLES = (  # set when git itself started us, as in a hook: they name its repository, not ours
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
)  # fmt: skip
_FILTERS = r"^filter\..*\.(clean|process)$"
_HASH_LIMIT_S = 600.0  # for all files that were touched
_FIELDS = 7  # of one record of `commits`
_SHA1_DIGITS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit, as much of it as events tell."""

    sha: str
    tree: str
    author_name: str
    author_email: str
    committed_at: str  # ISO 8601 with the committer's offset
    message: str
    parents: tuple[str, ...]


class Git:
    """Questions to the repository that holds `root`.

    Every method raises HostError when git itself fails; a question without an answer gives '' or None.
    """

    def __init__(self, root: str, environment: Mapping[str, str]) -> None:
        """`environment` is what git inherits: HOME and PATH of the user, whose settings count."""
        self.root = root
        self._env = {name: value for name, value in environment.items() if name not in _LOCAL_VARIABLES}
        self._env |= {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_PAGER": "cat",
            "LC_ALL": "C",
        }
        self._env |= {"GIT_ASKPASS": "true", "GIT_NO_LAZY_FETCH": "1"}

    def ask(self, *arguments: str) -> str:
        """What a plumbing command prints, without blanks at its ends; '' when it fails."""
        done = self._run(*arguments)
        return _text(done.stdout).strip() if done.exit_code == 0 else ""

    def settings(self) -> dict[str, str]:
        """All of git's configuration that holds here, by name with section and key in lower case; the last value wins."""
        done = self._run("config", "--list", "-z")
        pairs = (_text(entry).partition("\n") for entry in done.stdout.split(b"\0") if entry)
        return {_setting_name(name): value for name, _, value in pairs}

    def is_repository(self) -> bool:
        """Whether the root lies in a git work tree.

        Raises UserError when there is one that git refuses to read, such as another user's.
        """
        done = self._run("rev-parse", "--is-inside-work-tree")
        if done.exit_code == 0:
            return done.stdout.strip() == b"true"
        message = _text(done.stderr)
        if "dubious ownership" in message or "unsafe repository" in message:
            hint = f"if you trust it: git config --global --add safe.directory {self.root}"
            raise UserError(f"git refuses to read `{self.root}`: another user owns it", hint=hint)
        if "not a git repository" in message:
            return False
        raise UserError(f"git cannot read `{self.root}`: {_first_line(message)}")

    def resolve(self, revision: str) -> str:
        """The full id of the commit a revision names, such as HEAD; '' when it names none, as before the first commit."""
        if not revision or revision.startswith("-"):
            return ""
        return self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")

    def branch(self) -> str:
        """The branch HEAD is on, also before its first commit; '' when detached."""
        return self.ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def upstream(self) -> str:
        """The commit of the branch's upstream; '' without one."""
        return self.resolve("@{upstream}") if self.branch() else ""

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor of two commits; '' when there is none, or a shallow clone lacks it."""
        return self.ask("merge-base", one, other).partition("\n")[0]

    def refs(self, prefix: str) -> tuple[str, ...]:
        """The short names of the refs below `refs/heads`, `refs/remotes` or `refs/tags`."""
        return tuple(self.ask("for-each-ref", "--format=%(refname:short)", prefix).splitlines())

    def empty_tree(self) -> str:
        """The id of the tree without files, in the repository's own hash."""
        return _text(self._must("hash-object", "-t", "tree", "--stdin").stdout).strip()

    def is_shallow(self) -> bool:
        """Whether history was cut off when the repository was cloned."""
        return self.ask("rev-parse", "--is-shallow-repository") == "true"

    def changed_files(self, before: str) -> tuple[str, ...]:
        """The files that differ between a commit or tree and the work tree, untracked and not ignored ones included.

        Sorted. Renames count as one file gone and one new. Only files below the root, relative to it.
        """
        off = self._no_own_filters()
        tracked = self._must(
            "diff-index", "--raw", "-z", "--no-abbrev", "--no-renames", "--ignore-submodules=dirty", "--relative",
            before, "--", settings=off,
        )  # fmt: skip
        entries = [_entry(*pair) for pair in _pairs(tracked.stdout)]
        touched = [entry for entry in entries if entry.maybe_equal]
        changed = {entry.path for entry in entries} - self._unchanged(touched, off)
        untracked = self._must("ls-files", "--others", "--exclude-standard", "-z").stdout.split(b"\0")
        # an untracked repository inside this one is listed as `folder/`: what is in it is not ours
        changed |= {os.fsdecode(name) for name in untracked if name and not name.endswith(b"/")}
        return tuple(sorted(changed))

    def _unchanged(self, entries: Sequence[_Entry], off: Mapping[str, str]) -> set[str]:
        """Those of the entries whose content is what it was; `git diff` would find out too, but write the index for it."""
        links = [entry for entry in entries if entry.is_link]
        same = {entry.path for entry in links if self._link_digest(entry) == entry.digest}
        files = [entry for entry in entries if not entry.is_link]
        if not files:
            return same
        paths = b"".join(os.fsencode(entry.path) + b"\n" for entry in files)
        done = self._run("hash-object", "--stdin-paths", stdin=paths, settings=off, timeout_s=_HASH_LIMIT_S)
        digests = done.stdout.decode("ascii").split()
        if done.exit_code != 0 or len(digests) != len(files):
            return same  # a file went away meanwhile: then it has changed
        return same | {
            entry.path for entry, digest in zip(files, digests, strict=True) if entry.digest == digest
        }

    def _no_own_filters(self) -> dict[str, str]:
        """What switches off the filters that the repository's own configuration names: to look at a repository that came
        in an archive must not run its programs. Those of the user stay.
        """
        done = self._run("config", "--show-scope", "--name-only", "-z", "--get-regexp", _FILTERS)
        fields = os.fsdecode(done.stdout).split("\0")
        return {
            name: ""
            for scope, name in zip(fields[::2], fields[1::2], strict=False)
            if scope in ("local", "worktree")
        }

    def _link_digest(self, entry: _Entry) -> str:
        try:
            target = os.fsencode(os.readlink(os.path.join(self.root, entry.path)))
        except OSError:
            return ""
        blob = b"blob %d\0" % len(target) + target
        return hashlib.new("sha1" if len(entry.digest) == _SHA1_DIGITS else "sha256", blob).hexdigest()

    def commits(self, revisions: Sequence[str], limit: int) -> tuple[Commit, ...]:
        """The commits that `git log` shows for these revisions, newest first."""
        done = self._run(
            "log", "-z", "--no-show-signature", f"--max-count={limit}", "--date=iso-strict",
            "--format=%H%x1f%T%x1f%an%x1f%ae%x1f%cI%x1f%P%x1f%B", "--end-of-options", *revisions, "--",
        )  # fmt: skip
        if done.exit_code != 0:
            return ()
        return tuple(_commit(record) for record in _text(done.stdout).split("\0") if record)

    def _must(self, *arguments: str, settings: Mapping[str, str] | None = None) -> Completed:
        done = self._run(*arguments, settings=settings)
        if done.exit_code != 0:
            raise HostError(f"`git {arguments[0]}` failed: {_first_line(_text(done.stderr))}")
        return done

    def _run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        settings: Mapping[str, str] | None = None,
        timeout_s: float = LIMIT_S,
    ) -> Completed:
        env = _with_settings(self._env, settings) if settings else self._env
        argv = ("git", *_QUIET, *arguments)
        return run_sync(argv, cwd=self.root, env=env, input=stdin or None, timeout_s=timeout_s)


def _with_settings(env: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """An environment with settings for git. As options (`-c`) names with `=` could not be written."""
    given = env.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    changed = {**env, "GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (name, value) in enumerate(settings.items(), start=first):
        changed |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return changed


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of `diff-index --raw`."""

    path: str
    digest: str  # before
    maybe_equal: bool  # the file was touched; whether its content changed git has not looked
    is_link: bool


def _entry(head: bytes, name: bytes) -> _Entry:
    old_mode, mode, old, new, status = head.decode("ascii").removeprefix(":").split(" ")
    path = os.fsdecode(name)
    touched = (
        status == "M" and mode == old_mode and not new.strip("0") and mode in ("100644", "100755", "120000")
    )
    # `hash-object` reads one path a line, and takes a leading quote for quoting
    return _Entry(path, old, touched and "\n" not in path and not path.startswith('"'), mode == "120000")


def _pairs(output: bytes) -> Iterator[tuple[bytes, bytes]]:
    fields = output.split(b"\0")[:-1]
    return zip(fields[::2], fields[1::2], strict=True)


def _commit(record: str) -> Commit:
    sha, tree, name, email, when, parents, message = record.split("\x1f", _FIELDS - 1)
    return Commit(
        sha=sha,
        tree=tree,
        author_name=name,
        author_email=email,
        committed_at=when,
        parents=tuple(parents.split()),
        message=message.rstrip("\n"),
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _first_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0].removeprefix("fatal: ") if lines else "no reason given"


def _setting_name(name: str) -> str:
    section, _, rest = name.partition(".")
    subsection, dot, key = rest.rpartition(".")
    return f"{section.lower()}.{subsection}{dot}{key.lower()}"
