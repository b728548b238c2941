"""Checks of what makes a machine comfortable: tools that some workflows want, and limits of the kernel."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable

from skep.cli.doctor_check import Check, check_program

WATCHES_NEEDED = 65_536
INSTANCES_NEEDED = 128
FILES_NEEDED = 4096
SHARED_MEMORY_BYTES = 64 * 1024**2


def machine_checks() -> list[Callable[[], Check]]:
    """In the order they are shown."""
    return [
        check_uv,
        check_pyenv,
        check_containers,
        check_bwrap,
        check_strace,
        check_user_namespaces,
        check_watches,
        check_open_files,
        check_shared_memory,
    ]


def check_uv() -> Check:
    """uv: brings Python versions that this machine does not have."""
    mend = "pip install uv; only `setup-python` with a version that is not here needs it"
    return check_program("uv", "--version", missing="warning", mend=mend)


def check_pyenv() -> Check:
    """pyenv: another place of Python versions."""
    if shutil.which("pyenv") is None and shutil.which("uv") is not None:
        return Check(name="pyenv", state="ok", detail="not on PATH; uv brings Python versions")
    mend = "install pyenv or uv; only `setup-python` with a version that is not here needs one of them"
    return check_program("pyenv", "--version", missing="warning", mend=mend)


def check_containers() -> Check:
    """podman or docker: jobs with `container` or `services`."""
    for name in ("podman", "docker"):
        if shutil.which(name) is not None:
            found = check_program(name, "--version", missing="warning", mend=f"reinstall {name}")
            return Check(
                name="containers", state=found.state, detail=f"{name} {found.detail}", mend=found.mend
            )
    return Check(
        name="containers",
        state="warning",
        detail="neither podman nor docker is on PATH",
        mend="sudo apt-get install podman; only jobs with `container` or `services` need it",
    )


def check_bwrap() -> Check:
    """bubblewrap: the sandbox."""
    mend = "sudo apt-get install bubblewrap; only sandboxed jobs need it"
    return check_program("bwrap", "--version", missing="warning", mend=mend)


def check_strace() -> Check:
    """strace: finds the files a job reads."""
    mend = "sudo apt-get install strace; only finding the inputs of a job needs it"
    return check_program("strace", "--version", missing="warning", mend=mend)


def check_user_namespaces(proc: str = "/proc/sys") -> Check:
    """User namespaces: overlays and sandboxes for those who are not root."""
    name = "user namespaces"
    if platform.system() != "Linux":
        return Check(name=name, state="warning", detail="on Linux only", mend="use Linux for sandboxed jobs")
    most = _number(f"{proc}/user/max_user_namespaces")
    allowed = _number(f"{proc}/kernel/unprivileged_userns_clone")
    restricted = _number(f"{proc}/kernel/apparmor_restrict_unprivileged_userns")
    if most == 0:
        mend = "sudo sysctl -w user.max_user_namespaces=15000"
        return Check(name=name, state="warning", detail="the kernel allows none", mend=mend)
    if allowed == 0:
        mend = "sudo sysctl -w kernel.unprivileged_userns_clone=1"
        return Check(name=name, state="warning", detail="for root only", mend=mend)
    if restricted == 1:
        mend = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        return Check(name=name, state="warning", detail="AppArmor takes their rights away", mend=mend)
    return Check(name=name, state="ok", detail="allowed" if most is None else f"up to {most}")


def check_watches(proc: str = "/proc/sys") -> Check:
    """inotify: tools in steps that watch files."""
    watches = _number(f"{proc}/fs/inotify/max_user_watches")
    instances = _number(f"{proc}/fs/inotify/max_user_instances")
    if watches is None or instances is None:
        return Check(name="inotify", state="ok", detail="no limit is told here")
    detail = f"{watches} watches, {instances} instances"
    short = [
        f"{name}={needed}"
        for name, has, needed in (
            ("fs.inotify.max_user_watches", watches, WATCHES_NEEDED),
            ("fs.inotify.max_user_instances", instances, INSTANCES_NEEDED),
        )
        if has < needed
    ]
    if not short:
        return Check(name="inotify", state="ok", detail=detail)
    mend = f"sudo sysctl -w {' '.join(short)}; only steps that watch many files need it"
    return Check(name="inotify", state="warning", detail=detail, mend=mend)


def check_open_files() -> Check:
    """Open files per process."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    detail = "no limit" if soft == resource.RLIM_INFINITY else f"{soft} at once"
    if soft == resource.RLIM_INFINITY or soft >= FILES_NEEDED or hard >= FILES_NEEDED > soft:
        more = f", up to {hard} on request" if soft < FILES_NEEDED else ""
        return Check(name="open files", state="ok", detail=detail + more)
    mend = f"ulimit -n {FILES_NEEDED} (for good: `* hard nofile {FILES_NEEDED}` in /etc/security/limits.conf)"
    return Check(name="open files", state="warning", detail=detail, mend=mend)


def check_shared_memory(folder: str = "/dev/shm") -> Check:  # noqa: S108 - the kernel's name for it
    """Room in /dev/shm: browsers and parallel tests in steps."""
    name = "shared memory"
    if not os.path.isdir(folder):
        detail = f"`{folder}` is not there"
        return Check(name=name, state="warning", detail=detail, mend=f"sudo mount -t tmpfs tmpfs {folder}")
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**2:,.0f} MiB free in {folder}"
    if free >= SHARED_MEMORY_BYTES:
        return Check(name=name, state="ok", detail=detail)
    mend = f"sudo mount -o remount,size=1g {folder}; browsers in steps need it"
    return Check(name=name, state="warning", detail=detail, mend=mend)


def _number(path: str) -> int | None:
    """The number in a file of the kernel; None when there is no such file."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None
