"""Reference pages are made from the code."""

import sys
from pathlib import Path

import pytest

from skep.cli.docs import PAGES, main
from skep.settings import Settings
from tools import PROJECT


@pytest.mark.parametrize("path", PAGES)
def test_a_reference_page_is_as_the_code_says(path: str) -> None:
    assert (PROJECT / path).read_text(encoding="utf-8") == PAGES[path](), (
        "python -m skep.cli.docs writes it anew"
    )


def test_every_setting_has_its_section() -> None:
    page = PAGES["docs/reference/settings.md"]()
    assert [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")] == list(
        Settings.__slots__
    )


def test_the_pages_are_written_where_they_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["docs", "--root", str(tmp_path)])
    main()
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in PAGES} == {
        path: page() for path, page in PAGES.items()
    }
