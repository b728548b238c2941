"""Which caches a run may see. Source: GitHub's documentation, "Restrictions for accessing a cache"."""

from __future__ import annotations

from collections.abc import Mapping


def scopes_of(github: Mapping[str, object]) -> list[str]:
    """The refs whose caches a run may read: its own, its base branch, the default branch. It writes to the first."""
    ref, base = github.get("ref"), github.get("base_ref")
    event = github.get("event")
    repository = event.get("repository") if isinstance(event, Mapping) else None
    default = repository.get("default_branch") if isinstance(repository, Mapping) else None
    branches = (f"refs/heads/{branch}" for branch in (base, default) if isinstance(branch, str) and branch)
    return list(dict.fromkeys([ref if isinstance(ref, str) and ref else "HEAD", *branches]))
