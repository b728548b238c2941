"""What `permissions:` asks for, and whether a called workflow asks for more than its caller may give.

Source: actions/runner `Permissions.cs` and `PermissionsHelper.cs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from .nodes import MappingNode, Node, Scalar
from .workflow_keys import PERMISSIONS

_READ_ONLY = frozenset({"models", "vulnerability-alerts"})
SCOPES = tuple(PERMISSIONS.forms[0].keys)
"""The names of all permissions."""


class Level(IntEnum):
    """How much of one permission."""

    NONE = 0
    READ = 1
    WRITE = 2


class PermissionsPolicy(StrEnum):
    """What a repository's jobs may do when nothing is written."""

    WRITE = "Write"
    LIMITED_READ = "LimitedRead"


Permissions = Mapping[str, Level]
"""Permission -> level; what is absent is not allowed."""

_LEVELS = {"none": Level.NONE, "read": Level.READ, "write": Level.WRITE}


def requested_permissions(node: Node | None) -> Permissions | None:
    """What a `permissions:` asks for; None when it is absent."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        return _everything(Level.WRITE if node.text == "write-all" else Level.READ)
    if not isinstance(node, MappingNode):
        return {}
    return {name: _LEVELS.get(value.text, Level.NONE) for name, value in node if isinstance(value, Scalar)}


def default_permissions(policy: PermissionsPolicy) -> Permissions:
    """What jobs may do under a policy when nobody wrote `permissions:`."""
    if policy is PermissionsPolicy.WRITE:
        return _everything(Level.WRITE)
    return {"contents": Level.READ, "packages": Level.READ}


def excess(requested: Permissions, allowed: Permissions) -> tuple[str, str]:
    """What is asked for beyond the allowed, and what is allowed there: `('contents: write', 'contents: read')`, or ''s."""
    names = [name for name in SCOPES if requested.get(name, Level.NONE) > allowed.get(name, Level.NONE)]
    asked = ", ".join(f"{name}: {requested[name].name.lower()}" for name in names)
    given = ", ".join(f"{name}: {allowed.get(name, Level.NONE).name.lower()}" for name in names)
    return asked, given


def _everything(level: Level) -> Permissions:
    return {name: Level.READ if name in _READ_ONLY else level for name in SCOPES}
