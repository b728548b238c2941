"""The artifacts of runs: run and name in, files out.

An artifact is a list of blobs with their paths; the zip of the toolkits is made on demand (`zipped`). Its name is taken
once per run, unless it is replaced or, as until version 3 of the actions, added to.

    root/<sha256 of run id>/<sha256 of name>.json
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from skep.cache.artifact_names import name_problem, path_problem
from skep.cache.blobs import refusals
from skep.cache.manifests import Json, read_manifest, write_manifest
from skep.host.locks import lock_exclusive
from skep.model.errors import UserError
from skep.model.ids import RunId

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFile:
    """One file of an artifact."""

    path: str  # relative, forward slashes, no `.` or `..`
    digest: str
    size_bytes: int
    crc32: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A stored artifact."""

    name: str
    id: int
    files: tuple[ArtifactFile, ...]
    archived: bool  # False: one file, delivered as it is; its name is the artifact's
    digest: str  # SHA-256 of what the toolkits download: the zip, or the one file
    size_bytes: int  # of the same
    created_at: float  # seconds since the epoch, UTC
    expires_at: float = 0.0  # 0: with its run
    packed: bool = (
        False  # True: a zip that came as such; `files` is that zip, its members are in `unzip.unpacked`
    )
    media_type: str = ""  # as its uploader said

    @property
    def mark(self) -> str:
        """The digest as GitHub shows it."""
        return f"sha256:{self.digest}"


class Artifacts:
    """The artifacts of one repository. Any number of threads and processes may use it at once."""

    def __init__(self, root: str) -> None:
        self.root = root

    def save(self, run_id: RunId, artifact: Artifact, *, overwrite: bool = False) -> bool:
        """Records an artifact; False when the name is taken and not to be replaced. Hold `Blobs.shared` from before its
        files were stored. Raises UserError when the name or a path is not allowed."""
        _check(artifact)
        with self._changing(run_id):
            return write_manifest(self._path(run_id, artifact.name), _to_json(artifact), replace=overwrite)

    @contextmanager
    def adding(self, run_id: RunId) -> Iterator[None]:
        """Held while reading an artifact to save it with more files, so that no addition is lost."""
        with self._changing(run_id, "adding"):
            yield

    def find(self, run_id: RunId, name: str) -> Artifact | None:
        """The artifact of this name."""
        return _from_json(read_manifest(self._path(run_id, name)))

    def of_run(self, run_id: RunId) -> list[Artifact]:
        """All artifacts of a run, oldest first."""
        found = (_from_json(read_manifest(path)) for path in _manifests(self._folder(run_id)))
        return sorted(
            (artifact for artifact in found if artifact), key=lambda one: (one.created_at, one.name)
        )

    def remove(self, run_id: RunId, name: str) -> bool:
        """Forgets an artifact; its blobs go with the next eviction. False when there was none."""
        with self._changing(run_id):
            try:
                os.unlink(self._path(run_id, name))
            except FileNotFoundError:
                return False
            return True

    def remove_run(self, run_id: RunId) -> None:
        """Forgets all artifacts of a run. Safe to repeat."""
        shutil.rmtree(self._folder(run_id), ignore_errors=True)

    def drop_expired(self, now: float) -> int:
        """Forgets artifacts whose days are over, and gives their number. `now`: seconds since the epoch, UTC."""
        dropped = 0
        for run in _names(self.root):
            for path in list(_manifests(os.path.join(self.root, run))):
                artifact = _from_json(read_manifest(path))
                if artifact and 0 < artifact.expires_at <= now:
                    with refusals(f"cannot remove {path}"), suppress(FileNotFoundError):
                        os.unlink(path)
                        dropped += 1
        return dropped

    def digests(self) -> Iterator[str]:
        """Every blob that any artifact names."""
        for run in _names(self.root):
            for path in _manifests(os.path.join(self.root, run)):
                artifact = _from_json(read_manifest(path))
                yield from (file.digest for file in artifact.files) if artifact else ()

    def _folder(self, run_id: RunId) -> str:
        return os.path.join(self.root, hashlib.sha256(run_id.encode()).hexdigest())

    def _path(self, run_id: RunId, name: str) -> str:
        hashed = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        return os.path.join(self._folder(run_id), f"{hashed}.json")

    @contextmanager
    def _changing(self, run_id: RunId, what: str = "changing") -> Iterator[None]:
        folder = self._folder(run_id)
        with refusals(f"cannot use {folder}"):
            os.makedirs(folder, exist_ok=True)
        with lock_exclusive(os.path.join(folder, f".{what}")):
            yield


def with_files(artifact: Artifact, more: Sequence[ArtifactFile]) -> tuple[ArtifactFile, ...]:
    """The files of an artifact after `more` were added; of one path the later wins."""
    return tuple({file.path: file for file in (*artifact.files, *more)}.values())


def artifact_id(run_id: RunId, name: str, created_at: float) -> int:
    """A number for an artifact: unique in practice, below 2**48, never 0."""
    text = f"{run_id}\0{name}\0{created_at!r}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big") or 1


def _check(artifact: Artifact) -> None:
    problems = [name_problem(artifact.name), *(path_problem(file.path) for file in artifact.files)]
    for problem in problems:
        if problem:
            raise UserError(problem)


def _to_json(artifact: Artifact) -> dict[str, Json]:
    files: list[Json] = [[file.path, file.digest, file.size_bytes, file.crc32] for file in artifact.files]
    return {
        "format": _FORMAT,
        "name": artifact.name,
        "id": artifact.id,
        "archived": artifact.archived,
        "digest": artifact.digest,
        "size_bytes": artifact.size_bytes,
        "created_at": artifact.created_at,
        "expires_at": artifact.expires_at,
        "packed": artifact.packed,
        "media_type": artifact.media_type,
        "files": files,
    }


def _from_json(content: dict[str, Json] | None) -> Artifact | None:
    match content:
        case {
            "format": 1,
            "name": str(name),
            "id": int(number),
            "archived": bool(archived),
            "digest": str(digest),
            "size_bytes": int(size),
            "created_at": float(created) | int(created),
            "expires_at": float(expires) | int(expires),
            "files": list(files),
        }:
            artifact = Artifact(
                name=name,
                id=number,
                files=(),
                archived=archived,
                digest=digest,
                size_bytes=size,
                created_at=created,
                expires_at=expires,
                packed=bool(content and content.get("packed")),
                media_type=str((content or {}).get("media_type", "")),
            )
            read = tuple(file for file in map(_file, files) if file)
            return replace(artifact, files=read) if len(read) == len(files) else None
    return None


def _file(content: Json) -> ArtifactFile | None:
    match content:
        case [str(path), str(digest), int(size), int(crc)] if path_problem(path) is None:
            return ArtifactFile(path=path, digest=digest, size_bytes=size, crc32=crc)
    return None


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _manifests(folder: str) -> Iterator[str]:
    return (
        os.path.join(folder, name) for name in _names(folder) if name.endswith(".json") and name[0] != "."
    )
