"""The user's tree in workspaces: one snapshot per run, placed many times; by overlay, else by reflink, else by copy."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Literal

from skep.host.locks import Lock, lock_exclusive, lock_shared, try_exclusive
from skep.host.mounts import mount_overlay, unmount
from skep.host.namespace import MountAbility
from skep.host.removal import empty_folder, remove_tree
from skep.model.errors import HostError

from .copying import TreeCopier
from .gitfolder import GitReading, GitState, LocalGit, write_git_folder
from .listing import GitPlace, find_git, list_submodules
from .mirror import Mirror, Snapshot
from .replicas import Replica

SCRATCH_MARK = ".skep-scratch"  # in a scratch folder: a lock held by the run that uses it
Method = Literal["overlay", "reflink", "copy", "in-place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """How a tree came to its place."""

    method: Method
    sha: str  # of HEAD; '' without a commit
    ref: str  # HEAD's branch; '' when detached
    took_s: float


@dataclass(slots=True, kw_only=True)
class Source:
    """What a run has taken: the tree, and the `.git` for it."""

    snapshot: Snapshot
    place: GitPlace | None
    state: GitState | None
    git_layer: str  # a folder that holds `.git`; '' without git
    lock: Lock | None


@dataclass(slots=True)
class _Mount:
    scratch: str
    mounted: bool = True


@dataclass(slots=True)
class WorkTrees:
    """Places one tree. Methods block and may be called by several threads at once.

    The first `place` (or `take`) takes the snapshot that all later ones show: a run sees one state of the tree.
    """

    root: str  # the user's tree, absolute
    mirror_folder: str  # the mirror's own folder, one per tree
    scratch: str  # upper layers go here: this run's own folder, beside those of other runs, where overlays may write
    ability: MountAbility
    _source: Source | None = None
    _taking: threading.Lock = field(default_factory=threading.Lock)
    _mounts: dict[str, _Mount] = field(default_factory=dict)
    _submodules: dict[bytes, WorkTrees] = field(default_factory=dict)
    _is_submodule: bool = False
    _scratch_lock: Lock | None = None

    def take(self) -> Source:
        """The run's snapshot, taken now if it is not yet. Raises HostError, UserError."""
        with self._taking:
            if self._source is None:
                self._source = self._take()
            return self._source

    def place(self, target: str) -> Placed:
        """Fills the empty or missing folder `target`. Raises HostError."""
        began = time.monotonic()
        source = self.take()
        try:
            method = self._place(source, target)
        except OSError as exc:
            raise HostError(f"the tree cannot be put into {target}: {exc}", hint="is the disk full?") from exc
        state = source.state
        return Placed(
            method=method,
            sha=state.sha if state else "",
            ref=state.ref if state else "",
            took_s=time.monotonic() - began,
        )

    def repository(self) -> LocalGit | None:
        """The user's repository as it was when the snapshot was taken; None unless the tree is the top of one."""
        source = self.take()
        if source.place is None or source.state is None or source.place.prefix:
            return None
        return LocalGit(place=source.place, state=source.state)

    def place_submodules(self, target: str, *, recursive: bool) -> tuple[str, ...]:
        """Places the work trees of submodules into a placed tree; the paths of those that are not checked out."""
        missing: list[str] = []
        for path in list_submodules(self.root):
            inner = self._submodule(path)
            where = os.path.join(target, os.fsdecode(path))
            if inner is None:
                missing.append(os.fsdecode(path))
                continue
            inner.place(where)
            if recursive:
                below = inner.place_submodules(where, recursive=True)
                missing += [os.path.join(os.fsdecode(path), deeper) for deeper in below]
        return tuple(missing)

    def _submodule(self, path: bytes) -> WorkTrees | None:
        root = os.path.join(self.root, os.fsdecode(path))
        place = find_git(root) if os.path.isdir(root) else None
        if place is None or place.prefix:
            return None
        with self._taking:
            if path not in self._submodules:
                name = hashlib.blake2b(path, digest_size=8).hexdigest()
                folder = os.path.join(self.mirror_folder, "submodules", name)
                self._submodules[path] = WorkTrees(
                    root, folder, self.scratch, self.ability, _is_submodule=True
                )
            return self._submodules[path]

    def remove(self, target: str) -> None:
        """Undoes what was placed at `target` and below, and deletes the folder. Safe to repeat. Raises HostError."""
        try:
            self._unmount_below(target)
            remove_tree(target)
        except OSError as exc:
            raise HostError(f"the workspace {target} cannot be removed: {exc}") from exc

    def clear(self, target: str) -> None:
        """Like `remove`, but keeps the folder itself, empty."""
        try:
            self._unmount_below(target)
            if os.path.isdir(target):
                empty_folder(target)
        except OSError as exc:
            raise HostError(f"the workspace {target} cannot be emptied: {exc}") from exc

    def notes(self) -> tuple[str, ...]:
        """What the snapshot could not take as it is, such as files nobody may read; () before there is one."""
        with self._taking:
            return () if self._source is None else self._source.snapshot.notes

    def close(self) -> None:
        """Removes what is still placed and lets the snapshot go. Safe to repeat."""
        with self._taking:
            source, self._source = self._source, None
            submodules = list(self._submodules.values())
        for inner in submodules:
            inner.close()
        for target in sorted(self._mounts, reverse=True):
            self._unmount_below(target)
        if self._scratch_lock is not None:
            remove_tree(self.scratch)
            self._scratch_lock.release()
            self._scratch_lock = None
        if source is None:
            return
        source.snapshot.release()
        if source.lock is not None:
            source.lock.release()
            remove_tree(os.path.dirname(source.git_layer))

    # --- the snapshot -----------------------------------------------------------------------------------------------
    def _take(self) -> Source:
        place = find_git(self.root)
        reading = GitReading(place) if place else None
        snapshot = Mirror(self.root, self.mirror_folder, place, self.ability).snapshot()
        if place is None or reading is None:
            return Source(snapshot=snapshot, place=None, state=None, git_layer="", lock=None)
        try:
            state = reading.finish()
            if place.prefix:  # a folder inside a repository: its tree alone, history would not fit it
                return Source(snapshot=snapshot, place=place, state=state, git_layer="", lock=None)
            layer, lock = self._write_git_layer(place, state)
        except BaseException:
            snapshot.release()
            raise
        return Source(snapshot=snapshot, place=place, state=state, git_layer=layer, lock=lock)

    def _write_git_layer(self, place: GitPlace, state: GitState) -> tuple[str, Lock]:
        folder = os.path.join(self.mirror_folder, "git")
        try:
            os.makedirs(folder, exist_ok=True)
            with lock_exclusive(os.path.join(self.mirror_folder, "git.lock")):
                _prune_git_layers(folder)
                mine = os.path.join(folder, uuid.uuid4().hex)
                os.makedirs(os.path.join(mine, "layer"))
                lock = lock_shared(os.path.join(mine, "used"))
            layer = os.path.join(mine, "layer")
            write_git_folder(os.path.join(layer, ".git"), place, state)
        except OSError as exc:
            raise HostError(f"no `.git` for workspaces can be written below {folder}: {exc}") from exc
        return layer, lock

    # --- placing ----------------------------------------------------------------------------------------------------
    def _place(self, source: Source, target: str) -> Method:
        os.makedirs(target, exist_ok=True)
        if self.ability.overlay and source.snapshot.mountable:
            try:
                self._mount(source, target)
            except OSError:
                pass  # a file system that does not allow it: copies always work
            else:
                return "overlay"
        return copy_snapshot(source, target)

    def _open_scratch(self) -> None:
        """Marks the scratch folder as ours, and removes those beside it whose runs were killed."""
        with self._taking:
            if self._scratch_lock is not None or self._is_submodule:
                return
            beside = os.path.dirname(os.path.abspath(self.scratch))
            os.makedirs(beside, exist_ok=True)
            with lock_exclusive(os.path.join(beside, SCRATCH_MARK + "s")):
                for name in os.listdir(beside):
                    _remove_dead_scratch(os.path.join(beside, name))
                os.makedirs(self.scratch, exist_ok=True)
                self._scratch_lock = lock_shared(os.path.join(self.scratch, SCRATCH_MARK))

    def _mount(self, source: Source, target: str) -> None:
        self._open_scratch()
        scratch = os.path.join(self.scratch, uuid.uuid4().hex)
        upper, work = os.path.join(scratch, "upper"), os.path.join(scratch, "work")
        os.makedirs(upper)
        os.mkdir(work)
        layers = [*([source.git_layer] if source.git_layer else []), *source.snapshot.layers]
        try:
            mount_overlay(layers, upper, work, target, options=self.ability.options)
        except OSError:
            remove_tree(scratch)
            raise
        self._mounts[os.path.abspath(target)] = _Mount(scratch)

    def _unmount_below(self, target: str) -> None:
        for inner in list(self._submodules.values()):
            inner._unmount_below(target)
        top = os.path.abspath(target)
        for path in sorted(self._mounts, reverse=True):
            if path == top or path.startswith(top + "/"):
                mount = self._mounts[path]
                if mount.mounted:
                    unmount(path)
                    mount.mounted = False
                remove_tree(mount.scratch)
                self._mounts.pop(path, None)


def _remove_dead_scratch(folder: str) -> None:
    mark = os.path.join(folder, SCRATCH_MARK)
    if not os.path.isfile(mark):
        return  # not a scratch folder
    with try_exclusive(mark) as free:
        if free:
            remove_tree(folder)


def _prune_git_layers(folder: str) -> None:
    for name in os.listdir(folder):
        with try_exclusive(os.path.join(folder, name, "used")) as free:
            if free:
                remove_tree(os.path.join(folder, name))


def copy_snapshot(source: Source, target: str) -> Method:
    """Copies a snapshot and its `.git` into an existing folder. Raises OSError."""
    snapshot = source.snapshot
    replica = Replica(target)
    for layer in snapshot.layers:
        replica.add(layer, snapshot.entries_of(layer))
    if source.git_layer:
        copy_folder(os.path.join(source.git_layer, ".git"), os.path.join(target, ".git"))
    return "reflink" if replica.reflinked else "copy"


def copy_folder(source: str, target: str) -> None:
    """Copies a whole small folder, its empty folders too."""
    os.makedirs(target)
    for folder, folders, files in os.walk(os.fsencode(source)):
        below = os.path.relpath(folder, os.fsencode(source))
        for name in folders:
            os.makedirs(os.path.join(os.fsencode(target), below, name), exist_ok=True)
        copier = TreeCopier(os.fsdecode(folder), os.path.join(target, os.fsdecode(below)))
        copier.copy(files)
