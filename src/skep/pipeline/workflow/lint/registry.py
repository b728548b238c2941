"""All rules by their ids. A new rule is one file in `rules/` and its name here."""

from __future__ import annotations

from collections.abc import Mapping

from .rule import RuleInfo
from .rules import (
    argument_type,
    comparison_type,
    condition_always_true,
    constant_condition,
    deprecated_command,
    deprecated_input,
    excessive_permissions,
    format_placeholder,
    impossible_value,
    missing_input,
    object_as_text,
    refused_action,
    unknown_input,
    unknown_label,
    unknown_property,
    unpinned_action,
    unreachable,
    untrusted_text,
)

_MODULES = (  # one line each, sorted
    argument_type,
    comparison_type,
    condition_always_true,
    constant_condition,
    deprecated_command,
    deprecated_input,
    excessive_permissions,
    format_placeholder,
    impossible_value,
    missing_input,
    object_as_text,
    refused_action,
    unknown_input,
    unknown_label,
    unknown_property,
    unpinned_action,
    unreachable,
    untrusted_text,
)

RULES: Mapping[str, RuleInfo] = {module.RULE.id: module.RULE for module in _MODULES}
"""Rule id -> rule, in the order of the ids."""
