"""What is wrong with a user's text, and where."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters. Only `ERROR` stops a run."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in a file. Lines and columns count from 1; 0 means unknown. The end is exclusive."""

    path: str  # relative to the project root, with forward slashes
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.path
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A piece of a file replaced: offsets in characters from its beginning (a byte order mark not counted), end exclusive."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem in a user's text: rule, place, message, and what to do about it."""

    rule: str  # kebab-case, stable: `unknown-key`, `yaml-syntax`, `expression-context`
    message: str
    where: Location
    hint: str = ""
    severity: Severity = Severity.ERROR
    focus: Location | None = None  # the part of `where` to point at, when only a part is wrong
    edits: tuple[Edit, ...] = ()  # what mends it without changing anything else, applied all or none

    @property
    def is_error(self) -> bool:
        """Whether this finding stops a run."""
        return self.severity is Severity.ERROR
