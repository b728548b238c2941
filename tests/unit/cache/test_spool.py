"""Pieces in any order become one blob, and nothing of an unfinished one stays."""

import hashlib
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skep.cache.blobs import Blobs
from skep.cache.spool import Extent, Spool
from skep.model.errors import HostError


def put(spool: Spool, data: bytes) -> Extent:
    offset = spool.reserve(len(data))
    spool.write(offset, data)
    return Extent(offset=offset, size_bytes=len(data))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(max_size=3000), max_size=6), data=st.data())
def test_pieces_are_put_together_in_the_order_that_is_asked_for(
    tmp_path: Path, pieces: list[bytes], data: st.DataObject
) -> None:
    order = data.draw(st.lists(st.sampled_from(range(len(pieces))), max_size=8)) if pieces else []
    blobs = Blobs(str(tmp_path / "blobs"))
    spool = Spool(blobs)
    extents = [put(spool, piece) for piece in pieces]
    expected = b"".join(pieces[number] for number in order)
    seen: list[bytes] = []
    blob = spool.commit(
        [extents[number] for number in order], observe=lambda piece: seen.append(bytes(piece))
    )
    spool.discard()
    assert blob.digest == hashlib.sha256(expected).hexdigest()
    assert Path(blobs.path(blob.digest)).read_bytes() == expected == b"".join(seen)
    assert os.listdir(tmp_path / "blobs/tmp") == []


def test_pieces_that_came_in_order_are_not_written_again(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    spool = Spool(blobs)
    extents = [put(spool, b"one"), put(spool, b"two")]
    (temporary,) = os.listdir(tmp_path / "tmp")
    before = os.stat(tmp_path / "tmp" / temporary).st_ino
    blob = spool.commit(extents)
    assert os.stat(blobs.path(blob.digest)).st_ino == before
    spool.discard()
    assert blobs.has(blob.digest)


def test_a_committed_blob_can_no_longer_be_written(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    spool = Spool(blobs)
    blob = spool.commit([put(spool, b"whole")])
    with pytest.raises(HostError, match="is finished"):
        spool.write(0, b"other")
    spool.discard()
    blobs.verify(blob.digest)


def test_discarding_gives_the_room_back_while_others_still_write(tmp_path: Path) -> None:
    spool = Spool(Blobs(str(tmp_path)))
    put(spool, b"x" * 1_000_000)
    refused = threading.Event()

    def write_on() -> None:
        try:
            while True:
                put(spool, b"y" * 1000)
        except HostError:
            refused.set()

    threads = [threading.Thread(target=write_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    spool.discard()
    for thread in threads:
        thread.join(10)
    assert refused.is_set()
    assert os.listdir(tmp_path / "tmp") == []
    spool.discard()


def test_what_a_dead_process_left_is_swept(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    pid = os.fork()
    if not pid:
        put(Spool(blobs), b"half")
        os._exit(0)
    os.waitpid(pid, 0)
    assert len(os.listdir(tmp_path / "tmp")) == 1
    assert blobs.sweep() == 1


def test_an_extent_that_was_never_written_is_refused(tmp_path: Path) -> None:
    spool = Spool(Blobs(str(tmp_path)))
    offset = spool.reserve(10)
    with pytest.raises(HostError, match="ends too early"):
        spool.commit([Extent(offset=offset, size_bytes=10)])
    spool.discard()
