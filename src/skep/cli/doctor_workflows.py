"""`skep doctor --workflows`: per workflow and job what would differ from GitHub here, as text and as a JSON list."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence

from skep.cli.findings import finding_json, printable, render_findings
from skep.cli.loading import ReadWorkflows, read_workflows
from skep.cli.local_actions import local_action
from skep.cli.project import Project, open_project
from skep.cli.remote_opening import remote_opener
from skep.cli.secrets import read_secrets
from skep.model.errors import UserError
from skep.pipeline.natives.known import is_native
from skep.pipeline.plan.differences import Difference, Effect, Machine, workflow_differences
from skep.pipeline.plan.job_differences import job_differences
from skep.pipeline.plan.names import did_you_mean
from skep.pipeline.runners.labels import host_labels, unsupported_reason
from skep.pipeline.trigger import repository_facts
from skep.pipeline.workflow.tree import Workflow
from skep.source.changes import read_repository
from skep.source.git import Git

_EFFECTS = (Effect.CANNOT, Effect.DIFFERS, Effect.WORKS)
_SHOWN_JOBS = 6

Found = Sequence[tuple[Workflow, tuple[Difference, ...]]]


def configure_workflows(parser: argparse.ArgumentParser) -> None:
    """The options that belong to `--workflows`."""
    group = parser.add_argument_group("workflows")
    add = group.add_argument
    add(
        "--workflows",
        action="store_true",
        help="what of the workflows would differ from GitHub on this machine",
    )
    add(
        "-W",
        "--workflow",
        action="append",
        default=[],
        metavar="FILE",
        help="only this workflow: file or name",
    )
    add("--secret", action="append", default=[], metavar="NAME", help="a secret that runs will be given")
    add(
        "--var", action="append", default=[], metavar="NAME", help="a value of `vars` that runs will be given"
    )
    add("--token", default="", metavar="NAME", help="the variable that will hold github.token")


def run_workflows(args: argparse.Namespace) -> int:
    """Prints the differences. 0; 2 when a workflow cannot be read."""
    project = open_project(args)
    repository = read_repository(Git(project.root, os.environ), user="")
    shelf = remote_opener(project)(repository_facts(repository).server_url)
    read = read_workflows(project.root, shelf)
    machine = _machine(project, args, shelf.problem)
    found = [(one, differences(one, machine)) for one in _chosen(read, args.workflow)]
    if args.json:
        print(json.dumps(_as_json(found, read), indent=2))
    else:
        print("\n".join(_as_text(found)))
        if read.unreadable:
            sys.stdout.flush()
            errors = [finding for finding in read.findings if finding.is_error]
            print(f"\n{render_findings(errors, read.sources, colour=False)}", file=sys.stderr)
    return 2 if read.unreadable else 0


def differences(workflow: Workflow, machine: Machine) -> tuple[Difference, ...]:
    """All of one workflow: what it is itself, then its jobs; of each what cannot run first."""
    found = [*workflow_differences(workflow, machine)]
    for job in workflow.jobs:
        found += job_differences(job, machine)
    order = ["", *(job.id for job in workflow.jobs)]
    return tuple(
        sorted(found, key=lambda one: (order.index(one.job), _EFFECTS.index(one.effect), one.where.line))
    )


def _machine(
    project: Project, args: argparse.Namespace, remote_problem: Callable[[str], str | None]
) -> Machine:
    own = host_labels(project.settings.labels)
    file = project.settings.secrets_file
    secrets = {name.upper() for name in args.secret} | set(read_secrets((), file, os.environ, ask=False))
    return Machine(
        unsupported_labels=lambda labels: unsupported_reason(labels, own=own),
        has_native=is_native,
        has_program=lambda name: shutil.which(name) is not None,
        secrets=secrets,
        variables={name.partition("=")[0].upper() for name in args.var},
        has_token=bool(args.token),
        remote_problem=remote_problem,
        local_action=lambda uses: local_action(project.root, uses),
        open_environments={name.lower() for name in project.settings.environments_open},
    )


def _chosen(read: ReadWorkflows, wanted: Sequence[str]) -> list[Workflow]:
    if not wanted:
        return list(read.workflows)
    chosen = []
    for word in wanted:
        same = [one for one in read.workflows if word.removeprefix("./") in _names(one)]
        if not same and not any(word in _path_names(path) for path in read.unreadable):
            known = [name for one in read.workflows for name in _names(one)]
            raise UserError(f"there is no workflow `{word}`", hint=did_you_mean(word, known))
        chosen += same
    return chosen


def _names(workflow: Workflow) -> tuple[str, ...]:
    return (*_path_names(workflow.path), *((workflow.name,) if workflow.name else ()))


def _path_names(path: str) -> tuple[str, ...]:
    file = path.rpartition("/")[2]
    return file, file.rpartition(".")[0], path


# --- text and JSON ---------------------------------------------------------------------------------------------------
def _as_text(found: Found) -> Iterator[str]:
    if not found:
        yield "there is no workflow in `.github/workflows` that can be read"
    for number, (workflow, told) in enumerate(found):
        if number:
            yield ""
        yield printable(f"{workflow.path}{f'  {workflow.name}' if workflow.name else ''}")
        if not told:
            yield "  works as on GitHub, as far as its text says"
        for jobs, one in _together(told):
            yield printable(f"  {one.effect}: {one.message} [{one.rule}]")
            where = f"line {one.where.line}" if len(jobs) < 2 else f"first in line {one.where.line}"
            yield printable(f"      in {_listed(jobs)} ({where})" if jobs else f"      ({where})")
            yield printable(f"      {one.mend}")
    yield ""
    yield _summary(found)


def _together(told: Sequence[Difference]) -> list[tuple[list[str], Difference]]:
    """What is the same in several jobs, said once: the jobs, and the first of it. What cannot run comes first."""
    groups: dict[tuple[str, ...], tuple[list[str], Difference]] = {}
    for one in sorted(told, key=lambda one: (_EFFECTS.index(one.effect), one.where.line)):
        jobs, _ = groups.setdefault((one.effect, one.rule, one.message, one.mend), ([], one))
        if one.job and one.job not in jobs:
            jobs.append(one.job)
    return list(groups.values())


def _listed(jobs: Sequence[str]) -> str:
    shown = ", ".join(f"`{job}`" for job in jobs[:_SHOWN_JOBS])
    return shown + (f" and {len(jobs) - _SHOWN_JOBS} more" if len(jobs) > _SHOWN_JOBS else "")


def _summary(found: Found) -> str:
    """How many jobs run here, and how many not."""
    jobs = [(workflow.path, job.id) for workflow, _ in found for job in workflow.jobs]
    stopped = {
        (workflow.path, one.job) for workflow, told in found for one in told if one.effect is Effect.CANNOT
    }
    return f"{len(jobs)} jobs: {len(jobs) - len(stopped)} can run here, {len(stopped)} cannot"


def _as_json(found: Found, read: ReadWorkflows) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = [
        {
            "workflow": workflow.path,
            "job": one.job or None,
            "rule": one.rule,
            "effect": one.effect.value,
            "message": one.message,
            "mend": one.mend,
            "line": one.where.line,
            "column": one.where.column,
        }
        for workflow, told in found
        for one in told
    ]
    for finding in read.findings:
        if finding.is_error:
            place = finding_json(finding)
            entries.append(
                {
                    "workflow": finding.where.path,
                    "job": None,
                    "rule": finding.rule,
                    "effect": Effect.CANNOT.value,
                    "message": finding.message,
                    "mend": finding.hint or "see `skep lint`",
                    "line": place["line"],
                    "column": place["column"],
                }
            )
    return entries
