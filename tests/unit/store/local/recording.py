"""Writes runs for tests."""

from skep.events.facts import Fact
from skep.model.errors import StoreError
from skep.store.local.records import RunRecords
from skep.store.local.sink import JournalSink
from skep.testing.facts import NOON, run_body, run_started


def never(error: StoreError) -> None:
    """An `on_failure` that must not be called."""
    raise AssertionError(error)


def begin(records: RunRecords, *, at: float = NOON) -> JournalSink:
    """Begins a run with the next number; its id is made from the number."""
    number = records.reserve(at, bytes).number
    return records.begin(
        run_started(f"20261120T1200{number:02}-000000", number=number, at=at), on_failure=never
    )


def record(records: RunRecords, facts: list[Fact] | None = None, *, at: float = NOON) -> str:
    """A whole run; its id."""
    sink = begin(records, at=at)
    for fact in run_body() if facts is None else facts:
        sink.publish(fact)
    sink.close()
    return sink.run_id
