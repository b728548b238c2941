"""What a run must do first, before threads and heavy imports: a private mount namespace, and the guard in it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from skep.cli.project import Project
from skep.host.files import read_regular
from skep.host.guard.launch import LaunchedGuard, launch_guard
from skep.host.guard.tree import forbid_inspection
from skep.host.namespace import MountAbility, enter_private_mounts, needs_user_namespace

_CHECKOUT = re.compile(rb"actions/checkout\b")
_SUDO = re.compile(rb"\bsudo\b")


@dataclass(slots=True)
class RunStart:
    """What was started early. `take_guard` hands the guard over; `close` ends it if nobody took it."""

    mounts: MountAbility
    _guard: LaunchedGuard | None

    def take_guard(self) -> LaunchedGuard:
        """The guard; whoever takes it closes it."""
        guard, self._guard = self._guard, None
        assert guard is not None
        return guard

    def close(self) -> None:
        """Ends a guard that nobody took. Safe to repeat."""
        if self._guard is not None:
            self._guard.sock.close()
            os.waitpid(self._guard.pid, 0)
            self._guard = None


def start_early(project: Project, *, in_place: bool) -> RunStart:
    """Enters the namespace when a workflow may need an overlay, then starts the guard; steps cannot look into us from then
    on. Raises HostError."""
    mounts = _enter(project, in_place=in_place)
    start = RunStart(mounts, launch_guard())
    forbid_inspection()
    return start


def _enter(project: Project, *, in_place: bool) -> MountAbility:
    """No workflow text is parsed yet: that a file names actions/checkout at all is reason enough, and cheap to see."""
    way = project.settings.workspace
    if in_place or way not in ("auto", "overlay"):
        return MountAbility(overlay=False, reason="not wanted")
    texts = _workflow_texts(project.root)
    if not any(_CHECKOUT.search(text) for text in texts):
        return MountAbility(overlay=False, reason="no workflow uses actions/checkout")
    sudo = way == "auto" and needs_user_namespace() and any(_SUDO.search(text) for text in texts)
    return enter_private_mounts(project.settings.work_dir or None, user_namespace=not sudo)


def _workflow_texts(root: str) -> list[bytes]:
    folder = f"{root}/.github/workflows"
    texts: list[bytes] = []
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    for name in names:
        try:
            texts.append(read_regular(f"{folder}/{name}", 1 << 20))
        except OSError:
            continue  # the reader says what is wrong with it
    return texts
