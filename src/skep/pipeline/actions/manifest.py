"""The text of an action.yml in, an `Action` and everything that is wrong with the text out."""

from __future__ import annotations

from typing import cast

from skep.model.finding import Finding, Location
from skep.pipeline.workflow.availability import ACTION_AVAILABLE
from skep.pipeline.workflow.compose import compose
from skep.pipeline.workflow.conditions import always_condition
from skep.pipeline.workflow.embed import Embedder
from skep.pipeline.workflow.limits import Limits
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode, Template
from skep.pipeline.workflow.report import Report, did_you_mean, quoted
from skep.pipeline.workflow.source import Source
from skep.pipeline.workflow.steps import read_steps
from skep.pipeline.workflow.tree import Condition
from skep.pipeline.workflow.validate import Budget, ResultTooLargeError, Validator

from .action import Action, ActionInput, ActionOutput, Using
from .keys import ROOT_KEYS, RUNS, USING, action_shape

__all__ = ["Action", "ActionInput", "ActionOutput", "dockerfile_action", "read_action"]


def read_action(
    text: str, path: str, *, limits: Limits | None = None
) -> tuple[Action | None, tuple[Finding, ...]]:
    """An action.yml as a tree, and everything that is wrong with it. Never raises on user input.

    The action is None exactly when a finding is an error. `path` names the file in findings.
    """
    report = Report(path)
    root = compose(text, report, limits or Limits())
    action = None if root is None else _Reader(report, text, limits or Limits()).read(root)
    return (None if report.has_errors else action), tuple(report.findings)


def dockerfile_action(path: str) -> Action:
    """The action that a folder with a Dockerfile and no action.yml is."""
    where = Location(path=path)
    return Action(path=path, span=where, using="docker", using_written="docker", image="Dockerfile")


class _Reader:
    def __init__(self, report: Report, text: str, limits: Limits) -> None:
        self._report = report
        self._embedder = Embedder(report, Source(text.removeprefix("\ufeff")))
        self._validator = Validator(report, self._embedder, Budget(limits))

    def read(self, root: Node) -> Action | None:
        if not isinstance(root, MappingNode):
            self._report.error("wrong-type", "an action is a mapping with `runs:` in it", root.span)
            return None
        using = self._using(root)
        if using is None:
            return None
        kind = "node" if using.startswith("node") else using
        try:
            tree = self._validator.read(root, action_shape(RUNS[kind]))
        except ResultTooLargeError:
            return None
        if not isinstance(tree, MappingNode):
            return None
        self._warn_of_keys(tree)
        return self._action(tree, cast("Using", using))

    def _using(self, root: MappingNode) -> str | None:
        runs = root.get("runs")
        if not isinstance(runs, MappingNode):
            where = root.span if runs is None else runs.span
            self._report.error("missing-key", "`runs:`, a mapping, is missing", where)
            return None
        using = runs.get("using")
        if not isinstance(using, Scalar) or not using.text:
            where = runs.span if using is None else using.span
            self._report.error("missing-key", "required key `using` is missing", where)
            return None
        known = USING.get(using.text.lower())
        if known is None:
            self._report.error(
                "unknown-using",
                f"`using: {using.text[:40]}` is not supported",
                using.span,
                hint=did_you_mean(using.text, USING),
            )
        return known

    def _warn_of_keys(self, tree: MappingNode) -> None:
        for key, _ in tree.entries:
            if isinstance(key, Scalar) and key.text not in ROOT_KEYS:
                self._report.warn(
                    "unknown-key",
                    f"unexpected key {quoted(key.text)}",
                    key.span,
                    hint=did_you_mean(key.text, ROOT_KEYS),
                )
        for name in ("name", "description"):
            if tree.get(name) is None:
                self._report.warn("missing-key", f"`{name}` is missing", tree.span)

    def _action(self, tree: MappingNode, using: Using) -> Action | None:
        runs = tree.get("runs")
        if not isinstance(runs, MappingNode):
            return None
        args = runs.get("args")
        return Action(
            path=self._report.path,
            span=tree.span,
            name=_text(tree.get("name")),
            description=_text(tree.get("description")),
            author=_text(tree.get("author")),
            inputs=tuple(_input(key, value) for key, value in _entries(tree.get("inputs"))),
            outputs=tuple(_output(key, value) for key, value in _entries(tree.get("outputs"))),
            using=using,
            using_written=_text(runs.get("using")),
            steps=read_steps(
                runs.get("steps"),
                self._embedder,
                condition_at=ACTION_AVAILABLE["runs.steps.if"],
                ids_may_repeat=True,  # GitHub runs such actions; the later step's outputs win
            ),
            main=_text(runs.get("main")),
            pre=_text(runs.get("pre")),
            post=_text(runs.get("post")),
            pre_if=self._condition(runs, "pre"),
            post_if=self._condition(runs, "post"),
            image=_text(runs.get("image")),
            entrypoint=_text(runs.get("entrypoint")),
            pre_entrypoint=_text(runs.get("pre-entrypoint")),
            post_entrypoint=_text(runs.get("post-entrypoint")),
            args=args.items if isinstance(args, SequenceNode) else (),
            env=runs.get("env"),
        )

    def _condition(self, runs: MappingNode, phase: str) -> Condition | None:
        """The condition of `pre` or `post`: as written, without an added `success()`; `always()` by default."""
        started = runs.get(phase) or runs.get(f"{phase}-entrypoint")
        node = runs.get(f"{phase}-if")
        if started is None:
            return None
        if isinstance(node, Template):
            return Condition(expression=node.expression, written=node.text, span=node.span)
        if not isinstance(node, Scalar) or not node.text.strip():
            return always_condition(started.span)
        compiled = self._embedder.compile(node.text.strip(), node, ACTION_AVAILABLE["runs.if"])
        if compiled is None:
            return None
        return Condition(expression=compiled, written=node.text, span=node.span)


def _entries(node: Node | None) -> list[tuple[Scalar, Node]]:
    if not isinstance(node, MappingNode):
        return []
    return [(key, value) for key, value in node.entries if isinstance(key, Scalar)]


def _input(key: Scalar, node: Node) -> ActionInput:
    spec = node if isinstance(node, MappingNode) else MappingNode((), node.span)
    return ActionInput(
        name=key.text,
        description=_text(spec.get("description")),
        required=_text(spec.get("required")).lower() == "true",
        default=spec.get("default"),
        deprecation_message=_text(spec.get("deprecationMessage")),
        span=key.span,
    )


def _output(key: Scalar, node: Node) -> ActionOutput:
    spec = node if isinstance(node, MappingNode) else MappingNode((), node.span)
    return ActionOutput(
        name=key.text,
        description=_text(spec.get("description")),
        value=spec.get("value"),
        span=key.span,
    )


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""
