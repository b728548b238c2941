"""A variable written to `$GITHUB_ENV` is read in the same step, which does not have it yet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.job_scripts import StepScript, env_names, job_scripts
from skep.pipeline.workflow.lint.facts.script import Command
from skep.pipeline.workflow.lint.facts.variables import is_given, names_set, reads_unknown
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.tree import Job

_WRITTEN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")


def check(context: LintContext) -> Iterator[Finding]:
    """`echo "X=1" >> $GITHUB_ENV`, then `$X`, in one script."""
    for job in context.workflow.jobs:
        if job.container is not None:
            continue  # an image may have variables of its own
        earlier = ""
        for item in job_scripts(context.workflow, job):
            yield from _in_script(context, job, item, earlier)
            earlier += item.text


def _in_script(context: LintContext, job: Job, item: StepScript, earlier: str) -> Iterator[Finding]:
    defined = env_names(context.workflow.env, job.env, item.step.env)
    script = item.script
    if script is None or defined is None or reads_unknown(script):
        return
    own = names_set(script)
    written: dict[str, Command] = {}
    for command in script.commands:
        name = _name_written(command)
        if (
            name
            and not is_given(name)
            and name not in defined
            and name not in own
            and not _is_known(name, earlier)
        ):
            written.setdefault(name, command)
    for expansion in script.expansions:
        before = written.get(expansion.name)
        if before is not None and expansion.start > before.end and not expansion.optional:
            del written[expansion.name]
            yield RULE.finding(
                f"`${expansion.name}` is still empty here: what is written to `$GITHUB_ENV` is there from the next step on",
                item.node.span,
                focus=item.place(context, expansion.start, expansion.start + 1),
                hint=f"set it for this step too: `{expansion.name}=...` on a line of its own, then `echo` that",
            )


def _name_written(command: Command) -> str:
    to_env = any("GITHUB_ENV" in target and sign in (">>", ">") for sign, target in command.redirections)
    words = [word for word in command.arguments if not word.startswith("-")]
    found = _WRITTEN.match(words[0]) if to_env and command.name in ("echo", "printf") and words else None
    return found[1] if found else ""


def _is_known(name: str, earlier: str) -> bool:
    """Whether a step before may give it a value."""
    return bool(re.search(rf"\b{re.escape(name)}\b", earlier))


RULE = RuleInfo(
    id="env-too-early",
    severity=Severity.WARNING,
    summary="a variable of `$GITHUB_ENV` is read in the step that writes it",
    explanation=(
        "The runner reads the file `$GITHUB_ENV` when the step has ended, and gives its variables to the steps that follow. In "
        "the script that writes them they do not exist: the shell puts an empty text there. Set a variable of the shell, use "
        "that, and write it to the file for the others."
    ),
    check=check,
)
"""The rule."""
