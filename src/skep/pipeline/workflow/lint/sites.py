"""Where things stand in a workflow: every expression with its key, every step with its job, every script with its shell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from skep.model.finding import Location
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.parser import parse_expression
from skep.pipeline.expressions.syntax import Node as Tree
from skep.pipeline.expressions.templates import split_template
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode, Template
from skep.pipeline.workflow.tree import Condition, Job, RunDefaults, Step, Trigger, Workflow

_ENV_KEYS = frozenset({"jobs.<job>.container.env", "jobs.<job>.services.<service>.env"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionSite:
    """One expression, without its braces, and where it stands."""

    key: str  # as the table of contexts names it: `jobs.<job>.steps.run`, `jobs.<job>.if`
    name: str = ""  # the entry below the key, where it has names: the variable of `env`, the input of `with`
    text: str
    tree: Tree
    span: Location  # of the whole scalar
    raw: str  # the whole scalar as written
    number: int = 0  # which `${{ }}` of the scalar
    whole: bool = True  # nothing else is in the scalar, so the value keeps its type
    job: Job | None = None
    step: Step | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSite:
    """One step, those in `parallel:` included."""

    job: Job
    step: Step
    index: int  # among `steps_of(job)`


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptSite:
    """One `run:`, or the script given to an action that runs it."""

    text: str  # as written, `${{ }}` included
    shell: (
        str  # `bash`, `sh`, `pwsh`, `python`, ...; `javascript` for actions/github-script; '' when not known
    )
    span: Location
    job: Job
    step: Step


def steps_of(job: Job) -> tuple[Step, ...]:
    """All steps of a job in the order they begin; the `parallel:` step stands before what it holds."""
    return tuple(_flat(job.steps))


def _flat(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from _flat(step.steps)


def expression_sites(workflow: Workflow) -> Iterator[ExpressionSite]:
    """Every expression of a file in no certain order; those of called workflows are not looked at."""
    yield from _sites(workflow.run_name, "run-name")
    yield from _sites(workflow.env, "env")
    yield from _sites(workflow.concurrency, "concurrency")
    for trigger in workflow.triggers:
        yield from _trigger_sites(trigger)
    for job in workflow.jobs:
        for site in _job_sites(job):
            yield replace(site, job=job)
        for step in steps_of(job):
            for site in _step_sites(step):
                yield replace(site, job=job, step=step)


def _trigger_sites(trigger: Trigger) -> Iterator[ExpressionSite]:
    for spec in trigger.inputs:
        yield from _sites(spec.default, "on.workflow_call.inputs.<input>.default")
    for output in trigger.outputs:
        yield from _sites(output.value, "on.workflow_call.outputs.<output>.value")


def _job_sites(job: Job) -> Iterator[ExpressionSite]:
    at = "jobs.<job>"
    yield from _condition_sites(job.condition, f"{at}.if")
    for name, node in (
        ("name", job.name),
        ("strategy", job.strategy),
        ("concurrency", job.concurrency),
        ("runs-on", job.runs_on),
        ("timeout-minutes", job.timeout_minutes),
        ("cancel-timeout-minutes", job.cancel_timeout_minutes),
        ("continue-on-error", job.continue_on_error),
        ("env", job.env),
        ("defaults.run", job.defaults.shell),
        ("defaults.run", job.defaults.working_directory),
        ("snapshot.if", job.snapshot),
    ):
        yield from _sites(node, f"{at}.{name}")
    yield from _environment_sites(job.environment)
    yield from _container_sites(job.container, f"{at}.container")
    for _, service in job.services if isinstance(job.services, MappingNode) else ():
        yield from _container_sites(service, f"{at}.services.<service>")
    if not isinstance(job.services, MappingNode):
        yield from _sites(job.services, f"{at}.services")
    yield from _sites(job.outputs, f"{at}.outputs.<output>")
    yield from _sites(job.with_, f"{at}.with.<input>")
    yield from _sites(job.secrets, f"{at}.secrets.<secret>")


def _environment_sites(node: Node | None) -> Iterator[ExpressionSite]:
    at = "jobs.<job>.environment"
    if not isinstance(node, MappingNode):
        yield from _sites(node, at)
        return
    for name, value in node:
        yield from _sites(value, f"{at}.url" if name == "url" else at)


def _container_sites(node: Node | None, at: str) -> Iterator[ExpressionSite]:
    if not isinstance(node, MappingNode):
        yield from _sites(node, at)
        return
    for name, value in node:
        if name == "env":
            yield from _sites(value, f"{at}.env.<name>")
        else:
            yield from _sites(value, f"{at}.credentials" if name == "credentials" else at)


def _step_sites(step: Step) -> Iterator[ExpressionSite]:
    at = "jobs.<job>.steps"
    yield from _condition_sites(step.condition, f"{at}.if")
    for name, node in (
        ("name", step.name),
        ("run", step.run),
        ("env", step.env),
        ("with", step.with_),
        ("working-directory", step.working_directory),
        ("timeout-minutes", step.timeout_minutes),
        ("continue-on-error", step.continue_on_error),
    ):
        yield from _sites(node, f"{at}.{name}")


def _condition_sites(condition: Condition, key: str) -> Iterator[ExpressionSite]:
    written = condition.written
    if "${{" in written:
        yield from _pieces(written, condition.span, key)
    elif written.strip() and (tree := parsed(written.strip())) is not None:
        yield ExpressionSite(
            key=key, text=written.strip(), tree=tree, span=condition.span, raw=written, number=-1
        )


def _sites(node: Node | None, key: str, name: str = "") -> Iterator[ExpressionSite]:
    if isinstance(node, Template):
        if not node.insert:
            yield from _pieces(node.raw, node.span, key, name)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _sites(item, key, name)
    elif isinstance(node, MappingNode):
        for entry, value in node.entries:
            if isinstance(entry, Template):
                yield from _sites(entry, key, name)
            yield from _sites(value, key, name or entry.text)


def _pieces(raw: str, span: Location, key: str, name: str = "") -> Iterator[ExpressionSite]:
    for number, (text, whole) in enumerate(_expressions(raw)):
        tree = parsed(text)
        if tree is not None:
            yield ExpressionSite(
                key=key, name=name, text=text, tree=tree, span=span, raw=raw, number=number, whole=whole
            )


def expressions_in(raw: str) -> Iterator[Tree]:
    """The trees of all expressions in a text with `${{ }}`."""
    for text, _ in _expressions(raw):
        if (tree := parsed(text)) is not None:
            yield tree


@lru_cache(maxsize=4096)
def _expressions(raw: str) -> tuple[tuple[str, bool], ...]:
    try:
        pieces = split_template(raw)
    except ExpressionError:  # reported by the reader
        return ()
    return tuple((piece[0], len(pieces) == 1) for piece in pieces if not isinstance(piece, str))


@lru_cache(maxsize=4096)
def parsed(text: str) -> Tree | None:
    """The tree of an expression; None for one that is blank or wrong (the reader has said so)."""
    try:
        return parse_expression(text)
    except ExpressionError:
        return None


_OPEN = "${{"


def find_part(written: str, site: ExpressionSite, start: int, end: int) -> tuple[int, int] | None:
    """Offsets of `site.text[start:end]` in a scalar as it stands in the file; None when it is not found there.

    Only characters that are no blanks are compared: YAML folds lines, and takes indentation away.
    """
    wanted = [index for index in range(start, end) if not site.text[index].isspace()]
    at = _beginning(written, site.number)
    first = last = -1
    for index in range(wanted[-1] + 1 if wanted else 0):
        character = site.text[index]
        if character.isspace():
            continue
        at = _skip(written, at)
        if written[at : at + 1] != character:
            return None
        if index == wanted[0]:
            first = at
        last = at
        at += 2 if character == "'" and written.startswith("'") else 1  # YAML doubles it within single quotes
    return (first, last + 1) if first >= 0 else None


def _beginning(written: str, number: int) -> int:
    """Where the `number`-th expression begins; -1 is one without braces, behind a quote or the line of a `|`."""
    if number < 0:
        if written[:1] in {"|", ">"}:
            return written.find("\n") + 1
        return 1 if written[:1] in {"'", '"'} else 0
    at = 0
    for _ in range(number + 1):
        at = written.find(_OPEN, at) + len(_OPEN)
    return at


def _skip(written: str, at: int) -> int:
    while at < len(written) and written[at].isspace():
        at += 1
    return at + 1 if written[at : at + 2] in {'\\"', "\\\\"} and written.startswith('"') else at


# --- scripts ----------------------------------------------------------------------------------------------------------
_SCRIPT_INPUTS = {"actions/github-script": ("script", "javascript")}


def script_sites(workflow: Workflow) -> Iterator[ScriptSite]:
    """Every script of a file, with the shell that reads it."""
    for job in workflow.jobs:
        for step in steps_of(job):
            if step.run is not None and isinstance(step.run, Scalar | Template):
                shell = _shell(workflow.defaults, job, step)
                yield ScriptSite(text=step.run.text, shell=shell, span=step.run.span, job=job, step=step)
            elif step.uses is not None and isinstance(step.with_, MappingNode):
                name, shell = _SCRIPT_INPUTS.get(step.uses.text.partition("@")[0].lower(), ("", ""))
                script = step.with_.get(name) if name else None
                if isinstance(script, Scalar | Template):
                    yield ScriptSite(text=script.text, shell=shell, span=script.span, job=job, step=step)


def _shell(defaults: RunDefaults, job: Job, step: Step) -> str:
    for node in (step.shell, job.defaults.shell, defaults.shell):
        if isinstance(node, Scalar) and node.text:
            return node.text.split()[0].lower()
        if node is not None:
            return ""
    label = job.runs_on.text.lower() if isinstance(job.runs_on, Scalar) else ""
    if isinstance(job.runs_on, Template) or not label:
        return ""
    return "pwsh" if label.startswith("windows") else "bash"
