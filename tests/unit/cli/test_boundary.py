"""Every error of a command becomes text and an exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skep.cli.boundary import bug_report, guarded, without_secrets
from skep.model.errors import HostError, SkepError, StoreError, UserError
from skep.model.finding import Location
from tools import PROJECT


def raising(error: BaseException) -> int:
    """The code of a command that ends with an error."""

    def command(argv: list[str]) -> int:
        raise error

    return guarded(command, ["run", "--secret", "TOKEN=hunter2"])


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UserError("no such job", hint="try another"), 2, "error: no such job\n\nhint: try another\n"),
        (HostError("disk full"), 1, "error: disk full\n"),
        (StoreError("gone"), 1, "error: gone\n"),
        (
            UserError("bad key", where=Location(path="a.yml", line=3, column=5)),
            2,
            "error: a.yml:3:5: bad key\n",
        ),
        (SkepError("odd"), 3, "error: odd\n"),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(2), 2, ""),
        (SystemExit(None), 0, ""),
        (SystemExit("text"), 2, ""),
    ],
)
def test_an_error_has_its_text_and_its_code(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(error) == code
    assert capsys.readouterr().err == text


def test_a_bug_is_two_lines_and_a_report_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKEP_STATE_DIR", str(tmp_path))
    assert raising(ZeroDivisionError("with hunter2 in it")) == 3
    (report,) = (tmp_path / "reports").iterdir()
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert [line for line in err.splitlines() if line] == [
        "error: a bug in skep stopped this command: ZeroDivisionError",
        f"hint: a report is in `{report}`; please send it to the makers of skep",
    ]
    text = report.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert "command: skep run --secret TOKEN=***" in text
    assert "ZeroDivisionError: with *** in it" in text
    assert report.stat().st_mode & 0o777 == 0o600


def test_a_bug_whose_report_cannot_be_written_is_said_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKEP_STATE_DIR", str(tmp_path / "file" / "below"))
    assert raising(ZeroDivisionError()) == 3
    assert "no report could be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["--secret", "A=b"], ["--secret", "A=***"]),
        (["--secret=A=b"], ["--secret=A=***"]),
        (["-s", "A=b=c", "--job", "A=b"], ["-s", "A=***", "--job", "A=b"]),
        (["--env", "HOME", "--env", "X="], ["--env", "HOME", "--env", "X=***"]),
        (["run", "--input", "a=b"], ["run", "--input", "a=b"]),
    ],
)
def test_values_of_secrets_leave_the_command_line(argv: list[str], shown: list[str]) -> None:
    assert without_secrets(argv)[0] == shown


def test_the_longest_secret_is_removed_first() -> None:
    report = bug_report(ValueError("abcdef"), ["--secret", "A=abc", "--secret", "B=abcdef"])
    assert "ValueError: ***\n" in report


def test_a_reader_that_goes_away_is_no_error() -> None:
    program = (
        "import sys\nfrom skep.cli.boundary import guarded\n"
        "sys.exit(guarded(lambda argv: [print('x' * 1000) for _ in range(1000)] and 0, []))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "src")},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141
