"""Which version of an action a `uses:` means."""

from __future__ import annotations

import re
from typing import Final

Version = tuple[int, int]
"""Major and minor."""

NEWEST_MINOR: Final = 10**6
"""Stands for the newest minor of a major: what `v4` moves along with."""

_TAG = re.compile(r"v?(\d+)(?:\.(\d+))?(?:[.-].*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def read_version(ref: str, newest: int) -> Version | None:
    """The version behind `@`: tags by their numbers, commits and the main branch as the newest. None for other names."""
    if _COMMIT.fullmatch(ref) or ref in ("main", "master", "latest"):
        return newest, NEWEST_MINOR
    found = _TAG.fullmatch(ref)
    if not found:
        return None
    return int(found[1]), int(found[2]) if found[2] else NEWEST_MINOR
