"""What jobs and steps took in earlier runs, read from their journals when somebody asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from skep.events.facts import JobFinished, StepFinished
from skep.events.journal import decode_fact
from skep.model.outcome import Outcome

RUNS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDurations:
    """Medians over the last runs in which the job or step succeeded, in seconds. Unknown ones are absent."""

    jobs: Mapping[str, float]  # by leg
    steps: Mapping[tuple[str, str], float]  # by leg and step


def expected_durations(connection: sqlite3.Connection, *, steps: bool = True) -> ExpectedDurations:
    """The medians over the last `RUNS` finished runs. Raises sqlite3.Error."""
    if not steps:
        return ExpectedDurations(jobs=_job_durations(connection), steps={})
    return _all_durations(connection)


def _all_durations(connection: sqlite3.Connection) -> ExpectedDurations:
    jobs: dict[str, list[float]] = {}
    steps: dict[tuple[str, str], list[float]] = {}
    query = (
        "SELECT entry FROM journal WHERE run_id IN"
        " (SELECT run_id FROM runs WHERE finished_at IS NOT NULL ORDER BY number DESC LIMIT ?)"
        """ AND (entry LIKE '%"fact":"job_finished"%' OR entry LIKE '%"fact":"step_finished"%')"""
    )
    for (text,) in connection.execute(query, (RUNS,)):
        try:
            fact = decode_fact(text)
        except ValueError:
            continue  # a damaged entry is `runs verify`'s to report; an estimate does without it
        if isinstance(fact, JobFinished) and fact.outcome == Outcome.SUCCESS:
            jobs.setdefault(fact.leg, []).append(fact.duration_s)
        elif isinstance(fact, StepFinished) and fact.outcome == Outcome.SUCCESS:
            steps.setdefault((fact.leg, fact.step), []).append(fact.duration_s)
    return ExpectedDurations(
        jobs={leg: _median(all_s) for leg, all_s in jobs.items()},
        steps={step: _median(all_s) for step, all_s in steps.items()},
    )


def _job_durations(connection: sqlite3.Connection) -> dict[str, float]:
    """Of jobs alone: SQLite reads the entries, which takes it a fifth of the time."""
    found: dict[str, list[float]] = {}
    query = (
        "SELECT json_extract(entry, '$.leg'), json_extract(entry, '$.duration_s') FROM journal WHERE run_id IN"
        " (SELECT run_id FROM runs WHERE finished_at IS NOT NULL ORDER BY number DESC LIMIT ?)"
        """ AND instr(entry, '"fact":"job_finished"') AND json_valid(entry)"""
        " AND json_extract(entry, '$.fact') = 'job_finished' AND json_extract(entry, '$.outcome') = ?"
    )
    for leg, seconds in connection.execute(query, (RUNS, str(Outcome.SUCCESS))):
        if isinstance(leg, str) and isinstance(seconds, (int, float)):
            found.setdefault(leg, []).append(float(seconds))
    return {leg: _median(all_s) for leg, all_s in found.items()}


def _median(values: list[float]) -> float:
    """Of one or more values. (The module `statistics` costs a warm path 6 ms.)"""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
