"""The project around the current folder."""

import argparse
from pathlib import Path

import pytest

from skep.cli.project import add_setting_flags, find_root, given_flags, open_project
from skep.model.errors import UserError
from skep.settings import Settings

from .conftest import Call


@pytest.mark.parametrize("marker", [".github/workflows/", "skep.toml"])
def test_the_root_is_the_nearest_folder_upward_with_workflows_or_settings(
    tmp_path: Path, marker: str
) -> None:
    root, deep = tmp_path / "a", tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    if marker.endswith("/"):
        (root / marker).mkdir(parents=True)
    else:
        (root / marker).write_text("")
    (tmp_path / "skep.toml").write_text("")
    assert find_root(str(deep)) == str(root)


def test_outside_of_a_project_the_user_is_told_what_makes_one(
    skep: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    said = skep("runs")
    assert said.code == 2
    assert said.err.startswith("error: no project here")
    assert "skep.toml" in said.err


def test_wrong_settings_stop_a_command_with_all_that_is_wrong(project: Path, skep: Call) -> None:
    (project / "skep.toml").write_text("jbos = 1\nworkspace = 'magic'\n")
    said = skep("runs")
    assert said.code == 2
    assert "error: skep.toml:1:1: there is no setting `jbos` [unknown-setting]" in said.err
    assert "error: skep.toml:2:1: `workspace` must be one of" in said.err
    assert "hint: did you mean `jobs`?" in said.err


def test_a_misspelt_variable_is_said_and_the_command_goes_on(
    project: Path, skep: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKEP_JOSB", "3")
    said = skep("runs")
    assert said.code == 0
    assert said.err.startswith("warning: environment: there is no setting `SKEP_JOSB`")


def test_a_flag_wins(project: Path) -> None:
    parser = argparse.ArgumentParser()
    add_setting_flags(parser)
    args = parser.parse_args(["-j", "3", "--labels", "gpu,big", "--log-limit-bytes", "1 MiB"])
    assert given_flags(args) == {"jobs": 3, "labels": ("gpu", "big"), "log_limit_bytes": 1024**2}
    opened = open_project(args)
    assert (opened.root, opened.settings.jobs) == (str(project), 3)
    assert opened.paths.state_dir == opened.settings.state_dir


def test_every_setting_has_a_flag_with_its_documentation() -> None:
    parser = argparse.ArgumentParser()
    add_setting_flags(parser)
    assert {key.removeprefix("setting_") for key in vars(parser.parse_args([]))} == set(Settings.__slots__)
    assert "--keep-days" in parser.format_help()


def test_a_wrong_flag_says_what_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_setting_flags(parser, "jobs")
    with pytest.raises(SystemExit):
        parser.parse_args(["--jobs", "many"])
    assert "expected a number of 0 or more, got `many`" in capsys.readouterr().err


def test_a_settings_file_that_cannot_be_read_is_no_traceback(project: Path, skep: Call) -> None:
    (project / "skep.toml").mkdir()
    said = skep("runs")
    assert said.code == 1
    assert "cannot be read" in said.err
    with pytest.raises(UserError):
        find_root("/")
