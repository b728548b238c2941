"""How long a run will take, from the times of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.ids import JobKey
from skep.pipeline.engine.estimate import Estimate, JobWork, estimate_run

Jobs = Mapping[str, tuple[tuple[float | None, ...], tuple[str, ...]]]
"""Name -> seconds of its legs, and what it needs."""


def estimate(jobs: Jobs, limit: int, max_parallel: int | None = None) -> Estimate:
    works = [
        JobWork(
            key=JobKey(f"ci.yml:{name}"),
            name=name,
            workflow="ci.yml",
            needs=tuple(JobKey(f"ci.yml:{need}") for need in needs),
            legs=legs,
            max_parallel=max_parallel,
        )
        for name, (legs, needs) in jobs.items()
    ]
    return estimate_run(works, jobs=limit)


CHAIN: Jobs = {
    "build": ((10,), ()),
    "test": ((20,), ("build",)),
    "deploy": ((5,), ("test",)),
    "lint": ((3,), ()),
}
WIDE: Jobs = {"test": ((10, 10, 10, 10), ())}
CASES: list[tuple[Jobs, int, float, tuple[str, ...]]] = [
    (CHAIN, 1, 38, ("build", "test", "deploy")),
    (CHAIN, 2, 35, ("build", "test", "deploy")),
    (WIDE, 1, 40, ("test",)),
    (WIDE, 3, 20, ("test",)),
    (WIDE, 4, 10, ("test",)),
    ({}, 2, 0, ()),
    ({"skipped": ((), ()), "after": ((4,), ("skipped",))}, 1, 4, ("after",)),
    ({"a": ((2,), ()), "b": ((3,), ()), "c": ((4,), ("a", "b"))}, 2, 7, ("b", "c")),
]


@pytest.mark.parametrize(("jobs", "limit", "wall_s", "path"), CASES)
def test_the_end_and_the_path_that_holds_it_up_are_found(
    jobs: Jobs, limit: int, wall_s: float, path: tuple[str, ...]
) -> None:
    found = estimate(jobs, limit)
    assert (found.wall_s, found.critical_path, found.unknown) == (wall_s, path, ())


def test_max_parallel_holds_legs_back() -> None:
    found = estimate(WIDE, 4, max_parallel=2)
    assert (found.wall_s, found.critical_s) == (20, 20)


def test_a_leg_that_never_ran_takes_what_its_siblings_take() -> None:
    found = estimate({"test": ((10, None, 12, 11), ())}, 1)
    assert (found.wall_s, found.unknown) == (44, ())


def test_a_job_that_never_ran_is_named_and_not_counted() -> None:
    found = estimate({"build": ((10,), ()), "test": ((None, None), ("build",))}, 2)
    assert (found.wall_s, found.unknown, dict(found.job_s)) == (10, ("test",), {"ci.yml:build": 10})


@st.composite
def _graphs(draw: st.DrawFn) -> Jobs:
    count = draw(st.integers(1, 7))
    legs = st.lists(st.integers(0, 50).map(float), max_size=4).map(tuple)
    jobs: dict[str, tuple[tuple[float | None, ...], tuple[str, ...]]] = {}
    for number in range(count):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        jobs[f"j{number}"] = (draw(legs), tuple(f"j{need}" for need in sorted(needs)))
    return jobs


@given(_graphs(), st.integers(1, 5))
def test_no_estimate_beats_the_critical_path_or_the_sum_of_work(jobs: Jobs, limit: int) -> None:
    found = estimate(jobs, limit)
    work = sum(leg or 0.0 for legs, _ in jobs.values() for leg in legs)
    assert found.wall_s >= found.critical_s - 1e-9
    assert found.wall_s >= work / limit - 1e-9
    assert found.wall_s <= work + 1e-9
    assert estimate(jobs, 100).wall_s == pytest.approx(found.critical_s)
