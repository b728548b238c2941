"""The mirror: Skep's own copy of a repository's tree, from which workspaces are made.

Theory. An overlay shows later changes of its lower folders, and copies are made all through a run; so what a run has
taken must stay as it was, while the user edits and other runs start. Hence:

    generation   a folder with a copy of the tree (`tree`) and what we believe of it (`manifest`)
    delta        a layer on one generation: what differs from it, deletions as overlay's whiteouts

    A run takes a snapshot: under the mirror's lock (exclusive, held for the update only) it
      1. removes generations and deltas that nobody uses, except the current generation;
      2. scans the user's tree;
      3. equal to the generation           -> uses it
         generation used by nobody         -> changes it in place, uses it
         else equal to an existing delta   -> uses generation + that delta
         else                              -> makes a delta of its own upon the generation, never upon a delta.
    "Uses" is a shared flock on the `used` file, kept for the run's life; the kernel drops it whatever kills the run.
    A delta's user holds its generation too. Changing or deleting needs that flock exclusively, and the mirror's lock.

So content in use never changes, a workspace has two lower layers at most, and nothing outlives its last user by more
than one run.

No crash leaves a mirror that lies:
    in place     `pending` names every path about to change, before any does; afterwards the manifest, then `pending` is
                 removed. Found at the next start, its paths count as unknown: copied anew, or deleted.
    new          has no manifest before its content is whole; without one it is deleted, never used.
    power cut    data may be lost that was written before it. A manifest of another boot is believed only for files
                 whose copy still has its size and mtime (both reach the disk after the data, on ordered file systems).
    full disk    is the same as a crash: `pending` stays, or the half-made delta is deleted.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from skep.host.files import same_content
from skep.host.locks import Lock, lock_exclusive, lock_shared, try_exclusive
from skep.host.mounts import mount_overlay, unmount
from skep.host.namespace import MountAbility
from skep.host.removal import remove_tree
from skep.model.errors import HostError

from .copying import Copied, TreeCopier
from .listing import GitPlace
from .manifest import Manifest, boot_id, forget, read_manifest, read_paths, write_manifest, write_paths
from .scan import Difference, difference, scan_tree
from .stamps import FIELDS, UNKNOWN, Stamp, any_racy, flat, stamp_at, stamps_under


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """One state of the user's tree that stays as it is until `release`."""

    manifest: Manifest
    layers: tuple[str, ...]  # topmost first: [delta,] generation
    notes: tuple[str, ...]  # for the user: files that could not be read
    locks: tuple[Lock, ...]
    mountable: bool  # whether the layers may be mounted (a plain delta has no whiteouts)

    def release(self) -> None:
        """Lets go. Safe to repeat."""
        for lock in self.locks:
            lock.release()

    def entries_of(self, layer: str) -> Iterator[tuple[bytes, Stamp]]:
        """The paths whose content lies in one of the layers, with their stamps."""
        of_delta = len(self.layers) > 1 and layer == self.layers[0]
        changed, stamps = self.manifest.changed, self.manifest.stamps
        for index, path in enumerate(self.manifest.paths):
            if (path in changed) == of_delta:
                yield path, stamp_at(stamps, index)


class Mirror:
    """The mirror of one tree. Snapshots may be taken at once by threads and processes."""

    def __init__(self, root: str, folder: str, place: GitPlace | None, ability: MountAbility) -> None:
        """`root`: the user's tree; `folder`: ours alone, on the file system that shall hold the copies."""
        self._root = root
        self._folder = folder
        self._place = place
        self._ability = ability
        self._kind = (
            "plain" if not ability.overlay else "user" if "userxattr" in ability.options else "trusted"
        )

    def snapshot(self) -> Snapshot:
        """The tree as it is now. Raises HostError when the disk is full or git fails."""
        try:
            os.makedirs(self._folder, exist_ok=True)
            with lock_exclusive(os.path.join(self._folder, "lock")):
                return self._snapshot()
        except OSError as exc:
            raise HostError(
                f"the copy of the tree in {self._folder} cannot be brought up to date: {exc.strerror or exc}",
                hint="is the disk full? It is safe to remove that folder while nothing runs",
            ) from exc

    def _snapshot(self) -> Snapshot:
        generation, manifest = self._current()
        self._prune(generation)
        believed = _believed(generation, manifest)
        now = replace(scan_tree(self._root, self._place, believed), boot=boot_id())
        change = self._difference(believed, now, os.path.join(generation, "tree"))
        if not change:
            if _differs(believed, now):
                write_manifest(os.path.join(generation, "manifest"), now)
            return self._use(now, (generation,))
        with try_exclusive(os.path.join(generation, "used")) as free:
            if free:
                now, notes = self._update(generation, now, change)
        if free:
            return self._use(now, (generation,), notes)
        return self._delta(generation, now, change)

    def _use(self, manifest: Manifest, folders: tuple[str, ...], notes: tuple[str, ...] = ()) -> Snapshot:
        return Snapshot(
            manifest=manifest,
            layers=tuple(os.path.join(folder, "tree") for folder in folders),
            notes=notes,
            locks=tuple(lock_shared(os.path.join(folder, "used")) for folder in folders),
            mountable=len(folders) == 1 or self._kind != "plain",
        )

    # --- generations ----------------------------------------------------------------------------------------------
    def _current(self) -> tuple[str, Manifest]:
        """The newest whole generation; an empty one when there is none."""
        for name in reversed(self._generations()):
            folder = os.path.join(self._folder, name)
            manifest = read_manifest(os.path.join(folder, "manifest"))
            if manifest is not None:
                return folder, manifest
        numbers = [int(name[1:]) for name in self._generations()]
        folder = os.path.join(self._folder, f"g{max(numbers, default=0) + 1:06}")
        os.makedirs(os.path.join(folder, "tree"))
        manifest = Manifest(boot=boot_id())
        write_manifest(os.path.join(folder, "manifest"), manifest)
        return folder, manifest

    def _generations(self) -> list[str]:
        return sorted(name for name in os.listdir(self._folder) if name[:1] == "g" and name[1:].isdigit())

    def _prune(self, current: str) -> None:
        """Removes what nobody uses; what is in use is left to a later run."""
        for name in self._generations():
            folder = os.path.join(self._folder, name)
            if folder != current:
                self._remove_unused(folder)
        for name in os.listdir(current):
            if name.startswith("delta-"):
                self._remove_unused(os.path.join(current, name))
        for name in os.listdir(self._folder):
            if name.startswith("view-"):
                unmount(os.path.join(self._folder, name))
            if name.startswith(("trash-", "view-")):
                remove_tree(os.path.join(self._folder, name))

    def _remove_unused(self, folder: str) -> None:
        with try_exclusive(os.path.join(folder, "used")) as free:
            if not free:
                return
            trash = os.path.join(self._folder, f"trash-{uuid.uuid4().hex}")
            os.rename(folder, trash)
        remove_tree(trash)

    def _difference(self, believed: Manifest, now: Manifest, tree: str) -> Difference:
        copy, root = os.fsencode(tree), os.fsencode(self._root)
        return difference(
            believed, now, lambda path: same_content(os.path.join(root, path), os.path.join(copy, path))
        )

    def _update(self, generation: str, now: Manifest, change: Difference) -> tuple[Manifest, tuple[str, ...]]:
        pending, tree = os.path.join(generation, "pending"), os.path.join(generation, "tree")
        doubted = read_paths(pending)
        TreeCopier(self._root, tree).remove(doubted)  # no use to anyone, and the disk may be full of them
        write_paths(pending, tuple({*doubted, *change.changed, *change.removed}))
        copied = self._apply(tree, change)
        manifest = _after(now, copied)
        write_manifest(os.path.join(generation, "manifest"), manifest)
        forget(pending)
        return manifest, _notes(copied)

    def _apply(self, tree: str, change: Difference) -> Copied:
        copier = TreeCopier(self._root, tree)
        copier.remove(change.removed)
        copied = copier.copy(change.changed)
        copier.remove(copied.unreadable)
        return copied

    # --- deltas ---------------------------------------------------------------------------------------------------
    def _delta(self, generation: str, now: Manifest, change: Difference) -> Snapshot:
        for folder in self._deltas(generation):
            manifest = read_manifest(os.path.join(folder, "manifest"))
            if manifest is not None and self._is_same(manifest, now, generation, folder):
                return self._use(manifest, (folder, generation))
        folder = os.path.join(generation, f"delta-{self._kind}-{uuid.uuid4().hex}")
        os.makedirs(os.path.join(folder, "tree"))
        try:
            with self._view(generation, folder) as view:
                copied = self._apply(view, change)
            manifest = replace(_after(now, copied), changed=frozenset(change.changed))
            write_manifest(os.path.join(folder, "manifest"), manifest)
        except BaseException:
            remove_tree(folder)
            raise
        return self._use(manifest, (folder, generation), _notes(copied))

    def _deltas(self, generation: str) -> list[str]:
        prefix = f"delta-{self._kind}-"
        return [os.path.join(generation, name) for name in os.listdir(generation) if name.startswith(prefix)]

    def _is_same(self, delta: Manifest, now: Manifest, generation: str, folder: str) -> bool:
        root = os.fsencode(self._root)

        def same(path: bytes) -> bool:
            holder = os.fsencode(os.path.join(folder if path in delta.changed else generation, "tree"))
            return same_content(os.path.join(root, path), os.path.join(holder, path))

        return not difference(delta, now, same)

    @contextmanager
    def _view(self, generation: str, folder: str) -> Iterator[str]:
        """Where to write so that `folder/tree` becomes the delta: through an overlay the kernel writes whiteouts."""
        tree = os.path.join(folder, "tree")
        if self._kind == "plain":
            yield tree
            return
        work, view = os.path.join(folder, "work"), os.path.join(self._folder, f"view-{uuid.uuid4().hex}")
        os.mkdir(work)
        os.mkdir(view)
        try:
            mount_overlay([os.path.join(generation, "tree")], tree, work, view, options=self._ability.options)
            try:
                yield view
            finally:
                unmount(view)
        finally:
            os.rmdir(view)
            remove_tree(work)


def _believed(generation: str, manifest: Manifest) -> Manifest:
    """The generation's manifest, without what a crash or a power cut put in doubt."""
    pending = set(read_paths(os.path.join(generation, "pending")))
    if manifest.boot != boot_id():
        pending |= _lost(os.path.join(generation, "tree"), manifest)
    return _doubt(manifest, pending) if pending else manifest


def _differs(one: Manifest, other: Manifest) -> bool:
    """Whether writing `other` would teach the disk anything: later stamps are racy no more."""
    return (
        one.paths != other.paths
        or one.stamps != other.stamps
        or one.boot != other.boot
        or one.watched != other.watched
        or one.watched_stamps != other.watched_stamps
        or any_racy(one.stamps, one.taken_at_ns)
        or any_racy(one.watched_stamps, one.taken_at_ns)
    )


def _doubt(manifest: Manifest, paths: set[bytes]) -> Manifest:
    """The manifest where the given paths are there but unknown; so they are copied anew, or removed."""
    known = dict(zip(manifest.paths, range(len(manifest.paths)), strict=True))
    stamps = manifest.stamps[:]
    for path in paths & known.keys():
        stamps[known[path] * FIELDS : known[path] * FIELDS + FIELDS] = flat(UNKNOWN)
    extra = tuple(sorted(paths - known.keys()))
    return replace(
        manifest, paths=manifest.paths + extra, stamps=stamps + flat(UNKNOWN) * len(extra), watched=()
    )


def _lost(tree: str, manifest: Manifest) -> set[bytes]:
    """Paths whose copy is not what was written: other size or mtime, or missing."""
    copies = stamps_under(tree, manifest.paths)
    lost = set()
    for index, path in enumerate(manifest.paths):
        user, copy = stamp_at(manifest.stamps, index), stamp_at(copies, index)
        same_kind = stat.S_IFMT(user[4]) == stat.S_IFMT(copy[4])
        if not same_kind or (not stat.S_ISDIR(user[4]) and (user[0], user[2]) != (copy[0], copy[2])):
            lost.add(path)
    return lost


def _after(now: Manifest, copied: Copied) -> Manifest:
    """The scan, corrected by what the copy found."""
    missing = {*copied.gone, *copied.unreadable}
    if not missing and not copied.stamps:
        return now
    paths: list[bytes] = []
    stamps: list[int] = []
    for index, path in enumerate(now.paths):
        if path in missing:
            continue
        paths.append(path)
        stamps += copied.stamps.get(path) or stamp_at(now.stamps, index)
    watched = () if missing else now.watched
    return replace(now, paths=tuple(paths), stamps=flat(stamps), watched=watched)


def _notes(copied: Copied) -> tuple[str, ...]:
    if not copied.unreadable:
        return ()
    first = os.fsdecode(copied.unreadable[0])
    more = f" and {len(copied.unreadable) - 1} more" if len(copied.unreadable) > 1 else ""
    return (f"`{first}`{more} cannot be read and is missing in workspaces",)
