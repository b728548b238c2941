"""Ids of jobs and steps: what is allowed, and the ones GitHub makes. Source: actions/runner `IdBuilder.cs`."""

from __future__ import annotations

import re

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
MAX_ID_LENGTH = 100


class Identifiers:
    """The ids of one scope, unique without case."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def problem_with(self, name: str) -> str:
        """Takes a written id; what is wrong with it, '' when nothing is."""
        if not _ID.match(name) or len(name) >= MAX_ID_LENGTH:
            return (
                "begins with a letter or `_`, contains only letters, digits, `_` and `-`, "
                f"and has less than {MAX_ID_LENGTH} characters"
            )
        if name.startswith("__"):
            return "does not begin with `__`, which is reserved"
        if name.lower() in self._taken:
            return "is used only once in its job"
        self._taken.add(name.lower())
        return ""

    def make(self, base: str) -> str:
        """A free id made of a text: `__run`, `__run_2`, `__actions_checkout`."""
        original = _ILLEGAL.sub("_", base)
        attempt = 1
        while True:
            suffix = "" if attempt == 1 else f"_{attempt}"
            candidate = original[: MAX_ID_LENGTH - len(suffix)] + suffix
            if candidate.lower() not in self._taken:
                self._taken.add(candidate.lower())
                return candidate
            attempt += 1


def made_step_id(uses: str) -> str:
    """What the id of a step without one is made of: `run`, `self`, `owner/repo`, the image of a docker action."""
    if uses.startswith("docker://"):
        return uses.removeprefix("docker://") or "run"
    if uses.startswith(("./", ".\\", "$/")):
        return "self"
    parts = action_reference(uses)
    return f"{parts[0]}/{parts[1]}" if parts else "run"


def action_reference(uses: str) -> tuple[str, str, str] | None:
    """(owner, repository, ref) of `owner/repository[/path]@ref`; None when the text is not of that form."""
    path, at, ref = uses.partition("@")
    segments = [part for part in re.split(r"[/\\]", path) if part]
    if not at or not ref or "@" in ref or len(segments) < 2:
        return None
    return segments[0], segments[1], ref
