"""Which lines of the tree are shown, how jobs are ordered, and what a run will take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.cli.live.estimate import expected_total
from skep.cli.live.model import LiveRun, Standing
from skep.cli.live.order import longest_ways, tree_order
from skep.cli.live.rows import choose_rows
from skep.events import facts as f
from skep.model.ids import JobKey, LegKey
from skep.testing.facts import NOON, run_started

from .script import read_script


@st.composite
def _dags(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    count = draw(st.integers(1, 12))
    names = [f"j{number}" for number in range(count)]
    needs = {
        name: tuple(
            draw(st.lists(st.sampled_from(names[:number]), unique=True, max_size=3)) if number else ()
        )
        for number, name in enumerate(names)
    }
    order = draw(st.permutations(names))
    return {name: needs[name] for name in order}


@given(needs=_dags())
def test_every_job_stands_once_behind_and_below_one_of_its_needs(needs: dict[str, tuple[str, ...]]) -> None:
    order = list(tree_order(list(needs), needs))
    ways = longest_ways(list(needs), needs, dict.fromkeys(needs, 1.0))
    assert sorted(job for job, _ in order) == sorted(needs)
    for index, (job, depth) in enumerate(order):
        assert depth == ways[job] - 1
        if depth:
            parent = next(one for one, at in reversed(order[:index]) if at == depth - 1)
            assert parent in needs[job]


@given(needs=st.dictionaries(st.sampled_from("abcde"), st.lists(st.sampled_from("abcdex")).map(tuple)))
def test_circles_and_unknown_needs_lose_no_job(needs: dict[str, tuple[str, ...]]) -> None:
    assert sorted(job for job, _ in tree_order(list(needs), needs)) == sorted(needs)


def test_a_chain_of_ten_thousand_jobs_is_no_recursion() -> None:
    jobs = [str(number) for number in range(10_000)]
    needs = {job: (jobs[index - 1],) if index else () for index, job in enumerate(jobs)}
    assert list(tree_order(jobs[::-1], needs))[-1] == ("9999", 9999)


def _many(running: int, failed: int, done: int, waiting: int) -> LiveRun:
    run = LiveRun()
    run.take(run_started())
    names = [
        *(f"d{number}" for number in range(done)),
        *(f"f{number}" for number in range(failed)),
        *(f"r{number}" for number in range(running)),
        *(f"w{number}" for number in range(waiting)),
    ]
    keys = {name: JobKey(f"ci.yml:{name}") for name in names}
    run.take(
        f.WorkflowStarted(
            at=NOON, workflow="ci.yml", path="p/ci.yml", name="CI", run_name="", jobs=tuple(keys.values())
        )
    )
    for name, key in keys.items():
        if name[0] == "w":
            continue
        run.take(f.JobStarted(at=NOON, job=key, leg=LegKey(key), name=name, runs_on=()))
        if name[0] != "r":
            outcome = "success" if name[0] == "d" else "failure"
            run.take(
                f.JobFinished(
                    at=NOON, job=key, leg=LegKey(key), name=name, outcome=outcome, conclusion=outcome
                )
            )
    return run


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (2, {"r": 1}),
        (4, {"r": 3}),
        (6, {"r": 3, "f": 2}),
        (11, {"r": 3, "f": 2, "w": 5}),
        (21, {"r": 3, "f": 2, "w": 10, "d": 5}),
        (1100, {"r": 3, "f": 2, "w": 10, "d": 985}),
    ],
)
def test_finished_jobs_fold_first_and_running_ones_last(room: int, shown: dict[str, int]) -> None:
    rows = choose_rows(_many(running=3, failed=2, done=985, waiting=10), room)
    counted: dict[str, int] = {}
    for row in rows[1:]:
        assert row.job is not None
        counted[row.job.name[0]] = counted.get(row.job.name[0], 0) + 1
    assert counted == shown
    assert rows[0].hidden == 1000 - sum(shown.values())


def test_the_standing_of_a_matrix_is_what_matters_most() -> None:
    script = read_script(
        "0 workflow ci.yml CI: t\n0 expand t: t (1) | t (2)\n1 start t (1)\n2 end t (1): failure 1"
    )
    (job,) = script.run.jobs()
    assert (job.standing, job.is_over) == (Standing.RUNNING, False)
    script = read_script(
        "0 workflow ci.yml CI: t\n0 expand t: t (1) | t (2)\n1 end t (1): failure 1\n1 end t (2): success 1"
    )
    (job,) = script.run.jobs()
    assert (job.standing, job.is_over) == (Standing.FAILURE, True)


@pytest.mark.parametrize(
    ("expected", "slots", "seconds"),
    [
        ({}, 2, 0.0),
        ({"ci.yml:a": 3.0, "ci.yml:b": 4.0}, 9, 7.0),
        ({"ci.yml:a": 3.0, "ci.yml:b (1)": 4.0, "ci.yml:b (2)": 5.0}, 9, 8.0),
        ({"ci.yml:a": 3.0, "ci.yml:b (1)": 4.0, "ci.yml:b (2)": 5.0}, 1, 12.0),
        ({"ci.yml:b#0": 4.0, "other.yml:a": 99.0}, 1, 4.0),
    ],
)
def test_a_run_takes_its_longest_chain_or_all_its_work(
    expected: dict[str, float], slots: int, seconds: float
) -> None:
    run = read_script("0 workflow ci.yml CI: a b<-a").run
    assert expected_total(run, expected, slots) == seconds
