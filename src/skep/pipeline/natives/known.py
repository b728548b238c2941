"""Whether Skep does a `uses:` itself, asked by what runs nothing: plans and the doctor. Pure."""

from __future__ import annotations

from skep.pipeline.natives.registry import VERSIONS
from skep.pipeline.natives.versions import read_version


def is_native(name: str, ref: str) -> bool:
    """Whether `(owner/name[/path] in lower case, ref)` is an action of ours in a version we know."""
    first, newest = VERSIONS.get(name, (1, 0))
    version = read_version(ref, newest)
    return bool(version) and version is not None and first <= version[0] <= newest
