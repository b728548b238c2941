"""Actions of the project itself, as they stand in its work tree."""

from __future__ import annotations

import os

from skep.pipeline.actions.action import Action
from skep.pipeline.actions.manifest import dockerfile_action, read_action

_MAX_ACTION_CHARACTERS = 1 << 20


def local_action(root: str, uses: str) -> Action | None:
    """The action behind `./path` as it stands in the work tree; None when there is none, or none that can be read."""
    top = os.path.realpath(root)
    if "\0" in uses:
        return None  # no file has such a name
    folder = os.path.realpath(os.path.join(top, uses.removeprefix("$/")))
    if os.path.commonpath((folder, top)) != top:
        return None
    for name in ("action.yml", "action.yaml"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="surrogateescape") as file:
                return read_action(file.read(_MAX_ACTION_CHARACTERS), f"{os.path.normpath(uses)}/{name}")[0]
        except OSError:
            continue
    return dockerfile_action(uses) if os.path.isfile(os.path.join(folder, "Dockerfile")) else None
