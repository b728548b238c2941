"""Bash's own syntax in a script that `sh` reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.job_scripts import StepScript, job_scripts
from skep.pipeline.workflow.lint.facts.script import Command
from skep.pipeline.workflow.lint.facts.shells import Shell, runner_labels
from skep.pipeline.workflow.lint.rule import RuleInfo

_COMMANDS = {
    "[[": "use `[ ... ]`",
    "source": "use `.`",
    "pushd": "use `cd` in a `( )`",
    "popd": "use `cd` in a `( )`",
    "declare": "assign without it",
    "shopt": "",
    "mapfile": "use `while read`",
    "readarray": "use `while read`",
}
_ARRAY = re.compile(r"[A-Za-z_]\w*\+?=\(")


def check(context: LintContext) -> Iterator[Finding]:
    """`[[`, `source`, arrays, `<<<`, `&>` and the like under `shell: sh` on a Linux machine, whose `sh` is dash."""
    for job in context.workflow.jobs:
        labels = [label.lower() for label in runner_labels(job)]
        if job.container is not None or not labels or not all(label.startswith("ubuntu") for label in labels):
            continue  # the `sh` of an image or of macOS knows some of it
        for item in job_scripts(context.workflow, job):
            if item.shell is Shell.SH and item.script is not None:
                yield from _in_script(context, item)


def _in_script(context: LintContext, item: StepScript) -> Iterator[Finding]:
    for command in item.script.commands if item.script is not None else ():
        said = _bashism(command, item.text)
        if said:
            what, hint = said
            yield RULE.finding(
                f"{what} is bash's own, and `sh` on this machine is dash",
                item.node.span,
                focus=item.place(context, command.start, command.end),
                hint=" or ".join(filter(None, (hint, "write `shell: bash`"))),
            )


def _bashism(command: Command, text: str) -> tuple[str, str] | None:
    if command.name in _COMMANDS:
        return f"`{command.name}`", _COMMANDS[command.name]
    for operator, _ in command.redirections:
        if operator in ("<<<", "&>", "&>>"):
            return f"`{operator}`", {"<<<": "use `echo ... |`"}.get(operator, "use `> file 2>&1`")
    if command.name == "[" and "==" in command.arguments:
        return "`==` in `[ ]`", "use `=`"
    if command.name == "set" and "pipefail" in command.arguments:
        return "`pipefail`", ""
    if _ARRAY.match(text[command.start : command.end]):
        return "an array", ""
    return None


RULE = RuleInfo(
    id="sh-bashism",
    severity=Severity.WARNING,
    summary="bash syntax under `shell: sh`",
    explanation=(
        "On the Ubuntu machines `sh` is dash, a small POSIX shell. It has no `[[ ]]`, no arrays, no `source`, no `<<<`, and "
        "takes `&>` for something else (the command goes to the background). Write POSIX, or `shell: bash`."
    ),
    check=check,
)
"""The rule."""
