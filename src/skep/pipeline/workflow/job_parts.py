"""Checks of single keys of a job that their shape cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .availability import AVAILABLE
from .embed import Embedder
from .nodes import MappingNode, Node, Scalar, SequenceNode, Template
from .report import Report, quoted

_GROUP_PREFIXES = frozenset({"org", "organization", "ent", "enterprise"})
_MAX_GROUP_LENGTH = 400
_SNAPSHOT_VERSION = re.compile(r"[0-9]+\.\*\Z")


def check_runs_on(node: Node | None, report: Report) -> None:
    """Reports a runner group whose prefix is unknown."""
    group = node.get("group") if isinstance(node, MappingNode) else None
    if not isinstance(group, Scalar):
        return
    parts = group.text.split("/")
    if len(parts) == 1 or (len(parts) == 2 and parts[0] in _GROUP_PREFIXES and parts[1]):
        return
    report.error(
        "bad-runner-group",
        f"{quoted(group.text)} names no runner group",
        group.span,
        hint="write a name, `organization/name` or `enterprise/name`",
    )


def check_concurrency(node: Node | None, report: Report) -> None:
    """Reports a concurrency group whose name is too long."""
    group = node.get("group") if isinstance(node, MappingNode) else node
    if node is not None and isinstance(group, Scalar) and len(group.text) > _MAX_GROUP_LENGTH:
        report.error(
            "name-too-long",
            f"the name of a concurrency group has at most {_MAX_GROUP_LENGTH} characters",
            node.span,
        )


def check_containers(job: MappingNode, report: Report) -> None:
    """Reports a container or service without an image."""
    container, services = job.get("container"), job.get("services")
    if container is not None:
        _check_image(container, report, service=False)
    if isinstance(services, MappingNode) and not has_template(services):
        for _, service in services.entries:
            _check_image(service, report, service=True)


def _check_image(node: Node, report: Report, *, service: bool) -> None:
    if has_template(node):
        return
    image = node.get("image") if isinstance(node, MappingNode) else node
    name = image.text if isinstance(image, Scalar) else ""
    if image is not None and not isinstance(image, Scalar):
        return
    if name == "docker://" or (service and not name and isinstance(node, MappingNode)):
        report.error("no-image", "the name of the image is empty", node.span)


def check_matrix(strategy: Node | None, report: Report) -> None:
    """Reports a literal matrix without any values."""
    matrix = strategy.get("matrix") if isinstance(strategy, MappingNode) else None
    if not isinstance(matrix, MappingNode):
        return
    vectors = False
    for key, value in matrix.entries:
        if isinstance(key, Template):
            vectors = True
        elif key.text == "include":
            vectors |= has_template(value) or (isinstance(value, SequenceNode) and bool(value.items))
        elif key.text != "exclude":
            vectors = True
            if isinstance(value, SequenceNode) and not value.items:
                report.error("empty-matrix", f"matrix vector {quoted(key.text)} has no values", value.span)
    if not vectors:
        report.error("empty-matrix", "the matrix has no vector and no `include`", matrix.span)


def check_snapshot(node: Node | None, embedder: Embedder) -> None:
    """Reports a snapshot whose version or condition is wrong."""
    if not isinstance(node, MappingNode):
        return
    version, condition = node.get("version"), node.get("if")
    if isinstance(version, Scalar) and version.text and not _SNAPSHOT_VERSION.match(version.text):
        embedder.report.error(
            "bad-version",
            f"{quoted(version.text)} is not of the form `1.*`",
            node.span,
        )
    if isinstance(condition, Scalar) and condition.text.strip():
        embedder.compile(condition.text.strip(), condition, AVAILABLE["jobs.<job>.snapshot.if"])


def has_template(node: Node) -> bool:
    """Whether an expression stands anywhere in the node."""
    return any(isinstance(part, Template) for part in _parts(node))


def _parts(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, SequenceNode):
        for item in node.items:
            yield from _parts(item)
    elif isinstance(node, MappingNode):
        for key, value in node.entries:
            yield key
            yield from _parts(value)
