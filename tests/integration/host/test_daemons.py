"""What a step leaves behind belongs to its job, however it hides, and dies with it."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from skep.host.guard.child import Child, SignalName
from skep.host.guard.client import Guard
from skep.testing.processes import alive_with, new_marker

from .running import eventually, sh, with_guard

STAY = "while :; do sleep 0.1; done"  # runs until killed; its marker is an argument
HIDE = {
    "in the background": f"bash -c '{STAY}' $0 & ",
    "by nohup": f"nohup bash -c '{STAY}' $0 >/dev/null 2>&1 & ",
    "in a session of its own": f"setsid bash -c '{STAY}' $0 & ",
    "by a double fork": f"(setsid bash -c \"setsid bash -c '{STAY}' $0 & \" $0 & ) ; ",
    "deaf to every signal": f"setsid bash -c 'trap \"\" INT TERM HUP QUIT; {STAY}' $0 & ",
    "without its tracking id": f"RUNNER_TRACKING_ID= bash -c '{STAY}' $0 & ",
    "without any environment": f"env -i PATH=\"$PATH\" bash -c '{STAY}' $0 & ",
    "stopped": f"setsid bash -c 'kill -STOP $$; {STAY}' $0 & ",
    "with a deep family": "bash -c 'for i in 1 2 3; do (bash -c \"sleep 100 & sleep 101; :\" $0 & ) ; done; sleep 99; :' $0 & ",
}

SIGNALS: dict[str, SignalName] = {"interrupt": "INT", "terminate": "TERM", "kill": "KILL"}
DEEDS = {
    "short": "exit 3",
    "long": STAY,
    "deaf": f"trap '' INT TERM; {STAY}",
    "daemon": f"setsid bash -c '{STAY}' $0 & exit 0",
    "family": f"(bash -c '{STAY}' $0 & wait) & {STAY}",
    "loud": "yes $0",
    "broken": "kill -SEGV $$",
    "interrupt": "",
    "terminate": "",
    "kill": "",
    "job over": "",
}


def test_every_daemon_lives_until_its_own_job_is_over() -> None:
    async def test(guard: Guard) -> None:
        markers = {how: new_marker() for how in HIDE}
        steps = {how: await sh(guard, HIDE[how] + "sleep 0.3; exit 4", markers[how], job=how) for how in HIDE}
        assert {how: (await step.wait()).exit_code for how, step in steps.items()} == dict.fromkeys(HIDE, 4)
        for how in HIDE:
            await (await sh(guard, "exit 0", job=how)).wait()
        for how, marker in markers.items():
            assert alive_with(marker), how
            assert await guard.kill_tracked(how) == ()
            assert not alive_with(marker), how

    with_guard(test)


def test_the_end_of_the_run_ends_every_daemon() -> None:
    markers = {how: new_marker() for how in HIDE}

    async def test(guard: Guard) -> None:
        for how, marker in markers.items():
            await (await sh(guard, HIDE[how] + "sleep 0.05", marker)).wait()

    with_guard(test)
    assert {how: alive_with(marker) for how, marker in markers.items()} == {how: [] for how in HIDE}


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(sorted(DEEDS))), min_size=1, max_size=12))
def test_any_mixture_of_steps_signals_and_ends_of_jobs_ends(deeds: list[tuple[str, str]]) -> None:
    marker = new_marker()

    async def test(guard: Guard) -> None:
        running: dict[str, list[Child]] = {"a": [], "b": [], "c": []}
        for job, deed in deeds:
            if deed in SIGNALS:
                for child in running[job]:
                    child.send(SIGNALS[deed])
            elif deed == "job over":
                await guard.kill_tracked(job)
                assert [child.is_open for child in running[job]] == [False] * len(running[job])
                async with asyncio.timeout(10):
                    await asyncio.gather(*(child.wait() for child in running[job]))
                running[job] = []
            else:
                running[job].append(await sh(guard, DEEDS[deed], marker, job=job))
        for job in running:
            assert await guard.kill_tracked(job) == ()
        assert not alive_with(marker)

    with_guard(test)


def test_a_daemon_without_any_trace_of_its_job_dies_with_the_run_at_the_latest() -> None:
    marker = new_marker()

    async def test(guard: Guard) -> None:
        other = await sh(guard, STAY, job="other job")
        step = await sh(
            guard,
            f'(setsid env -i PATH="$PATH" bash -c "setsid bash -c \'{STAY}\' $0 & " $0 &); sleep 0.2',
            marker,
        )
        await step.wait()
        await guard.kill_tracked("job")
        await guard.kill_tracked("other job")
        assert (await other.wait()).signal == 9

    with_guard(test)
    assert alive_with(marker) == []


def test_another_job_keeps_its_daemons() -> None:
    async def test(guard: Guard) -> None:
        mine, yours = new_marker(), new_marker()
        for marker, job in ((mine, "mine"), (yours, "yours")):
            step = await sh(guard, f"setsid bash -c '{STAY}' $0 & sleep 0.2", marker, job=job)
            await step.wait()
        await guard.kill_tracked("mine")
        assert alive_with(mine) == []
        assert len(alive_with(yours)) == 1

    with_guard(test)


def test_killing_a_step_kills_all_it_started_and_nothing_else_of_its_job() -> None:
    async def test(guard: Guard) -> None:
        service, parallel, doomed = new_marker(), new_marker(), new_marker()
        earlier = await sh(guard, f"setsid bash -c '{STAY}' $0 & sleep 0.1", service)
        await earlier.wait()
        beside = await sh(guard, STAY, parallel)
        step = await sh(guard, f"bash -c '{STAY}' $0 & setsid bash -c '{STAY}' $0 & {STAY}", doomed)
        assert await eventually(lambda: len(alive_with(doomed)) == 3)
        step.send("KILL")
        assert (await step.wait()).signal == 9
        assert await eventually(lambda: not alive_with(doomed))
        assert (len(alive_with(service)), len(alive_with(parallel))) == (1, 1)
        beside.send("KILL")
        await beside.wait()

    with_guard(test)


def test_kill_reaches_the_daemons_of_a_step_that_has_ended() -> None:
    async def test(guard: Guard) -> None:
        marker = new_marker()
        step = await sh(guard, f"setsid bash -c '{STAY}' $0 & sleep 0.1", marker)
        await step.wait()
        assert alive_with(marker)
        step.send("KILL")
        assert await eventually(lambda: not alive_with(marker))

    with_guard(test)


def test_int_and_term_go_to_the_whole_process_group() -> None:
    async def test(guard: Guard) -> None:
        output: list[bytes] = []
        script = (
            "trap 'echo got INT' INT; (trap 'echo child got TERM; exit' TERM; while :; do sleep 0.05; done) & "
            "echo up; while :; do wait; done"
        )
        step = await sh(guard, script, output=output)
        assert await eventually(lambda: b"up" in b"".join(output))
        step.send("INT")
        assert await eventually(lambda: b"got INT" in b"".join(output))
        step.send("TERM")
        assert (await step.wait()).signal == 15
        assert await eventually(lambda: b"child got TERM" in b"".join(output) or not step.is_open)

    with_guard(test)


def test_a_tree_that_forks_as_fast_as_it_can_is_killed() -> None:
    async def test(guard: Guard) -> None:
        marker = new_marker()
        hop = 'hop() { [ "$1" -gt 0 ] && { hop $(($1-1)) & }; sleep 30; }; '
        step = await sh(guard, hop + "for i in 1 2 3 4 5 6; do hop 20 & done; wait", marker)
        assert await eventually(lambda: len(alive_with(marker)) > 20)
        step.send("KILL")
        await step.wait()
        assert await eventually(lambda: not alive_with(marker), timeout_s=2)

    with_guard(test)


def test_a_process_that_moves_on_to_a_new_pid_all_the_time_does_not_escape() -> None:
    marker = new_marker()

    async def test(guard: Guard) -> None:
        hopper = "import os,sys\nwhile True:\n    if os.fork(): os._exit(0)\n    os.setsid()\n"
        step = await guard.spawn(
            ["python3", "-I", "-S", "-c", hopper, marker], "/", {"PATH": "/usr/bin"}, lambda _c: None, "j"
        )
        await step.wait()
        assert await eventually(lambda: bool(alive_with(marker)))
        await guard.kill_tracked("j")

    with_guard(test)
    assert alive_with(marker) == []
