"""What the scripts of a job take for granted: programs, shells, `sudo`, a token for `gh`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Location
from skep.pipeline.workflow.nodes import Scalar
from skep.pipeline.workflow.tree import Job, Step

from .differences import Difference, Effect, Machine
from .hosted_tools import commands_in, provided_by, said_to_install

_SHELLS = {"pwsh": "pwsh", "powershell": "powershell", "cmd": "cmd"}
"""Shells by their names in `shell` that a Linux need not have, and their programs."""


def difference(  # noqa: PLR0917 - what every rule says, in the order of the sentence
    job: Job, rule: str, effect: Effect, where: Location, message: str, mend: str
) -> Difference:
    """A difference of one job."""
    return Difference(rule=rule, effect=effect, where=where, message=message, mend=mend, job=job.id)


def all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    """The steps and those inside parallel ones, in order."""
    for step in steps:
        yield step
        yield from all_steps(step.steps)


def programs_missing(job: Job, machine: Machine) -> Iterator[Difference]:
    """Programs that scripts take for granted, as GitHub's image has them."""
    provided = provided_by(step.uses.text for step in job.steps if step.uses is not None)
    asked: set[str] = set()
    for step in all_steps(job.steps):
        script = getattr(step.run, "text", "")
        provided |= said_to_install(script)
        for name in commands_in(script):
            if name in asked or name in provided or step.run is None:
                continue
            asked.add(name)
            if name == "sudo":
                message = "`sudo` changes this machine itself, not one that is thrown away"
                mend = "install what is needed once, and guard the line: `command -v NAME || sudo apt-get install NAME`"
                yield difference(job, "sudo", Effect.DIFFERS, step.run.span, message, mend)
            elif not machine.has_program(name):
                message = f"`{name}` comes with GitHub's image and is not on this machine's PATH"
                yield difference(
                    job,
                    "tool",
                    Effect.CANNOT,
                    step.run.span,
                    message,
                    f"install `{name}`, or skip the step here",
                )
            if name == "gh" and not machine.has_token:
                message = "`gh` needs a token, and none is given"
                mend = "`skep run --token NAME`, and `env: {GH_TOKEN: '${{ github.token }}'}` for the step"
                yield difference(job, "token", Effect.DIFFERS, step.run.span, message, mend)


def shells_missing(job: Job, machine: Machine) -> Iterator[Difference]:
    """Shells that scripts are written for and that are not here."""
    seen: set[str] = set()
    nodes = [job.defaults.shell, *(step.shell for step in all_steps(job.steps))]
    for node in nodes:
        name = node.text.split()[0] if isinstance(node, Scalar) and node.text.strip() else ""
        if name not in _SHELLS or name in seen or machine.has_program(_SHELLS[name]):
            continue
        seen.add(name)
        assert node is not None
        message = f"`shell: {name}` needs a program that is not on this machine's PATH"
        mend = (
            "install PowerShell"
            if name == "pwsh"
            else "it is a shell of Windows: write the step for `bash` or `pwsh`"
        )
        yield difference(job, "shell", Effect.CANNOT, node.span, message, mend)
