"""Blobs: whole or absent, verified when read, whoever writes and whoever dies."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import stat
from pathlib import Path

import pytest

from skep.cache.blobs import BlobDamaged, Blobs, Stopped
from skep.model.errors import HostError

from .programs import finish, start


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(str(tmp_path / "blobs"))


def read_out(blobs: Blobs, digest: str, target: Path) -> bytes:
    with open(target, "xb+", buffering=0) as out:
        blobs.copy_out(digest, out)
    return target.read_bytes()


def left_in_tmp(blobs: Blobs) -> list[str]:
    return os.listdir(os.path.join(blobs.root, "tmp"))


@pytest.mark.parametrize("size", [0, 1, 5000, (1 << 20) + 1])
def test_bytes_come_back_under_their_digest(blobs: Blobs, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    blob = blobs.add(data)
    assert (blob.digest, blob.size_bytes) == (hashlib.sha256(data).hexdigest(), size)
    assert read_out(blobs, blob.digest, tmp_path / "out") == data
    assert [item.digest for item in blobs] == [blob.digest]


def test_a_stored_file_does_not_follow_its_source_nor_its_copies(blobs: Blobs, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"first")
    blob = blobs.add_file(str(source))
    source.write_bytes(b"other")
    copy = tmp_path / "copy"
    read_out(blobs, blob.digest, copy)
    copy.write_bytes(b"third")
    blobs.verify(blob.digest)
    assert stat.S_IMODE(os.stat(blobs.path(blob.digest)).st_mode) == 0o444
    assert os.stat(blobs.path(blob.digest)).st_nlink == 1


def test_the_same_content_is_stored_once(blobs: Blobs) -> None:
    first, second = blobs.add(b"same"), blobs.add(b"same")
    assert first == second
    assert len(list(blobs)) == 1
    assert left_in_tmp(blobs) == []


def test_what_is_not_committed_leaves_nothing(blobs: Blobs) -> None:
    with blobs.writer() as out:
        out.write(b"half of it")
        assert list(blobs) == []
    assert left_in_tmp(blobs) == []


def test_a_stop_ends_a_long_copy_and_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(3 << 20))
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 1

    with pytest.raises(Stopped):
        blobs.add_file(str(source), stop)
    assert list(blobs) == []
    assert left_in_tmp(blobs) == []


@pytest.mark.parametrize("damage", [b"", b"hellx", b"hello!"])
def test_a_damaged_blob_is_found_out_and_removed(blobs: Blobs, tmp_path: Path, damage: bytes) -> None:
    blob = blobs.add(b"hello")
    os.chmod(blobs.path(blob.digest), 0o644)
    Path(blobs.path(blob.digest)).write_bytes(damage)
    with pytest.raises(BlobDamaged, match="damaged"):
        read_out(blobs, blob.digest, tmp_path / "out")
    assert not blobs.has(blob.digest)
    with pytest.raises(BlobDamaged, match="gone"):
        blobs.verify(blob.digest)


def test_a_blob_cut_short_is_replaced_when_its_content_is_stored_again(blobs: Blobs) -> None:
    blob = blobs.add(b"hello")
    os.chmod(blobs.path(blob.digest), 0o644)
    os.truncate(blobs.path(blob.digest), 2)
    blobs.add(b"hello")
    blobs.verify(blob.digest)


def test_a_synced_store_gives_the_same_blobs(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path), sync=True)
    blobs.verify(blobs.add(b"safe").digest)


def test_a_folder_or_a_missing_file_cannot_be_stored(blobs: Blobs, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(HostError, match="cannot store"):
            blobs.add_file(str(path))
    assert left_in_tmp(blobs) == []


ADD_MANY = """
    import sys
    from skep.cache.blobs import Blobs
    blobs = Blobs(sys.argv[1])
    for number in range(60):
        blobs.verify(blobs.add(b"content %d " % number * 20000).digest)
"""


def test_processes_that_store_the_same_contents_at_once_agree(blobs: Blobs) -> None:
    for process in [start(ADD_MANY, blobs.root) for _ in range(4)]:
        finish(process)
    assert len(list(blobs)) == 60
    for blob in blobs:
        blobs.verify(blob.digest)
    assert left_in_tmp(blobs) == []


WRITE_FOREVER = """
    import sys
    from skep.cache.blobs import Blobs
    with Blobs(sys.argv[1]).shared(), Blobs(sys.argv[1]).writer() as out:
        out.write(b"x" * 100000)
        print("writing", flush=True)
        while True:
            out.write(b"x" * 100000)
"""


def test_a_writer_killed_halfway_leaves_no_blob_and_no_lock_and_is_swept_up(blobs: Blobs) -> None:
    process = start(WRITE_FOREVER, blobs.root)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        assert blobs.sweep() == 0, "a living writer's file is not swept"
        with blobs.exclusive() as ours:
            assert not ours, "nothing may be removed while somebody adds"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert list(blobs) == []
    with blobs.exclusive() as ours:
        assert ours
    assert len(left_in_tmp(blobs)) == 1
    assert blobs.sweep() == 1
    assert left_in_tmp(blobs) == []


FILL_DISK = """
    import os, sys
    from skep.cache.blobs import Blobs
    from skep.model.errors import HostError
    blobs = Blobs(sys.argv[1])
    small = blobs.add(b"fits")
    big = os.path.join(sys.argv[2], "big")
    with open(big, "wb") as file:
        file.write(os.urandom(4 << 20))
    for attempt in (lambda: blobs.add_file(big), lambda: blobs.add(os.urandom(4 << 20))):
        try:
            attempt()
        except HostError as error:
            print(error, "|", error.hint)
    print(os.listdir(os.path.join(blobs.root, "tmp")), [blob.digest == small.digest for blob in blobs])
    blobs.verify(small.digest)
    blobs.add(b"fits again")
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="mounts a tmpfs: root and unshare only"
)
def test_a_full_disk_is_said_and_leaves_the_store_whole(tmp_path: Path) -> None:
    script, disk = tmp_path / "fill.py", tmp_path / "disk"
    disk.mkdir()
    import subprocess
    import sys
    import textwrap

    from .programs import SOURCES

    script.write_text(textwrap.dedent(FILL_DISK))
    mount = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" "$3" "$1/blobs" "$4"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", str(disk), sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    full = "cannot store a file: No space left on device | free some space, or lower the size of the cache\n"
    assert done.stdout == full + full + "[] [True]\n"
