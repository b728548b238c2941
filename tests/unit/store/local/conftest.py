"""Records of one repository in a temporary state folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skep.store.local.paths import StatePaths, state_paths
from skep.store.local.records import RunRecords


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    """Places in a state folder that does not exist yet."""
    return state_paths(str(tmp_path / "state"), str(tmp_path))


@pytest.fixture
def records(paths: StatePaths) -> Iterator[RunRecords]:
    """Open records."""
    opened = RunRecords(paths)
    yield opened
    opened.close()
