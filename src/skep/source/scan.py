"""The stat scan: the user's tree now against what a manifest believes of it."""

from __future__ import annotations

import stat
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace

from .listing import (
    GitPlace,
    has_rules_changed,
    read_listing,
    start_listing,
    walk_listing,
    watch_for,
    without_linked_folders,
)
from .manifest import Manifest
from .stamps import ABSENT, FIELDS, Stamp, any_racy, flat, is_racy, stamp_at, stamps_under


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What must be done to a copy of the older state to make it the newer one."""

    changed: tuple[bytes, ...] = ()  # new or different
    removed: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


def scan_tree(root: str, place: GitPlace | None, old: Manifest) -> Manifest:
    """The tree's paths and stamps now. Paths are listed anew only where `old` cannot answer for them.

    Raises HostError when git fails. The result's `boot` and `changed` are empty.
    """
    taken_at_ns = time.time_ns()
    listing_holds = bool(old.watched) and _still_watched(root, old)
    asked = None if listing_holds or place is None else start_listing(root)
    stamps = stamps_under(root, old.paths)
    if listing_holds and not has_rules_changed(_moved(old, stamps)) and ABSENT[2] not in stamps[2::FIELDS]:
        return replace(old, stamps=stamps, taken_at_ns=taken_at_ns, boot="", changed=frozenset())
    if asked is None and place is not None:
        asked = start_listing(root)
    paths = walk_listing(root) if asked is None else read_listing(asked.finish())
    paths, stamps = _existing(root, paths, old, stamps)
    watched = () if place is None else watch_for(place, paths)
    return Manifest(
        paths=paths,
        stamps=stamps,
        watched=watched,
        watched_stamps=stamps_under(root, watched),
        taken_at_ns=taken_at_ns,
    )


def _still_watched(root: str, old: Manifest) -> bool:
    if any_racy(old.watched_stamps, old.taken_at_ns):
        return False
    return stamps_under(root, old.watched) == old.watched_stamps


def _moved(old: Manifest, stamps: array[int]) -> list[bytes]:
    if stamps == old.stamps and not any_racy(stamps, old.taken_at_ns):
        return []
    return [
        path
        for index, path in enumerate(old.paths)
        if stamp_at(stamps, index) != stamp_at(old.stamps, index)
        or is_racy(stamps[index * FIELDS + 1], old.taken_at_ns)
    ]


def _existing(
    root: str, paths: tuple[bytes, ...], old: Manifest, stamps: array[int]
) -> tuple[tuple[bytes, ...], array[int]]:
    """Only what can be copied: files, links, and folders of submodules."""
    if paths != old.paths:
        known = {path: stamp_at(stamps, index) for index, path in enumerate(old.paths)}
        missing = tuple(path for path in paths if path not in known)
        fresh = stamps_under(root, missing)
        known.update((path, stamp_at(fresh, index)) for index, path in enumerate(missing))
    else:
        known = {path: stamp_at(stamps, index) for index, path in enumerate(paths)}
    links = {path for path in paths if stat.S_ISLNK(known[path][4])}
    kept = tuple(path for path in without_linked_folders(paths, links) if _is_copied(known[path]))
    return kept, flat(number for path in kept for number in known[path])


def _is_copied(found: Stamp) -> bool:
    mode = found[4]
    return found != ABSENT and (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode))


def difference(old: Manifest, new: Manifest, same_content: Callable[[bytes], bool]) -> Difference:
    """What changed between two states. `same_content(path)` settles what stamps cannot (the racy rule)."""
    if old.paths == new.paths and old.stamps == new.stamps and not any_racy(old.stamps, old.taken_at_ns):
        return Difference()
    believed = {path: stamp_at(old.stamps, index) for index, path in enumerate(old.paths)}
    changed = []
    for index, path in enumerate(new.paths):
        before, now = believed.pop(path, ABSENT), stamp_at(new.stamps, index)
        if before == now:
            if is_racy(now[1], old.taken_at_ns) and not same_content(path) and not stat.S_ISDIR(now[4]):
                changed.append(path)
        elif not (stat.S_ISDIR(before[4]) and stat.S_ISDIR(now[4])):
            changed.append(path)
    return Difference(changed=tuple(changed), removed=tuple(believed))
