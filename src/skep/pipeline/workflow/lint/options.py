"""What a project says about linting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from skep.model.finding import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class LintOptions:
    """The choices of a project; `[lint]` of skep.toml."""

    labels: tuple[str, ...] = ()  # of its own runners
    trusted_owners: tuple[str, ...] = ("actions", "github")  # whose actions need no full SHA
    ignored: frozenset[str] = frozenset()  # rule ids
    severities: Mapping[str, Severity] = field(default_factory=dict)  # rule id -> instead of its own
    only: frozenset[str] = frozenset()  # rule ids; empty: all
