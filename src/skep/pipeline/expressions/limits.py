"""How big an expression and what it makes may become; GitHub's numbers, and the counter that holds evaluation to them.

Source: actions/runner `src/Sdk/Expressions` (ExpressionConstants, EvaluationContext, EvaluationMemory).
"""

from .errors import ExpressionError

MAX_LENGTH = 21_000  # characters of one expression
MAX_DEPTH = 50  # levels of its tree; `a && b && c` and parentheses add none
MAX_OPEN_BRACKETS = 64  # ours: GitHub counts only tree levels, but reading must never exhaust Python's stack
MAX_ARGUMENTS = 255
MAX_JSON_DEPTH = 100  # levels `fromJSON` reads
EXPRESSION_MEMORY_BYTES = 1024 * 1024  # what one evaluation may create when nobody says otherwise
TEMPLATE_MEMORY_BYTES = 10 * 1024 * 1024  # what GitHub allows inside workflow files

_STRING_OVERHEAD_BYTES = 26  # GitHub's estimate of a string object; two bytes per character follow
_ITEM_BYTES = 8
_OBJECT_BYTES = 24


def text_size_bytes(length: int) -> int:
    """What GitHub counts for a string of `length` characters."""
    return _STRING_OVERHEAD_BYTES + 2 * length


def array_size_bytes(count: int) -> int:
    """What GitHub counts for a filtered array of `count` items (the items themselves are shared)."""
    return _OBJECT_BYTES + _ITEM_BYTES * count


class Memory:
    """Counts the bytes that one evaluation creates, by tree level, and stops it beyond the limit.

    A primitive result releases what was counted below its level: its operands are garbage by then.
    """

    __slots__ = ("_by_level", "_limit", "_total")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._total = 0
        self._by_level: dict[int, int] = {}

    def charge_text(self, level: int, length: int) -> None:
        """A string of `length` characters was made at `level`. Raises ExpressionError beyond the limit."""
        self.release_below(level)
        self._charge(level, text_size_bytes(length))

    def charge_array(self, level: int, count: int) -> None:
        """An array of `count` items was made at `level`. Raises ExpressionError beyond the limit."""
        self._charge(level, array_size_bytes(count))

    def release_below(self, level: int) -> None:
        """A primitive result of `level` makes garbage of what was created for its operands."""
        for deeper in [known for known in self._by_level if known > level]:
            self._total -= self._by_level.pop(deeper)

    def require(self, length: int) -> None:
        """Stops early when a string of `length` characters, still being made, can no longer fit."""
        if text_size_bytes(length) > self._limit:
            raise self._exceeded()

    def _charge(self, level: int, size_bytes: int) -> None:
        self._by_level[level] = self._by_level.get(level, 0) + size_bytes
        self._total += size_bytes
        if self._total > self._limit:
            raise self._exceeded()

    def _exceeded(self) -> ExpressionError:
        return ExpressionError(
            f"the expression creates more than {self._limit // 1024} KiB of values",
            kind="evaluate",
            hint="pass big values through files, not through expressions",
        )
