"""A named revision of the user's repository, as actions/checkout understands names; pure.

Source: actions/checkout `src/ref-helper.ts` (which names mean what). A branch is first the user's own, then the one of
`origin`: locally the newest commits of a branch are those that will be pushed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .gitfolder import GitState

SHA = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What to check out: a commit, and the branch to be on; '' = detached."""

    commit: str
    branch: str = ""


def find_revision(state: GitState, name: str) -> Revision | None:
    """The revision a name stands for; None when there is none. A full SHA is taken as it is, unproven."""
    if SHA.fullmatch(name):
        return Revision(commit=name.lower())
    known = {ref: sha for sha, ref, _ in state.refs}
    if name.startswith("refs/heads/"):
        return _branch(known, name.removeprefix("refs/heads/"))
    if name.startswith("refs/"):
        return Revision(commit=known[name]) if name in known else None
    found = _branch(known, name)
    if found is None and f"refs/tags/{name}" in known:
        return Revision(commit=known[f"refs/tags/{name}"])
    return found


def _branch(known: dict[str, str], branch: str) -> Revision | None:
    for ref in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"):
        if ref in known:
            return Revision(commit=known[ref], branch=branch)
    return None
