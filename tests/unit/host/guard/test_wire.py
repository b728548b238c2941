"""Frames survive any cutting; the guard stays small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import skep.host.guard
from skep.host.guard.wire import Frames, pack

texts = st.text(st.characters(categories=None), max_size=20)  # surrogates too
messages = st.tuples(
    st.just("spawn"), st.integers(), st.lists(texts, max_size=4), st.dictionaries(texts, texts, max_size=4)
)


@given(st.lists(messages, max_size=5), st.lists(st.integers(1, 40), max_size=60))
def test_messages_arrive_however_the_bytes_are_cut(sent: list[tuple[object, ...]], cuts: list[int]) -> None:
    stream = b"".join(map(pack, sent))
    frames, received = Frames(), []
    for cut in cuts:
        received += frames.feed(stream[:cut])
        stream = stream[cut:]
    received += frames.feed(stream)
    assert received == sent


def test_the_guard_imports_nothing_of_skep_and_nothing_slow() -> None:
    home = Path(skep.host.guard.__file__).parent.parent
    program = (
        "import sys; before = set(sys.modules); sys.path.append(sys.argv[1]); import guard.main; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, home], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "guard.main" in loaded
    slow = "skep typing dataclasses subprocess re json asyncio threading contextlib logging inspect pathlib"
    assert not loaded & set(slow.split())


def test_what_runs_in_the_guard_imports_its_own_package_relatively() -> None:
    home = Path(skep.host.guard.__file__).parent
    for name in ("main", "family", "tree", "wire"):
        for node in ast.walk(ast.parse((home / f"{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert not (node.module or "").startswith("skep")
