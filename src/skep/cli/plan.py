"""Which workflows a trigger starts and why, and what their jobs are.

Nothing runs and nothing is recorded.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from textwrap import shorten

from skep.cli.log_text import plain_line
from skep.cli.plan_times import earlier_times, estimate_json, estimate_plan, estimate_text, job_seconds
from skep.cli.remote import with_policy
from skep.cli.remote_opening import remote_opener
from skep.cli.tables import duration_text
from skep.pipeline.engine.estimate import Estimate
from skep.pipeline.engine.support import Problem, unsupported_job
from skep.pipeline.natives.known import is_native
from skep.pipeline.plan.contexts import ref_name
from skep.pipeline.plan.outlook import JobOutlook, LegOutlook, OutlookOptions, Verdict, workflow_outlook
from skep.pipeline.plan.select import NOT_SELECTED
from skep.pipeline.plan.values import Decision, Plan, TriggerFacts, WorkflowPlan
from skep.pipeline.runners.labels import host_labels, unsupported_reason

from .findings import finding_json, render_finding
from .loading import LoadedPlan, PlanOptions, add_plan_arguments, load_plan, plan_options
from .project import add_setting_flags, open_project

_SHOWN_PATHS = 3
_SHOWN_LEGS = 6
_SHOWN_REASON = 160
_SHORT_SHA = 9

Outlooks = Mapping[str, tuple[JobOutlook, ...]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    add_plan_arguments(parser)
    add_setting_flags(parser, "labels", "jobs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the plan. 0, or 2 when a workflow cannot be used as it is."""
    project = open_project(args)
    options = replace(plan_options(args), root=project.root)
    loaded = with_policy(load_plan(options, remote_opener(project)))
    problem = loaded.remote.problem if loaded.remote is not None else None
    asked = _outlook_options(options, project.settings.labels, problem)
    outlooks = {item.key: workflow_outlook(item, asked) for item in loaded.plan.workflows}
    times = earlier_times(project.paths)
    estimate = estimate_plan(loaded.plan.workflows, outlooks, times, jobs=project.settings.jobs)
    if args.json:
        print(json.dumps(_as_json(loaded, outlooks, estimate), indent=2, ensure_ascii=True))
    else:
        print("\n".join(map(plain_line, _as_text(loaded, outlooks, estimate if times else None))))
        _print_findings(loaded)
    return 2 if loaded.has_errors else 0


def _outlook_options(
    options: PlanOptions, labels: Sequence[str], remote_problem: Problem | None
) -> OutlookOptions:
    own = host_labels(labels)
    return OutlookOptions(
        variables=dict(options.variables),
        matrix=options.matrix,
        unsupported=lambda labels: unsupported_reason(labels, own=own),
        unsupported_job=lambda job: unsupported_job(job, is_native, remote_problem),
    )


def _print_findings(loaded: LoadedPlan) -> None:
    sys.stdout.flush()
    for finding in loaded.findings:
        source = loaded.sources.get(finding.where.path)
        print(f"\n{render_finding(finding, source, colour=False)}", file=sys.stderr)


# --- text ----------------------------------------------------------------------------------------------------------
def _as_text(loaded: LoadedPlan, outlooks: Outlooks, estimate: Estimate | None) -> Iterable[str]:
    yield _trigger_line(loaded)
    for item in loaded.plan.workflows:
        yield ""
        yield from _workflow_lines(item, loaded.plan, outlooks[item.key], estimate)
    if estimate is not None and loaded.plan.workflows:
        yield ""
        yield estimate_text(estimate)
    waiting = [one for one in loaded.plan.decisions if not one.starts and one.reason != NOT_SELECTED]
    if waiting:
        yield ""
        yield "does not start:" if loaded.plan.workflows else "nothing starts:"
        width = max(len(_file(decision.path)) for decision in waiting)
        for decision in waiting:
            yield f"  {_file(decision.path):<{width}}  {decision.reason}"
    elif not loaded.workflows and not loaded.findings:
        yield "there is no workflow in `.github/workflows`"


def _trigger_line(loaded: LoadedPlan) -> str:
    trigger = loaded.trigger
    sha = trigger.sha[:_SHORT_SHA] if trigger.sha.strip("0") else "no commit"
    event = f"{trigger.event} ({trigger.action})" if trigger.action else trigger.event
    where = f"`{ref_name(trigger.ref)}`"
    if trigger.base_ref:
        where = f"`{trigger.head_ref or ref_name(trigger.ref)}` into `{trigger.base_ref}`"
    return f"{event} of {where} at {sha} by {loaded.repository.actor}{_changed(trigger)}"


def _changed(trigger: TriggerFacts) -> str:
    paths, since = trigger.changed_paths, trigger.changed_since
    if paths is None:
        return f", changed files not known: {since}" if since else ""
    shown = ", ".join(_printable(path) for path in paths[:_SHOWN_PATHS])
    more = f", and {len(paths) - _SHOWN_PATHS} more" if len(paths) > _SHOWN_PATHS else ""
    files = "file" if len(paths) == 1 else "files"
    return f", {len(paths)} changed {files} ({since})" + (f": {shown}{more}" if paths else "")


def _workflow_lines(
    item: WorkflowPlan, plan: Plan, jobs: Sequence[JobOutlook], estimate: Estimate | None
) -> Iterable[str]:
    reason = next((one.reason for one in plan.decisions if one.path == item.workflow.path), "")
    name = item.workflow.name
    yield item.key + (f"  {name}" if name else "") + (f": {item.run_name}" if item.run_name != name else "")
    yield f"  starts: {reason}"
    rows = [_job_row(job, None if estimate is None else job_seconds(estimate, item, job)) for job in jobs]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        yield ("  " + "  ".join([*cells, *row[3:]])).rstrip()


def _job_row(job: JobOutlook, takes_s: float | None) -> tuple[str, str, str, str]:
    after = f"after {', '.join(job.needs)}" if job.needs else ""
    verdict = {Verdict.RUNS: "", Verdict.SKIPPED: "skipped: ", Verdict.LATER: "decided later: "}[job.verdict]
    takes = f"about {duration_text(takes_s)}" if takes_s is not None else ""
    notes = [takes, verdict + shorten(job.reason, _SHOWN_REASON, placeholder=" ...")]
    if job.calls:
        notes.append(f"calls {job.calls}")
    if job.problem:
        notes.append(f"cannot be planned: {job.problem}")
    elif job.legs is None and job.verdict is not Verdict.SKIPPED:
        notes.append("matrix known when its needs have ended")
    elif job.is_matrix and job.legs is not None:
        notes.append(_legs_text(job.legs))
    if job.verdict is not Verdict.SKIPPED:
        reasons = [job.unsupported] if job.unsupported else [leg.unsupported for leg in job.legs or ()]
        notes.extend(f"not here: {reason}" for reason in dict.fromkeys(filter(None, reasons)))
    return job.id, after, _labels(job.legs or ()), "; ".join(filter(None, notes))


def _labels(legs: Sequence[LegOutlook]) -> str:
    return " | ".join(dict.fromkeys(", ".join(leg.labels) for leg in legs))


def _legs_text(legs: Sequence[LegOutlook]) -> str:
    if not legs:
        return "no leg is selected"
    shown = " | ".join(leg.name for leg in legs[:_SHOWN_LEGS])
    more = f" | and {len(legs) - _SHOWN_LEGS} more" if len(legs) > _SHOWN_LEGS else ""
    return f"{len(legs)} {'leg' if len(legs) == 1 else 'legs'}: {shown}{more}"


def _file(path: str) -> str:
    return path.rpartition("/")[2]


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# --- JSON ----------------------------------------------------------------------------------------------------------
def _as_json(loaded: LoadedPlan, outlooks: Outlooks, estimate: Estimate) -> dict[str, object]:
    trigger = loaded.trigger
    paths = trigger.changed_paths
    return {
        "trigger": {
            "event": trigger.event,
            "action": trigger.action,
            "ref": trigger.ref,
            "sha": trigger.sha,
            "before": trigger.before,
            "base_ref": trigger.base_ref,
            "head_ref": trigger.head_ref,
            "schedule": trigger.schedule,
            "changed_paths": None if paths is None else [_printable(path) for path in paths],
        },
        "repository": {"name": loaded.repository.repository, "actor": loaded.repository.actor},
        "workflows": [
            _workflow_json(item, loaded.plan, outlooks[item.key], estimate) for item in loaded.plan.workflows
        ],
        "estimate": estimate_json(estimate),
        "not_started": [_decision_json(one) for one in loaded.plan.decisions if not one.starts],
        "findings": [finding_json(finding) for finding in loaded.findings],
    }


def _workflow_json(
    item: WorkflowPlan, plan: Plan, jobs: Sequence[JobOutlook], estimate: Estimate
) -> dict[str, object]:
    decision = next(one for one in plan.decisions if one.path == item.workflow.path)
    return {
        **_decision_json(decision),
        "key": item.key,
        "run_name": item.run_name,
        "inputs": dict(item.inputs),
        "jobs": [{**_job_json(job), "expected_s": job_seconds(estimate, item, job)} for job in jobs],
    }


def _job_json(job: JobOutlook) -> dict[str, object]:
    legs = None
    if job.legs is not None:
        legs = [
            {"name": leg.name, "runs_on": list(leg.labels), "unsupported": leg.unsupported or None}
            for leg in job.legs
        ]
    return {
        "id": job.id,
        "needs": list(job.needs),
        "verdict": job.verdict.value,
        "reason": job.reason,
        "legs": legs,
        "matrix": job.is_matrix,
        "fail_fast": job.fail_fast,
        "max_parallel": job.max_parallel,
        "calls": job.calls or None,
        "problem": job.problem or None,
        "unsupported": job.unsupported or None,
    }


def _decision_json(decision: Decision) -> dict[str, object]:
    return {"path": decision.path, "name": decision.name, "reason": decision.reason}
