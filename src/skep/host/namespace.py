"""A private mount namespace for the whole process: mounts made later are seen by its children only, and go with them.

Root needs a mount namespace alone. Any other user needs a user namespace around it, with its own ids mapped to
themselves. In such a namespace no set-user-id program gains anything: `sudo`, and what stands on `newuidmap`, cannot
work in steps. Entering cannot be undone, so a child process tries it first, with a real overlay.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from .mounts import make_mounts_private, mount_overlay, unmount, unshare
from .removal import remove_tree

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000

# Best first. `volatile`: the kernel may skip syncing the upper layer, which is thrown away anyway. `redirect_dir`: a
# folder of the lower layer can be renamed; without it rename(2) gives EXDEV. `userxattr`: for those who are not root.
OPTION_SETS: tuple[tuple[str, ...], ...] = (
    ("volatile", "redirect_dir=on", "metacopy=off", "index=off"),
    ("volatile",),
    (),
    ("volatile", "userxattr"),
    ("userxattr",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MountAbility:
    """Whether this process can mount overlays, and how; or why not."""

    overlay: bool
    reason: str = ""  # why not
    options: tuple[str, ...] = ()  # what mount_overlay needs here
    user_namespace: bool = False

    @property
    def sudo_works(self) -> bool:
        """Whether set-user-id programs still gain their owner's rights in steps."""
        return not self.user_namespace


def needs_user_namespace() -> bool:
    """Whether private mounts would cost this process `sudo` in its steps."""
    return sys.platform == "linux" and os.geteuid() != 0


def enter_private_mounts(probe_in: str | None = None, *, user_namespace: bool = True) -> MountAbility:
    """Enters a private mount namespace if overlays can be mounted there; else changes nothing.

    Call before the first thread, once. `probe_in`: a folder on the file system that will hold upper layers (default:
    the system's temp folder). `user_namespace` False: never enter one, so that `sudo` goes on working in steps.
    """
    if sys.platform != "linux":
        return MountAbility(overlay=False, reason="overlay mounts exist on Linux only")
    reason = "`sudo` is needed in steps, and it cannot work inside a user namespace"
    for user in (False, True):
        if user and not user_namespace and os.geteuid() != 0:
            continue
        if not user and os.geteuid() != 0:
            continue
        options, reason = _try_in_child(user, probe_in or tempfile.gettempdir())
        if options is not None:
            _enter(user)
            return MountAbility(overlay=True, options=options, user_namespace=user and os.geteuid() != 0)
    return MountAbility(overlay=False, reason=reason)


def _enter(user: bool) -> None:
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWNS | (CLONE_NEWUSER if user else 0))
    if user:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")
    make_mounts_private()


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def _try_in_child(user: bool, probe_in: str) -> tuple[tuple[str, ...] | None, str]:
    """The options that work, or None and the reason. The child writes its answer into a pipe."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = _probe(user, probe_in)
        except BaseException as exc:  # noqa: BLE001 - the child must end here whatever happens
            answer = f"-{exc}"
        os.write(send, answer.encode(errors="replace")[:4000])
        os._exit(0)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        answer = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    if answer.startswith("+"):
        return tuple(option for option in answer[1:].split(",") if option), ""
    return None, answer[1:] or "the probe ended without an answer"


def _probe(user: bool, probe_in: str) -> str:
    folder = tempfile.mkdtemp(prefix="skep-probe-", dir=probe_in)
    try:
        _enter(user)
        return _first_that_mounts(folder)
    finally:
        remove_tree(folder)


def _first_that_mounts(folder: str) -> str:
    lower, target = (os.path.join(folder, name) for name in ("lower", "target"))
    for made in (lower, target):
        os.mkdir(made)
    os.mkdir(os.path.join(lower, "folder"))
    for name in ("kept", "deleted", "folder/inner"):
        _touch(os.path.join(lower, name))
    reason = ""
    for number, options in enumerate(OPTION_SETS):
        upper, work = (os.path.join(folder, f"{name}{number}") for name in ("upper", "work"))
        os.mkdir(upper)
        os.mkdir(work)
        try:
            mount_overlay([lower], upper, work, target, options=options)
        except OSError as exc:
            reason = reason or str(exc)
            continue
        try:
            _use(target)
        except OSError as exc:
            reason = reason or f"an overlay was mounted but does not work: {exc}"
        else:
            return "+" + ",".join(options)
        finally:
            unmount(target)
    return "-" + reason


def _use(target: str) -> None:
    """A deletion, a copy-up, and a new folder for an old one: the last fails where attributes cannot be stored."""
    os.unlink(os.path.join(target, "deleted"))
    os.chmod(os.path.join(target, "kept"), 0o600)
    folder = os.path.join(target, "folder")
    os.unlink(os.path.join(folder, "inner"))
    os.rmdir(folder)
    os.mkdir(folder)
    _touch(os.path.join(folder, "file"))
    if sorted(os.listdir(target)) != ["folder", "kept"] or os.listdir(folder) != ["file"]:
        raise OSError("the merged folder is wrong")


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))


def describe(ability: MountAbility) -> Sequence[str]:
    """Lines for `skep doctor`."""
    if not ability.overlay:
        return (f"workspaces by copy: {ability.reason}",)
    if ability.user_namespace:
        return ("workspaces by overlay, in a user namespace: `sudo` cannot work in steps",)
    return ("workspaces by overlay",)
