"""`skep doctor`: what is looked at, and what mends it."""

import json
import os
import stat
from pathlib import Path

import pytest

from skep.cli import doctor
from skep.cli.doctor import (
    check_disk,
    check_git,
    check_node,
    check_state_folder,
    check_workspaces,
    render,
)
from skep.cli.doctor_check import Check
from skep.cli.doctor_machine import (
    check_containers,
    check_pyenv,
    check_shared_memory,
    check_user_namespaces,
    check_watches,
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
        *("system", "python", "sqlite", "git", "bash", "node", "pwsh", "uv", "pyenv", "containers", "bwrap"),
        *("strace", "user namespaces", "inotify", "open files", "shared memory"),
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


@pytest.mark.parametrize(
    ("programs", "state", "detail"),
    [
        ((), "warning", "neither podman nor docker is on PATH"),
        (("podman",), "ok", "podman 5.0.1"),
        (("docker",), "ok", "docker 5.0.1"),
        (("podman", "docker"), "ok", "podman 5.0.1"),
    ],
)
def test_either_container_engine_will_do(
    fake_program: Path, programs: tuple[str, ...], state: str, detail: str
) -> None:
    for name in programs:
        put(fake_program, name, "echo version 5.0.1")
    check = check_containers()
    assert (check.state, check.detail.partition(" (")[0]) == (state, detail)


def test_uv_makes_pyenv_needless(fake_program: Path) -> None:
    assert check_pyenv().state == "warning"
    put(fake_program, "uv", "echo uv 0.9.1")
    assert check_pyenv().state == "ok"


def settings_of_kernel(folder: Path, **numbers: int) -> str:
    for name, number in numbers.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n")
    return str(folder)


@pytest.mark.parametrize(
    ("numbers", "mend"),
    [
        ({"user__max_user_namespaces": 15000}, ""),
        ({"user__max_user_namespaces": 0}, "sudo sysctl -w user.max_user_namespaces=15000"),
        (
            {"user__max_user_namespaces": 9, "kernel__unprivileged_userns_clone": 0},
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (
            {"kernel__apparmor_restrict_unprivileged_userns": 1},
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ({}, ""),
    ],
)
def test_forbidden_user_namespaces_are_mended_by_a_command(
    tmp_path: Path, numbers: dict[str, int], mend: str
) -> None:
    check = check_user_namespaces(settings_of_kernel(tmp_path, **numbers))
    assert (check.mend, check.state) == (mend, "warning" if mend else "ok")


def test_few_inotify_watches_are_mended_by_a_command(tmp_path: Path) -> None:
    proc = settings_of_kernel(
        tmp_path, fs__inotify__max_user_watches=8192, fs__inotify__max_user_instances=128
    )
    assert check_watches(proc).mend.startswith("sudo sysctl -w fs.inotify.max_user_watches=65536;")
    assert check_watches(str(tmp_path / "none")).state == "ok"


def test_a_machine_without_shared_memory_is_warned_of(tmp_path: Path) -> None:
    assert check_shared_memory(str(tmp_path / "none")).state == "warning"
    assert check_shared_memory(str(tmp_path)).detail.endswith(f"MiB free in {tmp_path}")


WORKFLOW = """\
name: CI
on: [push, issues]
jobs:
  a:
    runs-on: ubuntu-latest
    env: {KEY: '${{ secrets.KEY }}'}
    steps: [{run: 'true'}]
  b:
    runs-on: windows-latest
    steps: [{run: 'true'}]
"""


def test_doctor_of_workflows_tells_what_differs(skep: Call, project: Path) -> None:
    (project / ".github/workflows/ci.yml").write_text(WORKFLOW)
    (project / ".github/workflows/other.yml").write_text(WORKFLOW)
    said = skep("doctor", "--workflows", "-W", "ci")
    assert said.code == 0
    assert said.out == (
        ".github/workflows/ci.yml  CI\n"
        "  cannot run: `windows-latest` needs Windows, and this machine runs Linux [runner]\n"
        "      in `b` (line 9)\n"
        "      `skep run --allow-unsupported` lets the run pass without it; `--labels NAME` says that this machine"
        " stands for a label\n"
        "  differs: `issues` happens on the server: nothing starts the workflow by itself here [event]\n"
        "      (line 2)\n"
        "      start it by `skep run --event issues`; `--payload FILE` gives what the event says\n"
        "  differs: the secret `KEY` is not given, so it is empty [secret]\n"
        "      in `a` (line 6)\n"
        "      `skep run --secret KEY`, or a line in the file of `--secrets-file`\n"
        "  works: `ubuntu-latest` is this machine with what is installed on it, not GitHub's image [image]\n"
        "      in `a` (line 5)\n"
        "      `setup-*` actions pin the versions that matter\n"
        "\n"
        "2 jobs: 1 can run here, 1 cannot\n"
    )


def test_doctor_of_workflows_is_a_json_list(skep: Call, project: Path) -> None:
    (project / ".github/workflows/ci.yml").write_text(WORKFLOW)
    (project / ".github/workflows/broken.yml").write_text("on: push\njobs: []\n")
    said = skep("doctor", "--workflows", "--json", "--secret", "key")
    found = json.loads(said.out)
    assert said.code == 2
    assert [(one["workflow"], one["job"], one["effect"], one["rule"]) for one in found] == [
        (".github/workflows/ci.yml", None, "differs", "event"),
        (".github/workflows/ci.yml", "a", "works", "image"),
        (".github/workflows/ci.yml", "b", "cannot run", "runner"),
        (".github/workflows/broken.yml", None, "cannot run", "wrong-type"),
    ]
    keys = {"workflow", "job", "rule", "effect", "message", "mend", "line", "column"}
    assert all(set(one) == keys and one["mend"] for one in found)


def test_doctor_of_workflows_looks_into_local_actions(skep: Call, project: Path) -> None:
    steps = "steps: [{uses: ./outer}, {uses: ./docker}, {uses: ./absent}]"
    job = f"jobs: {{a: {{runs-on: self-hosted, {steps}}}}}"
    (project / ".github/workflows/ci.yml").write_text(f"on: push\n{job}\n")
    inner = "runs: {using: composite, steps: [{uses: octo/lint@v1}, {uses: actions/checkout@v5}]}\n"
    outer = "runs: {using: composite, steps: [{uses: ./inner}, {uses: ./outer}]}\n"
    for name, text in (("outer", outer), ("inner", inner)):
        (project / name).mkdir()
        (project / name / "action.yml").write_text(f"name: x\ndescription: x\n{text}")
    (project / "docker").mkdir()
    (project / "docker" / "Dockerfile").write_text("FROM scratch\n")
    (project / "skep.toml").write_text("[actions]\noffline = true\n")
    found = skep("doctor", "--workflows", "--json").json
    assert isinstance(found, list)
    assert [(one["rule"], one["message"].partition(" (")[0]) for one in found] == [
        ("container-action", "`./docker` is a docker action, and containers do not run here yet"),
        (
            "action",
            "`./inner` uses the action `octo/lint@v1`: `octo/lint@v1` is not on this machine, and Skep works offline",
        ),
    ]


def test_doctor_of_an_unknown_workflow_suggests_one(skep: Call, project: Path) -> None:
    (project / ".github/workflows/ci.yml").write_text(WORKFLOW)
    said = skep("doctor", "--workflows", "-W", "cli.yml")
    assert (said.code, "did you mean `ci.yml`?" in said.err) == (2, True)
