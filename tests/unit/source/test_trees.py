"""Workspaces: what a job sees, what it cannot see, and what it cannot reach."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from skep.host.namespace import MountAbility
from skep.source.trees import WorkTrees

from .lab import COPIES, NOBODY, contents, expected, git, inside, make_repository, open_folder, write


@dataclass
class Place:
    """A user's tree and room for workspaces."""

    top: str
    ability: MountAbility

    @property
    def root(self) -> str:
        return f"{self.top}/root"

    def trees(self) -> WorkTrees:
        scratch = f"{self.top}/scratch/{uuid.uuid4().hex}"
        return WorkTrees(self.root, f"{self.top}/mirror", scratch, self.ability)

    def box(self, name: str) -> str:
        return f"{self.top}/boxes/{name}/workspace"


Check = Callable[[Place], None]


def run_both(check: Check, method: str, top: str, prepare: Check | None = None) -> None:
    """Runs a check by copies here, or by overlays in a process of its own."""

    def work(ability: MountAbility) -> None:
        place = Place(top, ability)
        if prepare:
            prepare(place)
        else:
            make_repository(place.root)
        check(place)

    if method == "copy":
        work(COPIES)
    else:
        inside(work, probe_in=top)


METHODS = pytest.mark.parametrize("method", ["overlay", "copy"])


@METHODS
def test_a_workspace_holds_the_tree_as_it_is_and_only_uncommitted_changes_show(
    method: str, tmp_path: object
) -> None:
    def check(place: Place) -> None:
        write(place.root, "a.txt", "changed")
        write(place.root, "new.txt", "new")
        write(place.root, ".gitignore", "*.log\n")
        write(place.root, "x.log", "ignored")
        os.unlink(f"{place.root}/src/b.py")
        trees = place.trees()
        placed = trees.place(place.box("one"))
        assert placed.method == method
        assert placed.sha == git(place.root, "rev-parse", "HEAD").strip()
        assert placed.ref == "refs/heads/main"
        assert contents(place.box("one")) == expected(place.root)
        status = git(place.box("one"), "status", "--porcelain")
        assert status == git(place.root, "status", "--porcelain")
        assert "x.log" not in status
        assert git(place.box("one"), "log", "--format=%s").strip() == "first"
        assert git(place.box("one"), "fsck", "--full") == ""
        trees.close()

    run_both(check, method, str(tmp_path))


@METHODS
def test_a_clean_tree_is_clean_in_its_workspace_without_reading_a_file(method: str, tmp_path: object) -> None:
    def check(place: Place) -> None:
        trees = place.trees()
        trees.place(place.box("one"))
        assert git(place.box("one"), "status", "--porcelain") == ""
        os.truncate(f"{place.box('one')}/.git/index", os.path.getsize(f"{place.box('one')}/.git/index"))
        assert git(place.box("one"), "diff-files", "--name-only") == ""
        write(place.box("one"), "a.txt", "b\n")
        assert git(place.box("one"), "status", "--porcelain") == " M a.txt\n"
        trees.close()

    run_both(check, method, str(tmp_path))


@METHODS
def test_an_edit_an_ignored_file_and_another_jobs_write_are_invisible(method: str, tmp_path: object) -> None:
    def check(place: Place) -> None:
        trees = place.trees()
        for name in ("one", "two"):
            trees.place(place.box(name))
        seen = contents(place.box("one"))
        write(place.root, "a.txt", "edited during the job")
        write(place.root, "later.txt", "added during the job")
        os.unlink(f"{place.root}/src/b.py")
        write(place.box("two"), "a.txt", "written by the other job")
        write(place.box("two"), "out/build", "made by the other job")
        shutil.rmtree(f"{place.box('two')}/src")
        assert contents(place.box("one")) == seen
        trees.place(place.box("three"))
        assert contents(place.box("three")) == seen  # one state of the tree for the whole run
        trees.close()

    run_both(check, method, str(tmp_path))


@METHODS
def test_what_a_job_does_reaches_neither_mirror_nor_tree_nor_git(method: str, tmp_path: object) -> None:
    def check(place: Place) -> None:
        git(place.root, "remote", "add", "origin", "https://example.com/x.git")
        trees = place.trees()
        trees.place(place.box("one"))
        before = (
            expected(place.root),
            contents(f"{place.root}/.git"),
            contents(f"{place.top}/mirror/g000001/tree"),
        )
        box = place.box("one")
        with open(f"{box}/a.txt", "a", encoding="utf-8") as file:
            file.write("appended in place")
        os.chmod(f"{box}/src/b.py", 0o777)
        os.utime(f"{box}/src/b.py", (1, 1))
        os.rename(f"{box}/src", f"{box}/moved")
        git(box, "add", "-A")
        git(box, "commit", "-q", "-m", "of the job")
        git(box, "checkout", "-q", "-b", "other")
        git(box, "tag", "made")
        git(box, "remote", "set-url", "origin", "https://example.com/y.git")
        git(box, "branch", "-D", "main")
        git(box, "gc", "-q", "--prune=now")
        after = (
            expected(place.root),
            contents(f"{place.root}/.git"),
            contents(f"{place.top}/mirror/g000001/tree"),
        )
        assert after == before
        trees.remove(box)
        assert not os.path.exists(box)
        trees.close()
        assert os.listdir(f"{place.top}/mirror/git") == []
        assert method == "copy" or os.listdir(f"{place.top}/scratch") == [".skep-scratchs"]

    run_both(check, method, str(tmp_path))


@METHODS
def test_two_runs_with_an_edit_between_them_each_see_their_own_state(method: str, tmp_path: object) -> None:
    def check(place: Place) -> None:
        first, second = place.trees(), place.trees()
        first.place(place.box("one"))
        then = expected(place.root)
        write(place.root, "a.txt", "edited")
        os.unlink(f"{place.root}/src/b.py")
        write(place.root, "src/c.py", "c")
        second.place(place.box("two"))
        first.place(place.box("late"))
        assert contents(place.box("one")) == contents(place.box("late")) == then
        assert contents(place.box("two")) == expected(place.root) != then
        first.close()
        write(place.root, "a.txt", "edited again")
        third = place.trees()
        third.place(place.box("three"))
        assert contents(place.box("three")) == expected(place.root)
        assert contents(place.box("two"))[b"a.txt"][2] == b"edited"
        second.close()
        third.close()

    run_both(check, method, str(tmp_path))


@METHODS
def test_removal_is_safe_to_repeat_and_copes_with_odd_permissions(method: str, tmp_path: object) -> None:
    def check(place: Place) -> None:
        trees = place.trees()
        trees.place(place.box("one"))
        write(place.box("one"), "locked/file", "x")
        os.chmod(f"{place.box('one')}/locked", 0)
        with open(f"{place.box('one')}/a.txt", "rb"):  # in use: unmounted lazily
            trees.remove(place.box("one"))
        trees.remove(place.box("one"))
        trees.remove(place.box("never placed"))
        assert not os.path.exists(place.box("one"))
        trees.close()
        trees.close()

    run_both(check, method, str(tmp_path))


@METHODS
def test_clearing_empties_a_workspace_and_it_can_be_filled_again(method: str, tmp_path: object) -> None:
    def check(place: Place) -> None:
        trees = place.trees()
        trees.place(place.box("one"))
        write(place.box("one"), "left/over", "x")
        trees.place(f"{place.box('one')}/nested")
        trees.clear(place.box("one"))
        assert os.listdir(place.box("one")) == []
        trees.place(place.box("one"))
        assert contents(place.box("one")) == expected(place.root)
        trees.close()

    run_both(check, method, str(tmp_path))


@METHODS
def test_a_repository_without_commits_and_a_folder_without_git_are_placed(
    method: str, tmp_path: object
) -> None:
    def prepare(place: Place) -> None:
        os.makedirs(place.root)
        git(place.root, "init", "-q")
        write(place.root, "a.txt", "a")

    def check(place: Place) -> None:
        trees = place.trees()
        placed = trees.place(place.box("one"))
        assert (placed.sha, placed.ref) == ("", "refs/heads/main")
        assert git(place.box("one"), "status", "--porcelain") == "?? a.txt\n"
        trees.close()
        shutil.rmtree(f"{place.root}/.git")
        plain = place.trees()
        placed = plain.place(place.box("two"))
        assert (placed.sha, placed.ref) == ("", "")
        assert contents(place.box("two")) == {b"a.txt": ("file", 0o644, b"a")}
        assert not os.path.exists(f"{place.box('two')}/.git")
        plain.close()

    run_both(check, method, str(tmp_path), prepare)


@METHODS
def test_a_folder_inside_a_repository_is_placed_alone_without_what_is_ignored(
    method: str, tmp_path: object
) -> None:
    def prepare(place: Place) -> None:
        make_repository(
            place.top, {"outside.txt": "o", "root/in.txt": "in", ".gitignore": "*.log\n/[!r.]*\n"}
        )
        write(place.root, "x.log")
        write(place.root, "new/y.txt", "new")

    def check(place: Place) -> None:
        for ignored, names in (("*.log\n", {b"in.txt", b"new/y.txt"}), ("new\n", {b"in.txt", b"x.log"})):
            write(place.top, ".gitignore", f"{ignored}/mirror\n")
            trees = place.trees()
            placed = trees.place(place.box(ignored.strip()))
            assert set(contents(place.box(ignored.strip()))) == names
            assert placed.sha == git(place.top, "rev-parse", "HEAD").strip()
            assert trees.repository() is None
            trees.close()

    run_both(check, method, str(tmp_path), prepare)


def test_folders_of_the_tree_can_be_renamed_in_an_overlay(tmp_path: object) -> None:
    def work(ability: MountAbility) -> None:
        place = Place(str(tmp_path), ability)
        make_repository(place.root)
        trees = place.trees()
        trees.place(place.box("one"))
        os.rename(f"{place.box('one')}/src", f"{place.box('one')}/lib")
        assert os.listdir(f"{place.box('one')}/lib") == ["b.py"]
        trees.close()

    inside(work, probe_in=str(tmp_path))


@pytest.mark.parametrize("mountable", [True, False])
def test_a_user_without_rights_gets_workspaces_too(mountable: bool) -> None:
    """As uid 65534: by an overlay in a user namespace, and by copy."""
    with open_folder() as top:

        def work(ability: MountAbility) -> None:
            assert ability.user_namespace
            assert not ability.sudo_works
            place = Place(top, ability if mountable else COPIES)
            make_repository(place.root, {"a.txt": "a", "d/b": "b", "d/c": "c"})
            first, second = place.trees(), place.trees()
            assert first.place(place.box("one")).method == ("overlay" if mountable else "copy")
            then = expected(place.root)
            write(place.root, "a.txt", "edited")
            shutil.rmtree(f"{place.root}/d")
            write(place.root, "d", "a file")
            second.place(place.box("two"))  # a delta
            write(place.box("two"), "e/f", "of the job")
            os.unlink(f"{place.box('two')}/e/f")
            assert contents(place.box("one")) == then
            assert contents(place.box("two")) == expected(place.root)
            assert os.stat(f"{place.box('two')}/a.txt").st_uid == NOBODY
            subprocess.run(["sh", "-c", "echo x > made && rm a.txt"], cwd=place.box("two"), check=True)
            for trees in (first, second):
                trees.close()
            first.remove(place.box("one"))
            assert os.path.isdir(f"{top}/mirror/g000001")

        inside(work, uid=NOBODY, probe_in=top)


def test_what_a_killed_run_left_is_removed_by_the_next_and_what_a_living_one_has_stays(
    tmp_path: object,
) -> None:
    top = str(tmp_path)
    make_repository(f"{top}/root")

    def run(name: str, ability: MountAbility) -> WorkTrees:
        trees = WorkTrees(f"{top}/root", f"{top}/mirror", f"{top}/scratch/{name}", ability)
        trees.place(f"{top}/boxes/{name}")
        return trees

    def killed(ability: MountAbility) -> None:
        run("killed", ability)
        write(f"{top}/boxes/killed", "big", "x")

    def later(ability: MountAbility) -> None:
        os.makedirs(f"{top}/scratch/of-somebody")
        living = run("living", ability)
        newer = run("newer", ability)
        assert set(os.listdir(f"{top}/scratch")) == {".skep-scratchs", "living", "newer", "of-somebody"}
        newer.close()
        assert contents(f"{top}/boxes/living") == expected(f"{top}/root")
        living.close()
        assert set(os.listdir(f"{top}/scratch")) == {".skep-scratchs", "of-somebody"}

    inside(killed, probe_in=top)
    assert os.listdir(f"{top}/scratch/killed") != []
    inside(later, probe_in=top)


def test_a_file_system_without_overlays_falls_back_to_copies(tmp_path: object) -> None:
    def work(ability: MountAbility) -> None:
        place = Place(str(tmp_path), ability)
        make_repository(place.root)
        trees = WorkTrees(place.root, f"{place.top}/mirror", "/proc/self/nowhere", ability)
        assert trees.place(place.box("one")).method == "copy"
        assert contents(place.box("one")) == expected(place.root)
        trees.close()

    inside(work)


def test_a_file_that_may_not_be_read_is_named_and_left_out() -> None:
    with open_folder() as top:
        write(f"{top}/root", "private", "of root", 0o600)
        os.chmod(f"{top}/root", 0o777)

        def work(ability: MountAbility) -> None:
            place = Place(top, ability)
            git(place.root, "init", "-q")
            write(place.root, "a.txt", "a")
            trees = place.trees()
            trees.place(place.box("one"))
            assert trees.take().snapshot.notes == ("`private` cannot be read and is missing in workspaces",)
            assert not os.path.exists(f"{place.box('one')}/private")
            trees.close()

        inside(work, uid=NOBODY, probe_in=top)
