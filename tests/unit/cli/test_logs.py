"""`skep logs`: which part, in which form."""

import json
import os
import pty
import sys
import threading
from collections.abc import Callable

import pytest

from skep.cli import log_output
from skep.cli.log_text import for_terminal
from skep.cli.main import main
from skep.events.facts import Fact, StepStarted
from skep.store.local.logs import log_path
from skep.store.local.paths import StatePaths
from skep.store.local.records import RunRecords
from skep.testing.facts import BUILD, NOON, RUN_STEP, TEST, run_body, run_started, step_finished

from .conftest import Call, never

BUILD_TEXT = "=== build | step 1 Compile (success, 1.5 s)\nhello\n"
TEST_TEXT = "=== test (3.11) | step 1 Test (failure, 1.0 s)\n\x1b[31mred\x1b[0m\n\x1b]0;x\x07\n1 != 2\n"


def test_the_last_run_is_printed_whole_as_it_was_written(skep: Call, run_id: str) -> None:
    assert skep("logs").out == BUILD_TEXT + TEST_TEXT


@pytest.mark.parametrize("job", [TEST, "ci.yml:test", "test", "test (3.11)"])
def test_a_job_is_named_by_leg_key_id_or_name(skep: Call, run_id: str, job: str) -> None:
    assert skep("logs", run_id, "--job", job).out == TEST_TEXT


@pytest.mark.parametrize("step", ["1", "Compile", "__run"])
def test_a_step_is_named_by_number_name_or_id(skep: Call, run_id: str, step: str) -> None:
    assert skep("logs", "--job", "build", "--step", step).out == BUILD_TEXT


def test_only_failed_steps_are_printed_when_asked(skep: Call, run_id: str) -> None:
    assert skep("logs", "--failed").out == TEST_TEXT


def test_a_job_that_does_not_exist_is_refused_with_those_that_do(skep: Call, run_id: str) -> None:
    said = skep("logs", "--job", "tset")
    assert said.code == 2
    assert "hint: its jobs: `build`, `lint`, `test (3.11)`" in said.err


def test_json_is_an_object_per_line(skep: Call, run_id: str) -> None:
    lines = [json.loads(line) for line in skep("logs", "--json").out.splitlines()]
    assert lines[0] == {"leg": BUILD, "step": "__run", "at": NOON + 1.25, "text": "hello"}
    assert [line["text"] for line in lines[1:]] == ["\x1b[31mred\x1b[0m", "\x1b]0;x\x07", "1 != 2"]


def test_timestamps_stand_before_each_line(skep: Call, run_id: str) -> None:
    assert skep("logs", "--job", "build", "-t").out.splitlines()[1:] == ["2026-11-20T12:00:01.250Z hello"]


def test_what_lies_between_steps_is_printed_too(skep: Call, recorded: Callable[[list[Fact]], str]) -> None:
    facts = run_body()
    facts[5] = StepStarted(at=NOON, leg=BUILD, step=RUN_STEP, number=1, name="Compile", log_offset=2)
    facts[6] = step_finished(at=NOON + 2.5, log_end=4)
    recorded(facts)
    assert skep("logs", "--job", "build").out == (
        "=== build | job\nhe\n=== build | step 1 Compile (success, 1.5 s)\nll\n=== build | job\no\n"
    )


def test_a_line_longer_than_a_piece_comes_out_whole(
    skep: Call, run_id: str, paths: StatePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_output, "READ_BYTES", 4)
    assert skep("logs").out == BUILD_TEXT + TEST_TEXT


def test_a_log_that_is_gone_prints_nothing(skep: Call, run_id: str, paths: StatePaths) -> None:
    os.unlink(log_path(paths.run(run_id).logs, BUILD))
    assert skep("logs").out == TEST_TEXT


def test_following_prints_each_line_once_until_the_run_is_over(skep: Call, paths: StatePaths) -> None:
    records = RunRecords(paths)
    facts = run_body()
    sink = records.begin(run_started(number=records.reserve(NOON, bytes).number), on_failure=never)
    log = open(log_path(paths.run(sink.run_id).logs, BUILD), "ab", buffering=0)  # noqa: SIM115

    def live() -> None:
        log.write(b"one\ntw")
        for fact in facts[6:]:
            sink.publish(fact)
        sink.close()  # whatever happens, the run is over now

    for fact in facts[:6]:
        sink.publish(fact)
    sink.flush()
    log.write(b"")
    timer = threading.Timer(0.3, live)
    timer.start()
    said = skep("logs", "--follow", "--job", "build")
    timer.join()
    log.close()
    records.close()
    assert said.out.splitlines() == ["=== build | step 1 Compile (success, 1.5 s)", "one", "tw"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"plain \xc3\xa4", "plain ä"),
        (b"\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m\x1b[0m"),
        (b"\x1b]0;title\x07", "^[]0;title^G"),
        (b"\x1b[2J\x1b[H\x1b[6n", "^[[2J^[[H^[[6n"),
        (b"\x1bP+q\x1b\\", "^[P+q^[\\"),
        (b"10%\r50%\r100%\r", "100%"),
        (b"tab\tstays", "tab\tstays"),
        (b"\x7f\xc2\x9b31m", "^?<U+009B>31m"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("a\u202egnp.exe".encode(), "a<U+202E>gnp.exe"),
    ],
)
def test_to_a_terminal_only_colours_pass(line: bytes, shown: str) -> None:
    assert for_terminal(line, colour=True) == shown


def test_without_colour_colours_are_dropped() -> None:
    assert for_terminal(b"\x1b[31mred\x1b[0m", colour=False) == "red"


def test_a_terminal_gets_no_other_control_character(run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = pty.openpty()
    with open(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert main(["logs", "--job", "test"]) == 0
        monkeypatch.undo()
        said = os.read(leader, 10_000)
    os.close(leader)
    assert b"\x1b[31mred\x1b[0m" in said
    assert b"^[]0;x^G" in said
    assert b"\x07" not in said
