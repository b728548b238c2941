"""Modules and functions that fit a reader's head."""

import ast
from collections.abc import Iterator

from tools import PROJECT

from .sources import modules, tracked_files

MODULE_LINES = 400
FUNCTION_LINES = 50
TEST_LINES = 500
CLASS_METHODS = 12

# file -> reason. Generated tables and nothing else.
LONG_MODULES: dict[str, str] = {}
# `file:function` -> reason
LONG_FUNCTIONS: dict[str, str] = {}

type_of_function = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(tree):
        if isinstance(node, type_of_function):
            yield node


def test_no_module_is_longer_than_400_lines() -> None:
    long = {
        source.name: source.text.count("\n") for source in modules() if source.text.count("\n") > MODULE_LINES
    }
    assert {name: lines for name, lines in long.items() if name not in LONG_MODULES} == {}


def test_every_exception_for_length_is_still_needed() -> None:
    sizes = {source.name: source.text.count("\n") for source in modules()}
    assert [name for name in LONG_MODULES if sizes.get(name, 0) <= MODULE_LINES] == []


def test_no_function_is_longer_than_50_lines() -> None:
    long = {
        f"{source.name}:{node.name}": lines
        for source in modules()
        for node in functions(source.tree)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert {name: lines for name, lines in long.items() if name not in LONG_FUNCTIONS} == {}


def test_half_of_all_functions_are_shorter_than_10_lines() -> None:
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for source in modules()
        for node in functions(source.tree)
    )
    assert not lengths or lengths[len(lengths) // 2] <= 10


def test_no_class_has_more_than_12_public_methods() -> None:
    wide = {
        f"{source.name}:{node.name}": methods
        for source in modules()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        and (
            methods := sum(
                isinstance(item, type_of_function) and not item.name.startswith(("_", "test_"))
                for item in node.body
            )
        )
        > CLASS_METHODS
    }
    assert wide == {}


def test_no_test_file_is_longer_than_500_lines() -> None:
    tests = [path for path in tracked_files() if path.suffix == ".py" and PROJECT / "tests" in path.parents]
    long = {
        path.name: lines
        for path in tests
        if (lines := path.read_text(encoding="utf-8").count("\n")) > TEST_LINES
    }
    assert long == {}
