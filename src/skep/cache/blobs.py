"""Bytes by their SHA-256: one read-only file per content, whole or absent.

root/ab/cdef...   the bytes of digest abcdef...; mtime = last use
root/tmp/...      being written; locked by its writer, so that what a dead writer left can be told and removed
root/lock         shared: manifests and blobs are being added; exclusive: blobs may be removed
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from types import TracebackType
from typing import BinaryIO, Self

from skep.host.files import regular_only
from skep.host.locks import lock_shared, try_exclusive
from skep.model.errors import HostError

CHUNK_BYTES = 1 << 20
_READ_ONLY = 0o444


class BlobDamaged(HostError):  # noqa: N818  what happened, as RunnerLost
    """A blob is missing, or its bytes are no longer what its digest says; it is removed."""


class Stopped(HostError):  # noqa: N818
    """The caller no longer wants the result."""


def never() -> bool:
    """A `stop` for work that nobody interrupts."""
    return False


Stop = Callable[[], bool]
"""Asked between chunks; True ends the work with `Stopped`, leaving nothing behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """What was stored: digest in lower-case hex, and size."""

    digest: str
    size_bytes: int


class Blobs:
    """A folder of blobs. Any number of threads and processes may add and read at once.

    `sync`: wait for the disk before a blob becomes visible, so that it survives a power cut; else only Skep's own death.
    Raises HostError where the machine refuses.
    """

    def __init__(self, root: str, *, sync: bool = False) -> None:
        self.root = root
        self.sync = sync

    def path(self, digest: str) -> str:
        """Where the blob is, or would be."""
        return os.path.join(self.root, digest[:2], digest[2:])

    def add(self, data: bytes) -> Blob:
        """Stores `data`."""
        with self.writer() as out:
            out.write(data)
            return out.commit()

    def add_file(self, source: str, stop: Stop = never) -> Blob:
        """Stores a regular file's bytes: by reflink where the file system can, else by copy. Follows links."""
        with (
            self.writer() as out,
            refusals(f"cannot store {source}"),
            open(source, "rb", opener=regular_only) as file,
        ):
            if not out.clone(file, stop):
                for chunk in chunks(file, stop):
                    out.write(chunk)
            return out.commit()

    def writer(self) -> BlobWriter:
        """A blob to be written in pieces: `with`, `write`..., `commit`. Without commit nothing stays."""
        return BlobWriter(self)

    def has(self, digest: str) -> bool:
        """Whether the blob is there; says nothing of its health."""
        return os.path.exists(self.path(digest))

    def verify(self, digest: str, stop: Stop = never) -> None:
        """Reads the blob once and marks it as used. Raises BlobDamaged, and removes it, when it is not what it should be."""
        path = self.path(digest)
        try:
            with open(path, "rb") as file:
                found = hash_of(file, stop)
            if found == digest:
                os.utime(path)
                return
            os.unlink(path)
        except FileNotFoundError:
            raise BlobDamaged(f"the stored file {digest[:12]} is gone") from None
        except OSError as refused:
            raise HostError(f"cannot read the stored file {digest[:12]}: {refused.strerror}") from refused
        raise BlobDamaged(f"the stored file {digest[:12]} was damaged and has been removed")

    def copy_out(self, digest: str, out: FileIO, stop: Stop = never) -> None:
        """Fills the empty, readable and writable file `out` with the blob, and marks the blob as used. Raises BlobDamaged
        after the bytes were found to be wrong; what `out` then holds is to be thrown away."""
        path = self.path(digest)
        with refusals(f"cannot write {out.name}"):
            try:
                source = open(path, "rb")  # noqa: SIM115  closed below
            except FileNotFoundError:
                raise BlobDamaged(f"the stored file {digest[:12]} is gone") from None
            with source:
                found = _copy_hashing(source, out, stop)
            if found != digest:
                os.unlink(path)
                raise BlobDamaged(f"the stored file {digest[:12]} was damaged and has been removed")
            os.utime(path)

    def __iter__(self) -> Iterator[Blob]:
        """All blobs, in no order."""
        for folder in _subfolders(self.root):
            for item in os.scandir(folder.path):
                try:
                    yield Blob(digest=folder.name + item.name, size_bytes=item.stat().st_size)
                except FileNotFoundError:
                    continue

    def remove(self, digest: str) -> None:
        """Deletes a blob. Only while holding `exclusive`. Safe to repeat."""
        try:
            os.unlink(self.path(digest))
        except FileNotFoundError:
            return

    def sweep(self) -> int:
        """Removes what writers left that died; gives how many files."""
        folder = os.path.join(self.root, "tmp")
        if not os.path.isdir(folder):
            return 0
        return sum(_sweep_one(item.path) for item in os.scandir(folder))

    @contextmanager
    def shared(self) -> Iterator[None]:
        """While held, no blob is removed. Hold it from before the first blob is added until its manifest is written."""
        held = lock_shared(self._lock())
        try:
            yield
        finally:
            held.release()

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Allows removal. False, without waiting, when somebody is adding just now."""
        with try_exclusive(self._lock()) as ours:
            yield ours

    def _lock(self) -> str:
        with refusals(f"cannot use {self.root}"):
            os.makedirs(self.root, exist_ok=True)
        return os.path.join(self.root, "lock")


class BlobWriter:
    """One blob being written. See `Blobs.writer`."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._hash = hashlib.sha256()
        self._size = 0
        self._committed = False
        self._file, self._temporary = new_temporary(blobs)

    @property
    def size_bytes(self) -> int:
        """What was written so far."""
        return self._size

    def write(self, data: bytes | memoryview) -> int:
        """Appends bytes."""
        with refusals("cannot store a file"):
            write_all(self._file, data)
        self._hash.update(data)
        self._size += len(data)
        return len(data)

    def clone(self, source: BinaryIO, stop: Stop = never) -> bool:
        """Takes all of `source` by reflink, as the only content; False where the file system cannot."""
        if self._size or not reflink(source.fileno(), self._file.fileno()):
            return False
        with open(self._temporary, "rb") as copy:  # what was cloned, whatever becomes of the source meanwhile
            for chunk in chunks(copy, stop):
                self._hash.update(chunk)
                self._size += len(chunk)
        return True

    def commit(self) -> Blob:
        """Makes the blob visible under its digest, unless it is there already."""
        blob = Blob(digest=self._hash.hexdigest(), size_bytes=self._size)
        self._committed = make_visible(self._blobs, self._file, self._temporary, blob)
        return blob

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._committed:
            os.unlink(self._temporary)
        self._file.close()


def new_temporary(blobs: Blobs) -> tuple[FileIO, str]:
    """An empty file for bytes that are to become a blob, readable and writable, and its path. The open file holds a lock:
    without it the next sweep removes the file. Raises HostError."""
    folder = os.path.join(blobs.root, "tmp")
    path = os.path.join(folder, f"{os.getpid()}-{secrets.token_hex(8)}")
    with refusals(f"cannot write below {blobs.root}"):
        os.makedirs(folder, exist_ok=True)
        file = open(path, "xb+", buffering=0)  # noqa: SIM115  the caller closes it
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file, path


def make_visible(blobs: Blobs, file: FileIO, path: str, blob: Blob) -> bool:
    """Renames a temporary file, which holds exactly the bytes of `blob`, to its place. False when the blob is there
    already; the file is then still to be removed. Raises HostError."""
    target = blobs.path(blob.digest)
    with refusals("cannot store a file"):
        if _is_there(target, blob.size_bytes):
            return False
        os.fchmod(file.fileno(), _READ_ONLY)
        if blobs.sync:
            os.fsync(file.fileno())
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(path, target)
        if blobs.sync:
            sync_folder(os.path.dirname(target))
    return True


def chunks(file: BinaryIO, stop: Stop = never) -> Iterator[memoryview]:
    """The rest of a file in pieces; each is valid until the next is asked for. Raises Stopped."""
    expected = os.fstat(file.fileno()).st_size + 1  # a small file needs no large buffer
    buffer = memoryview(bytearray(min(expected, CHUNK_BYTES)))
    while size := file.readinto(buffer):  # type: ignore[attr-defined]  # every binary file has it
        if stop():
            raise Stopped("stopped")
        yield buffer[:size]


def hash_of(file: BinaryIO, stop: Stop = never) -> str:
    """SHA-256 of the rest of a file, in lower-case hex."""
    digest = hashlib.sha256()
    for chunk in chunks(file, stop):
        digest.update(chunk)
    return digest.hexdigest()


def _copy_hashing(source: BinaryIO, out: FileIO, stop: Stop) -> str:
    if reflink(source.fileno(), out.fileno()):
        with open(out.fileno(), "rb", closefd=False) as copy:
            return hash_of(copy, stop)
    digest = hashlib.sha256()
    for chunk in chunks(source, stop):
        digest.update(chunk)
        write_all(out, chunk)
    return digest.hexdigest()


def write_all(out: FileIO, data: bytes | memoryview) -> None:
    """Writes all of `data`, however often the system takes only a part."""
    view = memoryview(data)
    while view:
        view = view[out.write(view) or 0 :]


def reflink(source: int, target: int) -> bool:
    """Makes the empty file `target` share the bytes of `source`, copy-on-write; False where that is not possible."""
    try:
        fcntl.ioctl(target, 0x40049409, source)  # FICLONE of linux/fs.h
    except OSError:
        return False
    return True


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turns OSError into HostError: `<what>: <the system's reason>`."""
    try:
        yield
    except OSError as refused:
        full = refused.errno in (28, 122)  # ENOSPC, EDQUOT
        hint = "free some space, or lower the size of the cache" if full else ""
        raise HostError(f"{what}: {refused.strerror or refused}", hint=hint) from refused


def sync_folder(path: str) -> None:
    """Waits until the names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_there(target: str, size: int) -> bool:
    try:
        if os.stat(target).st_size != size:  # cut short by a crash of the machine: replaced
            return False
        os.utime(target)
    except FileNotFoundError:
        return False
    return True


def _subfolders(root: str) -> Iterator[os.DirEntry[str]]:
    if os.path.isdir(root):
        yield from (item for item in os.scandir(root) if len(item.name) == 2 and item.is_dir())


def _sweep_one(path: str) -> int:
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    except (FileNotFoundError, BlockingIOError):
        return 0
    return 1
