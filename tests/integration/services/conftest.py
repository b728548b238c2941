"""Services that one test has for itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .toolkit import Services, running_services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Fresh services; afterwards nothing may have gone wrong in them."""
    with running_services(tmp_path) as made:
        yield made
