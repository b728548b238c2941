"""What goes wrong in the shop is said so that a user can mend it: where, why, what to do.

Each folder of tests/cases/variants is one mistake: edits to the shop, the command, its exit code, and what its output must say.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools import PROJECT

from .shop_repository import ShopRepository, copy_shop

CASES = sorted((PROJECT / "tests" / "cases" / "variants").glob("*/variant.toml"))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for all: what setup-python found need not be found again."""
    return tmp_path_factory.mktemp("state")


def make_variant(case: dict[str, Any], shop: ShopRepository) -> None:
    """Brings the shop to where the mistake is made: early edits, the commands before, the other edits."""
    edits = case.get("edit", [])
    for edit in [edit for edit in edits if edit.get("early")]:
        shop.edit(edit["file"], edit["old"], edit["new"])
    for words in case.get("before", []):
        code, said = shop.skep(*words)
        assert code == 0, said
    for edit in [edit for edit in edits if not edit.get("early")]:
        shop.edit(edit["file"], edit["old"], edit["new"])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_a_mistake_is_said_with_its_place_its_reason_and_the_way_out(
    path: Path, tmp_path: Path, state: Path
) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    shop = copy_shop(tmp_path / "shop", state)
    make_variant(case, shop)

    code, said = shop.skep(*case["command"], SHOP_ADMIN_TOKEN="not-for-others")

    words = " ".join(said.split())  # columns and line breaks are the terminal's business
    assert code == case["exit"], said
    assert [text for text in case["says"] if text not in words] == [], said
    assert "Traceback (most recent call last)" not in said or "unittest" in said, said
    assert "not-for-others" not in said
    assert str(state) not in said.replace(f'File "{state}', ""), said


def test_there_are_at_least_twenty_variants_and_each_breaks_something() -> None:
    assert len(CASES) >= 20
    for path in CASES:
        case = tomllib.loads(path.read_text(encoding="utf-8"))
        assert case["says"], path
        assert case["exit"] or "warning" in "".join(case["says"]), path
