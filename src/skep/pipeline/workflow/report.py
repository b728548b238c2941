"""Where the reader puts what it finds wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from skep.model.finding import Finding, Location, Severity


@dataclass(slots=True)
class Report:
    """Collects findings of one file, in the order in which they were found."""

    path: str
    findings: list[Finding] = field(default_factory=list)
    wrong: set[Location] = field(
        default_factory=set
    )  # places of errors: what follows from one is not said, too

    def error(
        self, rule: str, message: str, where: Location, *, hint: str = "", focus: Location | None = None
    ) -> None:
        """Adds a finding that stops a run."""
        self.wrong.add(where)
        self.findings.append(Finding(rule=rule, message=message, where=where, hint=hint, focus=focus))

    def warn(self, rule: str, message: str, where: Location, *, hint: str = "") -> None:
        """Adds a finding that does not stop a run."""
        self.findings.append(
            Finding(rule=rule, message=message, where=where, hint=hint, severity=Severity.WARNING)
        )

    @property
    def has_errors(self) -> bool:
        """Whether a run must not start."""
        return any(finding.is_error for finding in self.findings)


def did_you_mean(word: str, known: Iterable[str], *, list_all: bool = True) -> str:
    """The hint for a misspelt word: the nearest known one, else (`list_all`) all of them when they are few, else ''."""
    names = sorted(known)
    folded = {name.lower(): name for name in names}
    if near := difflib.get_close_matches(word[:100].lower(), folded, n=1, cutoff=0.6):
        return f"did you mean `{folded[near[0]]}`?"
    if list_all and 0 < len(names) <= 12:
        return "known here: " + ", ".join(f"`{name}`" for name in names)
    return ""


def quoted(text: str, limit: int = 60) -> str:
    """A piece of user text for a message: in backticks, on one line, cut."""
    line = " ".join(text.split())
    return f"`{line if len(line) <= limit else line[: limit - 1] + '…'}`"
