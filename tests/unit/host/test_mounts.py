"""Overlays by mount(2) in a private namespace: they work, whatever the paths are called, and nobody else sees them."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.host import namespace
from skep.host.mounts import escape_option, mount_overlay, overlay_options, unmount
from skep.host.namespace import MountAbility, describe, enter_private_mounts
from unit.source.lab import NOBODY, inside, open_folder, write


def folders(top: str) -> tuple[str, str, str, str]:
    made = (f"{top}/lower", f"{top}/upper", f"{top}/work", f"{top}/target")
    for folder in made:
        os.makedirs(folder)
    return made


@pytest.mark.parametrize(
    "name", ["plain", "a,b", "a:b", "back\\slash", "x\\,y\\:z", " blank ", "ü\n", "lowerdir=q,"]
)
def test_paths_of_any_name_can_be_mounted(tmp_path: object, name: str) -> None:
    def work(ability: MountAbility) -> None:
        lower, upper, workdir, target = folders(f"{tmp_path}/{name}")
        second = f"{tmp_path}/{name}/second"
        write(lower, "one", "of the first")
        write(second, "one", "of the second")
        write(second, "two", "of the second")
        mount_overlay([lower, second], upper, workdir, target, options=ability.options)
        assert sorted(os.listdir(target)) == ["one", "two"]
        with open(f"{target}/one", encoding="utf-8") as file:
            assert file.read() == "of the first"  # the first lower folder is the topmost
        write(target, "new", "x")
        assert unmount(target)
        assert not unmount(target)
        assert (os.listdir(upper), os.listdir(target)) == (["new"], [])

    inside(work, probe_in=str(tmp_path))


@given(st.text(max_size=12))
def test_an_escaped_path_has_no_bare_separator(text: str) -> None:
    raw = escape_option(text.encode())
    bare = raw.replace(b"\\\\", b"").replace(b"\\,", b"").replace(b"\\:", b"")
    assert not {b",", b":", b"\\"} & {bare[i : i + 1] for i in range(len(bare))}


def test_the_option_text_names_all_layers_in_order() -> None:
    text = overlay_options(["/a:b", "/c"], "/u,v", "/w", ["userxattr"])
    assert text == b"lowerdir=/a\\:b:/c,upperdir=/u\\,v,workdir=/w,userxattr"


def test_paths_that_are_too_long_are_an_error_not_a_wrong_mount(tmp_path: object) -> None:
    with pytest.raises(OSError, match="too long"):
        mount_overlay(["/" + "x" * 200] * 25, "/u", "/w", str(tmp_path))


def test_a_mount_is_seen_by_children_and_by_nobody_else(tmp_path: object) -> None:
    lower, upper, workdir, target = folders(str(tmp_path))
    write(lower, "file", "x")
    receive, send = os.pipe()
    proceed, go = os.pipe()

    def work(ability: MountAbility) -> None:
        mount_overlay([lower], upper, workdir, target, options=ability.options)
        child = subprocess.run(["ls", target], capture_output=True, check=True)
        assert child.stdout == b"file\n"
        os.write(send, b"x")

    inside(work, probe_in=str(tmp_path))
    assert os.read(receive, 1) == b"x"
    assert os.listdir(target) == []
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        assert target not in mounts.read()
    for handle in (receive, send, proceed, go):
        os.close(handle)


def test_a_busy_mount_is_unmounted_lazily(tmp_path: object) -> None:
    def work(ability: MountAbility) -> None:
        lower, upper, workdir, target = folders(str(tmp_path))
        write(lower, "file", "content")
        mount_overlay([lower], upper, workdir, target, options=ability.options)
        with open(f"{target}/file", encoding="utf-8") as file:
            assert unmount(target)
            assert os.listdir(target) == []
            assert file.read() == "content"

    inside(work, probe_in=str(tmp_path))


def test_root_needs_no_user_namespace_and_others_lose_sudo(tmp_path: object) -> None:
    def root(ability: MountAbility) -> None:
        assert (ability.user_namespace, ability.sudo_works) == (False, True)
        assert describe(ability) == ("workspaces by overlay",)

    def other(ability: MountAbility) -> None:
        assert (os.getuid(), os.getgid()) == (NOBODY, NOBODY)
        assert (ability.user_namespace, ability.sudo_works) == (True, False)
        assert "sudo" in describe(ability)[0]

    inside(root, probe_in=str(tmp_path))
    with open_folder() as top:
        inside(other, uid=NOBODY, probe_in=top)
        assert os.listdir(top) == []  # the probe leaves nothing


def test_where_overlays_cannot_be_had_nothing_is_entered_and_the_reason_is_said(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.readlink("/proc/self/ns/mnt")
    monkeypatch.setattr(namespace, "OPTION_SETS", (("no-such-option",),))
    refused = enter_private_mounts(str(tmp_path))
    assert (refused.overlay, os.readlink("/proc/self/ns/mnt")) == (False, before)
    assert "mount overlay" in refused.reason
    assert describe(refused)[0].startswith("workspaces by copy: ")
    monkeypatch.setattr("sys.platform", "darwin")
    assert "Linux" in enter_private_mounts(str(tmp_path)).reason


def test_a_user_whose_steps_need_sudo_stays_outside() -> None:
    with open_folder() as top:

        def work(_ability: MountAbility) -> None:
            ability = enter_private_mounts(top, user_namespace=False)
            assert not ability.overlay
            assert "sudo" in ability.reason

        inside(work, uid=NOBODY, probe_in=top)
