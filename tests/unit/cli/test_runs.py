"""`skep runs` and `skep events`: list, show, verify, prune, export."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from skep.cli.tables import duration_text, render_table, short_ref
from skep.events.facts import Fact
from skep.events.journal import encode_fact
from skep.store.local.paths import StatePaths
from skep.testing.facts import run_body, run_started

from .conftest import Call


def test_without_runs_the_list_says_how_to_start_one(project: Path, skep: Call) -> None:
    said = skep("runs")
    assert (said.code, said.out) == (0, "no runs yet; `skep run` starts one\n")
    assert skep("runs", "--json").json == []


def test_the_list_has_a_line_per_run(skep: Call, run_id: str) -> None:
    assert skep("runs").out.splitlines() == [
        "run  when                 trigger  ref   workflows  status   duration  id",
        f"#1   2026-11-20 12:00:00  push     main  CI         failure  4.0 s     {run_id}",
    ]


def test_the_json_list_has_every_column(skep: Call, run_id: str) -> None:
    (row,) = json.loads(skep("runs", "--json").out)
    assert row["run_id"] == run_id
    assert set(row) == {
        *("run_id", "number", "status", "event", "ref", "sha", "workflows"),
        *("started_at", "finished_at", "duration_s"),
    }


def test_the_limit_keeps_the_newest(skep: Call, recorded: Callable[[list[Fact]], str]) -> None:
    ids = [recorded(run_body()) for _ in range(3)]
    assert [row["run_id"] for row in json.loads(skep("runs", "--limit", "1", "--json").out)] == [ids[-1]]


def test_a_run_is_shown_with_its_jobs_failed_steps_and_annotations(skep: Call, run_id: str) -> None:
    assert skep("runs", "show").out.splitlines() == [
        f"run #1  {run_id}  failure",
        "push on main (5f3c5f3c5f3c), 2026-11-20 12:00:00",
        "took 4.0 s, 500 ms CPU",
        "CI  (.github/workflows/ci.yml)  failure",
        "not started: .github/workflows/docs.yml: no changed path matches `docs/**`",
        "",
        "✗ ci / test (3.11): Test: exit code 1 after 1.0 s",
        "  red",
        "  ^[]0;x^G",
        "  1 != 2",
        "",
        "annotations",
        "  test_a.py",
        "    7       error    1 != 2  (ci / test (3.11))",
        "",
        "artifacts",
        "  wheel  2 files  1.2 kB",
        "",
        "   job               result    time     CPU",
        "✓  ci / build        ok       2.0 s  500 ms",
        "-  ci / lint         skipped                 `if` is false: github.event_name",
        "✗  ci / test (3.11)  failed   1.0 s",
        "",
        "1 step wrote summaries: skep runs show 1 --summary",
    ]


def test_the_summaries_of_a_run_are_printed_alone(skep: Call, run_id: str) -> None:
    assert skep("runs", "show", "--summary").out == "summary of ci / test (3.11)\n  # 1 failed\n"


def test_a_run_whose_skep_died_is_shown_as_interrupted(
    skep: Call, recorded: Callable[[list[Fact]], str]
) -> None:
    recorded(run_body()[:6])
    assert "interrupted" in skep("runs").out
    assert skep("runs", "show").out.count("interrupted") == 3  # run, workflow, job


def test_the_json_of_a_run_carries_steps_with_log_ranges(skep: Call, run_id: str) -> None:
    view = json.loads(skep("runs", "show", run_id, "--json").out)
    (step,) = view["jobs"][0]["steps"]
    assert (view["status"], step["name"], step["log_offset"], step["log_end"]) == ("failure", "Compile", 0, 6)


@pytest.mark.parametrize(
    "words",
    [["runs", "show", "nope"], ["logs", "nope"], ["events", "export", "nope"], ["runs", "verify", "9"]],
)
def test_a_run_that_does_not_exist_ends_with_2(skep: Call, run_id: str, words: list[str]) -> None:
    said = skep(*words)
    assert (said.code, said.out) == (2, "")
    assert "hint: `skep runs` lists them" in said.err


def test_a_whole_journal_verifies_and_a_changed_one_does_not(
    skep: Call, run_id: str, paths: StatePaths
) -> None:
    assert skep("runs", "verify").code == 0
    assert json.loads(skep("runs", "verify", "--json").out) == {
        "run_id": run_id,
        "intact": True,
        "broken": None,
    }
    connection = sqlite3.connect(paths.database)
    with connection:
        connection.execute(
            "UPDATE journal SET entry = replace(entry, 'failure', 'success') WHERE sequence = 19"
        )
    connection.close()
    said = skep("runs", "verify")
    assert said.code == 1
    assert "entry 19 does not match its hash" in said.out
    assert json.loads(skep("runs", "verify", "--json").out)["broken"]["sequence"] == 19


def test_pruning_keeps_what_the_flags_say(skep: Call, recorded: Callable[[list[Fact]], str]) -> None:
    ids = [recorded(run_body()) for _ in range(3)]
    assert json.loads(skep("runs", "prune", "--keep-count", "2", "--keep-days", "0", "--json").out) == ids[:1]
    assert skep("runs", "prune", "--keep-count", "1", "--keep-days", "0").out == "dropped 1 runs\n"
    assert [row["run_id"] for row in json.loads(skep("runs", "--json").out)] == ids[2:]


def test_damaged_records_are_said_with_what_mends_them(skep: Call, run_id: str, paths: StatePaths) -> None:
    Path(paths.database).write_bytes(b"no database" * 1000)
    said = skep("runs")
    assert said.code == 1
    assert said.err.startswith("error: the records in ")
    assert "hint: move the file away" in said.err


def test_events_are_exported_as_they_are_in_the_journal(skep: Call, run_id: str) -> None:
    said = skep("events", "export", "--json-lines")
    assert said.out.splitlines() == [encode_fact(fact) for fact in (run_started(run_id), *run_body())]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.85, "850 ms"),
        (12.34, "12.3 s"),
        (59.97, "1 min 0 s"),
        (125.4, "2 min 5 s"),
        (3725.0, "1 h 2 min"),
    ],
)
def test_durations_are_short_words(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_a_table_without_rows_is_nothing() -> None:
    assert render_table(("a", "b"), []) == ""


@pytest.mark.parametrize(
    ("ref", "short"),
    [("refs/heads/a/b", "a/b"), ("refs/tags/v1", "v1"), ("refs/pull/7/merge", "pull/7/merge"), ("x", "x")],
)
def test_a_ref_is_shown_short(ref: str, short: str) -> None:
    assert short_ref(ref) == short
