"""A name with `${{ }}` or wildcards in it, in; which names it may be, out: could two of them be the same?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_EXPRESSION = re.compile(r"\$\{\{(?:'[^']*'|(?!\}\}).)*\}\}", re.DOTALL)
_ANY = "\0"  # stands for any text; no name holds it


@dataclass(frozen=True, slots=True)
class NameShape:
    """Literal text with gaps that may hold anything."""

    pattern: str

    @property
    def is_literal(self) -> bool:
        """Whether it is one name for certain."""
        return _ANY not in self.pattern

    @property
    def is_anything(self) -> bool:
        """Whether nothing is known of it."""
        return self.pattern.strip(_ANY) == "" and not self.is_literal

    def may_be(self, other: NameShape) -> bool:
        """Whether some name fits both."""
        return _meet(self.pattern, other.pattern)


def written_name(text: str) -> NameShape:
    """The names that a text with expressions may become."""
    return NameShape(_EXPRESSION.sub(_ANY, text))


def pattern_name(text: str) -> NameShape:
    """The names that a glob with expressions may take; what is more than `*` and `?` counts as anything."""
    plain = _EXPRESSION.sub(_ANY, text)
    return NameShape(re.sub(r"[*?]+|\[[^\]]*\]|\{[^}]*\}|[!+@]\([^)]*\)", _ANY, plain))


@cache
def _meet(left: str, right: str) -> bool:
    """Whether two texts with gaps can be equal, compared without case."""
    row = {0}
    target = right.lower()
    for char in left.lower():
        if char == _ANY:
            row = set(range(min(row), len(target) + 1)) if row else row
            continue
        row = _closed(row, target)
        row = {at + 1 for at in row if at < len(target) and target[at] == char} | {
            at for at in row if at < len(target) and target[at] == _ANY
        }
        if not row:
            return False
    return len(target) in _closed(row, target)


def _closed(row: set[int], target: str) -> set[int]:
    """The places reached when gaps of the target are left empty."""
    found = set(row)
    waiting = list(row)
    while waiting:
        at = waiting.pop()
        if at < len(target) and target[at] == _ANY and at + 1 not in found:
            found.add(at + 1)
            waiting.append(at + 1)
    return found
