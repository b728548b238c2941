"""The tree of processes is read and killed without hitting anybody else."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from skep.host.guard import tree
from skep.testing.processes import alive_with, new_marker, wait_until

FAMILY = "bash -c 'sleep 60 & sleep 61; :' $0 & sleep 62; :"


@pytest.fixture
def family() -> Iterator[tuple[int, str]]:
    """A shell with a child and grandchildren."""
    marker = new_marker()
    with subprocess.Popen(["bash", "-c", FAMILY, marker]) as process:
        assert wait_until(lambda: len(tree.descendants_of([process.pid])) == 5)
        try:
            yield process.pid, marker
        finally:
            tree.kill_trees([process.pid])


def test_all_descendants_are_found(family: tuple[int, str]) -> None:
    found = tree.descendants_of([family[0]])
    assert found[family[0]] == 0
    assert all(tree.parent_of(pid) == parent for pid, parent in found.items() if parent)
    assert tree.parent_of(family[0]) == os.getpid()


def test_children_are_the_same_with_and_without_the_kernels_list(family: tuple[int, str]) -> None:
    for pid in (os.getpid(), family[0]):
        assert sorted(tree.children_of(pid)) == sorted(tree._children_by_scan(pid))
    assert family[0] in tree.OwnChildren().pids()
    assert tree.children_of(2**22 + 1) == []


@pytest.mark.parametrize("refusal", [None, errno.ENOSYS, errno.EPERM])
def test_a_tree_is_killed_with_and_without_pidfds(
    family: tuple[int, str], refusal: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if refusal is not None:

        def refuse(_pid: int) -> int:
            raise OSError(refusal, os.strerror(refusal))

        monkeypatch.setattr(os, "pidfd_open", refuse)
    members = tree.descendants_of([family[0]])
    tree.kill_trees([family[0]])
    assert wait_until(lambda: not any(map(tree.is_alive, members)))
    assert alive_with(family[1]) == []


def test_a_process_that_is_not_below_is_never_signalled(family: tuple[int, str]) -> None:
    grandchild = next(
        pid for pid, parent in tree.descendants_of([family[0]]).items() if parent not in (0, family[0])
    )
    tree.signal_exactly(grandchild, 9, {})
    assert tree.is_alive(grandchild)
    tree.signal_exactly(1, 0, {})


def test_many_children_are_all_listed() -> None:
    program = (
        "import os, sys, time\n"
        "from skep.host.guard.tree import OwnChildren, children_of\n"
        "made = []\n"
        "for _ in range(1500):\n"
        "    pid = os.fork()\n"
        "    if not pid: os._exit(0)\n"
        "    made.append(pid)\n"
        "print(OwnChildren().pids() == made, children_of(os.getpid()) == made)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_variables_are_read_as_the_program_was_started() -> None:
    env = {"A": "1", "AB": "x=y", "EMPTY": ""}
    with subprocess.Popen(["/bin/sleep", "60"], env=env) as process:
        values = [tree.environ_value(process.pid, name) for name in ("A", "AB", "EMPTY", "B")]
        process.kill()
    assert values == ["1", "x=y", "", None]
    assert tree.environ_value(2**22 + 1, "A") is None


def test_a_zombie_is_not_alive() -> None:
    process = subprocess.Popen(["/bin/true"])
    assert wait_until(lambda: not tree.is_alive(process.pid))
    assert process.pid in tree.children_of(os.getpid())
    process.wait()
    assert process.pid not in tree.children_of(os.getpid())
