"""What stops Skep. Wrong user text is a finding (see `finding.py`), not an error.

SkepError            exit 3: our bug, or something we did not foresee
├── UserError        exit 2: the user must change something
├── HostError        exit 1: this machine refused: full disk, missing tool, no permission
│   └── RunnerLost   the process that runs steps is gone
└── StoreError       exit 1: the records cannot be read or written
"""

from .finding import Location


class SkepError(Exception):
    """Base of all errors of ours: a message, a hint and, where known, a place."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "", where: Location | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.where = where


class UserError(SkepError):
    """The user must change something before this can work."""

    exit_code = 2


class HostError(SkepError):
    """This machine refused something a run needs."""

    exit_code = 1


class RunnerLost(HostError):  # noqa: N818  what happened, in one word
    """What was executing steps is gone; their outcome is unknown."""


class StoreError(SkepError):
    """Run records cannot be read or written."""

    exit_code = 1
