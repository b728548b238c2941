"""The door: words to modules, and what starting costs."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from skep import __version__
from skep.cli.main import COMMANDS
from tools import PROJECT

from .conftest import Call

# What Python itself and its `site` import is not ours; these may come on top for `skep --version`.
ALLOWED = {"skep", "skep.cli", "skep.cli.main"}

PRINT_MODULES = """
import sys
before = set(sys.modules)
from skep.cli.main import main
main({argv!r})
print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""


def modules_imported_by(*argv: str) -> set[str]:
    """The modules that a command imports, in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_MODULES.format(argv=list(argv))],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(PROJECT / "src")},
    )
    return set(done.stderr.splitlines()[-1].split())


def test_the_version_imports_nothing_but_the_door() -> None:
    assert modules_imported_by("--version") == ALLOWED


def test_the_help_imports_nothing_but_the_door() -> None:
    assert modules_imported_by("--help") == ALLOWED


def test_a_warm_command_imports_neither_asyncio_nor_yaml_nor_tomllib(project: Path) -> None:
    imported = modules_imported_by("runs")
    assert "skep.cli.runs" in imported
    assert not imported & {"asyncio", "yaml", "tomllib", "statistics", "sqlalchemy", "http", "ssl"}
    assert not {name for name in imported if name.startswith("skep.pipeline")}


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_the_version_is_printed(skep: Call, word: str) -> None:
    said = skep(word)
    assert (said.code, said.out) == (0, f"skep {__version__}\n")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_help_lists_every_command(skep: Call, words: list[str]) -> None:
    said = skep(*words)
    assert said.code == 0
    assert all(f"  {name} " in said.out and help_ in said.out for name, (_, help_) in COMMANDS.items())


@pytest.mark.parametrize("words", [["help", "runs"], ["runs", "--help"]])
def test_the_help_of_a_command_shows_its_options(skep: Call, words: list[str]) -> None:
    said = skep(*words)
    assert said.code == 0
    assert "usage: skep runs" in said.out
    assert "--limit" in said.out


@pytest.mark.parametrize(
    ("word", "error", "hint"),
    [
        ("rnu", "error: there is no command `rnu`", "hint: did you mean `skep run`?"),
        ("zzz", "error: there is no command `zzz`", "hint: `skep --help` lists all commands"),
        ("--nope", "error: there is no option `--nope`", "hint: `skep --help` lists all commands"),
    ],
)
def test_an_unknown_command_is_the_users_error_with_a_hint(
    skep: Call, word: str, error: str, hint: str
) -> None:
    said = skep(word)
    assert said.code == 2
    assert said.err == f"{error}\n\n{hint}\n"


def test_a_wrong_option_ends_with_2(skep: Call, project: Path) -> None:
    said = skep("runs", "--nope")
    assert said.code == 2
    assert "--nope" in said.err


@pytest.mark.parametrize(("name", "module"), [(name, module) for name, (module, _) in COMMANDS.items()])
def test_every_command_has_its_module(name: str, module: str) -> None:
    assert importlib.util.find_spec(module), name


def test_skep_runs_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "skep", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT / "src")},
    )
    assert done.stdout == f"skep {__version__}\n"
