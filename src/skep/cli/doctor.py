"""What is missing on this machine, and the command that mends it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable

from skep.cli.doctor_check import Check, check_program, nearest_existing
from skep.cli.doctor_machine import machine_checks
from skep.cli.doctor_workflows import configure_workflows, run_workflows
from skep.model.errors import HostError
from skep.settings import default_state_dir
from skep.store.local.database import SQLITE_NEEDED, sqlite_version

FREE_BYTES = 2 * 1024**3


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `skep doctor`."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    configure_workflows(parser)


def run(args: argparse.Namespace) -> int:
    """Prints every check; 2 when something is missing that runs need."""
    if args.workflows:
        return run_workflows(args)
    state_dir = os.environ.get("SKEP_STATE_DIR") or default_state_dir(os.environ)
    checks = examine(state_dir)
    print(json.dumps([dataclasses.asdict(one) for one in checks], indent=2) if args.json else render(checks))
    return 2 if any(one.state == "missing" for one in checks) else 0


def examine(state_dir: str) -> list[Check]:
    """All checks, in the order they are shown. The last one may enter a mount namespace, for good."""
    checks: list[Callable[[], Check]] = [
        check_system,
        check_python,
        check_sqlite,
        check_git,
        check_bash,
        check_node,
        check_pwsh,
        *machine_checks(),
        lambda: check_state_folder(state_dir),
        lambda: check_disk(state_dir),
        lambda: check_workspaces(state_dir),
    ]
    return [check() for check in checks]


def render(checks: list[Check]) -> str:
    """A line per check, and below it what mends it."""
    width = max(len(one.name) for one in checks)
    lines = []
    for one in checks:
        lines.append(f"{one.state:<7}  {one.name:<{width}}  {one.detail}")
        if one.mend:
            lines.append(f"{'':<{width + 11}}mend: {one.mend}")
    bad = sum(one.state == "missing" for one in checks)
    return "\n".join([*lines, "", f"{bad} missing" if bad else "everything that runs need is here"])


def check_system() -> Check:
    """Linux does everything; macOS has no overlay and no sandbox."""
    name = f"{platform.system()} {platform.release()} {platform.machine()}"
    if platform.system() == "Linux":
        return Check(name="system", state="ok", detail=name)
    return Check(name="system", state="warning", detail=f"{name}: no overlay, no sandbox")


def check_python() -> Check:
    """Python 3.11 or newer."""
    version = platform.python_version()
    if tuple(map(int, platform.python_version_tuple()[:2])) >= (3, 11):
        return Check(name="python", state="ok", detail=f"{version} ({sys.executable})")
    return Check(
        name="python", state="missing", detail=f"{version}, needed: 3.11", mend="sudo apt-get install python3"
    )


def check_sqlite() -> Check:
    """The sqlite library inside Python knows STRICT tables."""
    version = sqlite_version()
    if version >= SQLITE_NEEDED:
        return Check(name="sqlite", state="ok", detail=".".join(map(str, version)))
    needed = ".".join(map(str, SQLITE_NEEDED))
    return Check(
        name="sqlite",
        state="missing",
        detail=f"{'.'.join(map(str, version))}, needed: {needed}",
        mend="use a Python that is built with a newer sqlite",
    )


def check_git() -> Check:
    """git 2.39 or newer."""
    return check_program(
        "git", "--version", needed=(2, 39), missing="missing", mend="sudo apt-get install git"
    )


def check_bash() -> Check:
    """bash: the shell of most steps; without it they run in sh."""
    return check_program("bash", "--version", missing="missing", mend="sudo apt-get install bash")


def check_node() -> Check:
    """node 20 or newer: JavaScript actions need it."""
    mend = "install node 20 or newer (Debian: sudo apt-get install nodejs); only JavaScript actions need it"
    return check_program("node", "--version", needed=(20,), missing="warning", mend=mend)


def check_pwsh() -> Check:
    """PowerShell: only steps with `shell: pwsh` need it."""
    return check_program(
        "pwsh",
        "--version",
        missing="warning",
        mend="install PowerShell; only steps with `shell: pwsh` need it",
    )


def check_state_folder(state_dir: str) -> Check:
    """The state folder can be written; it need not exist yet."""
    folder = nearest_existing(state_dir)
    if os.access(folder, os.W_OK | os.X_OK):
        return Check(name="state folder", state="ok", detail=state_dir)
    return Check(
        name="state folder",
        state="missing",
        detail=f"`{folder}` cannot be written",
        mend=f"sudo chown -R $(id -u) '{folder}', or set SKEP_STATE_DIR to a folder of yours",
    )


def check_disk(state_dir: str) -> Check:
    """Room for logs, artifacts and workspaces."""
    free = shutil.disk_usage(nearest_existing(state_dir)).free
    detail = f"{free / 1024**3:.1f} GiB free"
    if free >= FREE_BYTES:
        return Check(name="disk", state="ok", detail=detail)
    return Check(
        name="disk",
        state="warning",
        detail=f"{detail} at `{state_dir}`",
        mend="skep runs prune --keep-days 7, or set SKEP_STATE_DIR to another disk",
    )


def check_workspaces(state_dir: str) -> Check:
    """Whether workspaces can be overlays, which a job of 10,000 files feels. Enters a mount namespace if
    so."""
    from skep.host.namespace import describe, enter_private_mounts

    try:
        ability = enter_private_mounts(nearest_existing(state_dir))
    except (OSError, HostError) as error:
        return Check(name="workspaces", state="warning", detail=f"by copy: {error}")
    detail = "; ".join(describe(ability))
    if ability.overlay:
        return Check(name="workspaces", state="ok", detail=detail)
    mend = (
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        if platform.system() == "Linux"
        else ""
    )
    return Check(name="workspaces", state="warning", detail=detail, mend=mend)
