"""Cache archives as GitHub's toolkits make and want them, and ours in their form.

Theirs are POSIX tars with paths relative to the workspace, compressed by zstd where the command is installed, else by gzip;
their version says which paths and which compression. Ours are not compressed and name members by what they are for. For a
toolkit ours are renamed on the way and wrapped as zstd or gzip that compresses nothing: bytes are then only copied.
Source: actions/toolkit, `packages/cache/src/internal/{cacheUtils,tar}.ts`; RFC 1952; RFC 8878, section 3.1.1.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, Literal

from skep.cache.blobs import CHUNK_BYTES, Stop, Stopped, never
from skep.cache.entries import Compression
from skep.cache.tar_headers import BLOCK, TarError, encode_header, read_headers

METHODS: dict[str, Literal["gzip", "zstd"]] = {"zstd-without-long": "zstd", "gzip": "gzip", "zstd": "zstd"}
"""Method, as a toolkit's version names it -> compression. `zstd` is of toolkits until 2020."""
_SALT = "1.0"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_HEADER = _ZSTD_MAGIC + b"\x00\x38"  # no checksum, no content size; a window of 128 KiB
_ZSTD_BLOCK = 128 << 10


def toolkit_version(paths: Sequence[str], method: str) -> str:
    """How the toolkits call the caches of these `path` lines with this compression."""
    return hashlib.sha256("|".join([*paths, method, _SALT]).encode("utf-8", "surrogatepass")).hexdigest()


def compression_of(path: str) -> Compression:
    """How a file is compressed, by its first bytes."""
    with open(path, "rb") as file:
        begin = file.read(4)
    return "zstd" if begin == _ZSTD_MAGIC else "gzip" if begin[:2] == b"\x1f\x8b" else "none"


def renamed(
    archive: BinaryIO, name: Callable[[str], str], stop: Stop = never
) -> Iterator[bytes | memoryview]:
    """The bytes of a tar whose members are called otherwise; each piece is valid until the next. Raises TarError."""
    buffer = memoryview(bytearray(CHUNK_BYTES))
    for header in read_headers(archive):
        if stop():
            raise Stopped("stopped")
        link = name(header.link) if header.kind == "1" else header.link
        yield encode_header(
            os.fsencode(name(header.name)),
            mode=header.mode,
            size=header.size,
            mtime_ns=header.mtime_ns,
            kind=header.kind.encode(),
            link=os.fsencode(link),
        )
        left = -(-header.size // BLOCK) * BLOCK
        while left:
            count = archive.readinto(buffer[: min(left, CHUNK_BYTES)])  # type: ignore[attr-defined]
            if not count:
                raise TarError("the archive ends within a file")
            yield buffer[:count]
            left -= count
    yield bytes(2 * BLOCK)


def wrapped(
    pieces: Iterable[bytes | memoryview], compression: Literal["gzip", "zstd"]
) -> Iterator[bytes | memoryview]:
    """The same bytes as a gzip or zstd stream that stores them as they are."""
    return _as_gzip(pieces) if compression == "gzip" else _as_zstd(pieces)


def _as_gzip(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    packer = zlib.compressobj(level=0, wbits=31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _as_zstd(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    yield _ZSTD_HEADER
    for piece in pieces:
        view = memoryview(piece)
        while view:
            block, view = view[:_ZSTD_BLOCK], view[_ZSTD_BLOCK:]
            yield (len(block) << 3).to_bytes(3, "little")  # a raw block that is not the last
            yield block
    yield b"\x01\x00\x00"  # the last: raw, empty
