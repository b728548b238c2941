"""All rules by their ids. A new rule is one file in `rules/` and its name here."""

from __future__ import annotations

from collections.abc import Mapping

from .rule import RuleInfo
from .rules import (
    excessive_permissions,
)

_MODULES = (  # one line each, sorted
    excessive_permissions,
)

RULES: Mapping[str, RuleInfo] = {module.RULE.id: module.RULE for module in _MODULES}
"""Rule id -> rule, in the order of the ids."""
