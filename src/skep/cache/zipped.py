"""An artifact's files in, the bytes of its zip out, the same bytes each time.

Files are stored, not compressed: their bytes can then be sent from the blobs as they are, the size is known before the
first byte, and the digest is cheap. Sizes and checksums stand before the data, for readers that cannot seek. Times are
the format's first moment; modes are 0644, since GitHub's zips keep none. Source: PKWARE APPNOTE 6.3.10.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence

from skep.cache.artifacts import ArtifactFile
from skep.cache.blobs import Blobs, Stop, chunks, never, refusals

_LIMIT_32 = 0xFFFFFFFF
_LIMIT_16 = 0xFFFF
_VERSION = 20
_VERSION_64 = 45
_UNIX = 3 << 8
_UTF_8 = 1 << 11
_FIRST_DATE = (1 << 5) | 1  # 1 January 1980
_MODE = 0o100644 << 16
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")


def zip_parts(files: Sequence[ArtifactFile]) -> Iterator[bytes | ArtifactFile]:
    """The zip in order: bytes as they are, and files whose whole content stands there."""
    directory = []
    offset = 0
    for file in files:
        header = _local(file)
        directory.append(_central(file, offset))
        offset += len(header) + file.size_bytes
        yield header
        yield file
    central = b"".join(directory)
    yield central + _end(len(directory), len(central), offset)


def zip_size(files: Sequence[ArtifactFile]) -> int:
    """Length of the zip in bytes."""
    return sum(part.size_bytes if isinstance(part, ArtifactFile) else len(part) for part in zip_parts(files))


def zip_bytes(
    files: Sequence[ArtifactFile], blobs: Blobs, stop: Stop = never
) -> Iterator[bytes | memoryview]:
    """The zip's bytes; each piece is valid until the next is asked for. Raises HostError."""
    for part in zip_parts(files):
        if isinstance(part, bytes):
            yield part
            continue
        with refusals(f"cannot read {part.path}"), open(blobs.path(part.digest), "rb") as source:
            yield from chunks(source, stop)


def zip_digest(files: Sequence[ArtifactFile], blobs: Blobs, stop: Stop = never) -> str:
    """SHA-256 of the zip, in lower-case hex."""
    digest = hashlib.sha256()
    for piece in zip_bytes(files, blobs, stop):
        digest.update(piece)
    return digest.hexdigest()


def _local(file: ArtifactFile) -> bytes:
    name = file.path.encode("utf-8", "surrogateescape")
    large = file.size_bytes >= _LIMIT_32
    size = _LIMIT_32 if large else file.size_bytes
    extra = struct.pack("<2H2Q", 1, 16, file.size_bytes, file.size_bytes) if large else b""
    version = _VERSION_64 if large else _VERSION
    fixed = (b"PK\3\4", version, _UTF_8, 0, 0, _FIRST_DATE, file.crc32, size, size, len(name), len(extra))
    return _LOCAL.pack(*fixed) + name + extra


def _central(file: ArtifactFile, offset: int) -> bytes:
    name = file.path.encode("utf-8", "surrogateescape")
    wide = b""
    if file.size_bytes >= _LIMIT_32:
        wide += struct.pack("<2Q", file.size_bytes, file.size_bytes)
    if offset >= _LIMIT_32:
        wide += struct.pack("<Q", offset)
    extra = struct.pack("<2H", 1, len(wide)) + wide if wide else b""
    version = _VERSION_64 if wide else _VERSION
    size = min(file.size_bytes, _LIMIT_32)
    made = (b"PK\1\2", _UNIX | version, version, _UTF_8, 0, 0, _FIRST_DATE, file.crc32, size, size)
    rest = (len(name), len(extra), 0, 0, 0, _MODE, min(offset, _LIMIT_32))
    return _CENTRAL.pack(*made, *rest) + name + extra


def _end(count: int, size: int, offset: int) -> bytes:
    wide = b""
    if count >= _LIMIT_16 or size >= _LIMIT_32 or offset >= _LIMIT_32:
        rest = (44, _UNIX | _VERSION_64, _VERSION_64, 0, 0, count, count, size, offset)
        wide = _END_64.pack(b"PK\6\6", *rest) + _LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1)
    few, small, near = min(count, _LIMIT_16), min(size, _LIMIT_32), min(offset, _LIMIT_32)
    return wide + _END.pack(b"PK\5\6", 0, 0, few, few, small, near, 0)
