"""A near name for one that does not exist, for "did you mean" hints."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known name, or lists the known ones, or '' when there are none."""
    names = list(dict.fromkeys(known))
    by_folded = {candidate.lower(): candidate for candidate in names}
    near = difflib.get_close_matches(name.lower(), list(by_folded), n=1, cutoff=0.6)
    if near:
        return f"did you mean `{by_folded[near[0]]}`?"
    if not names:
        return ""
    listed = ", ".join(f"`{candidate}`" for candidate in names[:10])
    return f"known: {listed}" + (f" and {len(names) - 10} more" if len(names) > 10 else "")
