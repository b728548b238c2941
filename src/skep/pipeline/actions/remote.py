"""References to actions and reusable workflows of other repositories: what they name, and whether a project allows them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

_FORM = re.compile(
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]*)/(?P<name>[A-Za-z0-9._-]+)(?P<path>/[^@]*)?@(?P<ref>[^@]+)"
)
_SHA = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/]|[/.]$|\.lock$")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteReference:
    """`owner/name[/path]@ref`."""

    owner: str
    name: str
    path: str  # of the folder or file inside the repository, '' for its top; without `.` and empty parts
    ref: str

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def is_sha(self) -> bool:
        """Whether the ref is a whole commit id, which nobody can move."""
        return bool(_SHA.fullmatch(self.ref))

    @property
    def is_workflow(self) -> bool:
        """Whether it names a reusable workflow."""
        return self.path.startswith(".github/workflows/") and self.path.endswith((".yml", ".yaml"))

    def __str__(self) -> str:
        path = f"/{self.path}" if self.path else ""
        return f"{self.repository}{path}@{self.ref}"


def parse_reference(uses: str) -> RemoteReference | None:
    """What a `uses` names in another repository; None for local and `docker://` ones, and for what could name nothing:
    a path that leaves the repository, a ref that git allows nobody to have."""
    uses = uses.strip()
    found = _FORM.fullmatch(uses.replace("\\", "/"))
    if found is None or uses.startswith((".", "$", "docker:")):
        return None
    parts = [part for part in (found["path"] or "").split("/") if part not in ("", ".")]
    ref = found["ref"]
    if ".." in parts or "\0" in uses or found["name"] in (".", "..") or _BAD_REF.search(ref):
        return None
    return RemoteReference(owner=found["owner"], name=found["name"], path="/".join(parts), ref=ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePolicy:
    """What a project allows of other people's code."""

    allowed: Sequence[
        str
    ] = ()  # owners, `owner/name`, globs of them, with or without `@ref`; () = everything
    require_sha: bool = False
    require_lock: bool = False
    offline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a reference may not be used."""

    rule: str
    reason: str
    hint: str


def refusal(reference: RemoteReference, policy: RemotePolicy, *, locked: bool) -> Refusal | None:
    """What of the policy stands against a reference; None when nothing does. `locked`: skep.lock has it."""
    if policy.allowed and not any(_allows(pattern, reference) for pattern in policy.allowed):
        return Refusal(
            rule="action-not-allowed",
            reason=f"`{reference}` is not among the actions that this project allows",
            hint=f"add `{reference.owner}` or `{reference.repository}` to `allowed` in `[actions]` of skep.toml",
        )
    if policy.require_sha and not reference.is_sha:
        return Refusal(
            rule="action-not-pinned",
            reason=f"`{reference}` is not pinned to a commit, and this project requires that (`actions.require_sha`)",
            hint="write the full commit id behind `@`; `skep actions list` shows which it is now",
        )
    if policy.require_lock and not locked:
        return Refusal(
            rule="action-not-locked",
            reason=f"`{reference}` is not in skep.lock, and this project requires that (`actions.require_lock`)",
            hint="`skep actions lock` adds it",
        )
    return None


def _allows(pattern: str, reference: RemoteReference) -> bool:
    """Compares without case. `owner` stands for `owner/*`; a pattern of a repository covers the paths inside it."""
    name, at, ref = pattern.lower().partition("@")
    if at and not fnmatchcase(reference.ref.lower(), ref):
        return False
    repository = reference.repository.lower()
    whole = f"{repository}/{reference.path.lower()}".rstrip("/")
    wanted = name if "/" in name else f"{name}/*"
    return any(fnmatchcase(one, wanted) for one in (repository, whole))


def location_of(repository: str, mirrors: Sequence[str], server_url: str) -> tuple[str, bool]:
    """Where a repository is fetched from, and whether a mirror said so. `mirrors`: `owner=where` or `owner/name=where`, the
    latter first; below the place of an owner lies a folder or repository by each name."""
    named = {key.strip().lower(): where.strip() for key, _, where in (one.partition("=") for one in mirrors)}
    owner, _, name = repository.partition("/")
    if where := named.get(repository.lower()):
        return where, True
    for key in (owner.lower(), "*"):
        if where := named.get(key):
            below = f"{owner}/{name}" if key == "*" else name
            return f"{where.rstrip('/')}/{below}", True
    return f"{server_url.rstrip('/')}/{repository}", False


def token_variable(where: str, pairs: Sequence[str]) -> str:
    """The variable with the token for a URL: of the pair `host/owner/name=VARIABLE`, else `host/owner=...`, else `host=...`; ''
    without one, and for what is no `https://` or `http://`. A token belongs to a host, whoever names the URL."""
    parts = urlsplit(where)
    if parts.scheme not in ("https", "http"):
        return ""
    named = {key.strip().lower(): value.strip() for key, _, value in (one.partition("=") for one in pairs)}
    words = [parts.netloc.rpartition("@")[2], *(word for word in parts.path.split("/") if word)]
    ways = ("/".join(words[:count]).lower().removesuffix(".git") for count in range(len(words), 0, -1))
    return next((named[way] for way in ways if way in named), "")
