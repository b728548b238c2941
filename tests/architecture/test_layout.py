"""Tests stand where a reader looks for them, and can be told apart by pytest."""

from tools import PROJECT

from .sources import tracked_files

TESTS = PROJECT / "tests"


def test_every_folder_with_tests_is_a_package() -> None:
    folders = {
        path.parent for path in tracked_files() if path.name.startswith("test_") and path.suffix == ".py"
    }
    bare = [folder for folder in folders if TESTS in folder.parents and TESTS / "cases" not in folder.parents]
    assert [str(folder) for folder in bare if folder / "__init__.py" not in tracked_files()] == []


def test_unit_tests_mirror_the_package() -> None:
    unit = TESTS / "unit"
    folders = {
        path.parent.relative_to(unit)
        for path in tracked_files()
        if unit in path.parents and path.suffix == ".py"
    }
    assert [str(folder) for folder in folders if not (PROJECT / "src" / "skep" / folder).is_dir()] == []
