"""`skep why` as typed, on records that were written by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from skep.events import facts as f
from skep.events.facts import Fact
from skep.model.ids import StepId
from skep.store.local.paths import StatePaths
from skep.store.local.records import RunRecords
from skep.testing.facts import NOON, TEST, run_body

from .conftest import Call
from .test_main import modules_imported_by

RUNS = 10_000


def test_the_last_run_is_explained_with_the_last_lines_of_what_failed(skep: Call, run_id: str) -> None:
    said = skep("why")
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        f"run #1 (push, {run_id}): failure\n"
        "\n"
        "`test (3.11)` failed in step 1 `Test` with exit code 1\n"
        "  test_a.py:7: 1 != 2\n"
        "  | red\n"
        "  | ^[]0;x^G\n"
        "  | 1 != 2\n"
        "  whole log: skep logs 1 --job 'test (3.11)' --step 1\n"
        "\n"
        "`lint` was skipped: `if` is false: github.event_name\n"
        "\n"
        "`docs.yml` did not start: no changed path matches `docs/**`\n"
    )


@pytest.mark.parametrize(
    "words", [("last", "lint"), ("1", "lint"), ("#1", "lint"), ("lint",), ("20261120T", "lint")]
)
def test_a_run_may_be_named_in_front(skep: Call, run_id: str, words: tuple[str, ...]) -> None:
    assert "`lint` was skipped" in skep("why", *words).out


def test_a_step_may_be_asked_for_by_its_number(skep: Call, run_id: str) -> None:
    assert "`Compile` of `build` succeeded" in skep("why", "build", "1").out


def test_what_it_says_is_also_json(skep: Call, run_id: str) -> None:
    said = skep("why", "test", "--json").json
    assert isinstance(said, dict)
    assert said["run"] == {"id": run_id, "number": 1, "status": "failure", "event": "push"}
    one = said["explanations"][0]
    assert set(one) == {
        *("kind", "key", "name", "status", "started", "sentence", "because", "chain", "annotations", "log"),
    }
    assert one["chain"] == [{"kind": "step", "key": "__run", "name": "Test", "status": "failure"}]
    assert one["log"]["last_lines"][-1] == "1 != 2"


def test_a_run_in_which_all_is_well_says_so(skep: Call, recorded: Callable[[list[Fact]], str]) -> None:
    recorded([f.RunFinished(at=NOON, status="success", duration_s=1.0, cpu_s=0.0)])
    assert "everything succeeded" in skep("why").out


def test_names_and_reasons_cannot_act_on_a_terminal(
    skep: Call, recorded: Callable[[list[Fact]], str]
) -> None:
    bad = "x\x1b]0;title\x07y"
    facts: list[Fact] = [
        f.JobSkipped(at=NOON, job=TEST, leg=TEST, name=bad, reason=bad, because=(bad,)),  # type: ignore[arg-type]
    ]
    recorded(facts)
    assert "\x1b" not in skep("why").out


def test_a_run_that_was_dropped_while_it_was_looked_at_is_an_error_with_a_hint(
    skep: Call, run_id: str, paths: StatePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process drops it between finding and reading: played by dropping it when its life is asked for."""
    real = RunRecords.is_alive

    def drop(records: RunRecords, asked: str) -> bool:
        connection = sqlite3.connect(paths.database)
        for table in ("journal", "runs"):
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (asked,))
        connection.commit()
        connection.close()
        return real(records, asked)

    monkeypatch.setattr(RunRecords, "is_alive", drop)
    said = skep("why")
    assert said.code == 2
    assert said.err == (
        f"error: run `{run_id}` has been dropped\n\nhint: `skep runs` lists the runs that are kept\n"
    )


def test_logs_that_are_gone_are_no_obstacle(skep: Call, run_id: str, paths: StatePaths) -> None:
    for file in Path(paths.run(run_id).logs).iterdir():
        file.unlink()
    assert (
        "`test (3.11)` failed in step 1 `Test` with exit code 1\n  test_a.py:7: 1 != 2\n\n" in skep("why").out
    )


def test_asking_why_imports_neither_asyncio_nor_yaml_nor_the_pipeline(project: Path) -> None:
    imported = modules_imported_by("why")
    assert "skep.cli.why" in imported
    assert not imported & {"asyncio", "yaml", "tomllib", "statistics", "http", "ssl", "skep.cache.artifacts"}
    assert not {name for name in imported if name.startswith("skep.pipeline")}


@pytest.fixture
def long_history(run_id: str, paths: StatePaths) -> StatePaths:
    """10,000 runs, copies of the first."""
    connection = sqlite3.connect(paths.database)
    with connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO runs SELECT printf('20261121T120000-%06x', i), i, status, event, ref, sha, workflows,"
            " started_at + i, finished_at + i, duration_s, facts, head, size_bytes FROM runs, n",
            (RUNS,),
        )
        connection.execute(
            "INSERT INTO journal SELECT runs.run_id, sequence, entry, hash FROM journal, runs"
            " WHERE journal.run_id = ? AND runs.run_id != ?",
            (run_id, run_id),
        )
    connection.close()
    return paths


def test_a_history_of_ten_thousand_runs_is_read_where_it_is_asked_for_only(
    skep: Call, long_history: StatePaths
) -> None:
    assert skep("runs", "--limit", "2").out.splitlines()[1].startswith("#10000 ")
    assert "`test (3.11)` failed" in skep("why").out
    assert "`lint` was skipped" in skep("why", "5000", "lint").out
    assert "hello" in skep("logs", "1", "--job", "build").out
    connection = sqlite3.connect(long_history.database)
    records = RunRecords(long_history)
    seen: list[str] = []
    records._connection.set_trace_callback(seen.append)
    records.find("9999")
    records.find("last")
    records.view("20261121T120000-001234")
    assert records.expected_durations().jobs == {"ci.yml:build": 2.0}
    records._connection.set_trace_callback(None)
    records.close()
    plans = [row[3] for query in seen for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    connection.close()
    assert [plan for plan in plans if plan.startswith("SCAN journal")] == []
    assert any("SEARCH journal USING PRIMARY KEY" in plan for plan in plans)


def test_the_steps_of_ten_jobs_with_one_name_are_all_explained(
    skep: Call, recorded: Callable[[list[Fact]], str]
) -> None:
    skipped = [
        f.StepFinished(
            at=NOON, leg=TEST, step=StepId(f"s{number}"), number=number, name="Upload", outcome="skipped",
            conclusion="skipped", reason="`if: false` is false", because=("`false` is false",),
        )
        for number in range(2, 5)
    ]  # fmt: skip
    recorded([*run_body()[:-1], *skipped])
    assert skep("why", "upload").out.count("`Upload` of `test (3.11)` was skipped: `if: false` is false") == 3
