"""EventSink, LogStore and LogSink: the fakes and the store's drivers keep the same promises."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skep.events.facts import Fact
from skep.model.errors import StoreError
from skep.model.ids import LegKey, StepId
from skep.pipeline.ports import EventSink, LogStore
from skep.store.local.logs import FileLogStore, log_path
from skep.store.local.paths import state_paths
from skep.store.local.records import RunRecords
from skep.testing.facts import run_body, run_started
from skep.testing.records import FakeLogStore, FakeSink

LEG, OTHER_LEG = LegKey("ci.yml:build"), LegKey("ci.yml:Build")
STEP, OTHER_STEP = StepId("__run"), StepId("__run_2")


def never(error: StoreError) -> None:
    """An `on_failure` that must not be called."""
    raise AssertionError(error)


# --- facts --------------------------------------------------------------------------------------------------
@pytest.fixture(params=["fake", "sqlite"])
def sink(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[EventSink, Callable[[], list[Fact]]]]:
    """A sink, and what came out of it behind RunStarted."""
    if request.param == "fake":
        fake = FakeSink()
        yield fake, lambda: fake.facts
        return
    with closing(RunRecords(state_paths(str(tmp_path / "state"), str(tmp_path)))) as records:
        started = run_started()
        journal = records.begin(started, on_failure=never)
        yield journal, lambda: list(records.facts(started.run_id, after=1))
        journal.close()


def test_facts_come_out_as_they_went_in(sink: tuple[EventSink, Callable[[], list[Fact]]]) -> None:
    events, published = sink
    for fact in run_body():
        events.publish(fact)
    assert published() == run_body()


# --- logs ---------------------------------------------------------------------------------------------------
@pytest.fixture(params=["fake", "files"])
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[LogStore, Callable[[LegKey], bytes]]:
    """A log store, and what a leg has logged once its log is closed."""
    return open_logs(request.param, tmp_path)


def open_logs(kind: str, folder: Path) -> tuple[LogStore, Callable[[LegKey], bytes]]:
    if kind == "fake":
        fake = FakeLogStore()
        return fake, lambda leg: bytes(fake.logs[leg].data)
    store = FileLogStore(str(folder), clock=lambda: 0.0, step_limit_bytes=1 << 20, on_failure=never)
    return store, lambda leg: Path(log_path(str(folder), leg)).read_bytes()


def test_a_log_holds_what_was_written_in_order(logs: tuple[LogStore, Callable[[LegKey], bytes]]) -> None:
    store, logged = logs
    log = store.open(LEG)
    log.write(STEP, b"one\ntw")
    log.write(OTHER_STEP, b"o\n")
    log.close()
    log.close()
    assert logged(LEG) == b"one\ntwo\n"


def test_the_next_step_begins_where_the_log_tells(logs: tuple[LogStore, Callable[[LegKey], bytes]]) -> None:
    store, logged = logs
    log = store.open(LEG)
    assert log.tell() == 0
    log.write(STEP, b"first\n")
    begins = log.tell()
    log.write(OTHER_STEP, b"second\n")
    log.close()
    assert logged(LEG)[begins:] == b"second\n"


def test_legs_whose_keys_differ_in_case_only_have_logs_of_their_own(
    logs: tuple[LogStore, Callable[[LegKey], bytes]],
) -> None:
    store, logged = logs
    first, second = store.open(LEG), store.open(OTHER_LEG)
    first.write(STEP, b"a")
    second.write(STEP, b"b")
    first.close()
    second.close()
    assert (logged(LEG), logged(OTHER_LEG)) == (b"a", b"b")


@pytest.mark.parametrize("kind", ["fake", "files"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.tuples(st.sampled_from([STEP, OTHER_STEP]), st.binary(max_size=50))))
def test_any_chunks_come_out_whole(
    kind: str, chunks: list[tuple[StepId, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store, logged = open_logs(kind, tmp_path_factory.mktemp("logs"))
    log = store.open(LEG)
    for step, chunk in chunks:
        before = log.tell()
        log.write(step, chunk)
        assert log.tell() == before + len(chunk)
    log.close()
    assert logged(LEG) == b"".join(chunk for _, chunk in chunks)
