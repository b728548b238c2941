"""What a `uses` of another repository stands for in one run: policy, lock, mirrors and store put together.

| in skep.lock | then |
|---|---|
| yes | that commit, and its files must be those that were locked; no network when it is here |
| no, a whole commit id | that commit; no network when it is here |
| no, a tag or branch | its origin is asked which commit that is now; offline: the commit it was when last asked |
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from skep.host.files import read_regular
from skep.model.errors import HostError, SkepError, UserError
from skep.pipeline.actions.lock import LOCK_FILE, Lock, Locked
from skep.pipeline.actions.manifest import read_action
from skep.pipeline.actions.remote import RemotePolicy, RemoteReference, parse_reference, refusal
from skep.pipeline.ports import FetchedAction
from skep.source.actions import ActionStore, StoredCommit
from skep.source.remote_git import Origin, is_folder

from .background import in_thread

_AT_ONCE = 8
_SHORT = 12
_WORKFLOW_BYTES = 1 << 20
_ACTION_BYTES = 2 << 20
_HINT_OFFLINE = (
    "run `skep actions lock` once with a network, or serve it from a folder: `[actions.mirrors]` in skep.toml"
)

Stop = Callable[[], bool]


class NotAsLocked(UserError):  # noqa: N818  what happened
    """A commit or its files are not those of skep.lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What a shelf is made of."""

    store: ActionStore
    policy: RemotePolicy
    lock: Lock
    origin: Callable[[str], Origin]  # of `owner/name`


@dataclass(slots=True)
class _Answer:
    """What one `uses` came to: kept for the whole run, so that all its jobs see the same."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    fetched: FetchedAction | None = None
    error: SkepError | None = None


class RemoteShelf:
    """Implements `ports.RemoteActions`. Threads may share it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._answers: dict[str, _Answer] = {}
        self._guard = threading.Lock()

    def problem(self, uses: str) -> str | None:
        """Why it cannot be had, as far as that is known without asking anybody; None when nothing is known against it."""
        known = self._answers.get(uses.strip())
        if known is not None and known.error is not None:
            return _with_hint(known.error)
        if known is not None and known.fetched is not None:
            return _container_problem(known.fetched)
        try:
            reference = self._allowed(uses)
            self._check_reach(reference)
        except SkepError as error:
            return _with_hint(error)
        return None

    async def fetch(self, uses: str) -> FetchedAction:
        """Its files. Raises UserError, HostError."""
        return await in_thread(lambda stop: self.obtain(uses, stop))

    def obtain(self, uses: str, stop: Stop = lambda: False) -> FetchedAction:
        """As `fetch`, waiting."""
        uses = uses.strip()
        with self._guard:
            answer = self._answers.setdefault(uses, _Answer())
        with answer.lock:
            if answer.fetched is None and answer.error is None:
                try:
                    answer.fetched = self._obtain(uses, stop)
                except SkepError as error:
                    if stop():
                        raise
                    answer.error = error
            if answer.error is not None:
                raise type(answer.error)(
                    str(answer.error), hint=answer.error.hint, where=answer.error.where
                ) from answer.error
            assert answer.fetched is not None
            return answer.fetched

    def obtain_all(self, wanted: list[str], stop: Stop = lambda: False) -> Mapping[str, SkepError]:
        """Fetches many at once; what failed, and why. `obtain` and `problem` then know the answers."""

        def one(uses: str) -> tuple[str, SkepError | None]:
            try:
                self.obtain(uses, stop)
            except SkepError as error:
                return uses, error
            return uses, None

        unique = list(dict.fromkeys(wanted))
        if len(unique) <= 1:
            found = [one(uses) for uses in unique]
        else:
            with ThreadPoolExecutor(min(_AT_ONCE, len(unique))) as pool:
                found = list(pool.map(one, unique))
        return {uses: error for uses, error in found if error is not None}

    def at_hand(self, uses: str) -> FetchedAction | None:
        """What is on this machine already, or in a mirror that is a folder of it; None otherwise."""
        known = self._answers.get(uses.strip())
        if known is not None and (known.fetched is not None or known.error is not None):
            return known.fetched
        try:
            reference = self._allowed(uses)
        except SkepError:
            return None
        sha = self._fixed(reference)
        if (sha and self._is_here(reference, sha)) or not self._shelf.origin(
            reference.repository
        ).needs_network:
            try:
                return self.obtain(uses)
            except SkepError:
                return None  # `problem` tells
        return None

    def knows(self, uses: str) -> bool:
        """Whether it was asked for in this run already, well or ill."""
        return uses.strip() in self._answers

    @property
    def parts(self) -> Shelf:
        """What it is made of, for those who look after the store and the lock."""
        return self._shelf

    @property
    def policy(self) -> RemotePolicy:
        """What the project allows."""
        return self._shelf.policy

    def locked(self, reference: RemoteReference) -> Locked | None:
        """The lock's entry for a reference."""
        return self._shelf.lock.get(str(reference))

    # --- one reference -----------------------------------------------------------------------------------------------
    def _allowed(self, uses: str) -> RemoteReference:
        reference = parse_reference(uses)
        if reference is None:
            raise UserError(
                f"`{uses.strip()}` names no action of another repository",
                hint="write `owner/name[/path]@ref`; the path may not leave the repository",
            )
        refused = refusal(reference, self._shelf.policy, locked=self.locked(reference) is not None)
        if refused is not None:
            raise UserError(refused.reason, hint=refused.hint)
        return reference

    def _check_reach(self, reference: RemoteReference) -> None:
        """Raises when neither the store has it nor its origin can be asked, without asking."""
        shelf = self._shelf
        fixed = self._fixed(reference)
        sha = fixed or shelf.store.remembered(reference.repository, reference.ref)
        if fixed and self._is_here(reference, sha):
            return
        origin = shelf.origin(reference.repository)
        if not origin.needs_network:
            where = origin.where
            if is_folder(where) and not (os.path.isdir(where) or os.path.isdir(f"{where}.git")):
                raise HostError(
                    f"the mirror of `{reference.repository}` is not there: `{where}`",
                    hint="see `[actions.mirrors]` in skep.toml; is a disk not mounted?",
                )
        elif shelf.policy.offline and not self._is_here(reference, sha):
            raise UserError(
                f"`{reference}` is not on this machine, and Skep works offline", hint=_HINT_OFFLINE
            )

    def _fixed(self, reference: RemoteReference) -> str:
        """The commit that lock or ref fix; '' when the origin must be asked."""
        locked = self.locked(reference)
        if locked is not None:
            return locked.sha
        return reference.ref.lower() if reference.is_sha else ""

    def _is_here(self, reference: RemoteReference, sha: str) -> bool:
        return bool(sha) and self._shelf.store.find(reference.repository, sha) is not None

    def _obtain(self, uses: str, stop: Stop) -> FetchedAction:
        reference = self._allowed(uses)
        self._check_reach(reference)
        store = self._shelf.store
        notes: list[str] = []
        origin = self._shelf.origin(reference.repository)
        locked = self.locked(reference)
        if locked is not None and reference.is_sha and reference.ref.lower() != locked.sha:
            raise _mismatch(reference, "commit", locked.sha, reference.ref.lower())
        sha = self._fixed(reference)
        if not sha:
            sha, notes = self._resolve(reference, origin, stop)
        try:
            commit = store.find(reference.repository, sha) or store.obtain(origin, sha, stop)
        except UserError as error:
            if locked is None or reference.is_sha:
                raise
            raise self._moved(reference, origin, locked, error, stop) from error
        if locked is not None and commit.tree != locked.tree:
            raise _mismatch(reference, "tree", locked.tree, commit.tree)
        return self._fetched(reference, commit, notes)

    def _resolve(self, reference: RemoteReference, origin: Origin, stop: Stop) -> tuple[str, list[str]]:
        """Which commit a tag or branch is now, and what to say of that."""
        store, before = self._shelf.store, self._shelf.store.remembered(reference.repository, reference.ref)
        if self._shelf.policy.offline and origin.needs_network:
            return before, [
                f"offline: `{reference.ref}` is taken as {before[:_SHORT]}, as when it was last asked for"
            ]
        sha = store.resolve(origin, reference.ref, stop)
        notes = [f"not in {LOCK_FILE}: `{reference.ref}` is {sha} now; `skep actions lock` keeps it so"]
        if before and before != sha:
            notes.append(f"`{reference.ref}` was moved: it was {before} when it was last used here")
        return sha, notes

    def _moved(
        self, reference: RemoteReference, origin: Origin, locked: Locked, error: UserError, stop: Stop
    ) -> SkepError:
        """The locked commit is not at its origin: has its tag been moved?"""
        try:
            now = self._shelf.store.resolve(origin, reference.ref, stop)
        except SkepError:
            return error
        return _mismatch(reference, "commit", locked.sha, now) if now != locked.sha else error

    def _fetched(self, reference: RemoteReference, commit: StoredCommit, notes: list[str]) -> FetchedAction:
        if commit.was_fetched:
            notes.append(f"fetched ({commit.sha})")
        folder = os.path.join(commit.folder, reference.path) if reference.path else commit.folder
        top = os.path.realpath(commit.folder)
        if os.path.commonpath((top, os.path.realpath(folder))) != top:
            raise UserError(f"`{reference}` leads out of its repository", hint="name a folder inside it")
        return FetchedAction(
            uses=str(reference),
            repository=reference.repository,
            ref=reference.ref,
            sha=commit.sha,
            tree=commit.tree,
            root=commit.folder,
            folder=folder,
            notes=(*notes, *commit.notes),
        )


def workflow_text(fetched: FetchedAction) -> str | None:
    """The text of a fetched reusable workflow; None when its repository has no such file."""
    try:
        with open(fetched.folder, "rb") as file:
            return file.read(_WORKFLOW_BYTES + 1).decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _container_problem(fetched: FetchedAction) -> str | None:
    """Why an action that is here cannot run all the same."""
    for name in ("action.yml", "action.yaml"):
        try:
            text = read_regular(f"{fetched.folder}/{name}", _ACTION_BYTES).decode("utf-8", "surrogateescape")
        except OSError:
            continue
        action, _ = read_action(text, f"{fetched.uses}/{name}")
        is_docker = action is not None and action.using == "docker"
        break
    else:
        is_docker = os.path.isfile(f"{fetched.folder}/Dockerfile")
    return f"`{fetched.uses}` is a docker action, and containers do not run here yet" if is_docker else None


def _mismatch(reference: RemoteReference, what: str, locked: str, found: str) -> NotAsLocked:
    return NotAsLocked(
        f"`{reference}` is not what was locked: {LOCK_FILE} has the {what} {locked}, and now it is {found}",
        hint=f"if you trust the change: `skep actions update {reference}`; if not, do not run it, and ask its owner",
    )


def _with_hint(error: SkepError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)
