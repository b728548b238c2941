"""The last command of a step changes only the shell that ends with it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.job_scripts import StepScript, job_scripts
from skep.pipeline.workflow.lint.facts.script import Command
from skep.pipeline.workflow.lint.rule import RuleInfo

_ACTIVATE = re.compile(r"(?:.*/)?activate\Z")
_TOOLS = {"nvm": "use", "conda": "activate", "mamba": "activate", "pyenv": "shell", "rbenv": "shell"}


def check(context: LintContext) -> Iterator[Finding]:
    """`cd`, `export`, `source .../activate` and the like as the last command of a step that is not the job's last."""
    for job in context.workflow.jobs:
        last = len(context.steps_of(job)) - 1
        for item in job_scripts(context.workflow, job):
            command = _last_command(item)
            if command is None or item.index == last:
                continue
            said = _lost(command)
            if said:
                what, hint = said
                yield RULE.finding(
                    f"`{item.text[command.start : command.end]}` is the last command of its step, and the shell ends there: "
                    f"{what} is lost for the next step",
                    item.node.span,
                    focus=item.place(context, command.start, command.end),
                    hint=hint,
                )


def _last_command(item: StepScript) -> Command | None:
    if item.script is None or not item.script.commands:
        return None
    command = item.script.commands[-1]
    return command if command.unconditional and "\n" not in item.text[command.start : command.end] else None


def _lost(command: Command) -> tuple[str, str] | None:
    arguments = command.arguments
    if command.name in ("cd", "pushd") and arguments:
        return (
            "the folder",
            f"write `working-directory: {arguments[-1]}` at the steps that need it, or put the commands into one step",
        )
    if command.name in ("source", ".") and len(arguments) == 1 and _ACTIVATE.match(arguments[0]):
        folder = arguments[0].rpartition("/")[0] or "."
        return (
            "the environment",
            f'write `echo "$PWD/{folder}" >> "$GITHUB_PATH"` instead'
            if not folder.startswith(("/", "$", "~"))
            else f'write `echo "{folder}" >> "$GITHUB_PATH"` instead',
        )
    if command.name == "export" and arguments and all("=" in argument for argument in arguments):
        return _lost_export(arguments[0])
    if arguments and _TOOLS.get(command.name) == arguments[0]:
        return "the chosen version", "choose it in each step that needs it, or put the commands into one step"
    return None


def _lost_export(argument: str) -> tuple[str, str]:
    name, _, value = argument.partition("=")
    if name == "PATH":
        return "the path", 'write the folder into `$GITHUB_PATH`: `echo "/folder" >> "$GITHUB_PATH"`'
    return "the variable", f'write `echo "{name}={value}" >> "$GITHUB_ENV"` instead'


RULE = RuleInfo(
    id="state-lost",
    severity=Severity.WARNING,
    summary="a step ends with a change that only its own shell sees",
    explanation=(
        "Every `run` step has a shell of its own, which begins in the workspace with the variables of the job. A `cd`, an "
        "`export` or the activation of an environment as the last command of a step therefore does nothing. Use "
        "`working-directory`, `$GITHUB_ENV` and `$GITHUB_PATH`, or put what belongs together into one step."
    ),
    check=check,
)
"""The rule."""
