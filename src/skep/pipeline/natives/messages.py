"""Lines of a step's log: information as it is, warnings and errors as workflow commands."""

from __future__ import annotations

from collections.abc import Callable


class Messages:
    """Writes what the real action would write."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log

    def info(self, text: str) -> None:
        """A line of the log, or several."""
        for line in text.split("\n"):
            self._log(line)

    def debug(self, text: str) -> None:
        """Shown when step debugging is on."""
        self._log(f"::debug::{_escaped(text)}")

    def warning(self, text: str) -> None:
        """An annotation; the step goes on."""
        self._log(f"::warning::{_escaped(text)}")

    def error(self, text: str) -> None:
        """An annotation; the action then fails."""
        self._log(f"::error::{_escaped(text)}")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
