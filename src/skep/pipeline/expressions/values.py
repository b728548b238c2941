"""Values of the expression language, and GitHub's coercions between them.

A value is None, bool, float (int is accepted as a number), str, list or dict with str keys. Lists and dicts are shared, never
changed, by evaluation; they are equal only when identical. Object keys are found case-insensitively, except in `CaseSensitive`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "None | bool | float | int | str | Sequence[Value] | Mapping[str, Value]"


class CaseSensitive(dict[str, Value]):
    """An object whose keys keep their case in lookups: `env` on Linux."""

    __slots__ = ()
