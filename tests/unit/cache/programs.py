"""Other processes that use the same stores, for tests of what happens between processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import skep

SOURCES = os.path.dirname(os.path.dirname(os.path.abspath(skep.__file__)))


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Starts Python on `code`, which finds its arguments in `sys.argv[1:]`."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env={**os.environ, "PYTHONPATH": SOURCES},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Its output; fails the test when it failed."""
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out
