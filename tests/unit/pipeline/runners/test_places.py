"""Folders of runs and jobs: nobody's are mixed up, nothing stays, nothing else is touched."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from skep.model.errors import HostError
from skep.model.ids import RunId
from skep.pipeline.runners.places import (
    LOCK,
    RunFolder,
    dead_runs,
    default_memory_root,
    job_places,
    remove,
    safe_name,
    sweep_dead_runs,
)

RUN = RunId("20261120T101530-4f2a")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("shop", "shop"),
        ("My.Shop_2-x", "My.Shop_2-x"),
        ("a b/c", "a-b-c"),
        ("..", "work"),
        (".", "work"),
        ("", "work"),
        ("…", "-"),
        ("a\0b\nc", "a-b-c"),
        ("x" * 300, "x" * 40),
    ],
)
def test_any_name_becomes_one_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_workspace_is_called_as_on_github() -> None:
    places = job_places("/place/4f2a/1", "octo/shop")
    assert places.workspace == "/place/4f2a/1/w/shop/shop"
    assert (places.temp, places.home) == ("/place/4f2a/1/t", "/place/4f2a/1/h")


def test_unix_sockets_fit_below_the_temp_folder(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path), RUN)
    places = job_places(f"{folder.path}/9999", "octo/" + "n" * 100)
    assert len(places.temp) - len(str(tmp_path)) <= 13
    folder.release()


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    folders = [RunFolder(str(tmp_path), RUN) for _ in range(5)]
    assert len({folder.path for folder in folders}) == 5
    assert dead_runs(str(tmp_path)) == []
    assert [folder.release() for folder in folders] == [""] * 5
    assert os.listdir(tmp_path) == []
    assert folders[0].release() == ""


def test_only_what_dead_runs_left_is_swept(tmp_path: Path) -> None:
    alive = RunFolder(str(tmp_path), RUN)
    program = (
        "import sys, os; from skep.pipeline.runners.places import RunFolder\n"
        "print(RunFolder(sys.argv[1], 'x-dead').path, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False
    )
    dead = killed.stdout.strip()
    Path(dead, "some", "thing").mkdir(parents=True)
    (tmp_path / f"old{LOCK}").touch()
    assert dead_runs(str(tmp_path)) == [f"{tmp_path}/dead", f"{tmp_path}/old"]
    assert sweep_dead_runs(str(tmp_path)) == []
    assert sorted(os.listdir(tmp_path)) == ["4f2a", f"4f2a{LOCK}"]
    assert dead_runs(str(tmp_path)) == []
    alive.release()


def test_what_others_keep_in_the_work_folder_is_never_swept(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "poetry").mkdir()
    (tmp_path / "poetry.lock").touch()
    (tmp_path / "trees/20261120T101530-4f2a").mkdir(parents=True)  # upper layers of a living run
    assert dead_runs(str(tmp_path)) == []
    assert sweep_dead_runs(str(tmp_path)) == []
    assert sorted(os.listdir(tmp_path)) == ["docs", "poetry", "poetry.lock", "trees"]


def test_locks_that_are_no_files_stop_nobody(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / f"link{LOCK}").symlink_to(tmp_path / "precious")
    (tmp_path / f"folder{LOCK}").mkdir()
    (tmp_path / f"gone{LOCK}").symlink_to("nowhere")
    assert dead_runs(str(tmp_path)) == []
    assert sweep_dead_runs(str(tmp_path)) == []
    assert len(os.listdir(tmp_path)) == 4


def test_sweeping_while_runs_come_and_go_takes_nothing_from_the_living(tmp_path: Path) -> None:
    over = threading.Event()

    def sweep() -> None:
        while not over.is_set():
            sweep_dead_runs(str(tmp_path))

    sweepers = [threading.Thread(target=sweep) for _ in range(2)]
    for sweeper in sweepers:
        sweeper.start()
    try:
        for _ in range(100):
            folder = RunFolder(str(tmp_path), RUN)
            Path(folder.path, "mine").touch()
            assert os.listdir(folder.path) == ["mine"]
            assert folder.release() == ""
    finally:
        over.set()
        for sweeper in sweepers:
            sweeper.join()
    sweep_dead_runs(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_folder_others_can_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(HostError, match="others can write to the work folder"):
        RunFolder(str(tmp_path), RUN)


def test_a_place_that_is_no_folder_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match=f"cannot make folders below `{tmp_path}/file`: "):
        RunFolder(f"{tmp_path}/file", RUN)


def test_removal_never_follows_links(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(tmp_path / "precious")
    (tree / "loop").symlink_to(".")
    assert remove(str(tree)) == ""
    assert (tmp_path / "precious/file").exists()
    (tmp_path / "whole").symlink_to(tmp_path / "precious")
    assert remove(str(tmp_path / "whole")) == ""
    assert sorted(os.listdir(tmp_path)) == ["precious"]


def test_removal_opens_what_was_closed() -> None:
    # Not in tmp_path: the folders above it may be closed to the other user that root becomes here.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        tree = Path(folder, "tree")
        inner = tree / "closed/inner"
        inner.mkdir(parents=True)
        (inner / "file").touch(mode=0o400)
        inner.chmod(0o500)
        inner.parent.chmod(0)
        if os.geteuid() == 0:  # permissions bind other users only: let one of them do it
            for path in (inner / "file", inner, inner.parent, tree, tree.parent):
                os.chown(path, 65534, 65534)
            program = "import sys, os; from skep.pipeline.runners.places import remove\nos.setuid(65534); print(repr(remove(sys.argv[1])))"
            done = subprocess.run(
                [sys.executable, "-c", program, tree], capture_output=True, text=True, check=True
            )
            assert done.stdout == "''\n"
        else:
            assert remove(str(tree)) == ""
        assert not tree.exists()


def test_what_cannot_be_removed_is_said(tmp_path: Path) -> None:
    (tmp_path / "tree/sub").mkdir(parents=True)
    marked = subprocess.run(["chattr", "+i", tmp_path / "tree/sub"], capture_output=True, check=False)
    if marked.returncode:
        pytest.skip("this file system knows no immutable files, or we may not make them")
    try:
        assert remove(str(tmp_path / "tree")).startswith("cannot remove `")
    finally:
        subprocess.run(["chattr", "-i", tmp_path / "tree/sub"], check=True)
    assert remove(str(tmp_path / "tree")) == ""


def test_removal_wins_against_somebody_who_still_writes(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    over = threading.Event()

    def write() -> None:
        for number in range(300):
            if over.is_set():
                return
            try:
                (tree / f"f{number}").mkdir()
            except FileNotFoundError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert remove(str(tree)) == ""
    finally:
        over.set()
        writer.join()


def test_places_are_untouched_until_something_changes(tmp_path: Path) -> None:
    def fresh(name: str) -> tuple[str, str, str, str]:
        places = job_places(f"{tmp_path}/{name}", "octo/shop")
        places.make()
        assert places.are_untouched()
        return places.root, places.workspace, places.temp, places.home

    for number in range(4):
        folder = fresh(f"file{number}")[number]
        Path(folder, ".hidden").touch()
        assert not job_places(f"{tmp_path}/file{number}", "octo/shop").are_untouched()
        folder = fresh(f"mode{number}")[number]
        Path(folder).chmod(0o700)
        assert not job_places(f"{tmp_path}/mode{number}", "octo/shop").are_untouched()
        folder = fresh(f"gone{number}")[number]
        Path(folder).rename(tmp_path / f"elsewhere{number}")
        assert not job_places(f"{tmp_path}/gone{number}", "octo/shop").are_untouched()
    Path(fresh("beside")[1]).parent.joinpath("other").mkdir()
    assert not job_places(f"{tmp_path}/beside", "octo/shop").are_untouched()


def test_memory_is_used_only_where_there_is_room(tmp_path: Path) -> None:
    assert default_memory_root(f"{tmp_path}/nothing") == ""
    assert default_memory_root(str(tmp_path)) == f"{tmp_path}/skep-{os.geteuid()}"


def test_memory_that_somebody_else_has_prepared_for_us_is_not_used(tmp_path: Path) -> None:
    place = tmp_path / f"skep-{os.geteuid()}"
    place.symlink_to(tmp_path)
    assert default_memory_root(str(tmp_path)) == ""
    place.unlink()
    place.mkdir()
    place.chmod(0o777)
    assert default_memory_root(str(tmp_path)) == ""
    place.chmod(0o700)
    assert default_memory_root(str(tmp_path)) == str(place)


def test_a_lock_dies_with_its_process_not_with_a_file(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path), RUN)
    with open(f"{folder.path}{LOCK}", "rb") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder.release()
