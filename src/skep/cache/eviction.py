"""What the cache may keep: the entries used least recently go first, then every blob that nothing names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from skep.cache.artifacts import Artifacts
from skep.cache.blobs import Blobs
from skep.cache.entries import CacheEntries, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Evicted:
    """What an eviction did. Not `ran`: somebody was adding; the next one will do it."""

    ran: bool
    entries: int = 0
    blobs: int = 0
    freed_bytes: int = 0


def evict(
    blobs: Blobs, entries: Iterable[CacheEntries], artifacts: Iterable[Artifacts], *, limit_bytes: int
) -> Evicted:
    """Removes cache entries until their archives fit into `limit_bytes`, and blobs that no entry and no artifact of the
    given stores names. Every store that shares `blobs` must be given. Safe to run at any time, from any process."""
    with blobs.exclusive() as ours:
        if not ours:
            return Evicted(ran=False)
        blobs.sweep()
        kept, gone = _keep(list(_owned(entries)), limit_bytes)
        for owner, entry in gone:
            owner.remove(entry)
        named = {entry.archive.digest for _, entry in kept}
        named.update(digest for store in artifacts for digest in store.digests())
        dropped = [blob for blob in blobs if blob.digest not in named]
        for blob in dropped:
            blobs.remove(blob.digest)
        freed = sum(blob.size_bytes for blob in dropped)
        return Evicted(ran=True, entries=len(gone), blobs=len(dropped), freed_bytes=freed)


_Owned = tuple[CacheEntries, Entry]


def _owned(stores: Iterable[CacheEntries]) -> Iterator[_Owned]:
    for store in stores:
        for entry in store:
            yield store, entry


def _keep(owned: list[_Owned], limit_bytes: int) -> tuple[list[_Owned], list[_Owned]]:
    owned.sort(key=lambda pair: _last_use(pair[1]), reverse=True)
    seen: set[str] = set()
    total = 0
    for at, (_, entry) in enumerate(owned):
        total += 0 if entry.archive.digest in seen else entry.archive.size_bytes
        seen.add(entry.archive.digest)
        if total > limit_bytes:
            return owned[:at], owned[at:]
    return owned, []


def _last_use(entry: Entry) -> float:
    try:
        return os.stat(entry.path).st_mtime
    except FileNotFoundError:
        return 0.0
