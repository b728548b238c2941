"""A step in, the action it uses out: its name, its major version, its inputs as written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, Template
from skep.pipeline.workflow.tree import Step

_MAJOR = re.compile(r"v?(\d+)(?:\.\d+)*(?:-[\w.]+)?\Z")


_WELL_KNOWN = (
    "8398a7/action-slack",
    "actions-rs/toolchain",
    "actions/add-to-project",
    "actions/attest",
    "actions/cache",
    "actions/checkout",
    "actions/configure-pages",
    "actions/create-release",
    "actions/dependency-review-action",
    "actions/deploy-pages",
    "actions/download-artifact",
    "actions/first-interaction",
    "actions/labeler",
    "actions/setup-",
    "actions/stale",
    "actions/upload-artifact",
    "actions/upload-release-asset",
    "appleboy/",
    "aquasecurity/trivy-action",
    "astral-sh/setup-",
    "aws-actions/",
    "azure/login",
    "benchmark-action/github-action-benchmark",
    "browser-actions/",
    "burrunan/gradle-cache-action",
    "codecov/codecov-action",
    "conda-incubator/",
    "coverallsapp/",
    "crazy-max/",
    "denoland/setup-deno",
    "docker/build-push-action",
    "docker/login-action",
    "docker/metadata-action",
    "docker/setup-",
    "dorny/paths-filter",
    "dtolnay/rust-toolchain",
    "erlef/setup-beam",
    "github/codeql-action",
    "golangci/golangci-lint-action",
    "google-github-actions/",
    "goreleaser/goreleaser-action",
    "gradle/actions",
    "hashicorp/setup-",
    "hendrikmuhs/ccache-action",
    "ilammy/msvc-dev-cmd",
    "jamesives/github-pages-deploy-action",
    "jetli/wasm-",
    "mamba-org/",
    "mozilla-actions/sccache-action",
    "msys2/setup-msys2",
    "ncipollo/release-action",
    "oven-sh/setup-bun",
    "pdm-project/setup-pdm",
    "peaceiris/actions-",
    "peter-evans/",
    "pnpm/action-setup",
    "pre-commit/action",
    "pypa/gh-action-pypi-publish",
    "re-actors/alls-green",
    "rtcamp/action-slack-notify",
    "ruby/setup-ruby",
    "shivammathur/setup-php",
    "sigstore/",
    "slackapi/slack-github-action",
    "snok/install-poetry",
    "softprops/action-gh-release",
    "step-security/harden-runner",
    "subosito/flutter-action",
    "svenstaro/upload-release-action",
    "swatinem/rust-cache",
    "taiki-e/install-action",
    "tj-actions/changed-files",
)
"""Beginnings of the names of actions that do what their names say: they upload no artifacts and read no `matrix`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionUse:
    """One use of an action."""

    name: str  # `actions/cache`, `github/codeql-action/init`, in lower case; `./path` for a local one
    major: int | None  # of `@v4`, `@4.1.2`; None for a branch or a SHA
    step: Step

    def input(self, name: str) -> Scalar | Template | None:
        """An input as written; None when it is not, or is no scalar."""
        if not isinstance(self.step.with_, MappingNode):
            return None
        for key, node in self.step.with_.entries:
            if key.text.lower() == name and isinstance(node, Scalar | Template):
                return node
        return None

    def text(self, name: str) -> str:
        """An input's text, '' when it is not written."""
        node = self.input(name)
        return node.text.strip() if node is not None else ""

    def lines(self, name: str) -> tuple[str, ...]:
        """The lines of an input that are not blank, trimmed."""
        return tuple(line.strip() for line in self.text(name).splitlines() if line.strip())


def action_use(step: Step) -> ActionUse | None:
    """The action of a step; None for a step without one, or of an image."""
    if step.uses is None or step.uses.text.startswith("docker://"):
        return None
    name, _, ref = step.uses.text.partition("@")
    found = _MAJOR.match(ref)
    return ActionUse(name=name.lower().rstrip("/"), major=int(found[1]) if found else None, step=step)


def is_true(node: Node | None) -> bool:
    """Whether a key is literally true."""
    return isinstance(node, Scalar) and node.text.strip().lower() == "true"


def is_well_known(use: ActionUse) -> bool:
    """Whether it is certain that the action looks at its inputs alone, and uploads no artifact of its own."""
    return use.name.startswith(_WELL_KNOWN)
