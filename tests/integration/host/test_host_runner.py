"""Jobs on this machine: what they see, what they cannot harm, and what is left of them (nothing)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from skep.host.guard.client import Guard
from skep.host.guard.launch import launch_guard
from skep.model.errors import HostError, RunnerLost
from skep.model.ids import LegKey, RunId
from skep.pipeline.ports import JobBox, ProcessSpec
from skep.pipeline.runners.host import HostRunner
from skep.testing.processes import all_gone, new_marker


def run(
    tmp_path: Path,
    test: Callable[[HostRunner], Awaitable[None]],
    *,
    in_place: str = "",
    environ: dict[str, str] | None = None,
    guard: Guard | None = None,
) -> list[str]:
    """Runs a test with an open runner; gives the problems it reported."""
    problems: list[str] = []

    async def go() -> None:
        runner = HostRunner(
            run_id=RunId("20261120T101530-4f2a"),
            work_root=f"{tmp_path}/work",
            memory_root=f"{tmp_path}/memory",
            repository="octo/shop",
            tool_cache=f"{tmp_path}/tools",
            environ=environ if environ is not None else dict(os.environ),
            in_place=in_place,
            guard=guard,
            report=problems.append,
        )
        await runner.open()
        try:
            await test(runner)
        finally:
            await runner.close()
            await runner.close()

    asyncio.run(go())
    return problems


async def sh(runner: HostRunner, box: JobBox, script: str, *arguments: str) -> tuple[int, str]:
    output: list[bytes] = []
    spec = ProcessSpec(argv=["bash", "-c", script, *arguments], cwd=box.workspace, env=box.env)
    end = await (await runner.start(box, spec, output.append)).wait()
    return end.exit_code, b"".join(output).decode()


def test_a_step_sees_its_own_home_and_temp_and_nothing_of_the_user(tmp_path: Path) -> None:
    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        _, said = await sh(
            runner,
            box,
            "echo $HOME; mktemp; echo ${SECRET-unset}; pwd; echo $RUNNER_TRACKING_ID; git config -l",
        )
        home, temp, secret, folder, tracking, *git = said.splitlines()
        assert (home, secret, folder) == (box.home, "unset", box.workspace)
        assert temp.startswith(box.temp)
        assert folder.endswith("/w/shop/shop")
        assert tracking.startswith("github_")
        assert not [line for line in git if line.startswith("user.")]
        await runner.dispose(box)

    home = tmp_path / "real"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Me\n")
    assert run(tmp_path, test, environ={"HOME": str(home), "PATH": os.environ["PATH"], "SECRET": "x"}) == []


def test_a_step_cannot_change_its_tracking_id_by_its_environment(tmp_path: Path) -> None:
    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        marker = new_marker()
        spec = ProcessSpec(
            argv=["bash", "-c", "setsid bash -c 'while :; do sleep 0.1; done' $0 &", marker],
            cwd=box.workspace,
            env={**box.env, "RUNNER_TRACKING_ID": "mine"},
        )
        await (await runner.start(box, spec, lambda _c: None)).wait()
        await runner.dispose(box)
        assert all_gone(marker)

    assert run(tmp_path, test) == []


def test_folders_serve_again_only_when_a_job_left_them_as_they_were(tmp_path: Path) -> None:
    async def test(runner: HostRunner) -> None:
        roots = []
        for script in (
            "true",
            "true",
            "touch $HOME/.cache",
            "true",
            "chmod 700 .",
            "true",
            "sleep 60 & true",
            "true",
        ):
            box = await runner.prepare(LegKey("a"))
            assert [
                len(os.listdir(place)) for place in (box.workspace, box.home, box.temp, box.commands)
            ] == [0] * 4
            await sh(runner, box, script)
            roots.append(os.path.basename(box.root))
            await runner.dispose(box)
        assert roots == ["1", "1", "1", "4", "4", "6", "6", "8"]

    assert run(tmp_path, test) == []


def test_the_users_tree_is_never_removed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "file").write_text("mine")

    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        assert box.workspace == str(project)
        assert await sh(
            runner, box, "cat file; echo new > new; ln -s $PWD $HOME/link; ln -s $PWD $TMPDIR/l"
        ) == (0, "mine")
        await runner.dispose(box)

    assert run(tmp_path, test, in_place=str(project)) == []
    assert sorted(os.listdir(project)) == ["file", "new"]
    assert os.listdir(tmp_path / "work") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
def test_git_works_in_place_in_a_repository_of_another_user(tmp_path: Path) -> None:
    project = tmp_path / "project"
    subprocess.run(["git", "init", "-q", project], check=True)
    subprocess.run(["chown", "-R", "65534", project], check=True)

    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        assert await sh(runner, box, "git status --porcelain && echo fine") == (0, "fine\n")
        await runner.dispose(box)

    assert run(tmp_path, test, in_place=str(project)) == []


def test_settings_that_no_variable_names_are_copied(tmp_path: Path) -> None:
    settings = tmp_path / "real/.config/uv"
    settings.mkdir(parents=True)
    (settings / "uv.toml").write_text("offline = true\n")

    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        assert await sh(runner, box, "cat ~/.config/uv/uv.toml; echo spoilt > ~/.config/uv/uv.toml") == (
            0,
            "offline = true\n",
        )
        await runner.dispose(box)

    environ = {"HOME": f"{tmp_path}/real", "PATH": os.environ["PATH"]}
    assert run(tmp_path, test, environ=environ) == []
    assert (settings / "uv.toml").read_text() == "offline = true\n"


def test_a_step_that_closes_its_folders_keeps_nobody_from_removing_them(tmp_path: Path) -> None:
    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        script = "mkdir -p d/e; touch d/e/f; chmod 000 d/e; chmod 000 d $HOME . ..; chmod 0 ../..; ln -s / $TMPDIR/root"
        await sh(runner, box, script)
        await runner.dispose(box)
        assert not _exists(box.root)

    assert run(tmp_path, test) == []


def test_a_folder_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        deep = "import os\nfor i in range(3000):\n    os.mkdir('deep'); os.chdir('deep')"
        spec = ProcessSpec(argv=[sys.executable, "-c", deep], cwd=box.workspace, env=box.env)
        await (await runner.start(box, spec, lambda _c: None)).wait()
        await runner.dispose(box)
        assert not _exists(box.root)

    assert run(tmp_path, test) == []


def test_what_dead_runs_left_is_removed_when_the_next_one_opens(tmp_path: Path) -> None:
    left = tmp_path / "work/dead/1/w/shop/shop"
    left.mkdir(parents=True)
    (tmp_path / "work").chmod(0o700)
    (left / "file").write_text("x")
    (tmp_path / "work/dead.skep-run").touch()

    async def test(runner: HostRunner) -> None:
        await runner.dispose(await runner.prepare(LegKey("a")))

    assert run(tmp_path, test) == []
    assert os.listdir(tmp_path / "work") == []


def test_a_lost_guard_is_runner_lost_and_everything_is_still_cleaned_up(tmp_path: Path) -> None:
    marker = new_marker()
    launched = launch_guard()

    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        os.kill(launched.pid, signal.SIGKILL)
        with pytest.raises(RunnerLost):
            await sh(runner, box, "sleep 1000", marker)
        with pytest.raises(RunnerLost):
            await sh(runner, box, "sleep 1000", marker)
        await runner.dispose(box)
        assert not _exists(box.root)

    assert run(tmp_path, test, guard=Guard(launched)) == []
    assert all_gone(marker)
    assert os.listdir(tmp_path / "work") == []


def test_a_runner_that_was_not_opened_says_so_and_closes(tmp_path: Path) -> None:
    async def go() -> None:
        runner = HostRunner(
            run_id=RunId("r"), work_root=str(tmp_path), repository="a/b", tool_cache=str(tmp_path), environ={}
        )
        with pytest.raises(HostError, match="not opened"):
            await runner.prepare(LegKey("a"))
        await runner.close()

    asyncio.run(go())


def test_folders_that_cannot_be_made_are_a_host_error_and_leave_nothing(tmp_path: Path) -> None:
    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        folder = Path(box.root).parent
        (folder / "2").touch()
        with pytest.raises(HostError, match="cannot make the folders of job `b`: File exists"):
            await runner.prepare(LegKey("b"))
        assert len(os.listdir(folder)) == 1
        await runner.dispose(await runner.prepare(LegKey("c")))
        await runner.dispose(box)

    assert run(tmp_path, test) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_what_a_step_mounted_is_unmounted_not_emptied(tmp_path: Path) -> None:
    precious = tmp_path / "precious one"
    precious.mkdir()
    (precious / "file").write_text("mine")
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("no mount namespaces here")

    async def test(runner: HostRunner) -> None:
        box = await runner.prepare(LegKey("a"))
        exit_code, said = await sh(
            runner, box, 'mkdir "m n"; mount --bind "$0" "m n" && ls "m n"', str(precious)
        )
        if exit_code:
            pytest.skip(said)
        assert said == "file\n"
        await runner.dispose(box)
        assert not _exists(box.root)

    assert run(tmp_path, test) == []
    assert (precious / "file").read_text() == "mine"


def _exists(path: str) -> bool:
    return os.path.lexists(path)
