"""Runs the workflows that a trigger starts, on this machine."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from skep import __version__
from skep.cache.artifacts import Artifacts
from skep.cli.approvals import CommandLineApprovals, unapproved_environments
from skep.cli.boundary import INTERRUPTED, without_secrets
from skep.cli.findings import finding_json, render_findings
from skep.cli.loading import LoadedPlan, PlanOptions, add_plan_arguments, load_plan, plan_options
from skep.cli.project import Project, add_setting_flags, open_project
from skep.cli.remote import load_for_run
from skep.cli.remote_opening import remote_opener
from skep.cli.rerun import EarlierRun, chosen_as_before, read_earlier, take_artifacts
from skep.cli.run_output import RunOutput, RunTalk, open_output
from skep.cli.run_start import RunStart, start_early
from skep.cli.runs import drop_old_runs
from skep.cli.secrets import read_secrets
from skep.cli.tables import render_table
from skep.events.facts import RunStarted
from skep.host.environment import job_environment
from skep.model.outcome import RunStatus
from skep.pipeline.engine.services import HookScripts, RunOptions
from skep.store.local.records import Reservation, RunRecords
from skep.wiring import LocalRun, RunRequest

EXIT_CODES = {
    RunStatus.SUCCESS: 0,
    RunStatus.FAILURE: 1,
    RunStatus.CANCELLED: 1,
    RunStatus.UNSUPPORTED: 2,
    RunStatus.UNAPPROVED: 2,
}
_DEBUG = "ACTIONS_STEP_DEBUG"


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `skep run`."""
    add_plan_arguments(parser)
    add = parser.add_argument
    add(
        "--secret",
        action="append",
        default=[],
        metavar="NAME",
        help="a secret, from the environment or a prompt",
    )
    add(
        "--env", action="append", default=[], metavar="NAME[=VALUE]", help="let steps see a variable of yours"
    )
    add("--token", default="", metavar="NAME", help="the variable that holds github.token (default: none)")
    add("--approve", action="append", default=[], metavar="ENV", help="let jobs deploy to this environment")
    add(
        "--rerun-failed",
        default="",
        metavar="RUN",
        help="run what failed in RUN (id, number or `last`), and what depends on it",
    )
    add("--in-place", action="store_true", help="run in your work tree itself, not in a private copy")
    add("--allow-unsupported", action="store_true", help="jobs that cannot run here do not fail the run")
    add("--debug", action="store_true", help="show `::debug::` lines (ACTIONS_STEP_DEBUG)")
    add("--logs", action="store_true", help="show the output of every step as it comes")
    add("--plain", action="store_true", help="plain lines, also on a terminal that could show the live view")
    add("--show-env", action="store_true", help="print what steps see of this machine's environment")
    add("--json", action="store_true", help="one JSON object a line for everything that happens")
    add_setting_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Runs what the arguments ask for; gives the exit code."""
    project = open_project(args)
    start = start_early(project, in_place=args.in_place)
    try:
        return _run(args, project, start)
    finally:
        start.close()


def _run(args: argparse.Namespace, project: Project, start: RunStart) -> int:
    records = RunRecords(project.paths)
    closing = ExitStack()
    try:
        earlier = read_earlier(records, args.rerun_failed) if args.rerun_failed else None
        args = args if earlier is None else chosen_as_before(args, earlier)
        reservation = records.reserve(time.time(), os.urandom)
        options = _plan_options(args, project, reservation, earlier)
        loaded = load_for_run(partial(load_plan, options, remote_opener(project)))
        if code := _report_findings(loaded, as_json=args.json):
            return code
        output = open_output(
            sys.stdout,
            os.environ,
            as_json=args.json,
            plain=args.plain,
            logs=args.logs,
            slots=project.settings.jobs,
            expected=lambda: records.expected_durations(steps=False).jobs,
        )
        closing.callback(output.close)
        if args.show_env:
            _print_environment(project, args.env)
        if not loaded.plan.workflows:
            output.nothing(loaded.plan)
            return 0
        if earlier is not None:
            take_artifacts(Artifacts(project.paths.artifacts), earlier, reservation.run_id)
        approvals = _approvals(args, project, output)
        _tell_approvals(args, project, loaded, output)
        request = _request(
            args,
            project,
            loaded,
            reservation=reservation,
            output=output,
            earlier=earlier,
            start=start,
            approvals=approvals,
        )
        local = LocalRun(request, records, output)
        started = _started(reservation, loaded, earlier)
        status, interrupted = asyncio.run(_execute(local, started, start, approvals, output))
        output.finish()
        drop_old_runs(records, project, time.time())
    finally:
        closing.close()
        records.close()
    return INTERRUPTED if interrupted else EXIT_CODES[status]


def _plan_options(
    args: argparse.Namespace, project: Project, reservation: Reservation, earlier: EarlierRun | None
) -> PlanOptions:
    options = plan_options(args)
    return replace(
        options,
        root=project.root,
        run_id=numeric_run_id(reservation.run_id),
        run_number=reservation.number,
        token=_token(args),
        event=earlier.event if earlier is not None and options.event == "push" else options.event,
    )


def _request(
    args: argparse.Namespace,
    project: Project,
    loaded: LoadedPlan,
    *,
    reservation: Reservation,
    output: RunOutput,
    earlier: EarlierRun | None,
    start: RunStart,
    approvals: CommandLineApprovals,
) -> RunRequest:
    return RunRequest(
        run_id=reservation.run_id,
        run_number=reservation.number,
        plan=loaded.plan,
        repository=loaded.repository,
        settings=project.settings,
        paths=project.paths,
        options=_run_options(args, project, earlier),
        environ=os.environ,
        extra_env=args.env,
        mounts=start.mounts,
        approvals=approvals,
        remote=loaded.remote,
        on_output=output.take_log,
        warn=output.warn,
    )


def _approvals(args: argparse.Namespace, project: Project, output: RunOutput) -> CommandLineApprovals:
    asks = sys.stdin.isatty() and sys.stderr.isatty() and not args.json
    return CommandLineApprovals(
        [*project.settings.environments_open, *args.approve],
        person=os.environ.get("USER") or "terminal",
        answers=sys.stdin if asks else None,
        suspend=output.suspend,
    )


def _tell_approvals(
    args: argparse.Namespace, project: Project, loaded: LoadedPlan, output: RunOutput
) -> None:
    """Says at the start what will wait for a word of the user's."""
    approved = [*project.settings.environments_open, *args.approve]
    if names := unapproved_environments(loaded.plan, approved):
        flags = " ".join(f"--approve {name}" for name in names)
        output.warn(f"jobs that deploy wait for an approval: {flags}")


def _token(args: argparse.Namespace) -> str:
    return os.environ.get(args.token, "") if args.token else ""


async def _execute(
    local: LocalRun,
    started: RunStarted,
    start: RunStart,
    approvals: CommandLineApprovals,
    talk: RunTalk,
) -> tuple[RunStatus, bool]:
    """Runs with Ctrl-C as cancel, and Ctrl-C again as kill; also says whether that happened."""
    loop = asyncio.get_running_loop()
    asked: list[str] = []

    def stop(name: str) -> None:
        asked.append(name)
        approvals.close()
        talk.interrupted(name, len(asked))
        if len(asked) == 1:
            local.cancel(f"interrupted by {name}")
        else:
            local.kill(f"killed by {name}")

    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    numbers = [one for one in ending if signal.getsignal(one) is not signal.SIG_IGN]  # nohup stays in force
    for number in numbers:
        loop.add_signal_handler(number, stop, number.name)
    try:
        status = await local.execute(started, start.take_guard())
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
    return status, bool(asked)


def numeric_run_id(run_id: str) -> str:
    """`github.run_id`: digits only, as actions expect; sortable, from the run's own id."""
    day, _, rest = run_id.partition("-")
    return "".join(character for character in day if character.isdigit()) + str(
        int(rest or "0", 16) % 1000
    ).zfill(3)


def _started(reservation: Reservation, loaded: LoadedPlan, earlier: EarlierRun | None) -> RunStarted:
    argv = tuple(without_secrets(sys.argv)[0])
    before = () if earlier is None else earlier.words  # so that a run can be run again more than once
    return RunStarted(
        at=time.time(),
        run_id=reservation.run_id,
        number=reservation.number,
        event=loaded.trigger.event,
        ref=loaded.trigger.ref,
        sha=loaded.trigger.sha,
        root=loaded.root,
        argv=(*argv[:2], *before, *argv[2:]),
        pid=os.getpid(),
        version=__version__,
    )


def _run_options(args: argparse.Namespace, project: Project, earlier: EarlierRun | None) -> RunOptions:
    asked = plan_options(args)
    secrets = read_secrets(args.secret, project.settings.secrets_file, os.environ)
    wants_debug = secrets.get(_DEBUG, asked.variables.get(_DEBUG, "")).lower() == "true"
    return RunOptions(
        jobs=project.settings.jobs,
        secrets=secrets,
        vars=asked.variables,
        token=_token(args),
        reused=earlier.legs if earlier is not None else {},
        matrix=asked.matrix,
        allow_unsupported=args.allow_unsupported,
        debug=args.debug or wants_debug,
        in_place=args.in_place,
        hooks=HookScripts(
            job_started=project.settings.hooks_job_started
            or os.environ.get("ACTIONS_RUNNER_HOOK_JOB_STARTED", ""),
            job_completed=project.settings.hooks_job_completed
            or os.environ.get("ACTIONS_RUNNER_HOOK_JOB_COMPLETED", ""),
            step_started=project.settings.hooks_step_started,
            step_completed=project.settings.hooks_step_completed,
        ),
        job_timeout_minutes=project.settings.job_timeout_minutes,
    )


def _report_findings(loaded: LoadedPlan, *, as_json: bool) -> int:
    """Prints what is wrong in the workflows; 2 when that stops the run."""
    if as_json:
        import json

        for finding in loaded.findings:
            print(json.dumps({"fact": "finding", **finding_json(finding)}))
    elif loaded.findings:
        colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        print(render_findings(loaded.findings, loaded.sources, colour=colour) + "\n", file=sys.stderr)
    return 2 if loaded.has_errors else 0


def _print_environment(project: Project, extra: list[str]) -> None:
    """What steps see of this machine, and why; secrets are not among it."""
    _, shown = job_environment(
        os.environ, home="(its own)", temp="(its own)", extra=(*project.settings.env_allow, *extra)
    )
    rows = [(variable.name, variable.value, variable.why) for variable in shown]
    print(render_table(("variable", "value", "why"), rows), file=sys.stderr)
