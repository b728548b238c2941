"""Settings from defaults, file, environment and flags; and what is wrong with them."""

import os
from dataclasses import fields, replace
from pathlib import Path

import pytest

from skep.model.finding import Severity
from skep.settings import Settings, environment_name, flag_name, parse_value, read_settings

FIELDS = {one.name: one for one in fields(Settings)}


def settings_of(root: Path, toml: str = "", **environ: str) -> Settings:
    """Settings with nothing wrong."""
    settings, findings = read_with_findings(root, toml, **environ)
    assert findings == []
    return settings


def read_with_findings(root: Path, toml: str = "", **environ: str) -> tuple[Settings, list[str]]:
    if toml:
        (root / "skep.toml").write_text(toml, encoding="utf-8")
    settings, findings = read_settings(str(root), {"XDG_STATE_HOME": "/state", **environ})
    return settings, [
        f"{one.severity} {one.where} {one.message} [{one.rule}] {one.hint}".rstrip() for one in findings
    ]


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert settings == replace(Settings(), state_dir="/state/skep", jobs=settings.jobs)
    assert settings.jobs >= 1
    assert (settings.log_limit_bytes, settings.workspace) == (256 * 1024**2, "auto")


def test_a_flag_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "jobs = 3").jobs == 3
    assert settings_of(tmp_path, "jobs = 3", SKEP_JOBS="4").jobs == 4
    flagged, _ = read_settings(str(tmp_path), {"SKEP_JOBS": "4"}, {"jobs": 5})
    assert flagged.jobs == 5


def test_an_empty_variable_is_as_none(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "jobs = 3", SKEP_JOBS="").jobs == 3


def test_pyproject_is_read_unless_there_is_a_skep_toml(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'x'\n[tool.skep]\njobs = 7\n", encoding="utf-8"
    )
    assert settings_of(tmp_path).jobs == 7
    assert settings_of(tmp_path, "workspace = 'copy'").jobs != 7


def test_a_pyproject_without_our_table_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("this is not toml", encoding="utf-8")
    settings_of(tmp_path)


@pytest.mark.parametrize("toml", ["keep_days = 7", "[keep]\ndays = 7", "keep-days = 7"])
def test_a_key_may_stand_in_its_table(tmp_path: Path, toml: str) -> None:
    assert settings_of(tmp_path, toml).keep_days == 7


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("log_limit_bytes", "500 MiB", 500 * 1024**2),
        ("log_limit_bytes", "2GB", 2 * 10**9),
        ("log_limit_bytes", "1.5k", 1500),
        ("log_limit_bytes", 77, 77),
        ("keep_days", "0.5", 0.5),
        ("keep_days", 3, 3.0),
        ("labels", "gpu, big", ("gpu", "big")),
        ("labels", ["gpu", "big"], ("gpu", "big")),
        ("workspace", "reflink", "reflink"),
        ("jobs", "8", 8),
    ],
)
def test_values_are_read_from_text_and_toml(name: str, given: object, expected: object) -> None:
    value = parse_value(FIELDS[name], given)
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("jobs", "many", "number of 0 or more"),
        ("jobs", -1, "number of 0 or more"),
        ("jobs", 1.5, "whole number"),
        ("jobs", "4 MB", "number of 0 or more"),
        ("jobs", True, "a number"),
        ("jobs", [], "a number"),
        ("log_limit_bytes", "1 PB", "such as `500 MiB`"),
        ("workspace", "magic", "auto, overlay, reflink, copy"),
        ("labels", ["a", 1], "list of texts"),
        ("labels", 1, "list of texts"),
        ("secrets_file", 5, "a text"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_what_was_expected(
    name: str, given: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        parse_value(FIELDS[name], given)


@pytest.mark.parametrize(
    ("toml", "finding"),
    [
        (
            "\njbos = 3",
            "error skep.toml:2:1 there is no setting `jbos` [unknown-setting] did you mean `jobs`?",
        ),
        (
            "[keep]\ndasy = 3",
            "error skep.toml:2:1 there is no setting `keep.dasy` [unknown-setting] did you mean `keep.days`?",
        ),
        (
            "zzz = 1",
            "error skep.toml:1:1 there is no setting `zzz` [unknown-setting] docs/reference/settings.md lists all settings",
        ),
        ("jobs = 'many'", "error skep.toml:1:1 `jobs` must be a number of 0 or more [setting-value]"),
        ("jobs = ", "error skep.toml:1:8 Invalid value [toml-syntax]"),
        ("jobs = 1\njobs = 2", "error skep.toml:2:9 Cannot overwrite a value [toml-syntax]"),
    ],
)
def test_a_wrong_file_is_a_finding_at_its_place(tmp_path: Path, toml: str, finding: str) -> None:
    _, findings = read_with_findings(tmp_path, toml)
    assert findings == [finding]


def test_a_wrong_variable_is_a_finding_that_names_it(tmp_path: Path) -> None:
    settings, findings = read_with_findings(tmp_path, SKEP_WORKSPACE="magic")
    assert findings == [
        "error environment `SKEP_WORKSPACE` must be one of auto, overlay, reflink, copy [setting-value]"
    ]
    assert settings.workspace == "auto"


def test_a_wrong_value_leaves_the_others_standing(tmp_path: Path) -> None:
    settings, findings = read_with_findings(tmp_path, "jobs = 3\nworkspace = 'magic'\nlabels = ['gpu']")
    assert (settings.jobs, settings.workspace, settings.labels) == (3, "auto", ("gpu",))
    assert len(findings) == 1


def test_a_file_that_is_no_utf8_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "skep.toml").write_bytes(b"\xff\xfe")
    _, findings = read_with_findings(tmp_path)
    assert findings == ["error skep.toml:1:0 the file is not UTF-8 text [toml-syntax]"]


def test_a_misspelt_variable_is_a_warning_and_a_strange_one_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "skep.toml").write_text("", encoding="utf-8")
    settings, findings = read_settings(str(tmp_path), {"SKEP_JOSB": "4", "SKEP_QUITE_ELSE": "x"})
    assert [(one.message, one.severity, one.hint) for one in findings] == [
        ("there is no setting `SKEP_JOSB`", Severity.WARNING, "did you mean `SKEP_JOBS`?")
    ]
    assert settings.jobs >= 1


def test_paths_are_relative_to_what_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert settings_of(tmp_path, "secrets_file = '.secrets'").secrets_file == str(tmp_path / ".secrets")
    assert settings_of(tmp_path, SKEP_SECRETS_FILE="x/y").secrets_file == "/x/y"
    assert settings_of(tmp_path, SKEP_STATE_DIR="~/s").state_dir == os.path.expanduser("~/s")


@pytest.mark.parametrize("name", ["state_dir", "work_dir"])
def test_a_file_of_the_repository_does_not_say_where_we_write(tmp_path: Path, name: str) -> None:
    settings, findings = read_with_findings(tmp_path, f"{name} = '../elsewhere'")
    variable, flag = environment_name(name), flag_name(name)
    message = f"`{name}` cannot be set here: this file comes with the repository"
    assert findings == [f"error skep.toml:1:1 {message} [setting-place] use {variable} or {flag}"]
    assert getattr(settings, name) in ("/state/skep", "")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "~/.netrc", "../secrets", "link", "folder/secrets", "a/../../b"]
)
def test_a_file_of_the_repository_names_no_secrets_outside_of_it(tmp_path: Path, path: str) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "secrets")
    (root / "folder").symlink_to(tmp_path)
    settings, findings = read_with_findings(root, f"secrets_file = '{path}'")
    message = "`secrets_file` must be a path below the project root here: this file comes with the repository"
    hint = "use SKEP_SECRETS_FILE or --secrets-file"
    assert findings == [f"error skep.toml:1:1 {message} [setting-place] {hint}"]
    assert settings.secrets_file == ""
    assert settings_of(root, "secrets_file = 'a/../.secrets'").secrets_file == f"{root}/.secrets"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_STATE_HOME": "relative"}, "~/.local/state/skep"),
        ({}, "~/.local/state/skep"),
        ({"XDG_STATE_HOME": "/x"}, "/x/skep"),
    ],
)
def test_the_state_folder_follows_the_xdg_rules(
    tmp_path: Path, environ: dict[str, str], expected: str
) -> None:
    settings, _ = read_settings(str(tmp_path), environ)
    assert settings.state_dir == os.path.expanduser(expected)


def test_every_field_is_documented_and_has_names_of_its_own() -> None:
    for one in FIELDS.values():
        assert one.metadata["doc"].endswith(".")
        assert one.metadata["kind"]
    assert (
        len({environment_name(name) for name in FIELDS})
        == len({flag_name(name) for name in FIELDS})
        == len(FIELDS)
    )
