"""`--rerun-failed RUN`: what of an earlier run need not run again."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from skep.cache.artifacts import Artifacts
from skep.cli.loading import add_plan_arguments
from skep.events.facts import ArtifactStored, Fact, JobFinished, JobReused, RunStarted
from skep.model.errors import UserError
from skep.model.ids import LegKey, RunId
from skep.model.outcome import Outcome
from skep.store.local.records import RunRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """What `--rerun-failed` takes over."""

    run_id: RunId
    event: str
    sha: str
    legs: Mapping[LegKey, JobFinished]  # that succeeded
    artifacts: tuple[str, ...]  # names, stored by those legs
    words: tuple[str, ...] = ()  # what was typed behind `skep run`


def read_earlier(records: RunRecords, wanted: str) -> EarlierRun:
    """The run of that id, number or `last`. Raises UserError when there is none, or it is not over."""
    run_id = records.find(wanted)
    if records.is_alive(run_id):
        raise UserError(f"the run `{run_id}` is not over", hint="wait for it, or stop it with Ctrl-C")
    return fold_earlier(run_id, records.facts(run_id))


def fold_earlier(run_id: RunId, facts: Iterable[Fact]) -> EarlierRun:
    """What a journal says of successes. Pure."""
    event = sha = ""
    words: tuple[str, ...] = ()
    legs: dict[LegKey, JobFinished] = {}
    stored: list[ArtifactStored] = []
    for fact in facts:
        match fact:
            case RunStarted():
                event, sha, words = fact.event, fact.sha, fact.argv[2:]
            case JobFinished() if fact.outcome == Outcome.SUCCESS:
                legs[fact.leg] = fact
            case JobReused():
                legs[fact.leg] = JobFinished(
                    at=fact.at,
                    job=fact.job,
                    leg=fact.leg,
                    name=fact.name,
                    outcome=Outcome.SUCCESS.value,
                    conclusion=Outcome.SUCCESS.value,
                    outputs=fact.outputs,
                )
            case ArtifactStored():
                stored.append(fact)
            case _:
                pass
    kept = tuple(dict.fromkeys(fact.name for fact in stored if fact.leg in legs))
    return EarlierRun(run_id=run_id, event=event, sha=sha, legs=legs, artifacts=kept, words=words)


def chosen_as_before(args: argparse.Namespace, earlier: EarlierRun) -> argparse.Namespace:
    """The arguments of now, and for trigger, workflows, jobs, legs, inputs and variables those of then where now says nothing."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    add_plan_arguments(parser)
    nothing = parser.parse_args([])
    try:
        then, _ = parser.parse_known_args(list(earlier.words))
    except (argparse.ArgumentError, UserError):
        return args  # typed for another version of Skep
    if then.payload == "-":
        then.payload = ""  # what came in then is gone
    merged = dict(vars(args))
    for name, default in vars(nothing).items():
        if name in ("input", "var"):
            merged[name] = [*getattr(then, name), *merged[name]]  # the later one counts
        elif merged[name] == default:
            merged[name] = getattr(then, name)
    return argparse.Namespace(**merged)


def take_artifacts(artifacts: Artifacts, earlier: EarlierRun, run_id: RunId) -> None:
    """Gives the new run the artifacts of the legs that do not run again. Raises HostError."""
    for artifact in artifacts.of_run(earlier.run_id):
        if artifact.name in earlier.artifacts:
            artifacts.save(run_id, artifact)
