"""Removal of trees: odd permissions, any depth, links, and what must not be touched."""

from __future__ import annotations

import os
import stat

import pytest

from skep.host.namespace import MountAbility
from skep.host.removal import empty_folder, remove_tree
from unit.source.lab import NOBODY, inside, open_folder, write


def test_whatever_is_there_goes(tmp_path: object) -> None:
    os.makedirs(f"{tmp_path}/top/a/b")
    write(f"{tmp_path}/top", b"a/\xff\n", "x")
    os.symlink("/etc", f"{tmp_path}/top/link")
    os.mkfifo(f"{tmp_path}/top/pipe")
    remove_tree(f"{tmp_path}/top")
    remove_tree(f"{tmp_path}/top")
    remove_tree(f"{tmp_path}/no/such/path")
    assert os.listdir(str(tmp_path)) == []
    assert os.path.exists("/etc/passwd")


def test_a_single_file_or_link_goes_and_its_target_stays(tmp_path: object) -> None:
    write(str(tmp_path), "file", "x")
    os.mkdir(f"{tmp_path}/folder")
    os.symlink("folder", f"{tmp_path}/link")
    remove_tree(f"{tmp_path}/link")
    remove_tree(f"{tmp_path}/file")
    assert os.listdir(str(tmp_path)) == ["folder"]


def test_a_folder_can_be_emptied_and_kept(tmp_path: object) -> None:
    write(str(tmp_path), "a/b/c", "x")
    inode = os.stat(str(tmp_path)).st_ino
    empty_folder(str(tmp_path))
    assert (os.listdir(str(tmp_path)), os.stat(str(tmp_path)).st_ino) == ([], inode)


def test_depth_is_no_limit(tmp_path: object) -> None:
    handle = os.open(str(tmp_path), os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    remove_tree(f"{tmp_path}/d")
    assert os.listdir(str(tmp_path)) == []


def test_folders_without_permission_are_opened_up_by_their_owner() -> None:
    with open_folder() as top:

        def work(_ability: MountAbility) -> None:
            write(top, "t/none/inner/file", "x")
            write(top, "t/readonly/file", "x")
            os.chmod(f"{top}/t/none/inner", 0)
            os.chmod(f"{top}/t/none", 0)
            os.chmod(f"{top}/t/readonly", 0o500)
            os.chmod(f"{top}/t", 0o100)
            remove_tree(f"{top}/t")
            assert os.listdir(top) == []

        inside(work, uid=NOBODY, probe_in=top)


def test_what_cannot_be_removed_is_said(tmp_path: object) -> None:
    with open_folder() as top:
        write(top, "of-root/file", "x")
        os.chmod(f"{top}/of-root", 0o755)

        def work(_ability: MountAbility) -> None:
            with pytest.raises(PermissionError):
                remove_tree(f"{top}/of-root")

        inside(work, uid=NOBODY, probe_in=top)
        assert stat.S_IMODE(os.stat(f"{top}/of-root").st_mode) == 0o755
