"""The entries of `actions/cache`: key, version and scope in, one archive blob out.

A scope is a ref. A run saves into its own scope and looks through its own, its base branch's and the default branch's,
in this order. Within a scope, for each key in turn: the entry of exactly this key, else the newest whose key begins
with it. An entry never changes. Source: GitHub's documentation, "Dependency caching reference", cache key matching.

    root/<sha256 of scope>/<sha256 of version>/<sha256 of key>.json     mtime = last use
    root/versions/<sha256 of version>.json                              another name of a version
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from skep.cache.blobs import Blob
from skep.cache.manifests import Json, read_manifest, write_manifest

Compression = Literal["none", "gzip", "zstd"]
Layout = Literal["places", "toolkit"]
"""How an archive names its members: by what they are for (`workspace/a`), or as GitHub's toolkits do it, by paths relative
to the workspace (`a`, `../../h/.npm`)."""
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One saved cache."""

    key: str
    version: str
    scope: str
    archive: Blob
    compression: Compression
    created_at: float  # seconds since the epoch, UTC
    path: str  # of its manifest
    layout: Layout = "places"


class CacheEntries:
    """The cache entries of one repository. Any number of threads and processes may use it at once."""

    def __init__(self, root: str) -> None:
        self.root = root

    def find(
        self, *, keys: Sequence[str], version: str | Sequence[str], scopes: Sequence[str]
    ) -> Entry | None:
        """The entry GitHub would restore for the primary key and the restore keys behind it. Marks it as used. Of several
        versions, which must mean the same files, all entries count alike."""
        versions = self._also_called([version] if isinstance(version, str) else version)
        for scope in dict.fromkeys(scopes):
            found = [entry for one in versions for entry in self._all(scope, one)]
            entries = sorted(found, key=lambda entry: entry.created_at, reverse=True)
            for key in keys:
                chosen = next((one for one in entries if one.key == key), None) or next(
                    (one for one in entries if one.key.startswith(key)), None
                )
                if chosen:
                    _touch(chosen.path)
                    return chosen
        return None

    def exists(self, *, key: str, version: str, scope: str) -> bool:
        """Whether this key can no longer be saved in this scope."""
        versions = self._also_called([version])
        return any(read_manifest(self._path(scope, one, key)) is not None for one in versions)

    def call_also(self, version: str, *, name: str, compression: Compression) -> None:
        """Lets whoever asks for the version `name`, and expects archives of that compression, also find the entries of
        `version`. Safe to repeat."""
        path = self._name_path(name)
        if not os.path.exists(path):
            also: dict[str, Json] = {"name": name, "version": version, "compression": compression}
            write_manifest(path, {"format": _FORMAT, **also}, replace=False)

    def expected_by(self, name: str) -> Compression | None:
        """The compression that whoever asks for a version expects, where `call_also` said so."""
        match read_manifest(self._name_path(name)):
            case {"name": known, "compression": "none" | "gzip" | "zstd" as compression} if known == name:
                return compression
        return None

    def _also_called(self, versions: Sequence[str]) -> list[str]:
        found = list(versions)
        for name in versions:
            match read_manifest(self._name_path(name)):
                case {"format": 1, "name": known, "version": str(version)} if known == name:
                    found.append(version)
        return list(dict.fromkeys(found))

    def _name_path(self, name: str) -> str:
        return os.path.join(self.root, "versions", f"{_hashed(name)}.json")

    def save(
        self,
        *,
        key: str,
        version: str,
        scope: str,
        archive: Blob,
        compression: Compression,
        created_at: float,
        layout: Layout = "places",
    ) -> bool:
        """Records an entry; False when this key is taken (then nothing changed). Hold `Blobs.shared` from before the
        archive was stored."""
        content: dict[str, Json] = {
            "format": _FORMAT,
            "key": key,
            "version": version,
            "scope": scope,
            "digest": archive.digest,
            "size_bytes": archive.size_bytes,
            "compression": compression,
            "layout": layout,
            "created_at": created_at,
        }
        path = self._path(scope, version, key)
        if os.path.exists(path) and _read(path) is None:  # cut short by a crash of the machine
            return write_manifest(path, content, replace=True)
        return write_manifest(path, content, replace=False)

    def remove(self, entry: Entry) -> None:
        """Forgets an entry; its blob goes with the next eviction. Safe to repeat."""
        try:
            os.unlink(entry.path)
        except FileNotFoundError:
            return

    def __iter__(self) -> Iterator[Entry]:
        """All entries, in no order."""
        for scope in _names(self.root):
            for version in _names(os.path.join(self.root, scope)):
                yield from _entries(os.path.join(self.root, scope, version))

    def _all(self, scope: str, version: str) -> Iterator[Entry]:
        found = _entries(os.path.dirname(self._path(scope, version, "")))
        return (entry for entry in found if entry.scope == scope and entry.version == version)

    def _path(self, scope: str, version: str, key: str) -> str:
        return os.path.join(self.root, _hashed(scope), _hashed(version), f"{_hashed(key)}.json")


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _entries(folder: str) -> Iterator[Entry]:
    for name in _names(folder):
        if name.endswith(".json") and not name.startswith("."):
            entry = _read(os.path.join(folder, name))
            if entry:
                yield entry


def _read(path: str) -> Entry | None:
    content = read_manifest(path)
    match content:
        case {
            "format": 1,
            "key": str(key),
            "version": str(version),
            "scope": str(scope),
            "digest": str(digest),
            "size_bytes": int(size),
            "compression": "none" | "gzip" | "zstd" as compression,
            "created_at": float(created) | int(created),
        }:
            archive = Blob(digest=digest, size_bytes=size)
            return Entry(
                key=key,
                version=version,
                scope=scope,
                archive=archive,
                compression=compression,
                created_at=created,
                path=path,
                layout="toolkit" if content and content.get("layout") == "toolkit" else "places",
            )
    return None


def _touch(path: str) -> None:
    try:
        os.utime(path)
    except FileNotFoundError:
        return
