"""Commands behind an `exit` that always happens."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.job_scripts import StepScript, job_scripts
from skep.pipeline.workflow.lint.facts.script import Command
from skep.pipeline.workflow.lint.rule import RuleInfo


def check(context: LintContext) -> Iterator[Finding]:
    """The first command of a script that no way leads to."""
    for job in context.workflow.jobs:
        for item in job_scripts(context.workflow, job):
            found = _dead(item)
            if found is not None:
                ending, dead = found
                yield RULE.finding(
                    f"`{item.text[ending.start : ending.end]}` ends the step, so what stands below it never runs",
                    item.node.span,
                    focus=item.place(context, dead.start, dead.end),
                    hint=f"put it above the `{ending.name}`, or the `{ending.name}` into an `if`",
                )


def _dead(item: StepScript) -> tuple[Command, Command] | None:
    commands = item.script.commands if item.script is not None else ()
    for index, command in enumerate(commands[:-1]):
        if command.name in ("exit", "exec") and command.unconditional and _ends(command):
            following = commands[index + 1]
            return (command, following) if following.depth == 0 else None
    return None


def _ends(command: Command) -> bool:
    """`exec` with redirections alone only opens files."""
    return command.name == "exit" or len(command.words) > 1


RULE = RuleInfo(
    id="after-exit",
    severity=Severity.WARNING,
    summary="commands behind an `exit`",
    explanation=(
        "`exit` ends the script of the step there and then, whatever its number. Commands below it are never run, often because "
        "an `exit` used to look at something was left behind."
    ),
    check=check,
)
"""The rule."""
