"""What would differ from GitHub for one job: where it runs, what it uses, what its scripts take for granted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from skep.model.errors import SkepError
from skep.model.finding import Location
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
from skep.pipeline.workflow.evaluate import evaluate_node
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar
from skep.pipeline.workflow.tree import Job, Step, StepKind

from .differences import Difference, Effect, Machine, expressions_of
from .matrix import expand_strategy, strategy_context
from .outlook import runner_labels
from .script_differences import all_steps, difference, programs_missing, shells_missing

Rule = Callable[[Job, Machine], Iterator[Difference]]

_CONTEXTS_OF_EVENTS = frozenset(
    ("pull_request", "issue", "comment", "review", "release", "deployment", "workflow_run", "discussion")
)
_CONTAINERS = (
    "it runs on GitHub; here, install what the image has and drop the key, or choose other jobs with `--job`"
)


def job_differences(job: Job, machine: Machine) -> tuple[Difference, ...]:
    """What would differ for one job."""
    return tuple(one for rule in JOB_RULES for one in rule(job, machine))


# --- where it runs -----------------------------------------------------------------------------------------------------
def _labels(job: Job, machine: Machine) -> Iterator[Difference]:
    if job.runs_on is None:
        return
    seen: set[str] = set()
    hosted = ""
    for labels in _label_sets(job):
        reason = machine.unsupported_labels(labels) if labels else None
        if reason and reason not in seen:
            seen.add(reason)
            yield difference(
                job, "runner", Effect.CANNOT, job.runs_on.span, reason,
                "`skep run --allow-unsupported` lets the run pass without it; `--labels NAME` says that this machine"
                " stands for a label",
            )  # fmt: skip
        elif not reason:
            hosted = hosted or next(
                (one for one in labels if one.lower().startswith(("ubuntu", "macos"))), ""
            )
    if hosted:
        yield difference(
            job, "image", Effect.WORKS, job.runs_on.span,
            f"`{hosted}` is this machine with what is installed on it, not GitHub's image",
            "`setup-*` actions pin the versions that matter",
        )  # fmt: skip


def _label_sets(job: Job) -> Iterator[tuple[str, ...]]:
    """The labels of each leg, as far as they stand in the text."""
    try:
        strategy = expand_strategy(
            None if job.strategy is None else evaluate_node(job.strategy, Scope(contexts={}))
        )
        for leg in strategy.legs:
            contexts: dict[str, Value] = {
                "matrix": leg.values,
                "strategy": strategy_context(strategy, leg),
                "github": {},
                "inputs": {},
                "vars": {},
            }
            yield runner_labels(job.runs_on, Scope(contexts=contexts))
    except SkepError:  # it reads what only a run knows
        return


def _containers(job: Job, _machine: Machine) -> Iterator[Difference]:
    for name, node in (("container", job.container), ("services", job.services)):
        if node is not None and not (isinstance(node, Scalar) and node.value in (None, "")):
            message = f"`{name}` needs a container engine, and containers do not run here yet"
            yield difference(job, name, Effect.CANNOT, node.span, message, _CONTAINERS)


def _environment(job: Job, machine: Machine) -> Iterator[Difference]:
    node = job.environment
    if node is None:
        return
    name_node: Node | None = node.get("name") if isinstance(node, MappingNode) else node
    name = name_node.text if isinstance(name_node, Scalar) else ""
    if name and name.lower() in machine.open_environments:
        mend = "nothing is needed: `environments_open` approves it"
    else:
        mend = f"a run asks for an approval: `skep run --approve {name or 'NAME'}`; its secrets come as any other"
    yield difference(
        job, "environment", Effect.DIFFERS, node.span,
        f"the environment{f' `{name}`' if name else ''} has no protection rules, wait timer or secrets of its own here",
        mend,
    )  # fmt: skip


def _called(job: Job, machine: Machine) -> Iterator[Difference]:
    if job.uses is None or job.called is not None:
        return
    problem = f"the reusable workflow `{job.uses.text}` is not on this machine"
    if machine.remote_problem is None or (problem := machine.remote_problem(job.uses.text) or ""):
        yield difference(
            job, "reusable-workflow", Effect.CANNOT, job.uses.span,
            problem,
            "copy it to `.github/workflows` and call it by `./.github/workflows/NAME.yml`",
        )  # fmt: skip


def _snapshot(job: Job, _machine: Machine) -> Iterator[Difference]:
    message = "`snapshot` makes no image of this machine"
    if job.snapshot is not None:
        yield difference(job, "snapshot", Effect.DIFFERS, job.snapshot.span, message, "leave it to GitHub")


# --- its steps -----------------------------------------------------------------------------------------------------------
def _steps(job: Job, machine: Machine) -> Iterator[Difference]:
    for step in all_steps(job.steps):
        if step.kind not in (StepKind.RUN, StepKind.USES) or step.background is not None:
            kind = "background" if step.background is not None else step.kind.value
            message = f"`{kind}` steps do not run here yet"
            yield difference(
                job,
                "parallel-steps",
                Effect.CANNOT,
                step.span,
                message,
                "write the steps one after the other",
            )
        if step.uses is not None:
            yield from _action(job, step, step.uses, machine)


def _action(job: Job, step: Step, uses: Scalar, machine: Machine) -> Iterator[Difference]:
    text = uses.text.strip()
    if text.startswith("docker://"):
        message = f"`{text}` needs a container engine, and containers do not run here yet"
        yield difference(job, "container-action", Effect.CANNOT, uses.span, message, _CONTAINERS)
        return
    if text.startswith((".", "$/")):
        yield from _local_action(job, text, uses.span, machine, set())
        return
    if problem := _remote_problem(text, machine):
        guarded = bool(step.condition.written)
        yield difference(
            job, "action", Effect.DIFFERS if guarded else Effect.CANNOT, uses.span,
            problem + (", should its `if` be true" if guarded else ""),
            "do its work in a `run` step or in an action of your own (`./path`), or give the step an `if` that is"
            " false here",
        )  # fmt: skip


def _remote_problem(text: str, machine: Machine) -> str | None:
    """Why an action that is neither local nor a container cannot be had; None when it can."""
    name, _, ref = text.partition("@")
    if machine.has_native(name.lower(), ref):
        return None
    if machine.remote_problem is None:
        return f"the action `{text}` is not on this machine"
    return machine.remote_problem(text)


def _local_action(
    job: Job, text: str, where: Location, machine: Machine, seen: set[str]
) -> Iterator[Difference]:
    """What an action of the project stands on; one that is not there may come from a checkout."""
    action = None if text in seen else machine.local_action(text)
    seen.add(text)
    if action is None:
        return
    if action.using == "docker":
        message = f"`{text}` is a docker action, and containers do not run here yet"
        yield difference(job, "container-action", Effect.CANNOT, where, message, _CONTAINERS)
    elif action.using != "composite" and not machine.has_program("node"):
        message = f"`{text}` is a JavaScript action, and there is no `node` here"
        yield difference(job, "tool", Effect.CANNOT, where, message, "install node 20 or newer")
    for step in all_steps(action.steps):
        inner = step.uses.text.strip() if step.uses is not None else ""
        if inner.startswith((".", "$/")):
            yield from _local_action(job, inner, where, machine, seen)
        elif inner and step.uses is not None and (problem := _remote_problem(inner, machine)):
            yield difference(
                job, "action", Effect.CANNOT, step.uses.span,
                f"`{text}` uses the action `{inner}`: {problem}",
                "do its work in a `run` step of the action",
            )  # fmt: skip


def _artifacts(job: Job, _machine: Machine) -> Iterator[Difference]:
    for step in all_steps(job.steps):
        if step.uses is None or not step.uses.text.lower().startswith("actions/upload-artifact@"):
            continue
        if isinstance(step.with_, MappingNode) and (node := step.with_.get("retention-days")) is not None:
            yield difference(
                job, "artifact-retention", Effect.WORKS, node.span,
                "artifacts also go when their run is dropped (`keep_days`, `keep_count`), whatever `retention-days` says",
                "raise `keep_days` in skep.toml to keep runs longer",
            )  # fmt: skip


def _payload(job: Job, _machine: Machine) -> Iterator[Difference]:
    for expression, where in expressions_of(job):
        for path in expression.paths:
            if path[:2] == ("github", "event") and len(path) > 3 and path[2] in _CONTEXTS_OF_EVENTS:
                yield difference(
                    job, "payload", Effect.DIFFERS, where,
                    f"`{'.'.join(path)}` comes from the server's event; here it is made from git, or empty",
                    "`skep run --payload FILE` lays a JSON file over the event",
                )  # fmt: skip
                return


JOB_RULES: tuple[Rule, ...] = (
    _labels, _containers, _environment, _called, _snapshot, _steps, programs_missing, shells_missing, _artifacts,
    _payload,
)  # fmt: skip
