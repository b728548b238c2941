"""How much is kept of what steps and jobs put out. Sizes are those of UTF-16, as GitHub counts them.

Source of the limits of jobs and runs: GitHub's documentation, "Defining outputs for jobs". A step's outputs have no limit there; but an
expression may take 10 MiB (`expressions.limits`), so what is longer could not be used.
"""

from __future__ import annotations

from collections.abc import Mapping

STEP_LIMIT_BYTES = 10 * 1024**2
"""All outputs of one step together; its saved state likewise."""
STEPS_LIMIT_BYTES = 50 * 1024**2
"""All outputs that the steps of one job keep for later steps."""
JOB_LIMIT_BYTES = 1024**2
"""All outputs of one job together."""
RUN_LIMIT_BYTES = 50 * 1024**2
"""The outputs of all jobs of a run together."""

_NAMED = 5  # of those that were not kept


class Room:
    """Bytes that may still be taken."""

    def __init__(self, limit_bytes: int) -> None:
        self.left_bytes = limit_bytes

    def take(self, size_bytes: int) -> bool:
        """Takes so much if it is left."""
        if size_bytes > self.left_bytes:
            return False
        self.left_bytes -= size_bytes
        return True


class KeptTexts(dict[str, str]):
    """Names and values of a step, up to `STEP_LIMIT_BYTES` when each comes through `save`."""

    def __init__(self) -> None:
        super().__init__()
        self._room = Room(STEP_LIMIT_BYTES)
        self._refused: dict[str, None] = {}
        self._is_more = False

    def save(self, name: str, value: str) -> None:
        """Keeps a value; one that is too long is only remembered as `refused`, and what had the name before stays."""
        before = self.get(name)
        old = 0 if before is None else text_bytes(name) + text_bytes(before)
        if self._room.take(text_bytes(name) + text_bytes(value) - old):
            self[name] = value
        elif len(self._refused) < _NAMED:
            self._refused[name[:100]] = None
        else:
            self._is_more = True

    @property
    def refused(self) -> str:
        """The names of values that were not kept, for a message; '' when all were."""
        return ", ".join(f"`{name}`" for name in self._refused) + (", ..." if self._is_more else "")


def text_bytes(text: str) -> int:
    """The size of a text in UTF-16."""
    return 2 * len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass"))


def outputs_bytes(outputs: Mapping[str, str]) -> int:
    """The size of names and values."""
    return sum(text_bytes(name) + text_bytes(value) for name, value in outputs.items())
