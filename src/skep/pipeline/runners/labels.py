"""Which `runs-on` this machine is. Pure, but for asking the kernel what machine this is."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence

ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm"}
UBUNTU = ("ubuntu-latest", "ubuntu-slim", "ubuntu-26.04", "ubuntu-24.04", "ubuntu-22.04")
UBUNTU_ARM = ("ubuntu-26.04-arm", "ubuntu-24.04-arm", "ubuntu-22.04-arm")
MACOS = ("macos-latest", "macos-26", "macos-15", "macos-14")
SYSTEMS = (("windows", "Windows"), ("macos", "macOS"), ("mac-os", "macOS"), ("osx", "macOS"))


def host_labels(
    extra: Sequence[str] = (), *, system: str = sys.platform, machine: str = os.uname().machine
) -> frozenset[str]:
    """Labels this machine answers to, lower-cased: what a self-hosted runner here would have, GitHub's own images of
    the same system, and `extra` from the settings (`group:NAME` there stands for a runner group).

    Source: docs.github.com, "Choosing the runner for a job" and "Using labels with self-hosted runners".
    """
    architecture = ARCHITECTURES.get(machine.lower(), machine.lower())
    labels = {"self-hosted", architecture, *(label.lower() for label in extra)}
    if system == "linux":
        labels.update(("linux", *UBUNTU), UBUNTU_ARM if architecture == "arm64" else ())
    elif system == "darwin":
        labels.update(("macos", *MACOS))
    return frozenset(labels)


def unsupported_reason(labels: Sequence[str], *, own: Collection[str], group: str = "") -> str | None:
    """Why a job with these `runs-on` labels and group cannot run on a machine with the labels `own`; None: it can.

    A runner must have all labels and be in the group; case does not matter.
    """
    if group and f"group:{group.lower()}" not in own:
        return f"it needs the runner group `{group}`, which this machine is not in"
    if not labels and not group:
        return "`runs-on` names no label"
    for label in labels:
        if label.lower() not in own:
            return _reason(label, own)
    return None


def _reason(label: str, own: Collection[str]) -> str:
    lowered = label.lower()
    here = _system_of(own)
    for prefix, name in SYSTEMS:
        if lowered.startswith(prefix) and name != here:
            return f"`{label}` needs {name}, and this machine runs {here}"
    if (lowered.startswith("ubuntu") or lowered == "linux") and here != "Linux":
        return f"`{label}` needs Linux, and this machine runs {here}"
    if lowered.endswith(("-arm", "-arm64")) or lowered in ARCHITECTURES.values():
        return f"`{label}` needs another processor than this machine's ({_architecture_of(own)})"
    if "gpu" in lowered.replace("_", "-").split("-"):
        return f"`{label}` needs a machine with a GPU"
    return f"this machine does not have the label `{label}`"


def _system_of(own: Collection[str]) -> str:
    return "Linux" if "linux" in own else "macOS" if "macos" in own else "another system"


def _architecture_of(own: Collection[str]) -> str:
    return next((name for name in ARCHITECTURES.values() if name in own), "unknown")
