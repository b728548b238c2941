"""Why something ran, was skipped, failed, was cancelled or did not start, down to the root cause."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from skep.cli.log_text import for_terminal
from skep.cli.project import RUN_HELP, open_project
from skep.events.explanation import Explanation
from skep.events.naming import Meant, find_meant, suggestions
from skep.events.why import (
    NOT_STARTED,
    explain_job,
    explain_jobs,
    explain_run,
    explain_step,
    explain_undecided,
    explain_workflow,
    not_started,
)
from skep.model.errors import UserError
from skep.store.local.logs import last_lines, log_path
from skep.store.local.records import RunRecords

if TYPE_CHECKING:
    from skep.events.fold import RunView, WorkflowView

_RUN = re.compile(r"last|#?\d{1,9}|\d{8}T[0-9a-fA-FT-]*")
_LINES = 10
_SHOWN_NAMES = 12
_MAX_SHOWN = 40  # explanations of a whole run
_OWN_LINES = re.compile(r"##\[(?:error|endgroup)\](?:Process completed with exit code \d+\.)?\s*")
_GROUP = "##[group]"


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `skep why`."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="RUN|WORKFLOW|JOB|STEP",
        help=f"what to explain, the larger first: `ci build make`. A run is {RUN_HELP} (default: what did not succeed of the last run)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Prints explanations. 0, also for a run that failed."""
    records = RunRecords(open_project(args).paths)
    try:
        words: list[str] = args.words
        is_run = bool(words) and _RUN.fullmatch(words[0]) is not None
        run_id = records.find(words[0] if is_run else "last")
        view = records.view(run_id)
        found = explanations(view, words[1:] if is_run else words)
        told = [(one, _last_lines(records, view, one)) for one in found]
    finally:
        records.close()
    if args.json:
        print(json.dumps(_as_json(view, told), indent=2))
    else:
        print("\n".join(_as_text(view, told, whole=len(words) == is_run)))
    return 0


def explanations(view: RunView, words: Sequence[str]) -> tuple[Explanation, ...]:
    """What the words mean, explained; without words all that did not succeed. Raises UserError for unknown names."""
    if not words:
        return explain_run(view)
    meant, unknown = find_meant(view, words)
    if unknown is not None:
        raise _unknown(view, meant, unknown)
    return (
        *(not_started(one.path, one.reason) for one in meant.skipped_workflows),
        *(told for one in meant.workflows for told in _workflow_and_jobs(view, one)),
        *(explain_job(view, job) for job in meant.jobs),
        *(explain_undecided(view, key) for key in meant.undecided),
        *(explain_step(view, job, step) for job, step in meant.steps),
    )


def _workflow_and_jobs(view: RunView, workflow: WorkflowView) -> Iterator[Explanation]:
    yield explain_workflow(view, workflow)
    yield from explain_jobs(view, [job for job in view.jobs if job.job in workflow.jobs])


def _unknown(view: RunView, within: Meant, word: str) -> UserError:
    close = [f"`{name}`" for name in suggestions(within, word)]
    if close:
        hint = f"did you mean {' or '.join(close)}?"
    else:
        names = [job.name for job in within.jobs]
        names = names if len(names) > 1 else [*names, *(step.name for _, step in within.steps)]
        more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
        hint = f"it has {', '.join(f'`{name}`' for name in names[:_SHOWN_NAMES]) or 'no jobs'}{more}"
    return UserError(f"run #{view.number} has no workflow, job or step `{word}`", hint=hint)


def _last_lines(records: RunRecords, view: RunView, one: Explanation) -> tuple[str, ...]:
    """What the step at the root printed last, as far as it helps: of failures and of what runs."""
    job, step = one.job, one.step
    if job is None or step is None or step.status in ("success", "skipped"):
        return ()
    path = log_path(records.paths.run(view.run_id).logs, job.leg)
    lines = [
        for_terminal(line, colour=False)
        for line in last_lines(path, step.log_offset, step.log_end, lines=_LINES * 2)
    ]
    begin = next((at + 1 for at in range(len(lines) - 1, -1, -1) if lines[at].startswith("##[endgroup]")), 0)
    kept = [line for line in lines[begin:] if not _OWN_LINES.fullmatch(line)]
    return tuple(kept[-_LINES:])


# --- text ------------------------------------------------------------------------------------------------------------
def _as_text(
    view: RunView, told: Iterable[tuple[Explanation, tuple[str, ...]]], *, whole: bool
) -> Iterator[str]:
    told = list(told)
    yield f"run #{view.number} ({view.event}, {view.run_id}): {view.status}"
    if whole and not told:
        yield "everything succeeded; `skep why JOB` says why a job ran"
    shown: dict[tuple[str, str], str] = {}
    for one, lines in told[:_MAX_SHOWN] if whole else told:
        yield ""
        yield _safe(one.sentence)
        ran = "" if one.status in ("skipped", "cancelled") else "it ran because "
        yield from (f"  {ran}{_safe(sentence)}" for sentence in one.because)
        if one.job is None or one.step is None:
            continue
        root = (one.job.leg, one.step.step)
        if root in shown:  # its lines stand above already
            continue
        shown[root] = one.name
        yield from (f"  {_safe(text)}" for text in one.annotations)
        yield from (f"  | {line}" for line in lines)
        if lines:
            yield f"  whole log: skep logs {view.number} --job '{one.job.name}' --step {one.step.number}"
    if whole and len(told) > _MAX_SHOWN:
        yield f"\nand {len(told) - _MAX_SHOWN} more; `skep why {view.number} JOB` explains one, `--json` gives all"


def _safe(text: str) -> str:
    return for_terminal(text.encode("utf-8", "surrogateescape"), colour=False)


# --- JSON ------------------------------------------------------------------------------------------------------------
def _as_json(view: RunView, told: Iterable[tuple[Explanation, tuple[str, ...]]]) -> dict[str, object]:
    return {
        "run": {"id": view.run_id, "number": view.number, "status": view.status, "event": view.event},
        "explanations": [_one_json(one, lines) for one, lines in told],
    }


def _one_json(one: Explanation, lines: tuple[str, ...]) -> dict[str, object]:
    log = None
    if one.job is not None and one.step is not None:
        log = {"leg": one.job.leg, "step": one.step.step, "number": one.step.number, "last_lines": lines}
    return {
        "kind": one.kind,
        "key": one.key,
        "name": one.name,
        "status": one.status,
        "started": one.status != NOT_STARTED,
        "sentence": one.sentence,
        "because": one.because,
        "chain": [
            {"kind": cause.kind, "key": cause.key, "name": cause.name, "status": cause.status}
            for cause in one.chain
        ],
        "annotations": one.annotations,
        "log": log,
    }
