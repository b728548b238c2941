"""An absent tool is "not run" on a developer's machine and a failure on CI: nothing goes missing unseen."""

import pytest

from tools import missing_tool, require_tool


def test_a_tool_that_is_there_is_not_missing() -> None:
    assert missing_tool("sh") == ""


def test_an_absent_tool_is_not_run_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="not run: `no-such-tool` is not on PATH"):
        require_tool("sh", "no-such-tool")


@pytest.mark.parametrize("value", ["true", "1", "True"])
def test_an_absent_tool_is_a_failure_on_ci(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CI", value)
    with pytest.raises(pytest.fail.Exception, match="no-such-tool"):
        require_tool("no-such-tool")


def test_an_absent_npm_package_says_how_to_get_it() -> None:
    assert missing_tool("npm:@actions/no-such-package").endswith("(make dev)")
