"""Which `uses:` Skep does itself."""

from __future__ import annotations

from collections.abc import Callable

from skep.pipeline.natives.versions import read_version
from skep.pipeline.ports import NativeAction

VERSIONS: dict[str, tuple[int, int]] = {
    "actions/cache": (1, 5),
    "actions/cache/restore": (3, 5),
    "actions/cache/save": (3, 5),
    "actions/checkout": (1, 7),
    "actions/download-artifact": (1, 8),
    "actions/setup-node": (1, 7),
    "actions/setup-python": (1, 7),
    "actions/upload-artifact": (1, 7),
    "actions/upload-artifact/merge": (4, 7),
}
"""Action -> its first and its newest major version that we know."""


def natives_table(
    *,
    cache: NativeAction,
    checkout: NativeAction,
    download: NativeAction,
    merge: NativeAction,
    node: NativeAction,
    python: NativeAction,
    upload: NativeAction,
) -> Callable[[str, str], NativeAction | None]:
    """What the engine asks: `(owner/name[/path] in lower case, ref)` to the action that stands for it; None when this is no
    action of ours, or a version we do not know."""
    actions = {
        "actions/cache": cache,
        "actions/cache/restore": cache,
        "actions/cache/save": cache,
        "actions/checkout": checkout,
        "actions/download-artifact": download,
        "actions/setup-node": node,
        "actions/setup-python": python,
        "actions/upload-artifact": upload,
        "actions/upload-artifact/merge": merge,
    }

    def native_action(name: str, ref: str) -> NativeAction | None:
        first, newest = VERSIONS.get(name, (1, 0))
        version = read_version(ref, newest)
        return actions[name] if version and first <= version[0] <= newest else None

    return native_action
