"""The documents lead somewhere: links exist, decisions are listed, commands are in the Makefile."""

import re
from pathlib import Path

import pytest

from tools import PROJECT

from .sources import modules, room_of, tracked_files

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
DECISIONS = PROJECT / "docs" / "decisions"
HEADINGS = ["## Context", "## Choice", "## Cost"]


def _documents() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".md" and "cases" not in path.parts]


def _decisions() -> list[Path]:
    return sorted(path for path in DECISIONS.glob("[0-9]*.md"))


@pytest.mark.parametrize("document", _documents(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_link_of_a_document_leads_to_a_file(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    broken = [target for target in LINK.findall(text) if not (document.parent / target).exists()]
    assert broken == []


def test_every_decision_is_listed_in_the_index() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in _decisions() if f"({path.name})" not in index] == []


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in _decisions()] == list(range(1, len(_decisions()) + 1))


@pytest.mark.parametrize("decision", _decisions(), ids=lambda path: path.stem)
def test_a_decision_is_one_page_of_context_choice_and_cost(decision: Path) -> None:
    text = decision.read_text(encoding="utf-8")
    assert [heading for heading in HEADINGS if heading not in text] == []
    assert text.count("\n") <= 60


def test_every_room_has_its_paragraph_in_the_architecture() -> None:
    text = (PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {room_of(source.module).removeprefix("skep.") for source in modules() if source.module != "skep"}
    folders = {room for room in rooms if (PROJECT / "src" / "skep" / room.replace(".", "/")).is_dir()}
    missing = [room for room in sorted(folders) if f"**`{room.replace('.', '/')}/`**" not in text]
    assert missing == []


def test_every_make_target_that_a_document_names_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        name
        for document in _documents()
        for name in re.findall(r"`make ([a-z]+)`", document.read_text(encoding="utf-8"))
    }
    assert named - targets == set()
