"""Shell lines, as the runner has them."""

from __future__ import annotations

import pytest

from skep.model.errors import UserError
from skep.pipeline.engine.shells import shell_script, split_arguments


def everything(name: str) -> str | None:
    return f"/bin/{name}"


def nothing(_name: str) -> str | None:
    return None


@pytest.mark.parametrize(
    ("shell", "argv"),
    [
        (None, "bash -e /s"),
        ("", "bash -e /s"),
        ("bash", "bash --noprofile --norc -e -o pipefail /s"),
        ("sh", "sh -e /s"),
        ("python", "python /s"),
        ("pwsh", "pwsh -command . '/s'"),
        ("bash -x {0} --flag", "bash -x /s --flag"),
        ("perl -w {0}", "perl -w /s"),
        ('bash -c "source {0}"', "bash -c source /s"),
    ],
)
def test_each_shell_has_its_line(shell: str | None, argv: str) -> None:
    assert " ".join(shell_script(shell, "x", everything).command("/s")) == argv


def test_without_bash_the_default_is_sh() -> None:
    assert shell_script(None, "x", nothing).argv == ("sh", "-e", "{0}")


def test_python3_stands_in_for_python() -> None:
    found = shell_script("python", "x", lambda name: "/usr/bin/python3" if name == "python3" else None)

    assert found.argv == ("python3", "{0}")


def test_powershell_stops_on_errors_and_gives_its_exit_code() -> None:
    text = shell_script("pwsh", "Get-Item x", everything).text

    assert text.startswith("$ErrorActionPreference = 'stop'\nGet-Item x\n")
    assert text.endswith("{ exit $LASTEXITCODE }")


@pytest.mark.parametrize(
    ("shell", "message"),
    [
        ("pwsh", "`pwsh` is not on this machine"),
        ("fish {0}", "`fish` is not on this machine"),
        ("perl", "does not say where the script goes"),
    ],
)
def test_a_shell_that_cannot_run_is_said_with_a_hint(shell: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        shell_script(shell, "x", nothing)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('script -q -c "bash -e {0}"', ("script", "-q", "-c", "bash -e {0}")),
        ("bash -c 'a {0}'", ("bash", "-c", "'a", "{0}'")),
        ('a\\b "c d"e \\"x', ("a\\b", "c de", '"x')),
        ('x "" y', ("x", "", "y")),
        ('a "b', ("a", "b")),
        (" a\t b ", ("a", "b")),
    ],
)
def test_a_shell_line_is_split_as_dotnet_splits_it(line: str, words: tuple[str, ...]) -> None:
    assert split_arguments(line) == words


def test_script_files_have_the_shells_suffix() -> None:
    suffixes = [
        shell_script(shell, "x", everything).suffix for shell in ("bash", "python", "pwsh", "perl {0}")
    ]

    assert suffixes == [".sh", ".py", ".ps1", ""]
