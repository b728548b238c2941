"""The journal of one run written in batches, also when the store fails."""

import sqlite3
from collections.abc import Callable

import pytest

from skep.model.errors import StoreError
from skep.store.local.paths import StatePaths
from skep.store.local.records import RunRecords
from skep.store.local.sink import FLUSH_AFTER_S, FLUSH_AT_FACTS, JournalSink
from skep.testing.facts import NOON, run_body, run_started, step_finished

from .recording import begin


class Timers:
    """A scheduler that a test sets off itself."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, after_s: float, action: Callable[[], None]) -> None:
        assert after_s == FLUSH_AFTER_S
        self.waiting.append(action)

    def fire(self) -> None:
        waiting, self.waiting = self.waiting, []
        for action in waiting:
            action()


def written(paths: StatePaths) -> int:
    """How many facts another connection sees."""
    connection = sqlite3.connect(paths.database)
    (count,) = connection.execute("SELECT count(*) FROM journal").fetchone()
    connection.close()
    return int(count)


def begin_with(records: RunRecords, timers: Timers, errors: list[StoreError]) -> JournalSink:
    return records.begin(run_started(), on_failure=errors.append, schedule=timers)


def test_the_first_fact_is_written_at_once(records: RunRecords, paths: StatePaths) -> None:
    sink = begin(records)
    assert written(paths) == 1
    sink.close()


def test_later_facts_wait_for_one_timer_and_go_together(records: RunRecords, paths: StatePaths) -> None:
    timers, errors = Timers(), list[StoreError]()
    sink = begin_with(records, timers, errors)
    for number in range(5):
        sink.publish(step_finished(number=number))
    assert (written(paths), len(timers.waiting)) == (1, 1)
    timers.fire()
    assert (written(paths), len(timers.waiting)) == (6, 0)
    sink.close()
    assert errors == []


def test_many_facts_do_not_wait_for_the_timer(records: RunRecords, paths: StatePaths) -> None:
    timers, errors = Timers(), list[StoreError]()
    sink = begin_with(records, timers, errors)
    for number in range(FLUSH_AT_FACTS + 1):
        sink.publish(step_finished(number=number))
    assert written(paths) == 1 + FLUSH_AT_FACTS
    sink.close()
    assert written(paths) == 2 + FLUSH_AT_FACTS


def test_the_last_fact_is_written_before_publish_returns(records: RunRecords, paths: StatePaths) -> None:
    sink = begin_with(records, Timers(), [])
    for fact in run_body():
        sink.publish(fact)
    assert written(paths) == 1 + len(run_body())
    sink.close()


def test_without_a_timer_facts_are_written_as_their_times_go_on(
    records: RunRecords, paths: StatePaths
) -> None:
    sink = begin(records)
    sink.publish(step_finished(at=NOON + 0.01))
    assert written(paths) == 1
    sink.publish(step_finished(at=NOON + 0.06))
    assert written(paths) == 3
    sink.close()


def test_that_another_process_writes_is_no_failure(records: RunRecords, paths: StatePaths) -> None:
    timers, errors = Timers(), list[StoreError]()
    sink = begin_with(records, timers, errors)
    other = sqlite3.connect(paths.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    sink.publish(step_finished())
    timers.fire()
    assert len(timers.waiting) == 1  # tried again later
    other.execute("ROLLBACK")
    other.close()
    timers.fire()
    assert (written(paths), errors) == (2, [])
    sink.close()


def test_a_failing_store_is_said_once_and_the_run_goes_on(records: RunRecords, paths: StatePaths) -> None:
    timers, errors = Timers(), list[StoreError]()
    sink = begin_with(records, timers, errors)
    other = sqlite3.connect(paths.database)
    other.execute("DROP TABLE journal")
    other.close()
    for number in range(3 * FLUSH_AT_FACTS):
        sink.publish(step_finished(number=number))
    timers.fire()
    sink.publish(run_body()[-1])
    sink.close()
    assert len(errors) == 1
    assert errors[0].hint


def test_a_full_disk_is_said_once_with_what_to_do(records: RunRecords, paths: StatePaths) -> None:
    timers, errors = Timers(), list[StoreError]()
    connection = records._connection  # the only way to make sqlite believe that the disk is full
    sink = begin_with(records, timers, errors)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    for number in range(3 * FLUSH_AT_FACTS):
        sink.publish(step_finished(number=number))
    sink.close()
    assert [str(error).partition(":")[0] for error in errors] == ["the disk is full"]
    assert "prune" in errors[0].hint
    assert records.view(sink.run_id).status == "interrupted"
    assert records.verify(sink.run_id) is None


def test_nothing_is_written_after_close_and_closing_twice_is_fine(
    records: RunRecords, paths: StatePaths
) -> None:
    timers = Timers()
    sink = begin_with(records, timers, [])
    sink.publish(step_finished())
    sink.close()
    sink.close()
    timers.fire()
    sink.publish(step_finished())
    assert written(paths) == 2


@pytest.mark.parametrize("facts", [0, 1, 300])
def test_the_chain_is_whole_after_any_number_of_batches(records: RunRecords, facts: int) -> None:
    timers = Timers()
    sink = begin_with(records, timers, [])
    for number in range(facts):
        sink.publish(step_finished(number=number))
        if number % 7 == 0:
            timers.fire()
    sink.close()
    assert records.verify(sink.run_id) is None
    assert len(list(records.entries(sink.run_id))) == 1 + facts
