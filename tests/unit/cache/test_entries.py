"""Cache entries: GitHub's matching, immutable, whoever saves at once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from skep.cache.blobs import Blob
from skep.cache.entries import CacheEntries

from .programs import finish, start

ARCHIVE = Blob(digest="0" * 64, size_bytes=10)
MAIN, TOPIC = "refs/heads/main", "refs/heads/topic"


@pytest.fixture
def entries(tmp_path: Path) -> CacheEntries:
    return CacheEntries(str(tmp_path))


def save(entries: CacheEntries, key: str, *, scope: str = MAIN, version: str = "v", at: float = 0.0) -> bool:
    return entries.save(
        key=key, version=version, scope=scope, archive=ARCHIVE, compression="none", created_at=at
    )


SAVED = [  # key, scope; in order of time
    ("npm-a", MAIN),
    ("npm-b", MAIN),
    ("npm-b-old", TOPIC),
    ("npm", TOPIC),
    ("pip-1", MAIN),
    ("pip-2", TOPIC),
    ("pip-3", MAIN),
    ("Pip-4", MAIN),
]


@pytest.mark.parametrize(
    ("keys", "scopes", "found"),
    [
        (["npm-a"], [MAIN], "npm-a"),
        (["npm-"], [MAIN], "npm-b"),  # a prefix of the primary key's own: the newest
        (["npm"], [TOPIC, MAIN], "npm"),  # exact before prefix, though older entries begin with it
        (["npm-b"], [TOPIC, MAIN], "npm-b-old"),  # own scope first, even for a mere prefix
        (["npm-c", "npm-"], [TOPIC, MAIN], "npm-b-old"),
        (["npm-c", "npm-a", "npm-"], [MAIN], "npm-a"),  # restore keys in their order
        (["pip-x", "pip-"], [TOPIC, MAIN], "pip-2"),
        (["pip-x", "pip-"], [MAIN], "pip-3"),
        (["pip-x", "pip-"], [MAIN, MAIN], "pip-3"),
        (["PIP-1"], [MAIN], None),
        (["cargo"], [TOPIC, MAIN], None),
        (["npm-a"], ["refs/heads/other"], None),
        (["npm-a"], [], None),
    ],
)
def test_the_entry_found_is_the_one_github_finds(
    entries: CacheEntries, keys: Sequence[str], scopes: Sequence[str], found: str | None
) -> None:
    for at, (key, scope) in enumerate(SAVED):
        assert save(entries, key, scope=scope, at=float(at))
    entry = entries.find(keys=keys, version="v", scopes=scopes)
    assert (entry.key if entry else None) == found


def test_another_version_is_another_cache(entries: CacheEntries) -> None:
    assert save(entries, "k", version="one")
    assert entries.find(keys=["k"], version="two", scopes=[MAIN]) is None
    assert save(entries, "k", version="two")


def test_an_entry_never_changes(entries: CacheEntries) -> None:
    assert save(entries, "k", at=1.0)
    assert entries.exists(key="k", version="v", scope=MAIN)
    assert not save(entries, "k", at=2.0)
    assert [entry.created_at for entry in entries] == [1.0]


def test_a_removed_entry_can_be_saved_again(entries: CacheEntries) -> None:
    save(entries, "k")
    (entry,) = entries
    entries.remove(entry)
    entries.remove(entry)
    assert list(entries) == []
    assert save(entries, "k")


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/b", "ü" * 500, "\n", "\ud800", ".json", "x\0y"])
def test_any_text_is_a_key_and_stays_inside_the_store(tmp_path: Path, key: str) -> None:
    entries = CacheEntries(str(tmp_path / "store"))
    assert save(entries, key, scope=key, version=key)
    entry = entries.find(keys=[key], version=key, scopes=[key])
    assert entry is not None
    assert entry.key == key
    assert os.listdir(tmp_path) == ["store"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"format": 2}', '{"format": 1, "key": 3}', "[" * 99999]
)
def test_a_manifest_that_cannot_be_read_is_no_entry_and_is_replaced(
    entries: CacheEntries, content: str
) -> None:
    save(entries, "k", at=1.0)
    (entry,) = entries
    Path(entry.path).write_text(content)
    assert entries.find(keys=["k"], version="v", scopes=[MAIN]) is None
    assert save(entries, "k", at=2.0)
    found = entries.find(keys=["k"], version="v", scopes=[MAIN])
    assert found is not None
    assert found.created_at == 2.0


SAVE_ALL = """
    import sys
    from skep.cache.blobs import Blob
    from skep.cache.entries import CacheEntries
    entries = CacheEntries(sys.argv[1])
    for number in range(100):
        archive = Blob(digest=sys.argv[2] * 64, size_bytes=number)
        if entries.save(key=f"k{number}", version="v", scope="s", archive=archive, compression="none", created_at=0.0):
            print(number)
"""


def test_of_processes_that_save_the_same_key_exactly_one_wins(entries: CacheEntries) -> None:
    outputs = [finish(process) for process in [start(SAVE_ALL, entries.root, digit) for digit in "1234"]]
    won = sorted(int(line) for line in itertools.chain.from_iterable(out.split() for out in outputs))
    assert won == list(range(100))
    kept = {entry.key: entry.archive.digest[0] for entry in entries}
    said = {f"k{line}": digit for digit, out in zip("1234", outputs, strict=True) for line in out.split()}
    assert kept == said
