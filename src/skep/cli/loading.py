"""The options of `skep plan` and `skep run` -> workflows read, trigger built, plan made."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from skep.model.errors import HostError, UserError
from skep.model.finding import Finding
from skep.pipeline.natives.remote_shelf import RemoteShelf, workflow_text
from skep.pipeline.plan.build import build_plan
from skep.pipeline.plan.select import NOT_SELECTED, select_jobs, select_paths
from skep.pipeline.plan.values import Plan, RepositoryFacts, TriggerFacts
from skep.pipeline.trigger import TriggerOptions, build_trigger, repository_facts
from skep.pipeline.workflow.reader import read_workflow
from skep.pipeline.workflow.tree import Workflow
from skep.source.changes import read_repository
from skep.source.git import Git

from .project import find_root

WORKFLOWS = ".github/workflows"
_SUFFIXES = (".yml", ".yaml")
_MAX_BYTES = 16 * 1024 * 1024  # the reader refuses at GitHub's limit; this only keeps nonsense out of memory


OpenRemote = Callable[[str], RemoteShelf]
"""Actions of other repositories, by the server that the project's own remote is on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What the user asks for, as `skep plan` and `skep run` read it from their arguments."""

    event: str = "push"
    base: str = ""
    payload_path: str = ""  # '-' = standard input
    ref: str = ""
    cron: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    workflows: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    matrix: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    root: str = ""  # '' = looked for from the current folder upward
    run_id: str = "1"
    run_number: int = 1
    token: str = ""
    user: str = ""  # the actor when git knows none


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlan:
    """Everything `load_plan` found. The plan covers the readable workflows also when some are not."""

    plan: Plan
    workflows: tuple[Workflow, ...]  # all that could be read, sorted by path
    findings: tuple[Finding, ...]  # of reading and planning, of the workflows asked for
    sources: Mapping[str, str]  # path -> text
    trigger: TriggerFacts
    repository: RepositoryFacts
    root: str
    is_git: bool
    remote: RemoteShelf | None = None  # actions of other repositories

    @property
    def has_errors(self) -> bool:
        """Whether a finding stops the run."""
        return any(finding.is_error for finding in self.findings)


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that choose a trigger, workflows, jobs and legs."""
    parser.add_argument("--event", default="push", metavar="EVENT", help=_EVENT)
    for flags, metavar, about in _TEXTS:
        parser.add_argument(*flags, default="", metavar=metavar, help=about)
    for flags, kind, metavar, about in _LISTS:
        parser.add_argument(*flags, action="append", default=[], type=kind, metavar=metavar, help=about)


def plan_options(args: argparse.Namespace) -> PlanOptions:
    """The options from parsed arguments."""
    matrix: dict[str, tuple[str, ...]] = {}
    for key, value in args.matrix:
        matrix[key] = (*matrix.get(key, ()), value)
    return PlanOptions(
        event=args.event,
        base=args.base,
        payload_path=args.payload,
        ref=args.ref,
        cron=args.cron,
        inputs=dict(args.input),
        variables=dict(args.var),
        workflows=tuple(args.workflow),
        jobs=tuple(args.job),
        matrix=matrix,
        user=os.environ.get("USER", ""),
    )


def load_plan(options: PlanOptions, open_remote: OpenRemote | None = None) -> LoadedPlan:
    """Reads the project around the current folder and plans the trigger. Reusable workflows of other repositories are read
    as far as what `open_remote` gives has them at hand.

    What is wrong in workflows comes as findings. Raises UserError: no project, unknown event, base, workflow or job,
    malformed payload; HostError: a file or git cannot be read.
    """
    root = options.root or find_root(os.getcwd())
    git = Git(root, os.environ)
    repository = read_repository(git, user=options.user)
    facts = repository_facts(repository)
    remote = None if open_remote is None else open_remote(facts.server_url)
    read = read_workflows(root, remote)
    trigger = build_trigger(_trigger_options(options), git, repository)
    plan = build_plan(
        read.workflows,
        trigger,
        facts,
        run_id=options.run_id,
        run_number=options.run_number,
        token=options.token,
        variables=options.variables,
    )
    plan, findings = _selected(plan, read, options)
    return LoadedPlan(
        plan=plan,
        workflows=read.workflows,
        findings=findings + plan.findings,
        sources=read.sources,
        trigger=trigger,
        repository=facts,
        root=root,
        is_git=repository.is_git,
        remote=remote,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWorkflows:
    """The workflow files of a project."""

    workflows: tuple[Workflow, ...]
    findings: tuple[Finding, ...]
    sources: Mapping[str, str]
    unreadable: tuple[str, ...]  # paths
    called: Mapping[str, frozenset[str]]  # path -> paths of the reusable workflows it reaches


def read_workflows(root: str, remote: RemoteShelf | None = None) -> ReadWorkflows:
    """All files of `.github/workflows`, sorted by name. Raises HostError when one cannot be read."""
    sources: dict[str, str] = {}
    workflows: list[Workflow] = []
    findings: list[Finding] = []
    unreadable: list[str] = []
    reached: dict[str, frozenset[str]] = {}
    for name in workflow_names(root):
        path = f"{WORKFLOWS}/{name}"
        sources[path] = read_text(f"{root}/{path}")
        asked: set[str] = set()
        workflow, found = read_workflow(sources[path], path, called=called_from(root, sources, asked, remote))
        reached[path] = frozenset(asked)
        findings.extend(found)
        if workflow is None:
            unreadable.append(path)
        else:
            workflows.append(workflow)
    return ReadWorkflows(
        workflows=tuple(workflows),
        findings=tuple(dict.fromkeys(findings)),  # a reusable workflow is read once per caller
        sources=sources,
        unreadable=tuple(unreadable),
        called=reached,
    )


def called_from(
    root: str,
    sources: dict[str, str] | None = None,
    asked: set[str] | None = None,
    remote: RemoteShelf | None = None,
) -> Callable[[str], str | None]:
    """What `read_workflow` asks for the texts of reusable workflows: files of the project, never outside of its root, and
    those of other repositories that `remote` has at hand. The texts read are kept in `sources`, the paths asked for in `asked`.
    """
    kept = sources if sources is not None else {}
    top = os.path.realpath(root)

    def called(uses: str) -> str | None:
        if not uses.startswith("./"):
            if asked is not None:
                asked.add(uses)
            if uses not in kept and (text := _remote_text(uses, remote)) is not None:
                kept[uses] = text
            return kept.get(uses)
        path = os.path.normpath(uses)
        if asked is not None:
            asked.add(path)
        if path not in kept:
            place = os.path.realpath(f"{top}/{path}")
            if os.path.commonpath((place, top)) != top or not os.path.isfile(place):
                return None
            kept[path] = read_text(place)
        return kept[path]

    return called


def _remote_text(uses: str, remote: RemoteShelf | None) -> str | None:
    fetched = None if remote is None else remote.at_hand(uses)
    return None if fetched is None else workflow_text(fetched)


def _trigger_options(options: PlanOptions) -> TriggerOptions:
    return TriggerOptions(
        event=options.event,
        base=options.base,
        ref=options.ref,
        cron=options.cron,
        inputs=options.inputs,
        payload=_read_payload(options.payload_path),
        payload_path="standard input" if options.payload_path == "-" else options.payload_path,
    )


def _read_payload(path: str) -> str:
    if not path:
        return ""
    if path == "-":
        return sys.stdin.read()
    try:
        return read_text(path)
    except HostError as error:
        raise UserError(str(error), hint=error.hint) from error


def workflow_names(root: str) -> list[str]:
    """The file names in `.github/workflows`, sorted. Raises HostError when it cannot be read."""
    try:
        entries = sorted(os.listdir(f"{root}/{WORKFLOWS}"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HostError(f"`{WORKFLOWS}` cannot be read: {error.strerror}") from error
    return [
        name for name in entries if name.endswith(_SUFFIXES) and os.path.isfile(f"{root}/{WORKFLOWS}/{name}")
    ]


def read_text(path: str) -> str:
    """A file's text; bytes that are not UTF-8 stand in it as surrogates. Raises HostError."""
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise HostError(f"`{path}` cannot be read: {error.strerror}") from error


def _selected(plan: Plan, read: ReadWorkflows, options: PlanOptions) -> tuple[Plan, tuple[Finding, ...]]:
    """The plan with `--workflow` and `--job` applied, and the reading's findings that still matter."""
    if not options.workflows:
        jobs = () if read.unreadable and not plan.workflows else options.jobs
        return select_jobs(plan, jobs=jobs), read.findings
    broken = {path for path in read.unreadable if any(_names(path, name) for name in options.workflows)}
    names = [name for name in options.workflows if not any(_names(path, name) for path in broken)]
    plan = select_jobs(plan, workflows=names) if names else select_paths(plan, ())
    if options.jobs and not broken:
        plan = select_jobs(plan, jobs=options.jobs)
    kept = broken | {decision.path for decision in plan.decisions if decision.reason != NOT_SELECTED}
    kept |= {called for path in kept for called in read.called.get(path, ())}
    return plan, tuple(finding for finding in read.findings if finding.where.path in kept)


def _names(path: str, wanted: str) -> bool:
    file_name = path.rpartition("/")[2]
    return wanted.removeprefix("./") in (path, file_name, file_name.rpartition(".")[0])


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"`{text}` is not NAME=VALUE")
    return name.strip(), value


def _matrix_value(text: str) -> tuple[str, str]:
    key, colon, value = text.partition(":")
    if not colon or not key.strip():
        raise argparse.ArgumentTypeError(f"`{text}` is not KEY:VALUE")
    return key.strip(), value.strip()


_EVENT = "GitHub's event, or EVENT:TYPE (default: push)"
_TEXTS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("--base",), "REF", "pull requests: the target branch (default: the default branch)"),
    (("-e", "--payload"), "FILE", "JSON laid over the event's payload; - reads it from stdin"),
    (("--ref",), "REF", "the branch or tag the trigger is for (default: the current branch)"),
    (("--cron",), "LINE", "schedule: the line that fires (default: all)"),
)
_LISTS: tuple[tuple[tuple[str, ...], Callable[[str], object], str, str], ...] = (
    (("--input",), _assignment, "NAME=VALUE", "a dispatch input"),
    (("--var",), _assignment, "NAME=VALUE", "a value of `vars`"),
    (("-W", "--workflow"), str, "FILE", "only this workflow: file or name"),
    (("--job",), str, "JOB", "only this job and what it needs"),
    (("--matrix",), _matrix_value, "KEY:VALUE", "only legs with this value"),
)
