"""What is made once: by one of many processes, whole or not at all, also when the maker is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skep.model.errors import HostError
from skep.pipeline.natives.setup_store import make_once

MAKER = """
import asyncio, sys, time
from skep.pipeline.natives.setup_store import make_once

async def make(part):
    open(f"{part}/begun", "w").close()
    print("making", flush=True)
    time.sleep(float(sys.argv[2]))
    open(f"{part}/done", "w").close()

print(asyncio.run(make_once(sys.argv[1], make)), flush=True)
"""


def touch(folder: str, name: str) -> None:
    Path(folder, name).touch()


def start(folder: Path, takes_s: float) -> subprocess.Popen[str]:
    source = str(Path(__file__).parents[4] / "src")
    env = {**os.environ, "PYTHONPATH": source}
    words = [sys.executable, "-c", MAKER, str(folder), str(takes_s)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env)


def said(process: subprocess.Popen[str]) -> str:
    with process:
        return process.communicate(timeout=30)[0]


def test_of_many_processes_one_makes_and_the_others_wait(tmp_path: Path) -> None:
    makers = [start(tmp_path / "tool", 0.3) for _ in range(3)]
    assert sorted(map(said, makers)) == ["False\n", "False\n", "making\nTrue\n"]
    assert sorted(os.listdir(tmp_path / "tool")) == ["begun", "done"]


def test_a_killed_maker_leaves_nothing_that_counts(tmp_path: Path) -> None:
    first = start(tmp_path / "tool", 60)
    assert first.stdout is not None
    assert first.stdout.readline() == "making\n"
    waiting = start(tmp_path / "tool", 0)
    time.sleep(0.2)
    assert not (tmp_path / "tool").exists()
    first.send_signal(signal.SIGKILL)
    said(first)
    assert said(waiting) == "making\nTrue\n"
    assert sorted(os.listdir(tmp_path)) == [".tool.lock", "tool"]


def test_a_failure_leaves_nothing_and_may_be_tried_again(tmp_path: Path) -> None:
    async def fail(part: str) -> None:
        touch(part, "half")
        raise HostError("no luck")

    async def succeed(part: str) -> None:
        touch(part, "whole")

    with pytest.raises(HostError, match="no luck"):
        asyncio.run(make_once(str(tmp_path / "tool"), fail))
    assert os.listdir(tmp_path) == [".tool.lock"]
    assert asyncio.run(make_once(str(tmp_path / "tool"), succeed))
    assert not asyncio.run(make_once(str(tmp_path / "tool"), fail))


def test_a_folder_that_cannot_be_made_is_an_error_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def never(_part: str) -> None:
        raise AssertionError

    with pytest.raises(HostError, match="cannot make"):
        asyncio.run(make_once(str(tmp_path / "file/tool"), never))
