"""Zips on demand: any reader reads them, the size and digest are known before, and large ones are zip64."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.cache.artifacts import ArtifactFile
from skep.cache.blobs import Blobs
from skep.cache.zipped import zip_bytes, zip_digest, zip_parts, zip_size
from tools import needs_tool


def stored(blobs: Blobs, contents: dict[str, bytes]) -> list[ArtifactFile]:
    return [
        ArtifactFile(path=path, digest=blobs.add(data).digest, size_bytes=len(data), crc32=zlib.crc32(data))
        for path, data in contents.items()
    ]


def zipped(blobs: Blobs, files: list[ArtifactFile]) -> bytes:
    return b"".join(bytes(piece) for piece in zip_bytes(files, blobs))


CONTENTS = {"a.txt": b"hello", "dir/b": b"", "dir/ü — name": os.urandom(3 << 20), "z" * 300: b"long name"}


def test_a_zip_holds_the_files_and_is_as_long_and_has_the_digest_as_told(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    files = stored(blobs, CONTENTS)
    data = zipped(blobs, files)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == CONTENTS
    assert len(data) == zip_size(files)
    assert hashlib.sha256(data).hexdigest() == zip_digest(files, blobs)
    assert zipped(blobs, files) == data


@needs_tool("unzip")
def test_unzip_takes_our_zips(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path / "blobs"))
    (tmp_path / "a.zip").write_bytes(zipped(blobs, stored(blobs, {"a.txt": b"hello", "dir/b": b"x" * 99999})))
    done = subprocess.run(["unzip", "-t", tmp_path / "a.zip"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@given(st.dictionaries(st.text(alphabet="abcé/", min_size=1, max_size=9), st.binary(max_size=50), max_size=6))
def test_any_files_come_back(tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]) -> None:
    blobs = Blobs(str(tmp_path_factory.mktemp("zip")))
    data = zipped(blobs, stored(blobs, contents))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {info.orig_filename: archive.read(info) for info in archive.infolist()} == contents
    assert len(data) == zip_size(stored(blobs, contents))


def test_files_above_four_gibibytes_are_told_in_zip64(tmp_path: Path) -> None:
    sizes = {"first": 5 << 30, "second": 7, "third": 6 << 30}
    files = [ArtifactFile(path=path, digest="", size_bytes=size, crc32=0) for path, size in sizes.items()]
    with open(tmp_path / "sparse.zip", "wb") as out:  # the content is a hole: only the structure is read
        for part in zip_parts(files):
            if isinstance(part, bytes):
                out.write(part)
            else:
                out.seek(part.size_bytes, os.SEEK_CUR)
    assert os.path.getsize(tmp_path / "sparse.zip") == zip_size(files)
    with zipfile.ZipFile(tmp_path / "sparse.zip") as archive:
        assert {info.filename: info.file_size for info in archive.infolist()} == sizes
        for info in archive.infolist():
            archive.open(info).close()  # finds the local header where the directory says


def test_more_than_65535_files_are_counted_in_zip64() -> None:
    files = [ArtifactFile(path=f"f{n}", digest="", size_bytes=0, crc32=0) for n in range(66_000)]
    data = b"".join(part for part in zip_parts(files) if isinstance(part, bytes))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 66_000
