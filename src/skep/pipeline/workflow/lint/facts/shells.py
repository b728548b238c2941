"""Which shell reads a step's script, as far as that is certain."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode, Template
from skep.pipeline.workflow.tree import Job, Step, Workflow

from .matrices import matrix_of


class Shell(StrEnum):
    """A shell that a step may have."""

    DEFAULT = "default"  # `bash -e`, without pipefail
    BASH = "bash"  # written: `bash -e -o pipefail`
    SH = "sh"
    OTHER = "other"  # no POSIX shell
    UNKNOWN = "unknown"


POSIX = frozenset({Shell.DEFAULT, Shell.BASH, Shell.SH})


def shell_of(workflow: Workflow, job: Job, step: Step) -> Shell:
    """The shell of a `run:` step."""
    for node in (step.shell, job.defaults.shell, workflow.defaults.shell):
        if isinstance(node, Scalar) and node.text:
            return _named(node.text)
        if node is not None:
            return Shell.UNKNOWN
    labels = [label.lower() for label in runner_labels(job)]
    if not labels or any("windows" in label for label in labels):
        return Shell.UNKNOWN if len(labels) != 1 else Shell.OTHER
    return Shell.DEFAULT


def _named(text: str) -> Shell:
    words = text.split()
    if words == ["bash"]:
        return Shell.BASH
    if words == ["sh"]:
        return Shell.SH
    program = words[0].rpartition("/")[2]
    if program == "bash":
        return Shell.BASH if "pipefail" in words else Shell.DEFAULT
    return Shell.UNKNOWN if program in {"sh", "dash", "zsh", "ksh"} else Shell.OTHER


def runner_labels(job: Job) -> tuple[str, ...]:
    """All labels that `runs-on` may be, those of a literal matrix looked up; () when they are not certain."""
    labels = list(_labels(job.runs_on, job))
    return tuple(label for label in labels if label is not None) if None not in labels else ()


def _labels(node: Node | None, job: Job) -> Iterator[str | None]:
    if isinstance(node, Scalar):
        yield node.text
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _labels(item, job)
    elif isinstance(node, MappingNode):
        yield from _labels(node.get("labels"), job)
    elif isinstance(node, Template):
        yield from _of_matrix(node, job)
    else:
        yield None


def _of_matrix(node: Template, job: Job) -> Iterator[str | None]:
    """The values of `${{ matrix.os }}`, or of a text around it."""
    paths, matrix = node.expression.paths, matrix_of(job)
    if matrix is None or matrix.open or len(paths) != 1 or paths[0][0] != "matrix" or len(paths[0]) != 2:
        yield None
        return
    name = paths[0][1].lower()
    vector = matrix.vectors.get(name)
    values: list[Node | None] = list(vector.items) if isinstance(vector, SequenceNode) else [vector]
    values += [value for entry in matrix.includes for key, value in entry if key.lower() == name]
    for value in values:
        if isinstance(value, SequenceNode):
            yield from _labels(value, job)
        else:
            yield value.text if isinstance(value, Scalar) else None
