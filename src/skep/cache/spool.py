"""Bytes that arrive in pieces, in any order and several at once, and become one blob when all are there."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
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
        self._gone = False

    def reserve(self, size_bytes: int) -> int:
        """Room for that many bytes: its offset. No two reservations overlap."""
        with self._lock:
            offset = self._end
            self._end += size_bytes
            return offset

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Puts bytes at an offset. Raises HostError, also after `discard`."""
        view = memoryview(data)
        with refusals("cannot store what is uploaded"):
            while view:
                if self._file.closed:
                    raise BlobDamaged("the upload was given up")
                written = os.pwrite(self._file.fileno(), view, offset)
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
        if self._is_whole(extents):
            return self._commit_in_place(extents, stop, observe)
        with self._blobs.writer() as out:
            for piece in self._read(extents, stop):
                out.write(piece)
                if observe:
                    observe(piece)
            return out.commit()

    def discard(self) -> None:
        """Removes what is left. Safe to repeat."""
        with self._lock:
            if not self._file.closed:
                if not self._gone:
                    os.unlink(self._path)
                self._gone = True
                self._file.close()

    def _is_whole(self, extents: Sequence[Extent]) -> bool:
        """Whether the file as it lies is the content: nothing need be written twice then."""
        at = 0
        for extent in extents:
            if extent.offset != at:
                return False
            at += extent.size_bytes
        return at == os.fstat(self._file.fileno()).st_size

    def _commit_in_place(
        self, extents: Sequence[Extent], stop: Stop, observe: Callable[[memoryview], object] | None
    ) -> Blob:
        digest, size = hashlib.sha256(), 0
        for piece in self._read(extents, stop):
            digest.update(piece)
            size += len(piece)
            if observe:
                observe(piece)
        blob = Blob(digest=digest.hexdigest(), size_bytes=size)
        self._gone = make_visible(self._blobs, self._file, self._path, blob)
        return blob

    def _read(self, extents: Sequence[Extent], stop: Stop) -> Iterator[memoryview]:
        buffer = memoryview(bytearray(CHUNK_BYTES))
        for extent in extents:
            at, end = extent.offset, extent.offset + extent.size_bytes
            while at < end:
                if stop():
                    raise Stopped("stopped")
                with refusals("cannot read what was uploaded"):
                    count = os.preadv(self._file.fileno(), [buffer[: min(end - at, CHUNK_BYTES)]], at)
                if not count:
                    raise BlobDamaged("the upload ends too early")
                yield buffer[:count]
                at += count
