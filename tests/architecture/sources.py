"""The project's Python files as syntax trees, read once."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools import PROJECT

PACKAGE = PROJECT / "src" / "skep"
PIPELINE_ROOMS = {"actions", "engine", "expressions", "natives", "plan", "runners", "workflow", "services"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One module: where it is, what it is called, what it says."""

    path: Path
    module: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The path as a reader would write it."""
        return self.path.relative_to(PROJECT).as_posix()

    @property
    def room(self) -> str:
        """`skep.store`, `skep.pipeline.plan`, ..."""
        return room_of(self.module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One imported name and where: `from module import name`, or `import module` (then no name)."""

    module: str
    name: str
    line: int


def room_of(module: str) -> str:
    """The room that a module belongs to."""
    parts = module.split(".")
    deep = len(parts) > 2 and parts[1] == "pipeline" and parts[2] in PIPELINE_ROOMS
    return ".".join(parts[: 3 if deep else 2])


@cache
def modules() -> tuple[Source, ...]:
    """Every module of the package."""
    return tuple(_read(path) for path in sorted(PACKAGE.rglob("*.py")))


@cache
def tracked_files() -> tuple[Path, ...]:
    """The files that git tracks."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return tuple(PROJECT / name for name in listing.stdout.split("\0") if name and (PROJECT / name).is_file())


def imports(source: Source) -> Iterator[Import]:
    """Every import of a module, inside functions and for types too; relative ones made absolute."""
    package = source.module.split(".")
    if source.path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module=alias.name, name="", line=node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(module=module, name=alias.name, line=node.lineno)


def _read(path: Path) -> Source:
    parts = list(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    text = path.read_text(encoding="utf-8")
    return Source(path=path, module=".".join(parts), text=text, tree=ast.parse(text, filename=str(path)))
