"""A variable set in one step is expected in a later one; each step has a shell of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skep.model.finding import Finding, Location, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.job_scripts import StepScript, env_names, job_scripts
from skep.pipeline.workflow.lint.facts.script import Command, Script
from skep.pipeline.workflow.lint.facts.shells import runner_labels
from skep.pipeline.workflow.lint.facts.variables import is_given, names_set, reads_unknown
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.tree import Job

_EXPORTS = frozenset({"export", "declare", "typeset"})
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\+?=.*)?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Set:
    """One variable that a step sets for itself."""

    name: str
    exported: bool
    by: StepScript
    command: Command


def check(context: LintContext) -> Iterator[Finding]:
    """A later step reads what an earlier one exported, and nothing else defines it."""
    for job in context.workflow.jobs:
        if job.container is not None or any("self-hosted" in label for label in runner_labels(job)):
            continue  # such a machine or image may have variables of its own
        scripts = job_scripts(context.workflow, job)
        found: dict[str, _Set] = {}
        for number, item in enumerate(scripts):
            yield from _lost_in(context, job, item, found, scripts[:number])
            for one in _sets(item):
                found.setdefault(one.name, one)


def _lost_in(
    context: LintContext, job: Job, item: StepScript, found: dict[str, _Set], earlier: Sequence[StepScript]
) -> Iterator[Finding]:
    defined = env_names(context.workflow.env, job.env, item.step.env)
    if defined is None:
        return
    for name, where in [*_shell_uses(item), *_context_uses(context, item)]:
        one = found.get(name)
        if one is None or name in defined or _is_handed_on(name, earlier) or is_given(name):
            continue
        del found[name]  # said once
        what = "exported" if one.exported else "set"
        yield RULE.finding(
            f"`{name}` is {what} here for this step only: the step that uses it on line {where.line} has a shell of its own",
            one.by.node.span,
            focus=one.by.place(context, one.command.start, one.command.end),
            hint=f'hand it on: `echo "{name}=..." >> "$GITHUB_ENV"`',
        )


def _sets(item: StepScript) -> Iterator[_Set]:
    if item.script is None:
        return
    for command in item.script.commands:
        if command.subshell or command.before == "|" or command.after == "|":
            continue
        if command.name in _EXPORTS:
            for word in command.words[1:]:
                assigned = _NAME.match(word.text)
                if assigned and ("=" in word.text or _assigns(item.script, assigned[1])):
                    yield _Set(name=assigned[1], exported=True, by=item, command=command)
        elif not command.words and command.depth == 0:
            for name in command.assignments:
                yield _Set(name=name, exported=False, by=item, command=command)


def _assigns(script: Script, name: str) -> bool:
    return any(name in command.assignments for command in script.commands)


def _shell_uses(item: StepScript) -> Iterator[tuple[str, Location]]:
    """The variables that a script reads before it could have set them itself."""
    script = item.script
    if script is None or reads_unknown(script):
        return
    own = names_set(script)
    for expansion in script.expansions:
        optional = any(other.optional for other in script.expansions if other.name == expansion.name)
        if expansion.name not in own and not optional:
            line = item.node.span.line + script.text.count("\n", 0, expansion.start)
            yield expansion.name, Location(path=item.node.span.path, line=line + _is_block(item), column=1)


def _is_block(item: StepScript) -> int:
    """1 when the script begins on the line after `|`."""
    return int("\n" in item.text)


def _context_uses(context: LintContext, item: StepScript) -> Iterator[tuple[str, Location]]:
    """`env.NAME` in the step's own keys."""
    for site in context.expressions:
        if site.step is item.step and site.text.lower().startswith("env."):
            name = site.text[4:].strip()
            if name.isidentifier():
                yield name, site.span


def _is_handed_on(name: str, earlier: Sequence[StepScript]) -> bool:
    """Whether an earlier step may have given it to all later ones: its name and the file stand in one script."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    return any("GITHUB_ENV" in item.text and word.search(item.text) for item in earlier)


RULE = RuleInfo(
    id="export-lost",
    severity=Severity.WARNING,
    summary="a variable set in one step is expected in a later one",
    explanation=(
        "Every `run` step has a shell of its own: what it sets or exports ends with it. A later step that reads the variable "
        "gets an empty text, and usually goes on. Write `NAME=value` into the file `$GITHUB_ENV`, and all later steps of the "
        "job have it; between jobs, use outputs."
    ),
    check=check,
)
"""The rule."""
