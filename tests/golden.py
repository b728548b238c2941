"""Expected texts as files: compared, or rewritten by `--update-cases`."""

from __future__ import annotations

from pathlib import Path

from tools import PROJECT

CASES = PROJECT / "tests" / "cases"


def check_golden(expected: Path, text: str, *, update: bool) -> None:
    """Compares a text with its file."""
    if update:
        expected.write_text(text, encoding="utf-8")
    assert expected.read_text(encoding="utf-8").splitlines() == text.splitlines()
