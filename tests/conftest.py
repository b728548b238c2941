"""What every test can ask for: the conformance cases, a rewrite of expected files, tools of the machine."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tools import CONFORMANCE, on_ci, require_tool

settings.register_profile(
    "default",
    deadline=None,  # two shared cores: time says nothing here
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile("ci" if on_ci() else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--update-cases`."""
    parser.addoption(
        "--update-cases",
        action="store_true",
        help="rewrite the expected files of tests/cases with what came out; review the diff",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declares the markers."""
    config.addinivalue_line("markers", "needs_tool(*names): needs commands or npm packages (npm:<package>)")


@pytest.fixture(autouse=True)
def _tools(request: pytest.FixtureRequest) -> None:
    for marker in request.node.iter_markers("needs_tool"):
        require_tool(*marker.args)


@pytest.fixture(scope="session")
def update_cases(request: pytest.FixtureRequest) -> bool:
    """Whether expected files shall be rewritten."""
    return bool(request.config.getoption("--update-cases"))


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of GitHub's public cases; a test that needs it is skipped only when the folder is absent."""
    if not CONFORMANCE.is_dir():
        pytest.skip(f"not run: the conformance cases are not at {CONFORMANCE}")
    return CONFORMANCE


@pytest.fixture
def no_git_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """git without the settings and the identity of whoever runs the tests."""
    home = tmp_path_factory.mktemp("git-home")
    (home / ".gitconfig").write_text(
        "[user]\nname = Test\nemail = test@example.invalid\n[init]\ndefaultBranch = main\n"
        "[commit]\ngpgsign = false\n[core]\nhooksPath = /dev/null\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
