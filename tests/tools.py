"""What tests need from the machine: a tool that is absent means "not run", with CI=true it means failure."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Decorated = TypeVar("Decorated", bound=Callable[..., object] | type)

PROJECT = Path(__file__).resolve().parents[1]
CONFORMANCE = PROJECT.parent / "shared" / "conformance"
NPM_PACKAGES = PROJECT / "tests" / "npm" / "node_modules"


def on_ci() -> bool:
    """Whether this is a CI machine, where nothing may be left out."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def missing_tool(name: str) -> str:
    """Why a tool cannot be used here; empty when it can. `npm:<package>` means a package of tests/npm."""
    package = name.removeprefix("npm:")
    if package != name:
        here = (NPM_PACKAGES / package).is_dir()
        return "" if here else f"the npm package `{package}` is not installed (make dev)"
    return "" if shutil.which(name) else f"`{name}` is not on PATH (scripts/debian-packages.txt)"


def needs_tool(*names: str) -> Callable[[Decorated], Decorated]:
    """Marks a test that needs commands or npm packages. Absent: not run and said so; with CI=true: failed."""

    def mark(test: Decorated) -> Decorated:
        marker: Decorated = pytest.mark.needs_tool(*names)(test)
        return marker

    return mark


def require_tool(*names: str) -> None:
    """The same, from within a test or fixture."""
    reasons = [reason for name in names if (reason := missing_tool(name))]
    if not reasons:
        return
    if on_ci():
        pytest.fail("; ".join(reasons), pytrace=False)
    pytest.skip("not run: " + "; ".join(reasons))
