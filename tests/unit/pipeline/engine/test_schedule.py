"""The scheduler, as rules and as properties."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.ids import JobKey, LegKey
from skep.model.outcome import Outcome
from skep.pipeline.engine.messages import (
    CancelAsked,
    CancelLeg,
    ClaimGroup,
    Command,
    DecideJob,
    DropLeg,
    EndCall,
    GroupHeld,
    GroupLost,
    Happening,
    JobDecided,
    JobNode,
    LegEnded,
    RunEnded,
    StartLeg,
    WorkflowAdmitted,
    WorkflowEnded,
)
from skep.pipeline.engine.schedule import Phase, RunState, advance, begin


def node(name: str, *needs: str, workflow: str = "ci") -> JobNode:
    return JobNode(key=JobKey(name), workflow=workflow, needs=tuple(JobKey(need) for need in needs))


def legs(job: str, count: int = 1) -> tuple[LegKey, ...]:
    return tuple(LegKey(f"{job}/{index}") for index in range(count))


def play(state: RunState, *happenings: Happening) -> tuple[RunState, list[Command]]:
    """The state after all happenings, and the commands of the last."""
    commands: list[Command] = []
    for happening in happenings:
        state, commands = advance(state, happening)
    return state, commands


def started(commands: list[Command]) -> list[LegKey]:
    return [command.leg for command in commands if isinstance(command, StartLeg)]


def decided(commands: list[Command]) -> list[JobKey]:
    return [command.job for command in commands if isinstance(command, DecideJob)]


def test_a_job_is_decided_when_its_workflow_is_admitted() -> None:
    state, commands = begin([node("a"), node("b", "a")], ["ci"], limit=2)
    assert commands == []

    _, commands = advance(state, WorkflowAdmitted(workflow="ci"))

    assert decided(commands) == ["a"]


def test_a_job_is_decided_as_soon_as_its_own_needs_ended_without_a_barrier() -> None:
    state, _ = begin([node("quick"), node("slow"), node("after", "quick")], ["ci"], limit=2)
    quick, slow = legs("quick")[0], legs("slow")[0]

    _, commands = play(
        state,
        WorkflowAdmitted(workflow="ci"),
        JobDecided(job=JobKey("quick"), legs=(quick,)),
        JobDecided(job=JobKey("slow"), legs=(slow,)),
        LegEnded(leg=quick, conclusion=Outcome.SUCCESS),
    )

    assert decided(commands) == ["after"]


def test_slots_are_given_in_the_order_legs_became_ready() -> None:
    state, _ = begin([node("a")], ["ci"], limit=2)
    first, second, third = legs("a", 3)

    state, commands = play(
        state, WorkflowAdmitted(workflow="ci"), JobDecided(job=JobKey("a"), legs=(first, second, third))
    )
    assert started(commands) == [first, second]

    _, commands = advance(state, LegEnded(leg=second, conclusion=Outcome.SUCCESS))
    assert started(commands) == [third]


def test_max_parallel_leaves_slots_to_other_jobs() -> None:
    state, _ = begin([node("a"), node("b")], ["ci"], limit=3)
    state, commands = play(
        state, WorkflowAdmitted(workflow="ci"), JobDecided(job=JobKey("a"), legs=legs("a", 3), max_parallel=1)
    )
    assert started(commands) == [legs("a")[0]]

    _, commands = advance(state, JobDecided(job=JobKey("b"), legs=legs("b")))
    assert started(commands) == [legs("b")[0]]


def test_a_failed_leg_cancels_running_siblings_and_drops_waiting_ones() -> None:
    state, _ = begin([node("a")], ["ci"], limit=2)
    first, second, third = legs("a", 3)
    _, commands = play(
        state,
        WorkflowAdmitted(workflow="ci"),
        JobDecided(job=JobKey("a"), legs=(first, second, third)),
        LegEnded(leg=first, conclusion=Outcome.FAILURE),
    )

    assert [type(command) for command in commands] == [CancelLeg, DropLeg]
    assert started(commands) == []


def test_without_fail_fast_siblings_go_on() -> None:
    state, _ = begin([node("a")], ["ci"], limit=2)
    first, second, third = legs("a", 3)
    _, commands = play(
        state,
        WorkflowAdmitted(workflow="ci"),
        JobDecided(job=JobKey("a"), legs=(first, second, third), fail_fast=False),
        LegEnded(leg=first, conclusion=Outcome.FAILURE),
    )

    assert started(commands) == [third]


@pytest.mark.parametrize(
    ("conclusions", "expected"),
    [
        ((Outcome.SUCCESS, Outcome.SUCCESS), Outcome.SUCCESS),
        ((Outcome.SUCCESS, Outcome.CANCELLED), Outcome.CANCELLED),
        ((Outcome.FAILURE, Outcome.CANCELLED), Outcome.FAILURE),
        ((Outcome.CANCELLED, Outcome.FAILURE), Outcome.FAILURE),
    ],
)
def test_a_job_ends_as_its_worst_leg(conclusions: tuple[Outcome, Outcome], expected: Outcome) -> None:
    state, _ = begin([node("a")], ["ci"], limit=2)
    one, two = legs("a", 2)
    state, _ = play(
        state,
        WorkflowAdmitted(workflow="ci"),
        JobDecided(job=JobKey("a"), legs=(one, two), fail_fast=False),
        LegEnded(leg=one, conclusion=conclusions[0]),
        LegEnded(leg=two, conclusion=conclusions[1]),
    )

    assert state.jobs[JobKey("a")].outcome is expected
    assert state.over


def test_a_job_with_legs_that_cannot_run_here_ends_no_better_than_skipped() -> None:
    state, _ = begin([node("a")], ["ci"], limit=2)
    state, _ = play(
        state,
        WorkflowAdmitted(workflow="ci"),
        JobDecided(job=JobKey("a"), legs=legs("a"), floor=Outcome.SKIPPED),
        LegEnded(leg=legs("a")[0], conclusion=Outcome.SUCCESS),
    )

    assert state.jobs[JobKey("a")].outcome is Outcome.SKIPPED


def test_a_skipped_job_lets_its_dependants_be_decided() -> None:
    state, _ = begin([node("a"), node("b", "a")], ["ci"], limit=2)
    state, commands = play(state, WorkflowAdmitted(workflow="ci"), JobDecided(job=JobKey("a")))

    assert decided(commands) == ["b"]
    assert state.jobs[JobKey("a")].outcome is Outcome.SKIPPED


def test_a_leg_with_a_group_claims_it_before_it_takes_a_slot() -> None:
    state, _ = begin([node("a"), node("b")], ["ci"], limit=1)
    one = legs("a")[0]
    state, commands = play(
        state,
        WorkflowAdmitted(workflow="ci"),
        JobDecided(job=JobKey("a"), legs=(one,), claiming=frozenset([one])),
    )
    assert commands == [ClaimGroup(leg=one)]

    state, commands = advance(state, JobDecided(job=JobKey("b"), legs=legs("b")))
    assert started(commands) == [legs("b")[0]], "a waiting claim must not hold a slot"

    state, commands = advance(state, GroupHeld(leg=one))
    assert started(commands) == []
    _, commands = advance(state, LegEnded(leg=legs("b")[0], conclusion=Outcome.SUCCESS))
    assert started(commands) == [one]


def test_a_leg_that_lost_its_group_is_cancelled() -> None:
    state, _ = begin([node("a")], ["ci"], limit=1)
    one = legs("a")[0]
    state, commands = play(
        state,
        WorkflowAdmitted(workflow="ci"),
        JobDecided(job=JobKey("a"), legs=(one,), claiming=frozenset([one])),
        GroupLost(leg=one),
    )

    assert [type(command) for command in commands] == [DropLeg, WorkflowEnded, RunEnded]
    assert state.jobs[JobKey("a")].outcome is Outcome.CANCELLED


def test_a_cancelled_run_still_decides_jobs_that_wait() -> None:
    state, _ = begin([node("a"), node("cleanup", "a")], ["ci"], limit=1)
    one = legs("a")[0]
    state, commands = play(
        state, WorkflowAdmitted(workflow="ci"), JobDecided(job=JobKey("a"), legs=(one,)), CancelAsked()
    )
    assert [type(command) for command in commands] == [CancelLeg]

    _, commands = advance(state, LegEnded(leg=one, conclusion=Outcome.CANCELLED))
    assert decided(commands) == ["cleanup"], "`if: always()` must get its chance"


def test_cancelling_one_workflow_leaves_the_other_alone() -> None:
    state, _ = begin([node("a"), node("b", workflow="docs")], ["ci", "docs"], limit=2)
    state, commands = play(
        state,
        WorkflowAdmitted(workflow="ci"),
        WorkflowAdmitted(workflow="docs"),
        JobDecided(job=JobKey("a"), legs=legs("a")),
        JobDecided(job=JobKey("b"), legs=legs("b")),
        CancelAsked(workflow="ci"),
    )

    assert commands == [CancelLeg(leg=legs("a")[0], reason="the run was cancelled")]
    assert state.legs[legs("b")[0]].phase is Phase.RUNNING


def test_a_workflow_without_jobs_and_a_run_without_workflows_end_at_once() -> None:
    assert begin([], ["ci"], limit=1)[1] == [WorkflowEnded(workflow="ci"), RunEnded()]
    assert begin([], [], limit=1)[1] == [RunEnded()]


def test_facts_about_what_has_ended_change_nothing() -> None:
    state, _ = begin([node("a")], ["ci"], limit=1)
    one = legs("a")[0]
    end = LegEnded(leg=one, conclusion=Outcome.SUCCESS)
    state, _ = play(state, WorkflowAdmitted(workflow="ci"), JobDecided(job=JobKey("a"), legs=(one,)), end)

    for late in (
        end,
        WorkflowAdmitted(workflow="ci"),
        JobDecided(job=JobKey("a"), legs=(one,)),
        GroupLost(leg=one),
        CancelAsked(),
    ):
        after, commands = advance(state, late)
        assert commands == []
        assert after.jobs[JobKey("a")].outcome is Outcome.SUCCESS


def test_a_call_ends_when_its_jobs_ended_and_before_its_dependants_are_decided() -> None:
    state, _ = begin([node("call"), node("after", "call")], ["ci"], limit=2)
    inner = [
        JobNode(key=JobKey("call/a"), workflow="ci", parent=JobKey("call"), call="call"),
        JobNode(
            key=JobKey("call/b"), workflow="ci", needs=(JobKey("call/a"),), parent=JobKey("call"), call="call"
        ),
    ]
    state, commands = play(
        state, WorkflowAdmitted(workflow="ci"), JobDecided(job=JobKey("call"), called=tuple(inner))
    )
    assert decided(commands) == ["call/a"]

    state, commands = play(state, JobDecided(job=JobKey("call/a"), outcome=Outcome.SKIPPED))
    assert decided(commands) == ["call/b"]

    leg = legs("call/b")[0]
    state, commands = play(
        state, JobDecided(job=JobKey("call/b"), legs=(leg,)), LegEnded(leg=leg, conclusion=Outcome.SUCCESS)
    )
    assert commands == [EndCall(job=JobKey("call")), DecideJob(job=JobKey("after"))]
    assert state.jobs[JobKey("call")].outcome is Outcome.SUCCESS


def test_a_failed_call_of_a_matrix_cancels_the_other_calls() -> None:
    state, _ = begin([node("call")], ["ci"], limit=3)
    inner = [
        JobNode(key=JobKey(f"call {n}/a"), workflow="ci", parent=JobKey("call"), call=f"call {n}")
        for n in (1, 2)
    ]
    one, two = legs("call 1/a")[0], legs("call 2/a")[0]
    state, commands = play(
        state,
        WorkflowAdmitted(workflow="ci"),
        JobDecided(job=JobKey("call"), called=tuple(inner)),
        JobDecided(job=JobKey("call 1/a"), legs=(one,)),
        JobDecided(job=JobKey("call 2/a"), legs=(two,)),
        LegEnded(leg=one, conclusion=Outcome.FAILURE),
    )

    assert commands == [CancelLeg(leg=two, reason="fail-fast: `call 1` failed")]
    assert state.was_cancelled(JobKey("call 2/a"))
    assert not state.was_cancelled(JobKey("call 1/a"))


@dataclass
class World:
    """Plays the shell: keeps what the scheduler asked for and answers in any order."""

    state: RunState
    needs: dict[JobKey, tuple[JobKey, ...]]
    limit: int
    open: list[Command] = field(default_factory=list)
    running: set[LegKey] = field(default_factory=set)
    cancelling: set[LegKey] = field(default_factory=set)
    ended_jobs: set[JobKey] = field(default_factory=set)
    decided_jobs: list[JobKey] = field(default_factory=list)
    ended: int = 0
    claims: set[LegKey] = field(default_factory=set)
    callers: dict[JobKey, tuple[JobKey, ...]] = field(default_factory=dict)

    def take(self, commands: list[Command]) -> None:
        for command in commands:
            assert not self.ended, f"{command} after RunEnded"
            match command:
                case DecideJob(job=job):
                    assert job not in self.decided_jobs
                    assert all(self.state.jobs[need].phase is Phase.ENDED for need in self.needs[job])
                    self.decided_jobs.append(job)
                    self.open.append(command)
                case StartLeg(leg=leg):
                    assert leg not in self.running
                    assert leg not in self.claims
                    self.running.add(leg)
                    self.open.append(command)
                case ClaimGroup(leg=leg):
                    self.claims.add(leg)
                    self.open.append(command)
                case DropLeg(leg=leg):
                    assert leg not in self.running
                    self.open = [c for c in self.open if not (isinstance(c, ClaimGroup) and c.leg == leg)]
                case CancelLeg(leg=leg):
                    assert leg in self.running
                    self.cancelling.add(leg)
                case EndCall(job=job):
                    ends = [self.state.jobs[key].phase for key in self.callers.pop(job)]
                    assert set(ends) == {Phase.ENDED}
                case RunEnded():
                    self.ended += 1
        assert len(self.running) <= self.limit

    def tell(self, happening: Happening) -> None:
        self.state, commands = advance(self.state, happening)
        if isinstance(happening, LegEnded):
            self.running.discard(happening.leg)
        self.take(commands)


@given(st.data())
def test_no_job_starts_before_its_needs_none_is_lost_and_every_cancel_ends(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 7))
    workflows = ["ci", "docs"]
    nodes: list[JobNode] = []
    for index in range(count):
        workflow = data.draw(st.sampled_from(workflows))
        before = [item.key for item in nodes if item.workflow == workflow]
        needs = data.draw(st.lists(st.sampled_from(before), max_size=3)) if before else []
        nodes.append(JobNode(key=JobKey(f"j{index}"), workflow=workflow, needs=tuple(needs)))
    limit = data.draw(st.integers(1, 3))
    state, commands = begin(nodes, workflows, limit)
    world = World(state, {item.key: item.needs for item in nodes}, limit)
    world.take(commands)
    unadmitted = list(workflows)
    for _ in range(1500):
        if world.ended:
            break
        choices: list[str] = ["admit"] if unadmitted else []
        choices += ["answer"] if world.open else []
        if data.draw(st.integers(0, 9)) == 0:
            choices.append("cancel")
        match data.draw(st.sampled_from(choices or ["cancel"])):
            case "admit":
                world.tell(WorkflowAdmitted(workflow=unadmitted.pop()))
            case "cancel":
                world.tell(CancelAsked(workflow=data.draw(st.sampled_from(["", *workflows]))))
            case _:
                command = world.open.pop(data.draw(st.integers(0, len(world.open) - 1)))
                world.tell(_answer(data, world, command))
    assert world.ended == 1
    assert not world.running
    assert all(job.phase is Phase.ENDED for job in world.state.jobs.values())
    assert set(world.decided_jobs) == set(world.needs)
    assert not world.callers, "every call ended once"


def called_jobs(data: st.DataObject, world: World, job: JobKey) -> JobDecided:
    """The job calls a workflow of up to three jobs, once or twice."""
    nodes: list[JobNode] = []
    for call in range(data.draw(st.integers(1, 2))):
        keys = [JobKey(f"{job}/{call}.{index}") for index in range(data.draw(st.integers(1, 3)))]
        for index, key in enumerate(keys):
            needs = tuple(data.draw(st.lists(st.sampled_from(keys[:index]), max_size=2))) if index else ()
            workflow = world.state.jobs[job].node.workflow
            nodes.append(JobNode(key=key, workflow=workflow, needs=needs, parent=job, call=f"{job}/{call}"))
            world.needs[key] = needs
    world.callers[job] = tuple(node.key for node in nodes)
    return JobDecided(job=job, called=tuple(nodes), fail_fast=data.draw(st.booleans()))


def _answer(data: st.DataObject, world: World, command: Command) -> Happening:
    match command:
        case DecideJob(job=job):
            if job.count("/") < 2 and data.draw(st.integers(0, 3)) == 0:
                return called_jobs(data, world, job)
            keys = legs(job, data.draw(st.integers(0, 3)))
            claiming = frozenset(key for key in keys if data.draw(st.booleans()))
            return JobDecided(
                job=job,
                legs=keys,
                claiming=claiming,
                fail_fast=data.draw(st.booleans()),
                max_parallel=data.draw(st.sampled_from([None, 1, 2])),
            )
        case ClaimGroup(leg=leg):
            world.claims.discard(leg)
            return GroupHeld(leg=leg) if data.draw(st.booleans()) else GroupLost(leg=leg)
        case StartLeg(leg=leg):
            allowed = [Outcome.SUCCESS, Outcome.FAILURE, Outcome.CANCELLED]
            return LegEnded(leg=leg, conclusion=data.draw(st.sampled_from(allowed)))
        case _:
            raise AssertionError(command)
