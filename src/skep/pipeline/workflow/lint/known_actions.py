"""What is known of actions that are not in the project: their inputs and outputs, over all versions up to a newest one.

Source: the action.yml of each. A later version may know more, so a name that is not here is worth a warning at most.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAction:
    """The face of one action, of all major versions up to `newest`."""

    newest: int
    inputs: frozenset[str]
    outputs: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()  # inputs without a default
    deprecated: Mapping[str, str] = field(default_factory=dict)  # input -> what to write instead
    refused_below: int = 0  # major versions that GitHub's servers no longer answer


def _known(
    newest: int,
    inputs: str,
    outputs: str = "",
    *,
    required: str = "",
    refused_below: int = 0,
    deprecated: Mapping[str, str] | None = None,
) -> KnownAction:
    return KnownAction(
        newest=newest,
        inputs=frozenset(inputs.split()),
        outputs=frozenset(outputs.split()),
        required=frozenset(required.split()),
        refused_below=refused_below,
        deprecated=deprecated or {},
    )


_CACHE = (
    "path key restore-keys upload-chunk-size enablecrossosarchive fail-on-cache-miss lookup-only save-always"
)
_JAVA = (
    "java-version java-version-file distribution java-package architecture jdk-file jdkfile check-latest force-download "
    "set-default verify-signature verify-signature-public-key server-id server-username server-username-env-var "
    "server-password server-password-env-var settings-path overwrite-settings gpg-private-key gpg-passphrase "
    "gpg-passphrase-env-var cache cache-jdk cache-dependency-path cache-path cache-read-only job-status token "
    "mvn-toolchain-id mvn-toolchain-vendor show-download-progress problem-matcher version java-home"
)
KNOWN_ACTIONS: Mapping[str, KnownAction] = {
    "actions/cache": _known(5, _CACHE, "cache-hit", required="path key", refused_below=3),
    "actions/cache/restore": _known(
        5, _CACHE, "cache-hit cache-primary-key cache-matched-key", required="path key"
    ),
    "actions/cache/save": _known(5, _CACHE, required="path key"),
    "actions/checkout": _known(
        6,
        "repository ref token ssh-key ssh-known-hosts ssh-strict ssh-user persist-credentials path clean filter "
        "sparse-checkout sparse-checkout-cone-mode fetch-depth fetch-tags show-progress lfs submodules "
        "set-safe-directory github-server-url",
        "ref commit",
    ),
    "actions/download-artifact": _known(
        8,
        "name artifact-ids path pattern merge-multiple github-token repository run-id skip-decompress digest-mismatch",
        "download-path",
        refused_below=4,
    ),
    "actions/github-script": _known(
        8,
        "script github-token debug user-agent previews result-encoding retries retry-exempt-status-codes base-url",
        "result",
        required="script",
    ),
    "actions/setup-go": _known(
        6,
        "go-version go-version-file check-latest token cache cache-dependency-path architecture stable "
        "go-download-base-url",
        "go-version cache-hit",
        deprecated={"stable": "`go-version: stable`, or `check-latest: true`"},
    ),
    "actions/setup-java": _known(
        5,
        _JAVA,
        "distribution version path cache-hit cache-primary-key",
        deprecated={"jdkfile": "`jdk-file`"},
    ),
    "actions/setup-node": _known(
        6,
        "always-auth node-version node-version-file architecture check-latest registry-url scope token cache "
        "package-manager-cache cache-dependency-path mirror mirror-token version",
        "cache-hit node-version",
        deprecated={
            "version": "`node-version`",
            "always-auth": "nothing: npm takes the token without it",
        },
    ),
    "actions/setup-python": _known(
        6,
        "python-version python-version-file cache architecture check-latest token cache-dependency-path "
        "update-environment allow-prereleases freethreaded pip-version pip-install ignore-platform-version",
        "python-version cache-hit python-path",
    ),
    "actions/upload-artifact": _known(
        7,
        "name path if-no-files-found retention-days compression-level overwrite include-hidden-files archive",
        "artifact-id artifact-url artifact-digest",
        required="path",
        refused_below=4,
    ),
    "actions/upload-artifact/merge": _known(
        7,
        "name pattern separate-directories retention-days compression-level delete-merged include-hidden-files",
        "artifact-id artifact-url artifact-digest",
    ),
}
"""`owner/repository[/path]`, lower-cased -> what is known of it. Names of inputs and outputs are lower-cased."""

_MAJOR = re.compile(r"v?([0-9]+)(?:\.|\Z)")
_SHA = re.compile(r"[0-9a-f]{40}\Z")


def action_name(uses: str) -> str:
    """`owner/repository[/path]` of a `uses:`, lower-cased."""
    return uses.partition("@")[0].strip("/").lower()


def major_version(uses: str) -> int | None:
    """The major version that a `uses:` names; None for a branch or SHA."""
    ref = uses.partition("@")[2]
    found = None if _SHA.match(ref) else _MAJOR.match(ref)
    return int(found[1][:6]) if found else None


def known_action(uses: str) -> KnownAction | None:
    """What is known of an action; None for one that is unknown, or newer than what is known."""
    action = KNOWN_ACTIONS.get(action_name(uses))
    version = major_version(uses)
    if action is None or (version is not None and version > action.newest):
        return None
    return action


def is_sha(ref: str) -> bool:
    """Whether a ref is a full commit SHA."""
    return _SHA.match(ref.lower()) is not None
