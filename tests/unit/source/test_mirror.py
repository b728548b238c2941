"""The mirror: what a snapshot shows, that it stays, and that no change of the user's is missed."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import time
from dataclasses import dataclass

import pytest

from skep.host.namespace import MountAbility
from skep.source.listing import find_git
from skep.source.mirror import Mirror, Snapshot
from skep.source.trees import Source, copy_snapshot

from .lab import COPIES, Contents, contents, expected, git, inside, make_repository, write


@dataclass
class Lab:
    root: str
    folder: str
    ability: MountAbility = COPIES

    def snapshot(self) -> Snapshot:
        return Mirror(self.root, self.folder, find_git(self.root), self.ability).snapshot()

    def shown(self, snapshot: Snapshot) -> Contents:
        """What a copy of the snapshot holds."""
        target = os.path.join(os.path.dirname(self.folder), "shown")
        shutil.rmtree(target, ignore_errors=True)
        os.mkdir(target)
        copy_snapshot(Source(snapshot=snapshot, place=None, state=None, git_layer="", lock=None), target)
        return contents(target)

    def settle(self) -> None:
        """Makes stamps old enough to be trusted, and the mirror know it."""
        time.sleep(0.07)
        self.snapshot().release()

    def generations(self) -> list[str]:
        return sorted(name for name in os.listdir(self.folder) if name.startswith("g"))

    def deltas(self) -> list[str]:
        folders = [os.path.join(self.folder, name) for name in self.generations()]
        return [name for folder in folders for name in os.listdir(folder) if name.startswith("delta-")]


@pytest.fixture
def lab(tmp_path: object) -> Lab:
    root = f"{tmp_path}/root"
    make_repository(root)
    return Lab(root, f"{tmp_path}/mirror")


def test_a_snapshot_holds_tracked_and_untracked_files_but_no_ignored_ones(lab: Lab) -> None:
    write(lab.root, ".gitignore", "*.log\nbuild/\n")
    write(lab.root, "new.txt", "untracked")
    write(lab.root, "x.log")
    write(lab.root, "build/out")
    os.unlink(f"{lab.root}/a.txt")
    assert set(lab.shown(lab.snapshot())) == {b".gitignore", b"new.txt", b"src/b.py"}


def test_a_later_edit_is_not_in_an_earlier_snapshot(lab: Lab) -> None:
    first = lab.snapshot()
    before = lab.shown(first)
    write(lab.root, "a.txt", "changed")
    write(lab.root, "added.txt", "added")
    os.unlink(f"{lab.root}/src/b.py")
    second = lab.snapshot()
    assert lab.shown(first) == before
    assert lab.shown(second) == expected(lab.root)


def test_an_edit_that_keeps_size_and_mtime_is_seen(lab: Lab) -> None:
    lab.settle()
    old = os.stat(f"{lab.root}/a.txt")
    write(lab.root, "a.txt", "z\n")
    os.utime(f"{lab.root}/a.txt", ns=(old.st_atime_ns, old.st_mtime_ns))
    assert lab.shown(lab.snapshot())[b"a.txt"][2] == b"z\n"


def test_edits_in_the_tick_of_the_scan_are_seen(lab: Lab) -> None:
    """The racy rule: same size, same mtime, same inode, written again and again right after a scan."""
    for number in range(40):
        text = f"{number % 10}\n"
        write(lab.root, "a.txt", text)
        stamp = os.stat(f"{lab.root}/a.txt").st_mtime_ns // 10**9 * 10**9
        os.utime(f"{lab.root}/a.txt", ns=(stamp, stamp))
        snapshot = lab.snapshot()
        assert lab.shown(snapshot)[b"a.txt"][2] == text.encode()
        snapshot.release()


def test_rules_that_change_what_is_ignored_are_seen(lab: Lab) -> None:
    write(lab.root, "x.log")
    lab.settle()
    write(lab.root, ".gitignore", "*.log\n")
    snapshot = lab.snapshot()
    assert b"x.log" not in lab.shown(snapshot)
    snapshot.release()
    lab.settle()
    write(lab.root, ".gitignore", "*.tmp\n")
    assert b"x.log" in lab.shown(lab.snapshot())


def test_a_rule_file_that_is_itself_ignored_is_watched(lab: Lab) -> None:
    write(lab.root, ".gitignore", "*.log\n")
    write(lab.root, "src/.gitignore", ".gitignore\n")
    write(lab.root, "src/gen.txt")
    lab.settle()
    lab.settle()
    write(lab.root, "src/.gitignore", ".gitignore\ngen.txt\n")
    assert b"src/gen.txt" not in lab.shown(lab.snapshot())


def test_rules_in_info_exclude_are_watched(lab: Lab) -> None:
    write(lab.root, "secret.txt")
    lab.settle()
    lab.settle()
    write(lab.root, ".git/info/exclude", "secret.txt\n")
    assert b"secret.txt" not in lab.shown(lab.snapshot())


def test_a_file_in_a_folder_that_was_empty_is_seen(lab: Lab) -> None:
    os.makedirs(f"{lab.root}/empty/deep")
    lab.settle()
    lab.settle()
    write(lab.root, "empty/deep/new.txt")
    assert b"empty/deep/new.txt" in lab.shown(lab.snapshot())


def test_a_file_that_git_no_longer_ignores_because_it_is_tracked_is_seen(lab: Lab) -> None:
    write(lab.root, ".gitignore", "*.log\n")
    write(lab.root, "x.log", "kept")
    lab.settle()
    lab.settle()
    git(lab.root, "add", "-f", "x.log")
    assert lab.shown(lab.snapshot())[b"x.log"][2] == b"kept"


def test_a_settled_mirror_asks_git_for_no_listing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.settle()
    lab.settle()
    monkeypatch.setattr("skep.source.scan.start_listing", lambda _root: pytest.fail("git was asked"))
    write(lab.root, "a.txt", "changed in place")
    assert lab.shown(lab.snapshot())[b"a.txt"][2] == b"changed in place"


def test_a_free_generation_is_changed_in_place(lab: Lab) -> None:
    lab.snapshot().release()
    write(lab.root, "a.txt", "other")
    snapshot = lab.snapshot()
    assert len(snapshot.layers) == 1
    assert (lab.generations(), lab.deltas()) == (["g000001"], [])


def test_equal_snapshots_share_one_delta_and_it_goes_with_its_last_user(lab: Lab) -> None:
    base = lab.snapshot()
    write(lab.root, "a.txt", "other")
    one, two = lab.snapshot(), lab.snapshot()
    assert one.layers == two.layers
    assert len(lab.deltas()) == 1
    one.release()
    lab.snapshot().release()
    assert len(lab.deltas()) == 1
    two.release()
    base.release()
    final = lab.snapshot()
    assert (len(final.layers), lab.deltas()) == (1, [])
    assert lab.shown(final) == expected(lab.root)


def test_a_tracked_folder_that_became_a_link_is_a_link(lab: Lab, tmp_path: object) -> None:
    lab.snapshot().release()
    outside = f"{tmp_path}/outside"
    write(outside, "b.py", "not ours")
    shutil.rmtree(f"{lab.root}/src")
    os.symlink(outside, f"{lab.root}/src")
    snapshot = lab.snapshot()
    assert lab.shown(snapshot) == expected(lab.root)
    assert lab.shown(snapshot)[b"src"][0] == "link"
    snapshot.release()
    os.unlink(f"{lab.root}/src")
    write(lab.root, "src/b.py", "back")
    assert lab.shown(lab.snapshot()) == expected(lab.root)
    assert contents(outside)[b"b.py"][2] == b"not ours"


def test_files_and_folders_may_change_places(lab: Lab) -> None:
    lab.snapshot().release()
    os.unlink(f"{lab.root}/a.txt")
    write(lab.root, "a.txt/inner", "now a folder")
    shutil.rmtree(f"{lab.root}/src")
    write(lab.root, "src", "now a file")
    assert lab.shown(lab.snapshot()) == expected(lab.root)


def test_a_nested_repository_is_no_part_of_the_tree(lab: Lab) -> None:
    make_repository(f"{lab.root}/vendor/other")
    os.makedirs(f"{lab.root}/vendor/unborn")
    git(f"{lab.root}/vendor/unborn", "init", "-q")
    write(lab.root, "vendor/unborn/file.txt")
    assert not [path for path in lab.shown(lab.snapshot()) if b".git" in path or b"other" in path]


def test_a_folder_without_git_is_taken_whole(tmp_path: object) -> None:
    lab = Lab(f"{tmp_path}/plain", f"{tmp_path}/mirror")
    write(lab.root, "one")
    write(lab.root, "deep/two")
    os.symlink("nowhere", f"{lab.root}/link")
    os.mkfifo(f"{lab.root}/pipe")
    snapshot = lab.snapshot()
    assert set(lab.shown(snapshot)) == {b"one", b"deep/two", b"link"}


NAMES = (
    b"new\nline",
    b'quo"te',
    b"\xff\xfe",
    b"back\\slash",
    b" blank ",
    b"-dash",
    b":colon,comma",
    b"Case",
    b"case",
)


def test_every_name_a_file_may_have_survives(lab: Lab) -> None:
    for name in NAMES:
        write(lab.root, name, name)
        write(lab.root, b"in " + name + b"/file", name)
    deep = "/".join("d" * 10 for _ in range(200))
    os.makedirs(f"{lab.root}/{deep}")
    write(lab.root, f"{deep}/file", "deep")
    os.symlink("loop", f"{lab.root}/loop")
    os.symlink("/etc/passwd", f"{lab.root}/out")
    os.symlink(b"\xff", os.fsencode(lab.root) + b"/odd")
    write(lab.root, "run.sh", "x", 0o755)
    write(lab.root, "secret", "x", 0o600)
    shown = lab.shown(lab.snapshot())
    assert shown == expected(lab.root)
    assert len(shown) >= 2 * len(NAMES) + 8


def test_a_file_of_an_unreadable_kind_is_named_not_fatal(lab: Lab) -> None:
    os.mkfifo(f"{lab.root}/pipe")
    assert b"pipe" not in lab.shown(lab.snapshot())


# --- any sequence of edits, any number of snapshots in use -----------------------------------------------------------
def edit(rng: random.Random, root: str) -> None:
    """One thing a user may do."""
    names = [
        "a.txt",
        "src/b.py",
        "src/c",
        "d/e/f",
        "d",
        "src",
        "g.sh",
        "ignored.log",
        "sub/x.log",
        ".gitignore",
    ]
    path = rng.choice(names)
    full = os.path.join(root, path)
    what = rng.randrange(9)
    parent = os.path.dirname(full)
    if what <= 3:
        clear(full)
        make_parents(root, os.path.dirname(path))
        text = "*.log\n" if path == ".gitignore" and rng.random() < 0.5 else f"{rng.randrange(100)}\n"
        write(root, path, text, rng.choice([0o644, 0o755]))
    elif what == 4:
        clear(full)
    elif what == 5 and os.path.lexists(full) and not os.path.islink(full):
        os.utime(full, ns=(0, rng.randrange(10**18)))
    elif what == 6 and os.path.isdir(parent) and not os.path.islink(parent):
        clear(full)
        os.symlink(rng.choice(["a.txt", "..", "/etc", "src"]), full)
    elif what == 7 and os.path.exists(full) and not os.path.islink(full):
        os.rename(
            full,
            os.path.join(root, f"moved{rng.randrange(3)}-{path.replace('/', '_')}-{time.monotonic_ns()}"),
        )
    elif what == 8:
        with contextlib.suppress(subprocess.CalledProcessError):  # git refuses some states; that is fine here
            git(
                root,
                *rng.choice(
                    [["add", "-A"], ["reset", "-q"], ["stash", "-q"], ["checkout", "-q", "-f", "HEAD"]]
                ),
            )


def clear(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def make_parents(root: str, folder: str) -> None:
    at = root
    for part in [part for part in folder.split("/") if part]:
        at = os.path.join(at, part)
        if os.path.lexists(at) and (os.path.islink(at) or not os.path.isdir(at)):
            os.unlink(at)
        os.makedirs(at, exist_ok=True)


def live_through(lab: Lab, seed: int, edits: int) -> None:
    """Snapshots taken between edits, some kept: each shows its moment for as long as it is held."""
    rng = random.Random(seed)
    held: list[tuple[Snapshot, Contents]] = []
    for _ in range(edits):
        for _ in range(rng.randrange(4)):
            edit(rng, lab.root)
        if rng.random() < 0.2:
            time.sleep(0.06)
        snapshot, moment = lab.snapshot(), expected(lab.root)
        assert lab.shown(snapshot) == moment, f"seed {seed}"
        held.append((snapshot, moment))
        while held and rng.random() < 0.6:
            held.pop(rng.randrange(len(held)))[0].release()
        for kept, then in held:
            assert lab.shown(kept) == then, f"seed {seed}"
    for kept, _ in held:
        kept.release()


@pytest.mark.parametrize("seed", range(6))
def test_any_edits_between_snapshots_in_use_by_copies(lab: Lab, seed: int) -> None:
    live_through(lab, seed, 12)


@pytest.mark.parametrize("seed", range(100, 104))
def test_any_edits_between_snapshots_in_use_by_overlays(lab: Lab, seed: int) -> None:
    def work(ability: MountAbility) -> None:
        live_through(Lab(lab.root, lab.folder, ability), seed, 12)

    inside(work)
