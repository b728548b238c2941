"""Runs begun, listed, found and read back."""

import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from skep.events.fold import fold
from skep.model.errors import StoreError, UserError
from skep.store.local.paths import StatePaths, state_paths
from skep.store.local.records import RunRecords, new_run_id
from skep.testing.facts import BUILD, NOON, RUN_STEP, run_body, run_started

from .recording import begin, never, record


def test_a_run_reads_back_as_it_was_published(records: RunRecords) -> None:
    run_id = record(records)
    expected = [run_started(run_id), *run_body()]
    assert list(records.facts(run_id)) == expected
    assert records.view(run_id) == fold(expected, alive=False)


def test_the_list_shows_the_newest_run_first(records: RunRecords) -> None:
    ids = [record(records) for _ in range(3)]
    rows = records.list_runs(limit=2)
    assert [row.run_id for row in rows] == [ids[2], ids[1]]
    first = rows[0]
    assert (first.number, first.status, first.event, first.workflows) == (3, "failure", "push", ("CI",))
    assert (first.duration_s, first.finished_at) == (4.0, NOON + 4)


def test_a_number_is_never_given_twice_even_when_its_run_is_gone(
    records: RunRecords, paths: StatePaths
) -> None:
    other = RunRecords(paths)
    numbers = [
        records.reserve(NOON, bytes).number,
        other.reserve(NOON, bytes).number,
        records.reserve(NOON, bytes).number,
    ]
    other.close()
    assert numbers == [1, 2, 3]


def test_run_ids_sort_by_the_second_of_their_start() -> None:
    ids = [new_run_id(NOON + second, lambda size: b"\xff" * size) for second in range(3)]
    assert ids[0] == "20261120T120000-ffffff"
    assert ids == sorted(ids)


def test_a_living_run_is_running_and_a_left_one_is_interrupted(records: RunRecords) -> None:
    sink = begin(records)
    assert records.list_runs()[0].status == "running"
    assert records.view(sink.run_id).status == "running"
    sink.close()  # without RunFinished: as after a crash
    assert records.list_runs()[0].status == "interrupted"
    assert records.view(sink.run_id).status == "interrupted"


@pytest.mark.parametrize("wanted", ["last", "2", "#2", "20261120T120002-000000", "20261120T120002"])
def test_a_run_is_found_by_word_number_id_or_beginning(records: RunRecords, wanted: str) -> None:
    _, second = record(records), record(records)
    assert records.find(wanted) == second


def test_a_beginning_that_fits_several_runs_is_refused_with_their_names(records: RunRecords) -> None:
    record(records), record(records)
    with pytest.raises(UserError, match="several") as caught:
        records.find("2026")
    assert "20261120T120001-000000" in caught.value.hint


@pytest.mark.parametrize("wanted", ["last", "7", "nonsense", "", "%"])
def test_a_run_that_does_not_exist_is_the_users_error(records: RunRecords, wanted: str) -> None:
    with pytest.raises(UserError):
        records.find(wanted)


def test_expected_durations_are_medians_of_successes(records: RunRecords) -> None:
    assert not records.expected_durations().jobs
    for _ in range(3):
        record(records)
    expected = records.expected_durations()
    assert expected.jobs == {BUILD: 2.0}  # the failed job says nothing
    assert expected.steps == {(BUILD, RUN_STEP): 1.5}


def test_folders_are_for_this_user_alone(records: RunRecords, paths: StatePaths) -> None:
    run_id = record(records)
    for folder in (paths.state_dir, paths.repository, paths.run(run_id).root, paths.run(run_id).logs):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700


def test_a_repository_has_one_place_whatever_link_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert state_paths("/s", str(tmp_path / "link")) == state_paths("/s", str(tmp_path / "real"))
    assert state_paths("/s", str(tmp_path)) != state_paths("/s", str(tmp_path / "real"))


# --- what was tampered with ---------------------------------------------------------------------------------
def tamper(paths: StatePaths, statement: str) -> None:
    connection = sqlite3.connect(paths.database)
    with connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


@pytest.mark.parametrize(
    ("statement", "sequence"),
    [
        ("UPDATE journal SET entry = replace(entry, 'failure', 'success') WHERE sequence = 16", 16),
        ("UPDATE journal SET hash = 'x' WHERE sequence = 3", 3),
        ("DELETE FROM journal WHERE sequence = 4", 4),
        ("DELETE FROM journal WHERE sequence > 17", 18),
        ("DELETE FROM journal", 1),
        ("UPDATE runs SET head = 'x'", 19),
    ],
)
def test_tampering_is_found_with_the_first_bad_entry(
    records: RunRecords, paths: StatePaths, statement: str, sequence: int
) -> None:
    run_id = record(records)
    assert records.verify(run_id) is None
    tamper(paths, statement)
    broken = records.verify(run_id)
    assert broken is not None
    assert broken.sequence == sequence


def test_a_status_that_the_journal_does_not_say_is_found(records: RunRecords, paths: StatePaths) -> None:
    run_id = record(records)
    tamper(paths, "UPDATE runs SET status = 'success'")
    broken = records.verify(run_id)
    assert broken is not None
    assert "status" in broken.reason


def test_an_unreadable_entry_is_a_store_error_that_names_it(records: RunRecords, paths: StatePaths) -> None:
    run_id = record(records)
    tamper(paths, "UPDATE journal SET entry = '{' WHERE sequence = 2")
    with pytest.raises(StoreError, match="entry 2"):
        records.view(run_id)


def test_an_unreadable_entry_does_not_spoil_the_estimates(records: RunRecords, paths: StatePaths) -> None:
    record(records)
    tamper(paths, """UPDATE journal SET entry = '"fact":"job_finished"' WHERE entry LIKE '%job_finished%'""")
    expected = records.expected_durations()
    assert (dict(expected.jobs), dict(expected.steps)) == ({}, {(BUILD, RUN_STEP): 1.5})


def test_one_run_cannot_begin_twice(records: RunRecords) -> None:
    sink = begin(records)
    with pytest.raises(StoreError):
        records.begin(run_started(sink.run_id, number=9), on_failure=never)
    sink.close()


def test_a_ref_that_is_no_utf_8_and_a_huge_limit_stop_nothing(records: RunRecords) -> None:
    started = replace(run_started(), ref="refs/heads/\udcff")
    records.begin(started, on_failure=never).close()
    assert records.verify(started.run_id) is None
    assert [row.ref for row in records.list_runs(10**30)] == ["refs/heads/\\udcff"]
    with pytest.raises(UserError):
        records.find("\udcff")
