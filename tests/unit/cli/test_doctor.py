"""`skep doctor`: what is looked at, and what mends it."""

import json
import os
import stat
from pathlib import Path

import pytest

from skep.cli import doctor
from skep.cli.doctor import (
    Check,
    check_disk,
    check_git,
    check_node,
    check_state_folder,
    check_workspaces,
    render,
)
from skep.host import namespace
from skep.host.namespace import MountAbility

from .conftest import Call


@pytest.fixture
def fake_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH; programs put there answer."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_everything_is_looked_at_and_shown_as_json(
    skep: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKEP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(
        doctor, "check_workspaces", lambda folder: Check(name="workspaces", state="ok", detail="by copy")
    )
    said = skep("doctor", "--json")
    checks = json.loads(said.out)
    assert [one["name"] for one in checks] == [
        *("system", "python", "sqlite", "git", "bash", "node", "pwsh"),
        *("state folder", "disk", "workspaces"),
    ]
    assert all(set(one) == {"name", "state", "detail", "mend"} for one in checks)
    assert all(one["mend"] for one in checks if one["state"] != "ok")
    assert said.code == (2 if any(one["state"] == "missing" for one in checks) else 0)


def test_a_missing_git_stops_runs_and_a_missing_node_does_not(fake_program: Path) -> None:
    assert (check_git().state, check_git().mend) == ("missing", "sudo apt-get install git")
    assert check_node().state == "warning"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("echo git version 2.47.1", "ok"),
        ("echo git version 2.39.5", "ok"),
        ("echo git version 2.9.1", "missing"),
        ("echo hello", "missing"),
        ("exit 3", "missing"),
    ],
)
def test_git_must_be_new_enough(fake_program: Path, answer: str, state: str) -> None:
    put(fake_program, "git", answer)
    assert check_git().state == state


def test_a_state_folder_that_need_not_exist_yet_is_fine(tmp_path: Path) -> None:
    assert check_state_folder(str(tmp_path / "a" / "b")).state == "ok"
    assert check_disk(str(tmp_path / "a" / "b")).detail.endswith("GiB free")


@pytest.mark.skipif(os.geteuid() == 0, reason="not run: root may write everywhere")
def test_a_state_folder_of_somebody_else_is_missing() -> None:
    assert check_state_folder("/proc/1/skep").state == "missing"


def test_what_mends_stands_below_what_is_missing() -> None:
    checks = [
        Check(name="git", state="missing", detail="not on PATH", mend="install git"),
        Check(name="a", state="ok", detail="x"),
    ]
    assert render(checks).splitlines() == [
        "missing  git  not on PATH",
        "              mend: install git",
        "ok       a    x",
        "",
        "1 missing",
    ]


@pytest.mark.parametrize(
    ("ability", "state"),
    [
        (MountAbility(overlay=True, options=("volatile",)), "ok"),
        (MountAbility(overlay=True, user_namespace=True), "ok"),
        (MountAbility(overlay=False, reason="the kernel refuses user namespaces"), "warning"),
    ],
)
def test_workspaces_by_copy_are_a_warning_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ability: MountAbility, state: str
) -> None:
    monkeypatch.setattr(
        namespace, "enter_private_mounts", lambda probe_in: ability
    )  # the real one cannot be undone
    check = check_workspaces(str(tmp_path / "state"))
    assert check.state == state
    assert ability.reason in check.detail
    assert bool(check.mend) == (state != "ok")


def test_a_full_disk_is_a_warning_with_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "FREE_BYTES", 1 << 60)
    check = check_disk(str(tmp_path))
    assert check.state == "warning"
    assert "skep runs prune" in check.mend


def test_a_program_that_cannot_be_started_is_missing(fake_program: Path) -> None:
    put(fake_program, "git", "")
    (fake_program / "git").write_bytes(b"#!/nonexistent/interpreter\n")
    assert check_git().state == "missing"
