"""A run keeps its memory and environment, which hold secrets, from its steps; and still it can mount and kill."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skep.testing.processes import all_gone, new_marker

PROGRAM = Path(__file__).with_name("inspection.py")


def test_steps_of_a_user_see_no_memory_of_the_run_and_its_guard() -> None:
    marker = new_marker()
    # A root without any of root's rights, who can still reach what only root may read: this Python, perhaps.
    user = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    if user and subprocess.run([*user, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody enter a user namespace")
    done = subprocess.run(
        [*user, sys.executable, str(PROGRAM), marker],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SECRET": "x"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    overlay, *said = done.stdout.splitlines()
    assert (done.returncode, done.stderr, said) == (0, "", ["looked", "ended 0", "left ()"]), overlay
    assert all_gone(marker)
    assert not user or overlay.startswith("overlay True"), overlay


def test_a_process_that_forbids_it_leaves_no_core_dump() -> None:
    program = (
        "import ctypes, resource, os; from skep.host.guard.tree import forbid_inspection\n"
        "prctl = ctypes.CDLL(None).prctl; print(prctl(3), forbid_inspection(), prctl(3))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1 True 0\n"
