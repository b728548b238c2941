"""Steps, names and folders that mean harm: each ends as a failed step or a finding, and Skep and everybody else go on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .skep_process import SkepProject, make_project

LIMIT_S = 60.0

STEPS = {
    "long-line-number": r"""- run: echo "::error line=$(printf '9%.0s' $(seq 5000))::x"; exit 1""",
    "nul-in-path": r"""
      - run: printf '/x\0y\n' >> "$GITHUB_PATH"
      - run: echo never""",
    "own-files-gone": r"""
      - run: rm -rf "$(dirname "$GITHUB_OUTPUT")"
      - run: echo never""",
    "action-is-a-pipe": r"""
      - run: mkdir act; mkfifo act/action.yml
      - uses: ./act""",
    "script-is-a-link": r"""
      - run: for n in $(seq 2 9); do ln -s "$HOME/planted" "$(dirname "$GITHUB_OUTPUT")/script$n.sh"; done
      - run: echo never""",
    "files-are-no-files": r"""
      - run: |
          rm "$GITHUB_OUTPUT" "$GITHUB_ENV"; mkfifo "$GITHUB_OUTPUT"; mkdir "$GITHUB_ENV"
          ln -sf /dev/zero "$GITHUB_PATH"; truncate -s 10G "$GITHUB_STATE" """,
    "hash-of-a-pipe": r"""
      - run: mkfifo pipe
      - run: echo ${{ hashFiles('pipe') }}""",
    "hash-of-a-device": r"""
      - run: ln -s /dev/zero zero
      - run: echo ${{ hashFiles('zero') }}""",
    "upload-of-a-pipe": r"""
      - run: mkfifo pipe
      - uses: actions/upload-artifact@v4
        with: {name: x, path: pipe}""",
}


def test_no_step_harms_more_than_its_own_job(tmp_path: Path) -> None:
    jobs = "".join(
        f"  {name}:\n    runs-on: ubuntu-latest\n    steps:\n      {step.strip()}\n"
        for name, step in STEPS.items()
    )
    good = "  good:\n    runs-on: ubuntu-latest\n    steps: [{run: sleep 1}]\n"
    project = make_project(tmp_path, ci=f"on: push\njobs:\n{jobs}{good}")
    facts = project.facts()
    ended = {fact["name"]: fact["conclusion"] for fact in facts if fact["fact"] == "job_finished"}
    unharmed = ("good", "own-files-gone", "script-is-a-link")  # what they did is passed by
    assert ended == dict.fromkeys(STEPS, "failure") | dict.fromkeys(unharmed, "success")
    assert not list(tmp_path.rglob("planted")), "nothing is written through a link"
    assert not list((tmp_path / "state").glob("reports/*"))


def test_a_nul_in_uses_is_a_finding(tmp_path: Path) -> None:
    text = 'on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{uses: "./a\\0b"}, {uses: "o/r\\0@v1"}]}}\n'
    done = make_project(tmp_path, ci=text).call("run")

    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stdout + done.stderr
    assert "\0" not in done.stdout + done.stderr


HOSTILE = """\
name: "wf\\e]0;title\\a\\nforged line"
run-name: "\\e[2Jrun"
on: push
jobs:
  a:
    name: "job\\e[2J\\nci / forged  success ${{ fromJSON('\\"\\\\ud800\\"') }}"
    runs-on: ubuntu-latest
    concurrency: "g${{ fromJSON('\\"\\\\ud800\\"') }}"
    steps:
      - name: "step\\e]8;;x\\a\\nci / forged  success"
        run: printf '::error file=a\\033[2Jb,line=1,title=\\033]0;x::\\033[2Jmsg\\n'; exit 1
"""


@pytest.mark.parametrize("words", ["run", "plan", "runs", "runs show"])
def test_no_name_reaches_the_terminal_as_a_command(tmp_path: Path, words: str) -> None:
    project = make_project(tmp_path, ci=HOSTILE)
    if words.startswith("runs"):
        project.call("run")
    done = project.call(*words.split())
    assert done.returncode == (1 if words == "run" else 0), done.stderr
    assert "^[[2J" in done.stdout or "\\x1b[2J" in done.stdout or words == "runs"
    assert not {"\x1b", "\x07", "\r"} & set(done.stdout + done.stderr)
    assert not [line for line in done.stdout.splitlines() if line.startswith(("forged", "ci / forged"))]


def test_a_pipe_among_the_workflows_is_passed_over(tmp_path: Path) -> None:
    project = make_project(
        tmp_path, ci="on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"
    )
    os.mkfifo(project.root / ".github/workflows/pipe.yml")
    os.mkfifo(project.root / ".github/workflows/pipe")
    assert project.call("run", timeout_s=LIMIT_S).returncode == 0
    assert project.call("plan", timeout_s=LIMIT_S).returncode == 0


@pytest.mark.parametrize("name", ["skep.toml", "pyproject.toml"])
def test_settings_that_are_a_pipe_or_a_device_are_an_error(tmp_path: Path, name: str) -> None:
    project = _simple(tmp_path)
    os.mkfifo(project.root / name)
    done = project.call("plan", timeout_s=LIMIT_S)
    assert (done.returncode, "cannot be read" in done.stderr) == (1, True), done.stderr
    (project.root / name).unlink()
    (project.root / name).symlink_to("/dev/zero")
    done = project.call("plan", timeout_s=LIMIT_S)
    assert (done.returncode, "cannot be read" in done.stderr) == (1, True), done.stderr


def test_a_work_folder_with_other_things_in_it_keeps_them(tmp_path: Path) -> None:
    project = _simple(tmp_path)
    home = tmp_path / "documents"
    (home / "poetry").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    (home / "poetry.lock").touch()
    assert project.call("run", "--work-dir", str(home)).returncode == 0
    assert project.call("run", "--work-dir", str(home)).returncode == 0
    assert sorted(os.listdir(home)) == ["poetry", "poetry.lock"]


@pytest.mark.parametrize("words", [["run", "--ref", b"\xff"], ["run", "--var", b"a=\xff"], ["logs", b"\xff"]])
def test_words_that_are_no_utf_8_are_no_bug(tmp_path: Path, words: list[str | bytes]) -> None:
    project = _simple(tmp_path)
    done = project.call(*map(os.fsdecode, words))
    assert done.returncode in (0, 2), done.stderr
    assert "bug" not in done.stderr


def test_a_secret_in_a_name_is_masked_in_every_fact(tmp_path: Path) -> None:
    text = """\
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    env: {S: "${{ secrets.S }}"}
    steps:
      - run: echo hi > f
      - {uses: actions/upload-artifact@v4, with: {name: "x-${{ env.S }}", path: f}}
      - {name: "n ${{ env.S }}", working-directory: "/no/${{ env.S }}", run: echo, continue-on-error: true}
      - {uses: actions/checkout@v4, with: {ref: "${{ env.S }}"}, continue-on-error: true}
      - run: echo "::notice file=$S,title=$S::$S"; echo "$S" >> "$GITHUB_STEP_SUMMARY"; echo "bad $S" >> "$GITHUB_OUTPUT"
"""
    project = make_project(tmp_path, ci=text)
    project = SkepProject(project.root, {**project.env, "S": "hunter2pw"})
    done = project.call("run", "--json", "--secret", "S")
    assert done.returncode == 1
    assert "x-***" in done.stdout
    assert "hunter2pw" not in done.stdout + done.stderr
    assert "hunter2pw" not in project.call("events", "export").stdout


def _simple(tmp_path: Path) -> SkepProject:
    text = "on: push\njobs: {a: {runs-on: ubuntu-latest, concurrency: '${{ vars.a || 1 }}', steps: [{run: 'true'}]}}\n"
    return make_project(tmp_path, ci=text)


def test_a_state_folder_that_everybody_can_write_to_is_refused(tmp_path: Path) -> None:
    project = _simple(tmp_path)
    project.state.mkdir()
    project.state.chmod(0o777)
    done = project.call("run")
    assert (done.returncode, "every user can write to it" in done.stderr) == (1, True), done.stderr
    project.state.chmod(0o700)
    assert project.call("run").returncode == 0


def test_a_secrets_file_that_others_can_read_is_said(tmp_path: Path) -> None:
    project = _simple(tmp_path)
    secrets = tmp_path / "secrets"
    secrets.write_text("A=hunter2pw\n")
    secrets.chmod(0o644)
    done = project.call("run", "--secrets-file", str(secrets))
    assert done.returncode == 0
    assert "other users can read the secrets file" in done.stderr
    secrets.chmod(0o600)
    assert "other users" not in project.call("run", "--secrets-file", str(secrets)).stderr
