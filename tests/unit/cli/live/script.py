"""A run written down in short lines, for tests of the live view.

0 workflow ci.yml Shop: build test<-build      seconds since the start, key, name, jobs with needs
1 expand test: test (1) | test (2)
1 start test (1)        1 step test (1): Run it      1 out test (1): some text\\n
2 stepend test (1): failure 3 Run it                 2 end test (1): failure 4.0
2 skip lint: the reason                              3 cancel
look 80 24 now=12 colour ascii slots=2 expect build=3.5 interrupts=1
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from skep.cli.live.estimate import expected_total
from skep.cli.live.model import LiveRun
from skep.cli.live.render import Look, render_live
from skep.events import facts as f
from skep.model.ids import JobKey, LegKey, StepId
from skep.testing.facts import NOON, run_started

WORKFLOW = "ci.yml"


@dataclass
class Script:
    """What was read: the run as it stands, how it shall be looked at, and when."""

    run: LiveRun = field(default_factory=LiveRun)
    look: Look = field(default_factory=Look)
    now: float = NOON
    slots: int = 2

    def lines(self) -> list[str]:
        """The view."""
        total = expected_total(self.run, self.look.expected, self.slots)
        return render_live(self.run, replace(self.look, expected_total_s=total), self.now)


def read_script(text: str) -> Script:
    """The state after all lines."""
    script = Script()
    script.run.take(run_started(at=NOON))
    for line in text.splitlines():
        if line.startswith("look "):
            _look(script, line.split()[1:])
        elif line.strip():
            at, word, rest = line.split(" ", 2) if line.count(" ") > 1 else (*line.split(" "), "")
            _LINES[word](script, NOON + float(at), rest)
    return script


def _look(script: Script, words: list[str]) -> None:
    look = replace(script.look, width=int(words[0]), height=int(words[1]))
    expected: dict[str, float] = {}
    for word in words[2:]:
        name, _, value = word.partition("=")
        if name == "now":
            script.now = NOON + float(value)
        elif name == "slots":
            script.slots = int(value)
        elif name == "interrupts":
            script.run.interrupts, script.run.interrupt_name = int(value), "SIGINT"
        elif name in ("colour", "ascii"):
            look = replace(
                look, colour=look.colour or name == "colour", unicode=look.unicode and name != "ascii"
            )
        else:
            expected[_key(name.replace("_", " "))] = float(value)
    script.look = replace(look, expected=expected)


def _key(name: str) -> LegKey:
    return LegKey(name if ":" in name else f"{WORKFLOW}:{name}")


def _job(name: str) -> JobKey:
    return JobKey(re.sub(r" \(.*", "", _key(name)))


def _workflow(script: Script, at: float, rest: str) -> None:
    head, _, jobs = rest.partition(": ")
    key, _, name = head.partition(" ")
    needs: dict[str, tuple[str, ...]] = {}
    for word in jobs.split():
        job, _, names = word.partition("<-")
        needs[f"{key}:{job}"] = tuple(f"{key}:{need}" for need in names.split(",") if need)
    keys = tuple(JobKey(job) for job in needs)
    path = f".github/workflows/{key}"
    script.run.take(
        f.WorkflowStarted(
            at=at, workflow=key, path=path, name=name or path, run_name="", jobs=keys, needs=needs
        )
    )


def _expand(script: Script, at: float, rest: str) -> None:
    job, _, names = rest.partition(": ")
    legs = tuple(names.split(" | "))
    script.run.take(f.JobExpanded(at=at, job=_job(job), legs=tuple(_key(leg) for leg in legs), names=legs))


def _start(script: Script, at: float, rest: str) -> None:
    name = rest.rpartition(":")[2]
    script.run.take(f.JobStarted(at=at, job=_job(rest), leg=_key(rest), name=name, runs_on=()))


def _step(script: Script, at: float, rest: str) -> None:
    leg, _, name = rest.partition(": ")
    script.run.take(f.StepStarted(at=at, leg=_key(leg), step=StepId("s"), number=1, name=name, log_offset=0))


def _out(script: Script, _at: float, rest: str) -> None:
    leg, _, text = rest.partition(": ")
    script.run.take_output(_key(leg), text.encode().decode("unicode_escape").encode("latin-1"))


def _step_end(script: Script, at: float, rest: str) -> None:
    leg, _, words = rest.partition(": ")
    outcome, code, name = words.split(" ", 2)
    script.run.take(
        f.StepFinished(
            at=at,
            leg=_key(leg),
            step=StepId("s"),
            number=1,
            name=name,
            outcome=outcome,
            conclusion=outcome,
            exit_code=int(code),
        )
    )


def _end(script: Script, at: float, rest: str) -> None:
    leg, _, words = rest.partition(": ")
    outcome, seconds = words.split(" ", 1)
    script.run.take(
        f.JobFinished(
            at=at,
            job=_job(leg),
            leg=_key(leg),
            name=leg,
            outcome=outcome,
            conclusion=outcome,
            duration_s=float(seconds),
        )
    )


def _skip(script: Script, at: float, rest: str) -> None:
    leg, _, reason = rest.partition(": ")
    script.run.take(f.JobSkipped(at=at, job=_job(leg), leg=_key(leg), name=leg, reason=reason))


def _cancel(script: Script, at: float, _rest: str) -> None:
    script.run.take(f.CancelRequested(at=at, target="run", reason="interrupted by SIGINT"))


def _reuse(script: Script, at: float, rest: str) -> None:
    script.run.take(f.JobReused(at=at, job=_job(rest), leg=_key(rest), name=rest))


def _call(script: Script, at: float, rest: str) -> None:
    caller, _, jobs = rest.partition(": ")
    needs = {}
    for word in jobs.split():
        job, _, names = word.partition("<-")
        needs[_job(job)] = tuple(_job(need) for need in names.split(",") if need)
    script.run.take(
        f.JobCalled(
            at=at,
            job=_job(caller),
            leg=_key(caller),
            name=caller,
            path="r.yml",
            jobs=tuple(needs),
            needs={str(job): tuple(map(str, own)) for job, own in needs.items()},
        )
    )


_LINES: dict[str, Callable[[Script, float, str], None]] = {
    "workflow": _workflow,
    "expand": _expand,
    "start": _start,
    "step": _step,
    "out": _out,
    "stepend": _step_end,
    "end": _end,
    "skip": _skip,
    "cancel": _cancel,
    "reuse": _reuse,
    "call": _call,
}
