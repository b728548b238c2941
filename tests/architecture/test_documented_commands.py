"""What the documents tell people to type, the command line understands."""

import argparse
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from skep.cli.main import COMMANDS
from tools import PROJECT

from .sources import tracked_files

FENCE = re.compile(r"^```(?:sh|console)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands_in(text: str) -> list[str]:
    """The lines of code blocks that begin with `skep `."""
    lines = [line for block in FENCE.findall(text) for line in block.splitlines()]
    return [line for line in lines if re.match(r"skep [a-z]+\b(?!:)", line)]


DOCUMENTS = [
    path for path in tracked_files() if path.suffix == ".md" and commands_in(path.read_text("utf-8"))
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_command_of_a_document_is_one(document: Path) -> None:
    for line in commands_in(document.read_text(encoding="utf-8")):
        _, name, *words = shlex.split(line, comments=True)
        assert name in COMMANDS, line
        parser = argparse.ArgumentParser(prog=f"skep {name}", allow_abbrev=False, exit_on_error=False)
        import_module(COMMANDS[name][0]).configure(parser)
        try:
            parser.parse_args(words)
        except (SystemExit, argparse.ArgumentError) as error:
            pytest.fail(f"{line}: {error}")


def test_the_guide_and_the_readme_are_looked_at() -> None:
    names = {path.relative_to(PROJECT).as_posix() for path in DOCUMENTS}
    assert {"README.md", "docs/how-to/run.md"} <= names
