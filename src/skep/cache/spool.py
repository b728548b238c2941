"""Bytes that arrive in pieces, in any order and several at once, and become one blob when all are there."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from skep.cache.blobs import (
    CHUNK_BYTES,
    Blob,
    BlobDamaged,
    Blobs,
    Stop,
    Stopped,
    make_visible,
    never,
    new_temporary,
    refusals,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A piece of a spool."""

    offset: int
    size_bytes: int


class Spool:
    """A temporary file beside the blobs. Order: `reserve` and `write` from any threads, then `commit`; at the end
    `discard`. What a dead process left is removed by the next eviction."""

    def __init__(self, blobs: Blobs) -> None:
        """Raises HostError."""
        self._blobs = blobs
        self._file, self._path = new_temporary(blobs)
        self._end = 0
        self._lock = threading.Lock()
        self._users = 0  # threads that read or write just now; the file is closed behind the last
        self._sealed = False
        self._given_up = False
        self._renamed = False

    def reserve(self, size_bytes: int) -> int:
        """Room for that many bytes: its offset. No two reservations overlap."""
        with self._lock:
            offset = self._end
            self._end += size_bytes
            return offset

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Puts bytes at an offset. Raises HostError, also after `discard`."""
        view = memoryview(data)
        with self._in_use(writing=True) as file, refusals("cannot store what is uploaded"):
            while view:
                written = os.pwrite(file, view, offset)
                view, offset = view[written:], offset + written

    def commit(
        self,
        extents: Sequence[Extent],
        *,
        stop: Stop = never,
        observe: Callable[[memoryview], object] | None = None,
    ) -> Blob:
        """The blob of these pieces, one behind the other; `observe` sees its bytes. Hold `Blobs.shared` until its manifest
        is written. Raises HostError, Stopped."""
        with self._in_use() as file:
            with self._lock:
                self._sealed = True  # what is committed must not change any more
                undisturbed = self._users == 1
            if undisturbed and _is_whole(file, extents):
                return self._commit_in_place(file, extents, stop, observe)
            with self._blobs.writer() as out:
                for piece in _read(file, extents, stop):
                    out.write(piece)
                    if observe:
                        observe(piece)
                return out.commit()

    def discard(self) -> None:
        """Removes what is left, and gives its room back, even while somebody writes. Safe to repeat."""
        with self._lock:
            if self._given_up:
                return
            self._given_up = True
            if not self._renamed:
                os.unlink(self._path)
                os.ftruncate(self._file.fileno(), 0)
            if not self._users:
                self._file.close()

    @contextmanager
    def _in_use(self, *, writing: bool = False) -> Iterator[int]:
        """The file's descriptor, which stays ours meanwhile: a closed one could be another file by now."""
        with self._lock:
            if self._given_up or (writing and self._sealed):
                raise BlobDamaged("the upload was given up, or is finished")
            self._users += 1
        try:
            yield self._file.fileno()
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._given_up and not self._users:
                self._file.close()

    def _commit_in_place(
        self, file: int, extents: Sequence[Extent], stop: Stop, observe: Callable[[memoryview], object] | None
    ) -> Blob:
        digest, size = hashlib.sha256(), 0
        for piece in _read(file, extents, stop):
            digest.update(piece)
            size += len(piece)
            if observe:
                observe(piece)
        blob = Blob(digest=digest.hexdigest(), size_bytes=size)
        with self._lock:
            given_up = self._given_up
            if not given_up:
                self._renamed = make_visible(self._blobs, self._file, self._path, blob)
        if given_up:
            raise BlobDamaged("the upload was given up")
        return blob


def _is_whole(file: int, extents: Sequence[Extent]) -> bool:
    """Whether the file as it lies is the content: nothing need be written twice then."""
    at = 0
    for extent in extents:
        if extent.offset != at:
            return False
        at += extent.size_bytes
    return at == os.fstat(file).st_size


def _read(file: int, extents: Sequence[Extent], stop: Stop) -> Iterator[memoryview]:
    buffer = memoryview(bytearray(CHUNK_BYTES))
    for extent in extents:
        at, end = extent.offset, extent.offset + extent.size_bytes
        while at < end:
            if stop():
                raise Stopped("stopped")
            with refusals("cannot read what was uploaded"):
                count = os.preadv(file, [buffer[: min(end - at, CHUNK_BYTES)]], at)
            if not count:
                raise BlobDamaged("the upload ends too early")
            yield buffer[:count]
            at += count
