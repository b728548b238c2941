"""Whole writes, faithful copies, comparison, free room."""

from __future__ import annotations

import errno
import os
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skep.host import files
from skep.host.files import atomic_write, copy_file, copy_link, free_bytes, same_content


def put(path: str, data: bytes, mode: int = 0o644) -> str:
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return path


def get(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@pytest.mark.parametrize("size", [0, 1, files.SMALL_BYTES, files.SMALL_BYTES + 1, 3_000_000])
@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o777, 0o444])
def test_a_copy_has_the_bytes_the_mode_and_the_mtime(tmp_path: object, size: int, mode: int) -> None:
    one = put(f"{tmp_path}/one", os.urandom(size), mode)
    os.utime(one, ns=(1, 1_234_567_890_123_456_789))
    method, before = copy_file(one, f"{tmp_path}/two")
    found = os.stat(f"{tmp_path}/two")
    assert method in ("reflink", "copy")
    assert get(f"{tmp_path}/two") == get(one)
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (mode, before.st_mtime_ns)


def test_a_copy_never_follows_a_link_and_never_overwrites(tmp_path: object) -> None:
    put(f"{tmp_path}/one", b"1")
    os.symlink("one", f"{tmp_path}/link")
    with pytest.raises(OSError, match="symbolic links") as caught:
        copy_file(f"{tmp_path}/link", f"{tmp_path}/two")
    assert caught.value.errno == errno.ELOOP
    with pytest.raises(FileExistsError):
        copy_file(f"{tmp_path}/one", f"{tmp_path}/link")
    assert get(f"{tmp_path}/one") == b"1"


def test_a_pipe_is_refused_at_once(tmp_path: object) -> None:
    os.mkfifo(f"{tmp_path}/pipe")
    with pytest.raises(OSError, match="not a regular file"):
        copy_file(f"{tmp_path}/pipe", f"{tmp_path}/two")


def test_a_failed_copy_leaves_nothing(tmp_path: object) -> None:
    put(f"{tmp_path}/one", b"1" * 100)
    with pytest.raises(OSError, match="No space"):
        copy_to_full_disk(f"{tmp_path}/one", f"{tmp_path}/two")
    assert os.listdir(str(tmp_path)) == ["one"]


def copy_to_full_disk(source: str, target: str) -> None:
    """What a full disk does, without one: the write is refused (the real thing is tested with the mirror)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", _no_space)
        copy_file(source, target, reflink=False)


def _no_space(handle: int, data: bytes) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_link_is_copied_as_a_link_with_its_mtime(tmp_path: object) -> None:
    os.symlink("nowhere\n", f"{tmp_path}/link")
    os.utime(f"{tmp_path}/link", ns=(5, 7_000_000_009), follow_symlinks=False)
    copy_link(f"{tmp_path}/link", f"{tmp_path}/copy")
    assert os.readlink(f"{tmp_path}/copy") == "nowhere\n"
    assert os.lstat(f"{tmp_path}/copy").st_mtime_ns == os.lstat(f"{tmp_path}/link").st_mtime_ns


@settings(max_examples=40)
@given(one=st.binary(max_size=40), other=st.binary(max_size=40), same=st.booleans())
def test_content_is_compared_byte_by_byte(
    tmp_path_factory: pytest.TempPathFactory, one: bytes, other: bytes, same: bool
) -> None:
    folder = tmp_path_factory.mktemp("same")
    put(f"{folder}/one", one)
    put(f"{folder}/other", one if same else other)
    assert same_content(f"{folder}/one", f"{folder}/other") is (same or one == other)


def test_links_kinds_and_missing_files_compare_as_they_should(tmp_path: object) -> None:
    put(f"{tmp_path}/file", b"x")
    for name, target in {"a": "x", "b": "x", "c": "y"}.items():
        os.symlink(target, f"{tmp_path}/{name}")
    assert same_content(f"{tmp_path}/a", f"{tmp_path}/b")
    for one, other in (("a", "c"), ("a", "file"), ("file", "missing"), ("missing", "missing")):
        assert not same_content(f"{tmp_path}/{one}", f"{tmp_path}/{other}")


def test_a_write_is_whole_or_not_at_all(tmp_path: object) -> None:
    path = f"{tmp_path}/file"
    atomic_write(path, b"first")
    with pytest.raises(TypeError):
        atomic_write(path, "no bytes")  # type: ignore[arg-type]
    assert (get(path), os.listdir(str(tmp_path))) == (b"first", ["file"])
    atomic_write(path, b"second", mode=0o600)
    assert get(path) == b"second"


def test_free_room_is_what_this_user_may_write(tmp_path: object) -> None:
    found = os.statvfs(str(tmp_path))
    assert free_bytes(str(tmp_path)) == pytest.approx(found.f_bavail * found.f_frsize, rel=0.5)
