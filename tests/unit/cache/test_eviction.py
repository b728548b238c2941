"""Eviction: least recently used first, nothing that is named, nothing while somebody adds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skep.cache.artifacts import Artifact, ArtifactFile, Artifacts
from skep.cache.blobs import Blob, Blobs
from skep.cache.entries import CacheEntries
from skep.cache.eviction import Evicted, evict
from skep.model.ids import RunId

RUN = RunId("run-1")


class Stores:
    """One of each, over the same blobs."""

    def __init__(self, root: Path) -> None:
        self.blobs = Blobs(str(root / "blobs"))
        self.entries = CacheEntries(str(root / "entries"))
        self.artifacts = Artifacts(str(root / "artifacts"))

    def save(self, key: str, data: bytes, *, used_at: int) -> Blob:
        blob = self.blobs.add(data)
        self.entries.save(
            key=key, version="v", scope="s", archive=blob, compression="none", created_at=float(used_at)
        )
        (path,) = [entry.path for entry in self.entries if entry.key == key]
        os.utime(path, (used_at, used_at))
        return blob

    def evict(self, limit_bytes: int) -> Evicted:
        return evict(self.blobs, [self.entries], [self.artifacts], limit_bytes=limit_bytes)

    def keys(self) -> list[str]:
        return sorted(entry.key for entry in self.entries)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path)


def test_the_entries_used_longest_ago_go_first(stores: Stores) -> None:
    for at, key in enumerate("abcd"):
        stores.save(key, key.encode() * 100, used_at=1000 + at)
    stores.entries.find(keys=["a"], version="v", scopes=["s"])  # now it is the one used last
    assert stores.evict(250) == Evicted(ran=True, entries=2, blobs=2, freed_bytes=200)
    assert stores.keys() == ["a", "d"]
    assert stores.evict(250) == Evicted(ran=True)


def test_an_archive_that_two_entries_share_counts_and_goes_once(stores: Stores) -> None:
    stores.save("a", b"x" * 100, used_at=1)
    blob = stores.save("b", b"x" * 100, used_at=2)
    assert stores.evict(100) == Evicted(ran=True)
    stores.save("c", b"y" * 50, used_at=3)
    assert stores.evict(100).entries == 2
    assert not stores.blobs.has(blob.digest)


def test_blobs_of_artifacts_stay_and_blobs_of_nobody_go(stores: Stores) -> None:
    kept, lost = stores.blobs.add(b"in an artifact"), stores.blobs.add(b"of nobody")
    file = ArtifactFile(path="a", digest=kept.digest, size_bytes=kept.size_bytes, crc32=0)
    artifact = Artifact(
        name="n", id=1, files=(file,), archived=True, digest="d", size_bytes=1, created_at=1.0
    )
    stores.artifacts.save(RUN, artifact)
    assert stores.evict(0).blobs == 1
    assert (stores.blobs.has(kept.digest), stores.blobs.has(lost.digest)) == (True, False)
    stores.artifacts.remove_run(RUN)
    stores.artifacts.remove_run(RUN)
    assert stores.evict(0).blobs == 1
    assert list(stores.blobs) == []


def test_nothing_goes_while_somebody_adds(stores: Stores) -> None:
    with stores.blobs.shared():
        stores.blobs.add(b"its manifest is not written yet")
        assert stores.evict(0) == Evicted(ran=False)
    assert len(list(stores.blobs)) == 1


def test_an_empty_store_has_nothing_to_evict(stores: Stores) -> None:
    assert stores.evict(0) == Evicted(ran=True)
