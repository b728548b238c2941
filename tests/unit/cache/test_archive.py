"""Archives: what went in comes out, GNU tar reads ours and we read GNU's, and no archive writes where it must not."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.cache.archive import Packed, pack, unpack
from skep.cache.blobs import Stopped
from skep.cache.tar_headers import TarError, encode_header, read_headers
from tools import needs_tool


def packed(*members: tuple[str, str], report: Packed | None = None) -> bytes:
    out = io.BytesIO()
    done = pack(members, out.write)
    if report is not None:
        report.left_out += done.left_out
    return out.getvalue()


def unpacked(archive: bytes, target: Path, place: Callable[[str], str] | None = None) -> int:
    def within(name: str) -> str:
        path = os.path.normpath(os.path.join(target, name))
        if not path.startswith(f"{target}/"):
            raise TarError(f"{name} leads out")
        return path

    target.mkdir(exist_ok=True)
    return unpack(io.BytesIO(archive), place or within)


def described(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder: kind, mode, mtime, content, and which names share a file."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path), status.st_mtime_ns)
        elif path.is_dir():
            found[name] = ("folder", stat.S_IMODE(status.st_mode), status.st_mtime_ns)
        else:
            shared = sorted(
                str(other.relative_to(root))
                for other in root.rglob("*")
                if other.lstat().st_ino == status.st_ino
            )
            found[name] = (
                "file",
                stat.S_IMODE(status.st_mode),
                status.st_mtime_ns,
                path.read_bytes(),
                shared,
            )
    return found


def a_tree(root: Path) -> Path:
    """One of everything a cache may hold."""
    (root / "sub/deep").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "empty").chmod(0o500)
    (root / "plain").write_bytes(b"x" * 513)
    (root / "nothing").touch()
    (root / "sub/deep/tool").write_bytes(b"#!/bin/sh\n")
    (root / "sub/deep/tool").chmod(0o755)
    os.link(root / "plain", root / "sub/twin")
    (root / "sub/link").symlink_to("../plain")
    (root / "dangling").symlink_to("/nowhere/at/all")
    (root / ("long" * 50)).write_text("a name of 200 characters")
    (root / "sub" / "déjà vu\nnew line").write_text("letters")
    os.utime(root / "plain", ns=(1, 1_600_000_000_123_456_789))
    os.utime(root / "nothing", ns=(1, -5_500_000_000))
    os.utime(root / "sub/link", ns=(1, 1_500_000_000_000_000_001), follow_symlinks=False)
    os.utime(root / "sub", ns=(1, 1_400_000_000_000_000_000))
    Path(os.fsdecode(os.fsencode(root) + b"/not-utf8-\xff\xfe")).write_text("bytes")
    return root


def test_a_tree_comes_back_as_it_was(tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree")
    count = unpacked(packed((str(tree), "t")), tmp_path / "out")
    before = described(tree)
    assert described(tmp_path / "out/t") == before
    assert count == len(before) + 1


@needs_tool("tar")
def test_gnu_tar_restores_our_archives(tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree")
    (tmp_path / "a.tar").write_bytes(packed((str(tree), "t")))
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xpf", tmp_path / "a.tar", "-C", tmp_path / "out"], check=True)
    assert described(tmp_path / "out/t") == described(tree)


@needs_tool("tar")
@pytest.mark.parametrize("kind", ["posix", "gnu", "oldgnu", "ustar"])
def test_archives_of_gnu_tar_are_restored(tmp_path: Path, kind: str) -> None:
    tree = a_tree(tmp_path / "tree")
    if kind == "ustar":  # cannot hold names and times like these
        (tree / ("long" * 50)).unlink()
    if kind != "posix":
        os.utime(tree / "nothing", (5, 5))
    command = ["tar", f"--format={kind}", "-cf", str(tmp_path / "a.tar"), "-C", str(tmp_path), "tree"]
    subprocess.run(command, check=True)
    unpacked((tmp_path / "a.tar").read_bytes(), tmp_path / "out")
    found, expected = described(tmp_path / "out/tree"), described(tree)
    if kind != "posix":
        found, expected = _whole_seconds(found), _whole_seconds(expected)
    assert found == expected


def _whole_seconds(tree: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    at = {"link": 2, "folder": 2, "file": 2}
    return {
        name: tuple(
            int(str(value)) // 10**9 if index == at[str(item[0])] else value
            for index, value in enumerate(item)
        )
        for name, item in tree.items()
    }


@given(
    name=st.binary(min_size=1, max_size=300).filter(lambda name: b"\0" not in name and b"/" not in name),
    link=st.binary(max_size=300).filter(lambda link: b"\0" not in link),
    mtime_ns=st.integers(-(2**62), 2**62),
    mode=st.integers(0, 0o7777),
)
def test_headers_come_back(name: bytes, link: bytes, mtime_ns: int, mode: int) -> None:
    encoded = encode_header(name, mode=mode, size=0, mtime_ns=mtime_ns, kind=b"2", link=link)
    assert len(encoded) % 512 == 0
    (header,) = read_headers(io.BytesIO(encoded + bytes(1024)))
    assert os.fsencode(header.name) == name
    assert os.fsencode(header.link) == link
    assert (header.mode, header.mtime_ns, header.kind) == (mode, mtime_ns, "2")


@pytest.mark.parametrize("size", [0, 8**11 - 1, 8**11, 2**50])
def test_sizes_beyond_eight_gibibytes_are_kept(size: int) -> None:
    encoded = encode_header(b"big", mode=0, size=size, mtime_ns=0, kind=b"0")
    header = next(read_headers(io.BytesIO(encoded + bytes(1024))))
    assert header.size == size


def test_what_stands_in_the_way_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_text("new")
    (tree / "folder").mkdir()
    (tree / "link").symlink_to("file")
    target = tmp_path / "out"
    target.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    (target / "t").mkdir()
    (target / "t/file").symlink_to(elsewhere)
    (target / "t/folder").write_text("in the way")
    (target / "t/link").write_text("in the way")
    (target / "t/other").write_text("stays")
    unpacked(packed((str(tree), "t")), target)
    assert (target / "t/file").read_text() == "new"
    assert not (target / "t/file").is_symlink()
    assert elsewhere.read_text() == "untouched"
    assert (target / "t/folder").is_dir()
    assert (target / "t/link").readlink() == Path("file")
    assert (target / "t/other").read_text() == "stays"


def test_parents_that_are_no_members_are_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("x")
    archive = packed((str(tmp_path / "file"), "a/b/c"), (str(tmp_path / "link"), "d/e/f"))
    unpacked(archive, tmp_path / "out")
    assert (tmp_path / "out/a/b/c").read_text() == "x"
    assert (tmp_path / "out/d/e/f").is_symlink()


def test_a_member_named_twice_is_stored_once(tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree")
    once = packed((str(tree), "t"))
    assert packed((str(tree), "t"), (str(tree / "sub"), "t/sub"), (str(tree), "t")) == once


def test_pipes_and_files_that_vanished_are_left_out_and_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    report = Packed()
    archive = packed((str(tmp_path / "pipe"), "pipe"), (str(tmp_path / "gone"), "gone"), report=report)
    assert archive == bytes(1024)
    assert report.left_out == [str(tmp_path / "pipe"), str(tmp_path / "gone")]


def test_a_stop_ends_packing_and_unpacking(tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree")
    with pytest.raises(Stopped):
        pack([(str(tree), "t")], io.BytesIO().write, lambda: True)
    with pytest.raises(Stopped):
        unpack(io.BytesIO(packed((str(tree), "t"))), lambda name: str(tmp_path / "out" / name), lambda: True)


def _member(name: str, kind: bytes, link: str = "", content: bytes = b"") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, len(content)
    return member.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % 512)


ATTACKS = {
    "a name that climbs": _member("a/../../victim", tarfile.REGTYPE, content=b"bad"),
    "through its own link": _member("a", tarfile.SYMTYPE, "..")
    + _member("a/victim", tarfile.REGTYPE, content=b"bad"),
    "a link through its own link": _member("a", tarfile.SYMTYPE, "..")
    + _member("a/victim", tarfile.SYMTYPE, "/bad"),
    "a hard link through its own link": _member("own", tarfile.REGTYPE, content=b"bad")
    + _member("a", tarfile.SYMTYPE, "..")
    + _member("a/victim", tarfile.LNKTYPE, "own"),
    "a hard link to outside": _member("own", tarfile.LNKTYPE, "../victim"),
    "a device": _member("own", tarfile.CHRTYPE),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_archive_writes_outside_of_its_target(tmp_path: Path, attack: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    with suppress(TarError, OSError):
        unpacked(ATTACKS[attack] + bytes(1024), tmp_path / "out")
    assert victim.read_text() == "untouched"
    assert not victim.is_symlink()
    assert victim.stat().st_nlink == 1
    assert sorted(os.listdir(tmp_path)) == ["out", "victim"]


@given(st.data())
def test_a_damaged_archive_is_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    tree = tmp_path_factory.mktemp("damage")
    (tree / "file").write_text("content")
    archive = bytearray(packed((str(tree), "t"), (str(tree / "file"), "x" * 120)))
    cut = data.draw(st.integers(0, len(archive)))
    for at in data.draw(st.lists(st.integers(0, len(archive) - 1), max_size=4)):
        archive[at] ^= data.draw(st.integers(1, 255))
    with suppress(TarError, OSError):  # OSError: a name that became too long for the system
        unpacked(bytes(archive[:cut]), tree / "out")


def test_every_cut_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 700)
    archive = packed((str(tmp_path / "file"), "y" * 150))
    for cut in range(0, len(archive) - 1024, 100):
        with pytest.raises(TarError):
            unpacked(archive[:cut], tmp_path / "out")
