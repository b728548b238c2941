"""The members of a zip as blobs: how an artifact that came zipped is read by those who want its files.

A member that would lie outside, or whose bytes are not what the zip says, is refused; links become plain files, as the
toolkits take them. Source: PKWARE APPNOTE 6.3.10.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence

from skep.cache.artifact_names import path_problem
from skep.cache.artifacts import Artifact, ArtifactFile
from skep.cache.blobs import CHUNK_BYTES, Blobs, Stop, Stopped, never, refusals
from skep.model.errors import HostError, UserError

LARGEST_BYTES = 1 << 40
MOST_MEMBERS = 1_000_000


def unpacked(artifact: Artifact, blobs: Blobs, stop: Stop = never) -> Sequence[ArtifactFile]:
    """The files of an artifact, each with a blob. Hold `Blobs.shared` until they were used. Raises UserError when a member
    would lie outside, HostError when the zip is damaged."""
    if not artifact.packed:
        return artifact.files
    (zipped,) = artifact.files
    blobs.verify(zipped.digest, stop)
    try:
        with zipfile.ZipFile(blobs.path(zipped.digest)) as archive:
            return [_store(archive, member, blobs, stop) for member in _members(archive, artifact.name)]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise HostError(f"the artifact `{artifact.name}` is no zip that can be read: {error}") from error


def count_members(path: str) -> int:
    """How many files a zip holds; 0 when it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(not member.is_dir() for member in archive.infolist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return 0


def _members(archive: zipfile.ZipFile, name: str) -> Iterator[zipfile.ZipInfo]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > LARGEST_BYTES:
        raise HostError(f"the artifact `{name}` is too large when unpacked")
    for member in members:
        if problem := path_problem(member.filename):
            raise UserError(problem)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFLNK):
            raise UserError(f"the artifact `{name}` holds something that is no file: {member.filename!r}")
        yield member


def _store(archive: zipfile.ZipFile, member: zipfile.ZipInfo, blobs: Blobs, stop: Stop) -> ArtifactFile:
    with archive.open(member) as source, blobs.writer() as out, refusals(f"cannot unpack {member.filename}"):
        while piece := source.read(CHUNK_BYTES):
            if stop():
                raise Stopped("stopped")
            out.write(piece)
        blob = out.commit()
    return ArtifactFile(
        path=member.filename, digest=blob.digest, size_bytes=blob.size_bytes, crc32=member.CRC
    )
