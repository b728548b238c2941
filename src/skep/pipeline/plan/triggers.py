"""Does a trigger start a workflow, and which filter decided? Every event and filter of `on:`.

Source: GitHub's "Workflow syntax" (`on`) and "Events that trigger workflows". How branches, tags and paths go together on push:

    pushed   branches*  tags*    starts
    branch   written    any      when the branch passes, and `paths` passes
    branch   absent     written  never: only tags were asked for
    branch   absent     absent   when `paths` passes
    tag      any        written  when the tag passes; paths are not looked at
    tag      written    absent   never
    tag      absent     absent   always
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skep.model.finding import Finding, Severity
from skep.pipeline.expressions.values import Value
from skep.pipeline.workflow.nodes import Scalar
from skep.pipeline.workflow.tree import Cron, Trigger, Workflow

from .cron import CronError, parse_cron, shortest_interval_s
from .filters import Pattern, PatternError, compile_pattern, last_match
from .values import Decision, TriggerFacts

DEFAULT_TYPES = {
    "pull_request": ("opened", "synchronize", "reopened"),
    "pull_request_target": ("opened", "synchronize", "reopened"),
}
"""Activity types that start a workflow when `types` is not written; every other event takes all of its types."""

_SHORTEST_SCHEDULE_S = 300.0
_BRANCH = "refs/heads/"
_TAG = "refs/tags/"


@dataclass(frozen=True, slots=True)
class _Verdict:
    passes: bool
    reason: str


def decide(workflow: Workflow, trigger: TriggerFacts) -> Decision:
    """Whether the trigger starts the workflow, and one sentence that names the deciding filter."""
    verdict = _verdict(workflow, trigger)
    return Decision(
        path=workflow.path,
        name=workflow.name or workflow.path,
        starts=verdict.passes,
        reason=verdict.reason,
    )


def pattern_findings(workflow: Workflow, event: str) -> tuple[Finding, ...]:
    """The filter patterns and cron lines of an event that are not valid."""
    trigger = workflow.trigger(event)
    if trigger is None:
        return ()
    lists = (
        trigger.branches, trigger.branches_ignore, trigger.tags, trigger.tags_ignore, trigger.paths,
        trigger.paths_ignore, trigger.workflows, trigger.names, trigger.versions,
    )  # fmt: skip
    findings: list[Finding] = []
    for scalar in (scalar for scalars in lists for scalar in scalars or ()):
        compiled = compile_pattern(scalar.text)
        if isinstance(compiled, PatternError):
            message = f"`{scalar.text}` is not a filter pattern: {compiled.message}"
            hint = "escape a special character with `\\`"
            findings.append(Finding(rule="filter-pattern", message=message, where=scalar.span, hint=hint))
    for cron in trigger.schedules:
        schedule = parse_cron(cron.cron)
        if isinstance(schedule, CronError):
            message = f"`{cron.cron}` is not a cron line: {schedule.message}"
            findings.append(Finding(rule="cron", message=message, where=cron.span))
        elif shortest_interval_s(schedule) < _SHORTEST_SCHEDULE_S:
            message = f"`{cron.cron}` fires more often than every 5 minutes, which GitHub does not do"
            findings.append(
                Finding(rule="cron-interval", message=message, where=cron.span, severity=Severity.WARNING)
            )
    return tuple(findings)


def matching_schedules(schedules: Sequence[Cron], line: str) -> tuple[Cron, ...]:
    """The entries of `on.schedule` that a fired line means: all for '', else those of the same five fields."""
    wanted = line.split()
    return tuple(cron for cron in schedules if not wanted or cron.cron.split() == wanted)


def _verdict(workflow: Workflow, trigger: TriggerFacts) -> _Verdict:
    if trigger.event == "workflow_call":
        return _Verdict(
            False, "`workflow_call` does not start a workflow by itself; another workflow calls it"
        )
    on = workflow.trigger(trigger.event)
    if on is None:
        return _Verdict(False, _not_listening(workflow, trigger.event))
    reasons: list[str] = []
    for check in _CHECKS:
        verdict = check(on, trigger)
        if verdict is None:
            continue
        if not verdict.passes:
            return verdict
        reasons.append(verdict.reason)
    return _Verdict(True, "; ".join(reasons) or f"it listens to `{on.event}`")


def _not_listening(workflow: Workflow, event: str) -> str:
    events = [trigger.event for trigger in workflow.triggers]
    if events == ["workflow_call"]:
        return "it is only called by other workflows"
    listened = ", ".join(f"`{name}`" for name in events) or "nothing"
    return f"it does not listen to `{event}`; `on` has {listened}"


def _types(on: Trigger, trigger: TriggerFacts) -> _Verdict | None:
    if not trigger.action:
        return None
    if on.types is None:
        defaults = DEFAULT_TYPES.get(on.event)
        if defaults is None or trigger.action in defaults:
            return None
        listed = ", ".join(f"`{name}`" for name in defaults)
        return _Verdict(
            False, f"type `{trigger.action}` is not among {listed}, which `{on.event}` means without `types`"
        )
    if any(scalar.text == trigger.action for scalar in on.types):
        return _Verdict(True, f"type `{trigger.action}` is in `types`")
    listed = ", ".join(f"`{scalar.text}`" for scalar in on.types) or "nothing"
    return _Verdict(False, f"type `{trigger.action}` is not in `types`, which has {listed}")


def _push_ref(on: Trigger, trigger: TriggerFacts) -> _Verdict | None:
    if on.event != "push":
        return None
    branch_filter = on.branches is not None or on.branches_ignore is not None
    tag_filter = on.tags is not None or on.tags_ignore is not None
    if trigger.ref.startswith(_TAG):
        name = trigger.ref.removeprefix(_TAG)
        if not tag_filter and branch_filter:
            return _Verdict(False, f"tag `{name}`: only branches are filtered, so no tag starts it")
        return _names("tag", name, ("tags", on.tags), ("tags-ignore", on.tags_ignore))
    name = trigger.ref.removeprefix(_BRANCH)
    if not branch_filter and tag_filter:
        return _Verdict(False, f"branch `{name}`: only tags are filtered, so no branch starts it")
    return _names("branch", name, ("branches", on.branches), ("branches-ignore", on.branches_ignore))


def _base_branch(on: Trigger, trigger: TriggerFacts) -> _Verdict | None:
    if on.event == "push":
        return None
    name = _filtered_branch(on.event, trigger)
    noun = "branch" if on.event == "workflow_run" else "base branch"
    return _names(noun, name, ("branches", on.branches), ("branches-ignore", on.branches_ignore))


def _filtered_branch(event: str, trigger: TriggerFacts) -> str:
    if event == "workflow_run":
        return _text_at(trigger.payload, "workflow_run", "head_branch") or trigger.ref.removeprefix(_BRANCH)
    return trigger.base_ref or trigger.ref.removeprefix(_BRANCH)


def _paths(on: Trigger, trigger: TriggerFacts) -> _Verdict | None:
    if on.paths is None and on.paths_ignore is None:
        return None
    if trigger.ref.startswith(_TAG):
        return None
    key = "paths" if on.paths is not None else "paths-ignore"
    if trigger.changed_paths is None:
        return _Verdict(True, f"the changed files are not known, so `{key}` passes")
    if on.paths is not None:
        return _paths_taken(on.paths, trigger.changed_paths)
    return _paths_ignored(on.paths_ignore or (), trigger.changed_paths)


def _paths_taken(scalars: Sequence[Scalar], changed: Sequence[str]) -> _Verdict:
    patterns, wrong = _compiled(scalars, "paths")
    if wrong is not None:
        return wrong
    for path in changed:
        deciding = last_match(patterns, path)
        if deciding is not None and not deciding.negated:
            return _Verdict(True, f"`{_shown(path)}` matches `{deciding.text}` of `paths`")
    if not changed:
        return _Verdict(False, "no file changed, and `paths` needs one")
    return _Verdict(False, f"no changed file matches `paths` ({_some(changed)})")


def _paths_ignored(scalars: Sequence[Scalar], changed: Sequence[str]) -> _Verdict:
    patterns, wrong = _compiled(scalars, "paths-ignore")
    if wrong is not None:
        return wrong
    for path in changed:
        deciding = last_match(patterns, path)
        if deciding is None or deciding.negated:
            return _Verdict(True, f"`{_shown(path)}` is not in `paths-ignore`")
    if not changed:
        return _Verdict(True, "no file changed, so `paths-ignore` has nothing to ignore")
    return _Verdict(False, f"every changed file is in `paths-ignore` ({_some(changed)})")


def _schedule(on: Trigger, trigger: TriggerFacts) -> _Verdict | None:
    if on.event != "schedule":
        return None
    chosen = matching_schedules(on.schedules, trigger.schedule)
    if not chosen:
        listed = ", ".join(f"`{cron.cron}`" for cron in on.schedules)
        return _Verdict(False, f"no line of `schedule` is `{trigger.schedule}`; it has {listed}")
    for cron in chosen:
        schedule = parse_cron(cron.cron)
        if isinstance(schedule, CronError):
            return _Verdict(False, f"`{cron.cron}` is not a cron line: {schedule.message}")
    return _Verdict(True, "`schedule` has " + ", ".join(_shown_cron(cron) for cron in chosen))


def _workflow_names(on: Trigger, trigger: TriggerFacts) -> _Verdict | None:
    if on.event != "workflow_run" or on.workflows is None:
        return None
    if not trigger.workflow_name:
        return _Verdict(True, "the workflow that ran is not named, so `workflows` passes")
    return _names("workflow", trigger.workflow_name, ("workflows", on.workflows), ("", None))


def _images(on: Trigger, trigger: TriggerFacts) -> _Verdict | None:
    if on.event != "image_version":
        return None
    for noun, key, scalars in (("name", "names", on.names), ("version", "versions", on.versions)):
        text = _text_at(trigger.payload, noun) or _text_at(trigger.payload, "image_version", noun)
        verdict = _names(f"image {noun}", text, (key, scalars), ("", None))
        if verdict is not None and not verdict.passes:
            return verdict
    return None


_CHECKS: tuple[Callable[[Trigger, TriggerFacts], _Verdict | None], ...] = (
    _types, _workflow_names, _images, _schedule, _push_ref, _base_branch, _paths,
)  # fmt: skip

_Filter = tuple[str, Sequence[Scalar] | None]


def _names(noun: str, name: str, wanted: _Filter, ignored: _Filter) -> _Verdict | None:
    """The verdict of a filter and its `-ignore` twin on one name; None when neither is written."""
    key, scalars = wanted
    if scalars is not None:
        patterns, wrong = _compiled(scalars, key)
        deciding = last_match(patterns, name)
        if wrong is not None:
            return wrong
        if deciding is None:
            return _Verdict(False, f"{noun} `{name}` matches no pattern of `{key}`")
        if deciding.negated:
            return _Verdict(False, f"{noun} `{name}` is taken out by `{deciding.text}` of `{key}`")
        return _Verdict(True, f"{noun} `{name}` matches `{deciding.text}` of `{key}`")
    key, scalars = ignored
    if scalars is not None:
        patterns, wrong = _compiled(scalars, key)
        deciding = last_match(patterns, name)
        if wrong is not None:
            return wrong
        if deciding is not None and not deciding.negated:
            return _Verdict(False, f"{noun} `{name}` matches `{deciding.text}` of `{key}`")
        return _Verdict(True, f"{noun} `{name}` is not in `{key}`")
    return None


def _compiled(scalars: Sequence[Scalar], key: str) -> tuple[list[Pattern], _Verdict | None]:
    patterns: list[Pattern] = []
    for scalar in scalars:
        compiled = compile_pattern(scalar.text)
        if isinstance(compiled, PatternError):
            return [], _Verdict(False, f"`{scalar.text}` of `{key}` is not a pattern: {compiled.message}")
        patterns.append(compiled)
    return patterns, None


def _text_at(value: Value, *keys: str) -> str:
    for key in keys:
        if not isinstance(value, dict):
            return ""
        value = value.get(key)
    return value if isinstance(value, str) else ""


def _shown(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(f"`{_shown(path)}`" for path in paths[:3])
    return shown + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _shown_cron(cron: Cron) -> str:
    return f"`{cron.cron}`" + (f" ({cron.timezone})" if cron.timezone != "UTC" else "")
