"""How processes start: what they get, what they do not get, and what is said when they cannot start."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from skep.host.guard.client import Guard
from skep.host.process import ProgramNotFound
from skep.model.errors import HostError

from .running import sh, with_guard

LIBRARY_SIGNALS = 0b11 << 31  # 32 and 33 belong to the C library: nobody else can change them


@pytest.mark.parametrize("size_kib", [1, 64, 200, 1500])
def test_large_environments_arrive(size_kib: int) -> None:
    async def test(guard: Guard) -> None:
        env = {"PATH": os.environ["PATH"]}
        env |= {f"BIG_{i}": "x" * 100_000 for i in range(size_kib // 100)}
        env["REST"] = "y" * (size_kib % 100 * 1024)
        output: list[bytes] = []
        step = await guard.spawn(["env", "-0"], "/", env, output.append, "job")
        assert (await step.wait()).exit_code == 0
        got = dict(pair.split("=", 1) for pair in b"".join(output).decode().split("\0") if pair)
        assert got == {**env, "RUNNER_TRACKING_ID": "job"}

    with_guard(test)


def test_many_large_environments_at_once_arrive() -> None:
    async def test(guard: Guard) -> None:
        env = {**os.environ, **{f"BIG_{i}": "x" * 100_000 for i in range(5)}}
        steps = [await guard.spawn(["true"], "/", env, lambda _c: None, f"job {i}") for i in range(60)]
        ends = await asyncio.gather(*(step.wait() for step in steps))
        assert [end.exit_code for end in ends] == [0] * 60

    with_guard(test)


def test_hundreds_of_processes_run_at_once() -> None:
    async def test(guard: Guard) -> None:
        outputs: list[list[bytes]] = [[] for _ in range(300)]
        steps = [
            await guard.spawn(
                ["sh", "-c", f"sleep 1; echo {i}; exit {i % 256}"],
                "/",
                dict(os.environ),
                outputs[i].append,
                f"job {i}",
            )
            for i in range(300)
        ]
        ends = await asyncio.gather(*(step.wait() for step in steps))
        assert [end.exit_code for end in ends] == [i % 256 for i in range(300)]
        assert [b"".join(output) for output in outputs] == [b"%d\n" % i for i in range(300)]

    with_guard(test)


def test_undecodable_arguments_and_values_arrive_as_they_are() -> None:
    async def test(guard: Guard) -> None:
        odd = os.fsdecode(b"\xff\xfe\x80")
        output: list[bytes] = []
        step = await guard.spawn(
            ["bash", "-c", 'printf %s "$0" "$ODD"', odd],
            "/",
            {**os.environ, "ODD": odd},
            output.append,
            "job",
        )
        await step.wait()
        assert b"".join(output) == b"\xff\xfe\x80" * 2

    with_guard(test)


def test_a_step_gets_nothing_but_its_three_streams() -> None:
    async def test(guard: Guard) -> None:
        neighbours = [await sh(guard, "sleep 5", job=f"other {i}") for i in range(3)]
        output: list[bytes] = []
        step = await sh(
            guard, "ls /proc/$$/fd; cd /proc/$$/fd; readlink 0 1 2; read line || echo no input", output=output
        )
        await step.wait()
        said = b"".join(output).decode().split("\n")
        assert said[:4] == ["0", "1", "2", "/dev/null"]
        assert said[4] == said[5]
        assert said[4].startswith("pipe:")
        assert said[6:] == ["no input", ""]
        for neighbour in neighbours:
            neighbour.send("KILL")

    with_guard(test)


def test_signals_are_as_a_fresh_shell_expects_them() -> None:
    async def test(guard: Guard) -> None:
        output: list[bytes] = []
        step = await guard.spawn(["cat", "/proc/self/status"], "/", dict(os.environ), output.append, "job")
        await step.wait()
        lines = [line.split(b":\t") for line in b"".join(output).splitlines()]
        masks = {
            name: int(value, 16) & ~LIBRARY_SIGNALS
            for name, value in lines
            if name.startswith(b"Sig") and name != b"SigQ"
        }
        assert masks == dict.fromkeys((b"SigPnd", b"SigBlk", b"SigIgn", b"SigCgt"), 0)

    with_guard(test)


def test_a_step_leads_its_own_session_without_a_terminal() -> None:
    async def test(guard: Guard) -> None:
        output: list[bytes] = []
        step = await sh(guard, "cut -d' ' -f1,5,6,7 /proc/$$/stat; pwd", output=output)
        await step.wait()
        numbers, folder = b"".join(output).decode().splitlines()
        pid, group, session, terminal = numbers.split()
        assert (pid, terminal) == (group, "0")
        assert pid == session
        assert folder == "/"

    with_guard(test)


def test_cpu_time_and_memory_are_reported() -> None:
    async def test(guard: Guard) -> None:
        burn = "import sys; x = bytearray(80 << 20)\nfor i in range(3000000): pass"
        end = await (
            await guard.spawn([sys.executable, "-c", burn], "/", dict(os.environ), lambda _c: None, "j")
        ).wait()
        idle = await (await sh(guard, "sleep 0.1")).wait()
        assert end.cpu_s > idle.cpu_s
        assert 80 << 20 < end.peak_memory_bytes < 300 << 20
        assert idle.peak_memory_bytes < 40 << 20

    with_guard(test)


def test_failed_starts_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("just text")
    (tmp_path / "plain").write_text("just text")
    (tmp_path / "plain").chmod(0o755)
    (tmp_path / "script").write_text("#!/no/such/interpreter\n")
    (tmp_path / "script").chmod(0o755)
    cases: list[tuple[list[str], str, str]] = [
        (["no-such-program"], "/", "program not found: `no-such-program`"),
        ([f"{tmp_path}/nothing"], "/", f"program not found: `{tmp_path}/nothing`"),
        (["./nothing"], str(tmp_path), "program not found: `./nothing`"),
        (["sh"], f"{tmp_path}/gone", f"cannot start `sh` in `{tmp_path}/gone`: No such file or directory"),
        (["sh"], f"{tmp_path}/text", f"cannot start `sh` in `{tmp_path}/text`: Not a directory"),
        ([f"{tmp_path}/text"], "/", f"cannot start `{tmp_path}/text`: no permission to execute it"),
        (["text"], "/", "cannot start `text`: no permission to execute it"),
        ([str(tmp_path)], "/", f"cannot start `{tmp_path}`: no permission to execute it"),
        (["./plain"], str(tmp_path), "cannot start `./plain`: it is neither a program for this machine nor"),
        (
            ["./script"],
            str(tmp_path),
            "cannot start `./script`: the interpreter named in its first line is missing",
        ),
        (
            ["sh", "-c", "x" * 3_000_000],
            "/",
            "cannot start `sh`: its arguments and environment are too large",
        ),
        (["sh", "-c", "a\0b"], "/", "cannot start `sh`: embedded null byte"),
        ([], "/", "cannot start ``: "),
    ]

    async def test(guard: Guard) -> None:
        for argv, cwd, message in cases:
            step = await guard.spawn(argv, cwd, {"PATH": f"{tmp_path}:/usr/bin:/bin"}, lambda _c: None, "job")
            with pytest.raises(HostError) as caught:
                await step.wait()
            assert str(caught.value).startswith(message)
            assert isinstance(caught.value, ProgramNotFound) == message.startswith("program not found")
        assert (await (await sh(guard, "exit 0")).wait()).exit_code == 0

    with_guard(test)


def test_the_path_of_the_step_counts_not_ours(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho from the step\n")
    (tmp_path / "tool").chmod(0o755)

    async def test(guard: Guard) -> None:
        for cwd, path in (
            ("/", f"/nowhere:{tmp_path}"),
            (str(tmp_path), ""),
            (str(tmp_path.parent), tmp_path.name),
        ):
            output: list[bytes] = []
            await (await guard.spawn(["tool"], cwd, {"PATH": path}, output.append, "job")).wait()
            assert b"".join(output) == b"from the step\n"

    with_guard(test)


def test_running_out_of_files_is_an_error_of_that_start_only() -> None:
    program = textwrap.dedent("""
        import asyncio, os, resource
        from skep.host.guard.client import Guard
        from skep.model.errors import HostError
        async def main():
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
            guard = Guard()
            await guard.start()
            steps, errors = [], []
            for _ in range(60):
                try:
                    steps.append(await guard.spawn(["sleep", "0.3"], "/", dict(os.environ), print, "job"))
                except HostError as error:
                    errors.append(str(error))
            ends = await asyncio.gather(*(step.wait() for step in steps))
            assert [end.exit_code for end in ends] == [0] * len(steps), ends
            print(len(steps) > 10, {*errors})
            step = await guard.spawn(["true"], "/", dict(os.environ), print, "job")
            print((await step.wait()).exit_code)
            await guard.close()
        asyncio.run(main())
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout == "True {'cannot start `sleep`: too many open files'}\n0\n"


def test_a_step_finds_nothing_of_the_users_environment_in_the_process_above_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOMEBODYS_TOKEN", "hunter2")

    async def test(guard: Guard) -> None:
        output: list[bytes] = []
        step = await guard.spawn(
            ["bash", "-c", "tr '\\0' '\\n' < /proc/$PPID/environ"],
            "/",
            {"PATH": os.environ["PATH"]},
            output.append,
            "job",
        )
        assert (await step.wait()).exit_code == 0
        said = b"".join(output)
        assert b"PATH=" in said
        assert b"hunter2" not in said

    with_guard(test)


def test_a_path_with_a_nul_fails_one_process_and_not_the_guard() -> None:
    async def test(guard: Guard) -> None:
        wrong = await guard.spawn(["bash", "-c", "true"], "/", {"PATH": "/x\0y"}, lambda _chunk: None, "job")
        with pytest.raises(HostError, match="null byte"):
            await wrong.wait()
        assert (await (await sh(guard, "exit 0")).wait()).exit_code == 0

    with_guard(test)
