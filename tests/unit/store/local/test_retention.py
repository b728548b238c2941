"""Old runs go: by age, number and bytes; whole ones, never a living one, never the newest."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.errors import StoreError
from skep.store.local.locks import Lock
from skep.store.local.paths import StatePaths
from skep.store.local.records import RunRecords
from skep.store.local.retention import ORPHAN_AFTER_S, Keep, StoredRun, runs_to_drop
from skep.testing.facts import NOON

from .recording import begin, record

DAY = 86400.0


def stored(name: str, *, days: float = 0, size: int = 100, alive: bool = False) -> StoredRun:
    return StoredRun(run_id=name, started_at=NOON - days * DAY, size_bytes=size, alive=alive)


RUNS = [stored("e"), stored("d", days=1), stored("c", days=2), stored("b", days=3), stored("a", days=4)]


@pytest.mark.parametrize(
    ("keep", "dropped"),
    [
        (Keep(), ""),
        (Keep(days=2.5), "ba"),
        (Keep(count=2), "cba"),
        (Keep(size_bytes=300), "ba"),
        (Keep(size_bytes=299), "cba"),
        (Keep(count=1), "dcba"),
        (Keep(days=0.001, count=1, size_bytes=1), "dcba"),
        (Keep(days=2.5, count=4), "ba"),
    ],
)
def test_what_is_beyond_a_limit_goes_oldest_last_in_the_list(keep: Keep, dropped: str) -> None:
    assert runs_to_drop(RUNS, keep, NOON) == list(dropped)


def test_a_living_run_stays_and_counts() -> None:
    runs = [stored("c"), stored("b", alive=True, days=90), stored("a", days=91)]
    assert runs_to_drop(runs, Keep(count=1, days=1), NOON) == ["a"]


def test_one_big_run_does_not_take_the_smaller_older_ones_with_it() -> None:
    runs = [stored("d"), stored("c", size=1000), stored("b"), stored("a")]
    assert runs_to_drop(runs, Keep(size_bytes=300), NOON) == ["c"]


_days = st.integers(0, 100)


@given(
    st.lists(st.tuples(_days, st.integers(0, 1000), st.booleans())),
    _days,
    st.integers(0, 2000),
    st.integers(0, 9),
)
def test_what_stays_is_within_the_limits_or_must_stay(
    shape: Iterable[tuple[int, int, bool]], days: int, size: int, count: int
) -> None:
    runs = [stored(str(index), days=one[0], size=one[1], alive=one[2]) for index, one in enumerate(shape)]
    dropped = set(runs_to_drop(runs, Keep(days=days, size_bytes=size, count=count), NOON))
    kept = [run for run in runs if run.run_id not in dropped]
    free = [run for run in kept if not run.alive and run.run_id != "0"]
    assert kept[:1] == runs[:1]
    assert not any(run.alive for run in runs if run.run_id in dropped)
    assert all(NOON - run.started_at <= days * DAY for run in free if days)
    if free and size:
        assert sum(run.size_bytes for run in kept if int(run.run_id) <= int(free[-1].run_id)) <= size
    if free and count:
        assert len([run for run in kept if int(run.run_id) <= int(free[-1].run_id)]) <= count


def test_a_dropped_run_is_gone_with_journal_and_logs(records: RunRecords, paths: StatePaths) -> None:
    old, new = record(records, at=NOON - 40 * DAY), record(records)
    Path(paths.run(old).logs, "deep").mkdir(parents=True)
    Path(paths.run(old).logs, "deep", "wheel").write_bytes(b"x")
    assert records.prune(Keep(days=30), NOON) == (old,)
    assert [row.run_id for row in records.list_runs()] == [new]
    assert list(records.entries(old)) == []
    assert os.listdir(paths.runs) == [new]
    assert records.verify(new) is None
    assert records.prune(Keep(days=30), NOON) == ()


def test_bytes_are_those_of_logs(records: RunRecords, paths: StatePaths) -> None:
    ids = [record(records) for _ in range(3)]
    for run_id in ids:
        Path(paths.run(run_id).logs, "a.log").write_bytes(b"x" * 100_000)
    assert records.prune(Keep(size_bytes=250_000), NOON) == (ids[0],)


def test_a_run_that_still_lives_is_never_dropped(records: RunRecords, paths: StatePaths) -> None:
    living = begin(records, at=NOON - 400 * DAY)
    newest = record(records)
    other = RunRecords(paths)  # as another process would
    assert other.prune(Keep(days=1, count=1, size_bytes=1), NOON) == ()
    living.close()
    assert other.prune(Keep(days=1, count=1, size_bytes=1), NOON) == (living.run_id,)
    assert [row.run_id for row in other.list_runs()] == [newest]
    other.close()


def test_an_old_folder_without_a_record_goes_a_young_or_living_one_stays(
    records: RunRecords, paths: StatePaths
) -> None:
    for name in ("old", "young", "living"):
        paths.run(name).create()
    lock = Lock(paths.run("living").alive)
    for name in ("old", "living"):
        os.utime(paths.run(name).root, (NOON, NOON))
    os.utime(paths.run("young").root, (NOON + ORPHAN_AFTER_S, NOON + ORPHAN_AFTER_S))
    records.prune(Keep(), NOON + ORPHAN_AFTER_S + 1)
    assert sorted(os.listdir(paths.runs)) == ["living", "young"]
    lock.release()


def test_the_file_shrinks_when_runs_are_dropped(records: RunRecords, paths: StatePaths) -> None:
    for _ in range(40):
        record(records, at=NOON - 40 * DAY)
    record(records)
    connection = records._connection
    before = connection.execute("PRAGMA page_count").fetchone()[0]
    assert len(records.prune(Keep(days=30), NOON)) == 40
    assert connection.execute("PRAGMA page_count").fetchone()[0] < before / 2


def test_nothing_outside_is_removed_for_a_link_or_a_name_that_leads_there(
    records: RunRecords, paths: StatePaths, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    (precious / "20260101T000000-abcdef").mkdir(parents=True)
    for folder in (precious, precious / "20260101T000000-abcdef"):
        os.utime(folder, (1, 1))
    Path(paths.runs, "link").symlink_to(precious)
    Path(paths.runs, "broken").symlink_to("nowhere")
    record(records), record(records)
    assert len(records.prune(Keep(count=1), NOON + DAY)) == 1
    assert precious.is_dir()
    for run_id in ("../..", "..", "/etc", ""):
        with pytest.raises(OSError, match="cannot have that name"):
            paths.run(run_id)
    Path(paths.runs).rename(tmp_path / "old")
    Path(paths.runs).symlink_to(precious)
    with pytest.raises(StoreError, match="a folder of its own"):
        RunRecords(paths)
    assert os.listdir(precious) == ["20260101T000000-abcdef"]
