"""What time it is, as an argument instead of a global."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Safe to use from any thread."""

    def now(self) -> float:
        """Seconds since the epoch, UTC: for facts."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment, never backwards: for durations and deadlines."""
        ...


class SystemClock:
    """This machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic()
