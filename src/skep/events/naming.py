"""Words typed by a user -> the workflows, jobs and steps of a run that they mean. Pure.

The most exact reading wins: the same text, the same without case, the same letters and digits, a beginning, a part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from skep.events.facts import WorkflowSkipped
from skep.events.fold import JobView, RunView, StepView, WorkflowView

T = TypeVar("T")
_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What words may mean; a step with its job."""

    workflows: tuple[WorkflowView, ...] = ()
    skipped_workflows: tuple[WorkflowSkipped, ...] = ()
    undecided: tuple[str, ...] = ()  # keys of jobs that nothing is recorded of yet
    jobs: tuple[JobView, ...] = ()
    steps: tuple[tuple[JobView, StepView], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.workflows or self.skipped_workflows or self.undecided or self.jobs or self.steps)


def everything(view: RunView) -> Meant:
    """All that has a name in a run."""
    known = {job.job for job in view.jobs} | {call.job for call in view.calls}
    return Meant(
        workflows=view.workflows,
        skipped_workflows=view.skipped_workflows,
        undecided=tuple(key for one in view.workflows for key in one.jobs if key not in known),
        jobs=view.jobs,
        steps=tuple((job, step) for job in view.jobs for step in job.steps),
    )


def find_meant(view: RunView, words: Sequence[str]) -> tuple[Meant, str | None]:
    """What the words mean, each within what those before it mean, and the first word that means nothing, or None."""
    found = everything(view)
    for number, word in enumerate(words):
        within = found if not number else _inside(view, found)
        found = _narrowed(within, word, numbers=bool(number))
        if not found:
            return within, word
    return found, None


def suggestions(within: Meant, word: str) -> tuple[str, ...]:
    """Names that look like a word, the likeliest first."""
    from difflib import get_close_matches

    names = list(dict.fromkeys(_all_names(within)))
    folded = {name.lower(): name for name in reversed(names)}
    return tuple(folded[one] for one in get_close_matches(word.lower(), folded, n=_SUGGESTIONS, cutoff=0.5))


def _inside(view: RunView, found: Meant) -> Meant:
    """The jobs of workflows and the steps of jobs."""
    whole = everything(view)
    keys = {key for one in found.workflows for key in one.jobs}
    legs = {job.leg for job in found.jobs} | {job.leg for job in whole.jobs if job.job in keys}
    return Meant(
        undecided=tuple(key for key in whole.undecided if key in keys),
        jobs=tuple(job for job in whole.jobs if job.leg in legs),
        steps=tuple((job, step) for job, step in whole.steps if job.leg in legs),
    )


def _narrowed(within: Meant, word: str, *, numbers: bool) -> Meant:
    for same in _READINGS:

        def fits(names: Iterable[str], same: Callable[[str, str], bool] = same) -> bool:
            return any(same(name, word) for name in names)

        found = Meant(
            workflows=tuple(one for one in within.workflows if fits(_workflow_names(one.path, one.name))),
            skipped_workflows=tuple(
                one for one in within.skipped_workflows if fits(_workflow_names(one.path))
            ),
            undecided=tuple(key for key in within.undecided if fits((key, key.partition(":")[2]))),
            jobs=tuple(job for job in within.jobs if fits(_job_names(job))),
            steps=tuple(
                (job, step) for job, step in within.steps if fits(_step_names(step, numbers=numbers))
            ),
        )
        if found:
            return found
    return Meant()


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


_READINGS: tuple[Callable[[str, str], bool], ...] = (
    lambda name, word: name == word,
    lambda name, word: name.lower() == word.lower(),
    lambda name, word: bool(_letters(word)) and _letters(name) == _letters(word),
    lambda name, word: bool(word) and name.lower().startswith(word.lower()),
    lambda name, word: len(word) > 1 and word.lower() in name.lower(),
)


def _workflow_names(path: str, name: str = "") -> tuple[str, ...]:
    file = path.rpartition("/")[2]
    return tuple(filter(None, (path, file, file.rpartition(".")[0], name)))


def _job_names(job: JobView) -> tuple[str, ...]:
    return job.leg, job.job, job.name, job.job.partition(":")[2], job.job.rpartition("/")[2]


def _step_names(step: StepView, *, numbers: bool) -> tuple[str, ...]:
    """A number names a step only behind its job."""
    return (step.step, step.name, *((str(step.number), f"#{step.number}") if numbers else ()))


def _all_names(within: Meant) -> Iterable[str]:
    for job in within.jobs:
        yield from (job.name, job.job.partition(":")[2])
    yield from (key.partition(":")[2] for key in within.undecided)
    for workflow in within.workflows:
        yield from _workflow_names(workflow.path, workflow.name)[1:]
    for skipped in within.skipped_workflows:
        yield from _workflow_names(skipped.path)[1:]
    for _, step in within.steps:
        yield from (step.name, step.step)
