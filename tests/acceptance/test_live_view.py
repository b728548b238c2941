"""`skep run` on a terminal: what is seen, what keys do, and that the terminal is left as it was found."""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path

import pytest

from tools import needs_tool

from .pseudo_terminal import OnTerminal
from .skep_process import SkepProject, make_project, wait_until_gone

TREE = """
name: shop
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - name: Compile
        run: echo compiling part one; while [ ! -e GATE ]; do sleep 0.02; done
  test:
    needs: build
    runs-on: ubuntu-latest
    strategy:
      matrix: {n: [1, 2, 3]}
    steps:
      - run: echo "testing ${{ matrix.n }}"
      - if: matrix.n == 2
        run: |
          printf '# Result\\n\\n**two** is fine\\n' >> "$GITHUB_STEP_SUMMARY"
          echo "::warning file=a.py,line=3::odd"
  publish:
    needs: [build, test]
    runs-on: ubuntu-latest
    steps:
      - run: echo done
"""
ENDLESS = """
on: push
jobs:
  patient:
    runs-on: ubuntu-latest
    steps:
      - name: Wait for it
        run: trap '' INT TERM; echo ready; sleep MARKER; sleep MARKER
"""
QUICK = """
on: push
jobs:
  only:
    name: NAME
    runs-on: ubuntu-latest
    steps:
      - run: RUN
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The first job ends once this file exists."""
    return tmp_path / "gate"


@pytest.fixture
def project(tmp_path: Path, gate: Path) -> SkepProject:
    return make_project(tmp_path, ci=TREE.replace("GATE", str(gate)))


def quick(home: Path, run: str, name: str = "only") -> SkepProject:
    """A project with one job of one step."""
    return make_project(home, ci=QUICK.replace("RUN", json.dumps(run)).replace("NAME", json.dumps(name)))


def status(project: SkepProject) -> object:
    """How the newest run stands, by its records."""
    return project.runs()[0]["status"]


def test_the_tree_shows_what_runs_and_what_waits_and_the_end_is_a_report(
    project: SkepProject, gate: Path
) -> None:
    with OnTerminal(project, "run") as terminal:
        terminal.shows("Compile › compiling part one")
        tree = terminal.screen.lines()
        gate.touch()
        code = terminal.end()
        lines = terminal.screen.everything()

    assert tree[1].startswith("shop")
    assert [line.split()[:2] for line in tree[2:5]] == [["●", "build"], ["·", "test"], ["·", "publish"]]
    assert "waits for build, test" in tree[4]
    assert tree[5].startswith("run #1  ")
    assert "1 running, 2 waiting" in tree[5]
    assert code == 0
    assert "waits for" not in lines, "the tree is still there"
    assert "Result" in lines
    assert "two is fine" in lines
    assert "a.py" in lines
    assert lines.count("ci / test (") == 5  # the table, the summary's head and the warning
    assert "success in " in lines
    assert terminal.screen.unknown == []
    assert terminal.screen.cursor_shown
    assert terminal.screen.wraps


@pytest.mark.parametrize(("width", "height"), [(40, 10), (12, 5), (80, 3), (3, 2), (1, 1), (0, 0), (300, 80)])
def test_the_view_fits_every_size(project: SkepProject, gate: Path, width: int, height: int) -> None:
    with OnTerminal(project, "run", width=width, height=height) as terminal:
        terminal.wait_for(lambda: terminal.screen.widest > 0)
        terminal.pump(0.3)
        gate.touch()
        code = terminal.end()

    assert code == 0
    assert terminal.screen.widest <= (width or 80)
    assert terminal.screen.unknown == []


def test_a_new_size_is_drawn_anew(project: SkepProject, gate: Path) -> None:
    with OnTerminal(project, "run", TERM="linux") as terminal:
        terminal.shows("compiling")
        for width, height in ((40, 8), (100, 30), (30, 5), (80, 24)):
            terminal.resize(width, height)
            terminal.screen.widest = 0
            terminal.wait_for(lambda: terminal.screen.widest > 0)
            terminal.pump(0.25)
            assert terminal.screen.widest <= width
            assert sum("build" in line.split()[1:2] for line in terminal.screen.lines()) == 1
        gate.touch()
        assert terminal.end() == 0


def test_one_interrupt_says_what_is_waited_for_and_a_second_kills(tmp_path: Path) -> None:
    marker = f"{7_000_000 + uuid.uuid4().int % 900_000}.25"
    project = make_project(tmp_path, ci=ENDLESS.replace("MARKER", marker))
    with OnTerminal(project, "run") as terminal:
        terminal.shows("Wait for it › ready")
        assert not terminal.echoes()
        terminal.press("\x03")
        terminal.shows("Ctrl-C again kills")
        terminal.shows("waiting for patient (Wait for it)")
        terminal.press("\x03")
        code = terminal.end()

        assert code == 130
        assert terminal.echoes()
        assert terminal.screen.cursor_shown
        assert "cancelled in " in terminal.screen.everything()
        assert "^C" not in terminal.screen.everything()
    assert wait_until_gone(marker, 2.0) == []


@needs_tool("bash")
def test_a_stopped_run_leaves_the_terminal_and_takes_it_again(project: SkepProject, gate: Path) -> None:
    shell = 'set -m; "$@"; echo "stopped with $?"; read -r line; fg > /dev/null'
    with OnTerminal(project, "run", shell=shell) as terminal:
        terminal.shows("compiling")
        terminal.press("\x1a")
        terminal.shows("stopped with 148")
        stopped = terminal.echoes(), terminal.screen.cursor_shown
        left = terminal.screen.everything()
        terminal.press("go on\n")
        terminal.shows("compiling")
        again = terminal.echoes(), terminal.screen.cursor_shown
        gate.touch()

        assert terminal.end() == 0
        assert stopped == (True, True)
        assert "compiling" not in left
        assert again == (False, False)
        assert terminal.echoes()
    assert "stopped with 148\ngo on\n" in terminal.screen.everything()


@needs_tool("bash")
def test_a_run_in_the_background_prints_plain_lines(project: SkepProject, gate: Path) -> None:
    gate.touch()
    with OnTerminal(project, "run", shell='set -m; "$@" & wait $!') as terminal:
        assert terminal.end() == 0
    assert "ci / build  started" in terminal.screen.everything()
    assert "\x1b[?25l" not in terminal.written


def test_a_terminal_that_closes_cancels_the_run_without_a_word_on_its_way(
    project: SkepProject,
) -> None:
    with OnTerminal(project, "run") as terminal:
        terminal.shows("compiling")
        terminal.hang_up()

        assert terminal.process.wait(timeout=30) == 130
    assert status(project) == "cancelled"
    assert not list(project.state.glob("reports/*")), "a bug report was written"


def test_nobody_reads_the_terminal_and_the_run_ends_all_the_same(tmp_path: Path) -> None:
    project = quick(tmp_path, "seq -f %0200.0f 1 100000")
    with OnTerminal(project, "run", "--logs") as terminal:
        deadline = time.monotonic() + 30
        while not (project.state.exists() and project.runs()) or status(project) == "running":
            assert time.monotonic() < deadline, "the run waits for its terminal"
            time.sleep(0.1)

        assert status(project) == "success"
        assert terminal.process.poll() is None  # its report has no reader yet
        assert terminal.end() == 0
    assert "success in " in terminal.screen.everything()
    assert "lines came too fast" in terminal.screen.everything()


def test_with_logs_the_lines_stay_above_the_tree(project: SkepProject, gate: Path) -> None:
    with OnTerminal(project, "run", "--logs") as terminal:
        terminal.shows("ci / build | compiling part one")
        gate.touch()
        code = terminal.end()
        lines = terminal.screen.everything().splitlines()

    assert code == 0
    assert {f"ci / test ({n}) | testing {n}" for n in (1, 2, 3)} <= set(lines)
    assert "ci / publish | done" in lines


@pytest.mark.parametrize(
    ("words", "term"),
    [(["--plain"], "xterm"), ([], "dumb"), ([], "")],
    ids=["plain", "dumb", "no-term"],
)
def test_plain_lines_are_given_where_they_are_wanted(
    project: SkepProject, gate: Path, words: list[str], term: str
) -> None:
    gate.touch()
    with OnTerminal(project, "run", *words, TERM=term) as terminal:
        assert terminal.end() == 0
    assert "ci / build  started" in terminal.screen.everything()
    assert "\x1b[?25l" not in terminal.written


def test_without_colour_there_is_a_tree_but_no_colour(project: SkepProject, gate: Path) -> None:
    gate.touch()
    with OnTerminal(project, "run", NO_COLOR="1") as terminal:
        assert terminal.end() == 0
    assert "\x1b[?25l" in terminal.written
    assert "m" not in {found[-1] for found in re.findall(r"\x1b\[[0-9;]*[A-Za-z]", terminal.written)}


HOSTILE = "a\x1b[2J\x1b]0;owned\x07b\nc\u202ed\u200b\x9b5n"


def test_hostile_names_and_output_do_nothing_to_the_terminal(tmp_path: Path) -> None:
    run = "printf '\\033[2J\\033]0;owned\\007\\033[6n%s' last; sleep 0.4; echo; echo '::error::\x1b]0;x\x07'; exit 1"
    project = quick(tmp_path, run, HOSTILE)
    with OnTerminal(project, "run") as terminal:
        assert terminal.end() == 1
    assert terminal.screen.unknown == []
    assert "\u202e" not in terminal.written
    assert "owned" in terminal.screen.everything()  # as text


def test_a_question_has_the_terminal_for_itself(tmp_path: Path) -> None:
    text = QUICK.replace("RUN", "echo deployed").replace("NAME", "ship") + "    environment: production\n"
    project = make_project(tmp_path, ci=text)
    with OnTerminal(project, "run") as terminal:
        terminal.shows("deploys to `production`. Go on? [y/N]")
        terminal.pump(0.3)
        asked = terminal.echoes(), terminal.screen.cursor_shown, terminal.screen.lines()[-1]
        terminal.press("y\n")

        assert terminal.end() == 0
    assert asked[:2] == (True, True)
    assert asked[2].endswith("[y/N]")


@pytest.mark.parametrize(("run", "code"), [("seq 1 20000; exit 0", 0), ("seq 1 20000; exit 3", 1)])
def test_a_pipe_that_breaks_ends_the_output_not_the_run(tmp_path: Path, run: str, code: int) -> None:
    project = quick(tmp_path, run)
    process = project.start("run", "--logs")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()

    assert process.wait(timeout=30) == code
    assert errors == ""
    assert status(project) == ("success" if code == 0 else "failure")
