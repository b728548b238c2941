"""The set-up says what is missing on a bare machine and does nothing twice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import PROJECT

SCRIPTS = PROJECT / "scripts"


def bare_path(folder: Path, **commands: str) -> dict[str, str]:
    """An environment whose PATH has the named commands (their text) and a shell's everyday tools, nothing else."""
    for tool in ("sh", "dirname", "id", "env"):
        (folder / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    for name, text in commands.items():
        script = folder / name.replace("_", "-")
        script.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        script.chmod(0o755)
    return {"PATH": str(folder)}


def run(script: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs one of our scripts."""
    return subprocess.run([str(SCRIPTS / script)], env=env, capture_output=True, text=True, check=False)


def test_a_python_with_venv_is_found(tmp_path: Path) -> None:
    found = run("find-python", bare_path(tmp_path, python3=f'exec "{sys.executable}" "$@"'))
    assert (found.returncode, found.stdout.strip()) == (0, str(tmp_path / "python3"))


def test_a_python_without_venv_names_the_debian_package(tmp_path: Path) -> None:
    no_venv = f'case "$2" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"'
    found = run("find-python", bare_path(tmp_path, python3=no_venv))
    assert found.returncode == 1
    assert "hint: sudo apt-get install python3-venv" in found.stderr


def test_a_newer_python_is_taken_when_the_first_is_too_old(tmp_path: Path) -> None:
    env = bare_path(tmp_path, python3="exit 1", python=f'exec "{sys.executable}" "$@"')
    (tmp_path / "python").rename(tmp_path / "python3.13")
    found = run("find-python", env)
    assert found.stdout.strip() == str(tmp_path / "python3.13")


def test_no_python_at_all_is_said(tmp_path: Path) -> None:
    found = run("find-python", bare_path(tmp_path))
    assert found.returncode == 1
    assert "no Python 3.11 or newer on PATH" in found.stderr


def listed_commands() -> list[str]:
    """The commands of debian-packages.txt."""
    lines = (SCRIPTS / "debian-packages.txt").read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def test_nothing_is_installed_when_every_command_is_there(tmp_path: Path) -> None:
    present = dict.fromkeys(listed_commands(), "exit 0")
    ran = run("install-debian", bare_path(tmp_path, apt_get="exit 99", **present))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("absent", listed_commands())
def test_only_what_is_missing_is_installed(tmp_path: Path, absent: str) -> None:
    asked = tmp_path / "asked"
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    present = {name: "exit 0" for name in listed_commands() if name != absent}
    env = bare_path(bin_, apt_get=f'echo "$@" >> "{asked}"', **present)
    ran = run("install-debian", env)
    assert ran.returncode == 0
    if os.geteuid() == 0:
        update, install = asked.read_text(encoding="utf-8").splitlines()
        assert update.startswith("update")
        assert len(install.split("--no-install-recommends")[1].split()) == 1
    else:
        assert "hint: sudo apt-get install" in ran.stderr
        assert not asked.exists()
