"""The inputs of actions/checkout, read and checked; pure.

Source: actions/checkout `action.yml` and `src/input-helper.ts` (v1 to v6). Where the action takes any other text for
`false`, we refuse it: a typing error should not change what is tested.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from skep.model.errors import UserError
from skep.source.revisions import SHA

Submodules = Literal["none", "direct", "recursive"]

_TEXTS = (
    "repository",
    "ref",
    "token",
    "ssh-key",
    "ssh-known-hosts",
    "ssh-user",
    "path",
    "filter",
    "github-server-url",
)
_OTHERS = (
    "sparse-checkout",
    "sparse-checkout-cone-mode",
    "fetch-depth",
    "submodules",
    "clean",
    "lfs",
    "persist-credentials",
)
_CHECKED_ONLY = (
    "fetch-tags",
    "show-progress",
    "ssh-strict",
    "set-safe-directory",
    "allow-unsafe-pr-checkout",
)
KNOWN = frozenset({*_TEXTS, *_OTHERS, *_CHECKED_ONLY})


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutInputs:
    """What one use of the action wants."""

    repository: str  # owner/name; '' = the workflow's own
    ref: str  # as written; '' = what triggered the run
    path: str
    clean: bool
    token: str  # as given in `with`; '' = none given
    ssh_key: str
    persist_credentials: bool
    fetch_depth: int
    sparse: tuple[str, ...]
    cone: bool
    submodules: Submodules
    lfs: bool
    server_url: str

    @property
    def commit(self) -> str:
        """The SHA that `ref` is, if it is one."""
        return self.ref if SHA.fullmatch(self.ref) else ""


def read_inputs(given: Mapping[str, str]) -> tuple[CheckoutInputs, tuple[str, ...]]:
    """The inputs, and warnings. Raises UserError for a value that the input cannot have."""
    values = {name: text.strip() for name, text in given.items()}
    unknown = sorted(values.keys() - KNOWN)
    for name in (
        "fetch-tags",
        "show-progress",
        "ssh-strict",
        "set-safe-directory",
        "allow-unsafe-pr-checkout",
    ):
        _flag(values, name, default=True)
    inputs = CheckoutInputs(
        repository=_repository(values),
        ref=values.get("ref", ""),
        path=values.get("path", "") or ".",
        clean=_flag(values, "clean", default=True),
        token=values.get("token", ""),
        ssh_key=values.get("ssh-key", ""),
        persist_credentials=_flag(values, "persist-credentials", default=True),
        fetch_depth=_fetch_depth(values),
        sparse=tuple(line.strip() for line in values.get("sparse-checkout", "").split("\n") if line.strip()),
        cone=_flag(values, "sparse-checkout-cone-mode", default=True),
        submodules=_submodules(values),
        lfs=_flag(values, "lfs", default=False),
        server_url=values.get("github-server-url", "").rstrip("/"),
    )
    return inputs, tuple(_unknown_input(name) for name in unknown)


def _unknown_input(name: str) -> str:
    valid = ", ".join(f"'{known}'" for known in sorted(KNOWN))
    return f"Unexpected input(s) '{name}', valid inputs are [{valid}]"


def _flag(values: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = values.get(name, "").lower()
    if text in ("", "true", "false"):
        return text == "true" if text else default
    raise UserError(f"input `{name}` of actions/checkout must be `true` or `false`, not `{values[name]}`")


def _submodules(values: Mapping[str, str]) -> Submodules:
    text = values.get("submodules", "").lower()
    if text == "recursive":
        return "recursive"
    if text in ("", "false", "true"):
        return "direct" if text == "true" else "none"
    raise UserError(
        f"input `submodules` of actions/checkout must be `true`, `false` or `recursive`, not `{values['submodules']}`"
    )


def _fetch_depth(values: Mapping[str, str]) -> int:
    text = values.get("fetch-depth", "") or "1"
    try:
        depth = float(text)
    except ValueError:
        depth = math.nan
    if not math.isfinite(depth):
        raise UserError(f"input `fetch-depth` of actions/checkout must be a number, not `{text}`")
    return max(0, math.floor(depth))


def _repository(values: Mapping[str, str]) -> str:
    text = values.get("repository", "")
    owner, slash, name = text.partition("/")
    if text and (not owner or not slash or not name or "/" in name):
        raise UserError(f"Invalid repository '{text}'. Expected format {{owner}}/{{repo}}.")
    return text
