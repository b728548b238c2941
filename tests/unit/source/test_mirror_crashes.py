"""Whatever ends an update - kill -9, a full disk, a lost write - the next snapshot shows the truth."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import warnings
from dataclasses import replace

import pytest

from skep.host import files
from skep.host.mounts import _libc
from skep.host.namespace import MountAbility
from skep.model.errors import HostError
from skep.source import copying, manifest, mirror

from .lab import contents, expected, inside, make_repository, write
from .test_mirror import Lab


def many_files(root: str, generation: str) -> None:
    for number in range(12):
        write(root, f"d{number % 4}/f{number}", f"{generation} {number}\n")


@pytest.fixture
def lab(tmp_path: object) -> Lab:
    lab = Lab(f"{tmp_path}/root", f"{tmp_path}/mirror")
    make_repository(lab.root)
    many_files(lab.root, "old")
    return lab


def change(lab: Lab) -> None:
    """An edit with every kind of change."""
    many_files(lab.root, "new")
    os.unlink(f"{lab.root}/a.txt")
    shutil.rmtree(f"{lab.root}/src")
    write(lab.root, "src", "a file now")
    shutil.rmtree(f"{lab.root}/d0")
    os.symlink("/etc", f"{lab.root}/d0")
    write(lab.root, "added/x", "x")


POINTS = (  # module, function, after how many calls the process dies at its entry
    *((copying, "copy_file", calls) for calls in (1, 2, 5, 9)),
    *((files, "_fill", calls) for calls in (1, 4)),
    (copying, "copy_link", 1),
    (mirror, "write_paths", 1),
    (mirror, "write_manifest", 1),
    (mirror, "write_manifest", 2),
    (manifest, "atomic_write", 1),
    (manifest, "atomic_write", 2),
    (manifest, "atomic_write", 3),
    (mirror, "forget", 1),
    (mirror, "lock_shared", 1),
    (mirror, "scan_tree", 1),
)


def snapshot_that_dies(lab: Lab, module: object, name: str, calls: int) -> bool:
    """Takes a snapshot in a child that kills itself at the given point; whether it got there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        left = [calls]
        real = getattr(module, name)

        def deadly(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        setattr(module, name, deadly)
        lab.snapshot()
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


def check_points(lab: Lab, *, settle: bool, hold: bool) -> int:
    """Dies at every point in turn, each time on a fresh mirror; how many deaths there were."""
    deaths = 0
    shutil.copytree(lab.root, f"{lab.root}-as-made", symlinks=True)
    for module, name, calls in POINTS:
        shutil.rmtree(lab.root)
        shutil.rmtree(lab.folder, ignore_errors=True)
        shutil.copytree(f"{lab.root}-as-made", lab.root, symlinks=True)
        if settle:
            lab.snapshot().release()
        held = lab.snapshot() if hold else None
        then = expected(lab.root)
        change(lab)
        deaths += snapshot_that_dies(lab, module, name, calls)
        snapshot = lab.snapshot()
        assert lab.shown(snapshot) == expected(lab.root), (name, calls)
        assert contents(snapshot.layers[-1]) == (expected(lab.root) if not hold else then), (name, calls)
        if held is not None:
            assert lab.shown(held) == then, (name, calls)
            held.release()
        snapshot.release()
        lab.snapshot().release()
        assert lab.deltas() == []
    return deaths


def test_a_kill_during_the_first_copy_leaves_no_lie(lab: Lab) -> None:
    assert check_points(lab, settle=False, hold=False) >= 14


def test_a_kill_during_an_update_leaves_no_lie(lab: Lab) -> None:
    assert check_points(lab, settle=True, hold=False) >= 14


def test_a_kill_while_a_plain_delta_is_made_leaves_no_lie(lab: Lab) -> None:
    assert check_points(lab, settle=True, hold=True) >= 10


def test_a_kill_while_an_overlay_delta_is_made_leaves_no_lie(lab: Lab) -> None:
    def work(ability: MountAbility) -> None:
        assert check_points(Lab(lab.root, lab.folder, ability), settle=True, hold=True) >= 10

    inside(work)


def test_nothing_outside_the_mirror_is_removed_through_a_link_left_by_a_crash(
    lab: Lab, tmp_path: object
) -> None:
    """A folder became a link to a folder of the user's; the update died after making the link."""
    precious = f"{tmp_path}/precious"
    write(precious, "f0", "precious")
    lab.snapshot().release()
    shutil.rmtree(f"{lab.root}/d0")
    os.symlink(precious, f"{lab.root}/d0")
    assert snapshot_that_dies(lab, mirror, "write_manifest", 1)
    assert lab.shown(lab.snapshot()) == expected(lab.root)
    assert contents(precious) == {b"f0": ("file", 0o644, b"precious")}


def test_a_torn_manifest_is_not_believed(lab: Lab) -> None:
    lab.snapshot().release()
    path = os.path.join(lab.folder, lab.generations()[-1], "manifest")
    with open(path, "rb") as file:
        whole = file.read()
    for torn in (b"", whole[: len(whole) // 2], whole[:-1], whole[:100] + b"\0" + whole[101:], b"x" * 400):
        with open(path, "wb") as file:
            file.write(torn)
        write(lab.root, "a.txt", f"{len(torn)}")
        snapshot = lab.snapshot()
        assert lab.shown(snapshot) == expected(lab.root)
        snapshot.release()
        path = os.path.join(lab.folder, lab.generations()[-1], "manifest")


def test_after_a_power_cut_copies_that_lost_data_are_made_anew(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.snapshot().release()
    tree = os.path.join(lab.folder, lab.generations()[-1], "tree")
    old = os.stat(f"{tree}/a.txt")
    with open(f"{tree}/a.txt", "wb"):
        pass
    os.utime(f"{tree}/a.txt", ns=(old.st_atime_ns, old.st_mtime_ns))
    os.unlink(f"{tree}/src/b.py")
    monkeypatch.setattr(mirror, "boot_id", lambda: "another boot")
    assert lab.shown(lab.snapshot()) == expected(lab.root)


def test_a_file_that_changes_while_it_is_copied_is_copied_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, writes = files.copy_file, [0]

    def copy_while_written(source: bytes, target: bytes, *, reflink: bool) -> object:
        done = real(source, target, reflink=reflink)
        if source.endswith(b"/a.txt") and writes[0] < 2:
            writes[0] += 1
            write(lab.root, "a.txt", f"written {writes[0]} times")
        return done

    monkeypatch.setattr(copying, "copy_file", copy_while_written)
    assert lab.shown(lab.snapshot())[b"a.txt"][2] == b"written 2 times"


def test_a_file_that_never_stands_still_is_looked_at_again_each_time(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, writes = files.copy_file, [0]

    def copy_while_written(source: bytes, target: bytes, *, reflink: bool) -> object:
        done = real(source, target, reflink=reflink)
        if source.endswith(b"/a.txt"):
            writes[0] += 1
            write(lab.root, "a.txt", f"{writes[0]}")
        return done

    monkeypatch.setattr(copying, "copy_file", copy_while_written)
    monkeypatch.setattr(copying, "PAUSE_S", 0)
    first = lab.snapshot()
    monkeypatch.undo()
    assert lab.shown(first).keys() == expected(lab.root).keys()
    first.release()
    assert lab.shown(lab.snapshot()) == expected(lab.root)


def test_a_full_disk_is_said_and_the_next_update_is_right(lab: Lab) -> None:
    def work(ability: MountAbility) -> None:
        small = os.path.join(os.path.dirname(lab.folder), "small")
        os.mkdir(small)
        assert _libc().mount(b"tmpfs", os.fsencode(small), b"tmpfs", 0, b"size=2m") == 0
        for base in (MountAbility(overlay=False), replace(ability)):
            tight = Lab(lab.root, f"{small}/mirror-{base.overlay}", base)
            first = tight.snapshot()
            before = tight.shown(first)
            shutil.rmtree(f"{small}/shown")
            write(lab.root, "huge", b"x" * 4_000_000)
            write(lab.root, "d1/f1", "changed")
            with pytest.raises(HostError, match="cannot be brought up to date"):
                tight.snapshot()  # a delta: the first snapshot is in use
            assert tight.shown(first) == before
            shutil.rmtree(f"{small}/shown")
            first.release()
            with pytest.raises(HostError, match="cannot be brought up to date"):
                tight.snapshot()
            os.unlink(f"{lab.root}/huge")
            assert tight.shown(tight.snapshot()) == expected(lab.root)
            shutil.rmtree(small + "/shown")
            shutil.rmtree(tight.folder)

    inside(work)


def test_the_oracle_of_these_tests_sees_a_lie(lab: Lab) -> None:
    """A mirror whose copy was altered behind its back does not pass for right."""
    lab.settle()
    tree = os.path.join(lab.folder, lab.generations()[-1], "tree")
    write(tree, "a.txt", "altered")
    assert lab.shown(lab.snapshot()) != expected(lab.root)


def test_two_processes_that_start_at_once_both_get_the_truth(lab: Lab) -> None:
    script = (
        "import sys; from skep.source.mirror import Mirror; from skep.source.listing import find_git;"
        "from skep.host.namespace import MountAbility;"
        "root, folder = sys.argv[1:]; s = Mirror(root, folder, find_git(root), MountAbility(overlay=False)).snapshot();"
        "print(len(s.manifest.paths))"
    )
    src = os.path.dirname(os.path.dirname(os.path.dirname(mirror.__file__)))
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script, lab.root, lab.folder],
            env={**os.environ, "PYTHONPATH": src},
            stdout=-1,
        )
        for _ in range(4)
    ]
    answers = [run.communicate()[0].strip() for run in runs]
    assert answers == [str(len(expected(lab.root))).encode()] * 4
    assert lab.shown(lab.snapshot()) == expected(lab.root)
