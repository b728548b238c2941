"""Short helper commands: their output, their end, and what keeps them from starting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skep.host.clock import SystemClock
from skep.host.process import (
    OWN_COMMANDS,
    ProgramNotFound,
    StartedCommand,
    run_sync,
    tool_environment,
)
from skep.model.errors import HostError
from skep.testing.processes import all_gone, new_marker


def test_output_error_and_exit_code_come_back(tmp_path: Path) -> None:
    done = run_sync(["sh", "-c", "pwd; echo oops >&2; exit 3"], cwd=tmp_path)
    assert (done.exit_code, done.stdout, done.stderr) == (3, f"{tmp_path}\n".encode(), b"oops\n")
    assert not done.timed_out


def test_input_reaches_the_command_and_no_input_is_an_empty_one() -> None:
    assert run_sync(["cat"], cwd="/", input=b"\xff" * 300_000).stdout == b"\xff" * 300_000
    assert run_sync(["cat"], cwd="/").stdout == b""


def test_a_signal_gives_128_and_its_number() -> None:
    assert run_sync(["sh", "-c", "kill -TERM $$"], cwd="/").exit_code == 143


def test_the_given_environment_is_the_whole_one() -> None:
    assert run_sync(["/usr/bin/env"], cwd="/", env={"A": "b"}).stdout == b"A=b\n"
    assert b"PATH=" in run_sync(["env"], cwd="/").stdout


def test_a_command_that_takes_too_long_is_killed_with_its_group() -> None:
    marker = new_marker()
    script = "echo begun; bash -c 'while :; do sleep 0.1; done' $0 & wait"
    with pytest.raises(HostError, match=r"^`bash marker-\w+` did not end within 0\.3 s$"):
        run_sync(["bash", "-c", script, marker], cwd="/", timeout_s=0.3)
    assert all_gone(marker)
    assert set() == OWN_COMMANDS


def test_a_process_that_left_the_group_does_not_hold_us_up() -> None:
    marker = new_marker()
    script = "setsid bash -c 'for i in 1 2 3 4; do sleep 1; done' $0 & echo x; sleep 60"
    with pytest.raises(HostError, match="did not end"):
        run_sync(["bash", "-c", script, marker], cwd="/", timeout_s=0.2)


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes", ".git/info/exclude"])
def test_git_does_not_wait_for_ever_for_a_pipe_in_place_of_its_files(tmp_path: Path, name: str) -> None:
    run_sync(["git", "init", "-q", str(tmp_path)], cwd="/")
    (tmp_path / "file").write_text("x")
    place = tmp_path / name
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    listing = StartedCommand(
        ["git", "-c", "core.fsmonitor=false", "add", "-n", "--", "file"], cwd=tmp_path, env=tool_environment()
    )
    with pytest.raises(HostError, match=r"^`git add` did not end within 0\.5 s$") as caught:
        listing.finish(0.5)
    assert "a pipe" in caught.value.hint


def test_a_started_command_lets_us_work_meanwhile() -> None:
    started = StartedCommand(
        ["sh", "-c", "read word; echo $word; echo bad >&2; exit 4"], cwd="/", stdin=b"hi\n"
    )
    assert len(OWN_COMMANDS) == 1
    done = started.finish()
    assert (done.exit_code, done.stdout, done.complaint) == (4, b"hi\n", "bad")
    assert set() == OWN_COMMANDS


def test_gits_environment_names_no_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    env = tool_environment()
    assert "GIT_DIR" not in env
    assert (env["GIT_CONFIG_GLOBAL"], env["GIT_TERMINAL_PROMPT"]) == ("/dev/null", "0")


@pytest.mark.parametrize(
    ("argv", "cwd", "message", "missing"),
    [
        (["no-such-program"], "/", "program not found: `no-such-program`", True),
        (["true"], "/no/such/folder", "cannot run `true`: no folder `/no/such/folder`", False),
        (["/etc/passwd"], "/", "cannot run `/etc/passwd`: Permission denied", False),
        (["true", "a\0b"], "/", "cannot run `true`: embedded null byte", False),
        (["true", "x" * 3_000_000], "/", "cannot run `true`: Argument list too long", False),
    ],
)
def test_what_cannot_start_says_why(argv: list[str], cwd: str, message: str, missing: bool) -> None:
    with pytest.raises(HostError) as caught:
        run_sync(argv, cwd=cwd)
    assert str(caught.value) == message
    assert isinstance(caught.value, ProgramNotFound) is missing


def test_the_systems_clock_goes_forward() -> None:
    clock = SystemClock()
    first = (clock.now(), clock.monotonic())
    assert clock.now() >= first[0]
    assert clock.monotonic() >= first[1]
