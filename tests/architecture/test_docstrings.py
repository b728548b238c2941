"""Every room says what it turns into what and what it must never know; public names say what they give."""

import ast
from collections.abc import Iterator

import pytest

from .sources import Source, modules

VALUE_DECORATORS = {"overload"}


def _packages() -> list[Source]:
    return [source for source in modules() if source.path.name == "__init__.py" and source.module != "skep"]


def _is_port(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def _public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    for node in body:
        if not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) or node.name.startswith("_"):
            continue
        decorators = {item.id for item in node.decorator_list if isinstance(item, ast.Name)}
        if decorators & VALUE_DECORATORS:
            continue
        yield prefix + node.name, node
        # a port's own docstring gives the call order; its methods may be named by it
        if isinstance(node, ast.ClassDef) and not _is_port(node):
            yield from _public(node.body, f"{prefix}{node.name}.")


@pytest.mark.parametrize("source", _packages(), ids=lambda source: source.module)
def test_a_room_says_in_one_sentence_what_it_turns_and_what_is_absent(source: Source) -> None:
    words = ast.get_docstring(source.tree) or ""
    first, _, rest = words.partition("\n\n")
    assert first.endswith("."), f"{source.name}: the first paragraph is one sentence"
    assert "\n" not in first, f"{source.name}: the first sentence fits one line"
    if source.module.count(".") == 1 or source.module.startswith("skep.pipeline."):
        assert any(line.startswith("Absent:") for line in rest.splitlines()), (
            f"{source.name}: no line `Absent:`"
        )


def test_every_module_has_a_docstring() -> None:
    assert [source.name for source in modules() if not ast.get_docstring(source.tree)] == []


def test_every_public_name_has_a_docstring() -> None:
    bare = [
        f"{source.name}:{name}"
        for source in modules()
        for name, node in _public(source.tree.body)
        if not ast.get_docstring(node)  # type: ignore[arg-type]
        and not (isinstance(node, ast.FunctionDef) and _overrides(source, name))
    ]
    assert bare == []


def _overrides(source: Source, name: str) -> bool:
    """Whether a method belongs to a class with bases, which document it: a port, an error, a visitor."""
    owner, _, _method = name.rpartition(".")
    if not owner:
        return False
    classes = {node.name: node for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)}
    return owner in classes and bool(classes[owner].bases)
