"""CodeQL's analysis without its beginning, or in the wrong order."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Location, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.actions import action_use
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.tree import Job

_FOLDER = "github/codeql-action/"


def check(context: LintContext) -> Iterator[Finding]:
    """`analyze` and `autobuild` want `init` before them in the same job; `init` wants `analyze` behind it."""
    for job in context.workflow.jobs:
        places: dict[str, list[tuple[int, Location]]] = {}
        hidden = False
        for index, step in enumerate(context.steps_of(job)):
            use = action_use(step)
            if use is None or step.uses is None:
                continue
            hidden = hidden or use.name.startswith("./")  # a local action may hold the missing part
            if use.name.startswith(_FOLDER):
                places.setdefault(use.name.removeprefix(_FOLDER), []).append((index, step.uses.span))
        if places and not hidden:
            yield from _job_findings(context, job, places)


def _job_findings(
    context: LintContext, job: Job, places: dict[str, list[tuple[int, Location]]]
) -> Iterator[Finding]:
    begins, ends = places.get("init", []), places.get("analyze", [])
    for part in ("analyze", "autobuild"):
        for index, span in places.get(part, []):
            if not begins:
                yield RULE.finding(
                    f"CodeQL `{part}` without `init` in job `{job.id}`: there is no database to work on",
                    span,
                    hint=_elsewhere(context, job)
                    or "put a step with `uses: github/codeql-action/init` before the build, in the same job",
                )
            elif index < begins[0][0]:
                yield RULE.finding(
                    f"CodeQL `{part}` stands before `init`, which makes the database it works on",
                    span,
                    hint="put `init` before the build, `analyze` behind it",
                )
    if begins and not ends:
        yield RULE.finding(
            f"CodeQL `init` without `analyze` in job `{job.id}`: what is watched is never looked at",
            begins[0][1],
            hint="put a step with `uses: github/codeql-action/analyze` behind the build",
        )
    for index, span in places.get("autobuild", []) if begins and ends else ():
        if index > ends[-1][0]:
            yield RULE.finding(
                "CodeQL `autobuild` stands behind `analyze`, which then has nothing to look at",
                span,
                hint="put it between `init` and `analyze`",
            )


def _elsewhere(context: LintContext, job: Job) -> str:
    for site in context.steps:
        use = action_use(site.step)
        if site.job is not job and use is not None and use.name == f"{_FOLDER}init":
            return f"`init` in job `{site.job.id}` does not help: each job has a machine of its own; put both into one job"
    return ""


RULE = RuleInfo(
    id="codeql-order",
    severity=Severity.WARNING,
    summary="CodeQL steps that do not belong together",
    explanation=(
        "CodeQL works in three steps of one job: `init` prepares a database and begins to watch, the build (or `autobuild`) is "
        "watched, `analyze` looks at the database. Without `init` before it, `analyze` fails; `init` in another job does not "
        "help, since every job has a machine of its own."
    ),
    check=check,
)
"""The rule."""
