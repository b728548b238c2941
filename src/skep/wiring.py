"""Picks the drivers of a run and puts them together: the one place that knows runner, store, trees and native actions at once."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from skep.cache.artifacts import Artifacts
from skep.cache.blobs import Blobs
from skep.cache.entries import CacheEntries
from skep.cache.eviction import evict
from skep.events.facts import Fact, RunFinished, RunStarted
from skep.host.clock import SystemClock
from skep.host.glob import hash_files_call
from skep.host.guard.client import Guard
from skep.host.guard.launch import LaunchedGuard
from skep.host.masking import Masker
from skep.host.namespace import MountAbility
from skep.model.errors import HostError, StoreError
from skep.model.ids import LegKey, RunId, StepId
from skep.model.outcome import RunStatus
from skep.pipeline.actions.lock import Lock
from skep.pipeline.actions.remote import RemotePolicy
from skep.pipeline.engine.execute import RunExecution
from skep.pipeline.engine.services import EngineServices, RunnerFacts, RunOptions
from skep.pipeline.natives.artifact_writing import ArtifactStores
from skep.pipeline.natives.cache import CacheAction
from skep.pipeline.natives.checkout import Checkout
from skep.pipeline.natives.download_artifact import DownloadArtifact
from skep.pipeline.natives.merge_artifacts import MergeArtifacts
from skep.pipeline.natives.node_programs import NodeProgramsHere
from skep.pipeline.natives.registry import natives_table
from skep.pipeline.natives.remote_places import RemotePlaces, read_lock
from skep.pipeline.natives.remote_shelf import RemoteShelf, Shelf
from skep.pipeline.natives.setup_cache import DependencyMarks
from skep.pipeline.natives.setup_node import SetupNode
from skep.pipeline.natives.setup_python import SetupPython
from skep.pipeline.natives.upload_artifact import UploadArtifact
from skep.pipeline.plan.values import Plan, RepositoryFacts
from skep.pipeline.ports import (
    Approvals,
    EventSink,
    LogSink,
    LogStore,
    NativeAction,
    ToolkitJob,
    ToolkitServices,
)
from skep.pipeline.runners.host import HostRunner
from skep.pipeline.runners.labels import ARCHITECTURES, host_labels, unsupported_reason
from skep.pipeline.runners.trees import HostTrees, TreesInPlace
from skep.settings import Settings
from skep.source.actions import ActionStore
from skep.source.trees import WorkTrees
from skep.store.local.groups import SqliteConcurrencyGroups
from skep.store.local.logs import FileLogStore
from skep.store.local.paths import StatePaths
from skep.store.local.records import RunRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run, as the command line asks for it."""

    run_id: RunId
    run_number: int
    plan: Plan
    repository: RepositoryFacts
    settings: Settings
    paths: StatePaths
    options: RunOptions
    environ: Mapping[str, str]
    extra_env: Sequence[str] = ()
    mounts: MountAbility
    approvals: Approvals
    remote: RemoteShelf | None = None  # None: one is made from the settings
    on_output: Callable[[LegKey, StepId, bytes], None] | None = None  # masked output, as it comes
    warn: Callable[[str], None] = lambda _message: None


class Tee:
    """An EventSink that hands each fact to several, in order."""

    def __init__(self, *sinks: EventSink) -> None:
        self._sinks = sinks

    def publish(self, fact: Fact) -> None:
        """Hands the fact on."""
        for sink in self._sinks:
            sink.publish(fact)


class _ShownLog:
    """A LogSink that also shows what it takes."""

    def __init__(self, log: LogSink, leg: LegKey, show: Callable[[LegKey, StepId, bytes], None]) -> None:
        self._log, self._leg, self._show = log, leg, show
        self.tell, self.close = log.tell, log.close

    def write(self, step: StepId, chunk: bytes) -> None:
        self._log.write(step, chunk)
        self._show(self._leg, step, chunk)


class _ShownLogs:
    """A LogStore whose sinks also show what they take."""

    def __init__(self, logs: LogStore, show: Callable[[LegKey, StepId, bytes], None]) -> None:
        self._logs, self._show = logs, show

    def open(self, leg: LegKey) -> LogSink:
        return _ShownLog(self._logs.open(leg), leg, self._show)


class LazyToolkits:
    """ToolkitServices that are imported and built when the first process needs them: most runs need none."""

    def __init__(self, build: Callable[[], ToolkitServices]) -> None:
        self._build = build
        self._built: ToolkitServices | None = None

    async def variables(self, job: ToolkitJob, *, action: bool) -> dict[str, str]:
        """See the port."""
        if self._built is None:
            self._built = self._build()
        return await self._built.variables(job, action=action)

    async def close(self) -> None:
        """See the port."""
        if self._built is not None:
            await self._built.close()


class LocalRun:
    """A run on this machine. Order: construct, `execute` on the loop; `cancel` and `kill` from the loop's thread."""

    def __init__(self, request: RunRequest, records: RunRecords, events: EventSink) -> None:
        self._request = request
        self._records = records
        self._shown = events
        self._clock = SystemClock()
        self._toolkits = LazyToolkits(partial(toolkit_services, request, self._clock))
        self._execution: RunExecution | None = None
        self._waiting_cancel = ""

    async def execute(self, started: RunStarted, launched: LaunchedGuard) -> RunStatus:
        """Runs everything; the last fact is published whatever happens. Raises HostError, StoreError and bugs of ours."""
        request, loop = self._request, asyncio.get_running_loop()
        journal = self._records.begin(started, on_failure=self._store_failed, schedule=loop.call_later)
        events = Tee(journal, self._shown)
        self._shown.publish(started)
        work_root = request.settings.work_dir or request.paths.work
        trees = open_trees(request, work_root)
        runner, groups = (
            self._runner(Guard(launched), trees, work_root),
            SqliteConcurrencyGroups(request.paths),
        )
        status, reason = RunStatus.FAILURE, "Skep failed"
        try:
            await runner.open()
            self._execution = RunExecution(self._services(events, runner, groups, trees), request.plan)
            if self._waiting_cancel:
                loop.call_soon(self._execution.cancel, self._waiting_cancel)
            status = await self._execution.run()
            reason = "; ".join(self._execution.problems)
        except HostError as error:
            reason = str(error)
            raise
        finally:
            await runner.close()
            await self._toolkits.close()
            await groups.close()
            for note in trees.notes():
                request.warn(note)
            await trees.close()
            events.publish(self._finished(started, status, reason))
            journal.close()
        return status

    def cancel(self, reason: str) -> None:
        """Asks everything to stop, with grace."""
        if self._execution is None:
            self._waiting_cancel = reason
        else:
            self._execution.cancel(reason)

    def kill(self, reason: str) -> None:
        """Stops everything now."""
        if self._execution is not None:
            self._execution.kill(reason)

    def _finished(self, started: RunStarted, status: RunStatus, reason: str) -> RunFinished:
        used, now = os.times(), self._clock.now()
        cpu_s = used.user + used.system + used.children_user + used.children_system
        return RunFinished(
            at=now,
            status=status.value,
            duration_s=round(now - started.at, 6),
            cpu_s=round(cpu_s, 6),
            reason=reason,
        )

    def _runner(self, guard: Guard, trees: HostTrees | TreesInPlace, work_root: str) -> HostRunner:
        request = self._request
        root = request.repository.root
        return HostRunner(
            run_id=request.run_id,
            work_root=work_root,
            repository=request.repository.repository.rpartition("/")[2] or os.path.basename(root),
            tool_cache=f"{request.paths.state_dir}/tool-cache",
            environ=request.environ,
            extra_env=(*request.settings.env_allow, *request.extra_env),
            in_place=root if request.options.in_place else "",
            guard=guard,
            release=None if request.options.in_place else trees.remove,
            report=request.warn,
        )

    def _services(
        self,
        events: EventSink,
        runner: HostRunner,
        groups: SqliteConcurrencyGroups,
        trees: HostTrees | TreesInPlace,
    ) -> EngineServices:
        request, options = self._request, self._request.options
        logs: LogStore = FileLogStore(
            request.paths.run(request.run_id).logs,
            clock=self._clock.now,
            step_limit_bytes=request.settings.log_limit_bytes,
            on_failure=self._store_failed,
            schedule=asyncio.get_running_loop().call_later,
        )
        if request.on_output is not None:
            logs = _ShownLogs(logs, request.on_output)
        repository = request.repository
        places = remote_places(request.settings, repository.root, repository.server_url, request.environ)
        tokens = places.given_tokens()
        masking = Masker([secret for secret in (*options.secrets.values(), options.token, *tokens) if secret])
        return EngineServices(
            run_id=request.run_id,
            run_number=request.run_number,
            runner=runner,
            runner_facts=runner_facts(request.settings.labels),
            native_action=native_actions(request, trees, self._clock),
            hash_files=hash_files_call,
            events=events,
            logs=logs,
            groups=groups,
            approvals=request.approvals,
            masking=masking,
            clock=self._clock,
            find_program=find_program,
            options=options,
            project_root=request.repository.root,
            toolkits=self._toolkits,
            remote=request.remote or remote_shelf(request.settings, request.paths, places),
            node=NodeProgramsHere(tool_caches(request.environ)),
        )

    def _store_failed(self, error: StoreError) -> None:
        self._request.warn(f"{error}; the run goes on without its records")


def remote_places(settings: Settings, root: str, server_url: str, environ: Mapping[str, str]) -> RemotePlaces:
    """Where actions of other repositories come from, by the settings of the project at `root`."""
    return RemotePlaces(
        root=root,
        server_url=server_url,
        mirrors=settings.actions_mirrors,
        tokens=settings.actions_tokens,
        environ=environ,
    )


def remote_shelf(
    settings: Settings, paths: StatePaths, places: RemotePlaces, *, lock: Lock | None = None
) -> RemoteShelf:
    """Actions of other repositories, by settings and skep.lock, or by another `lock`, which nothing needs to be in. Raises
    UserError for a wrong lock."""
    policy = RemotePolicy(
        allowed=settings.actions_allowed,
        require_sha=settings.actions_require_sha,
        require_lock=settings.actions_require_lock and lock is None,
        offline=settings.actions_offline,
    )
    store = ActionStore(f"{paths.state_dir}/actions", timeout_s=settings.actions_timeout_s)
    known = read_lock(places.root) if lock is None else lock
    return RemoteShelf(Shelf(store=store, policy=policy, lock=known, origin=places.origin))


def open_trees(request: RunRequest, work_root: str) -> HostTrees | TreesInPlace:
    """How workspaces of this run get the user's tree."""
    root = request.repository.root
    if request.options.in_place:
        return TreesInPlace(root)
    scratch = f"{work_root}/trees/{request.run_id}"
    return HostTrees(
        WorkTrees(root=root, mirror_folder=request.paths.mirror, scratch=scratch, ability=request.mounts)
    )


def runner_facts(extra_labels: Sequence[str]) -> RunnerFacts:
    """The `runner` context of this machine."""
    system = {"linux": "Linux", "darwin": "macOS"}.get(sys.platform, sys.platform)
    architecture = ARCHITECTURES.get(platform.machine().lower(), platform.machine()).upper()
    return RunnerFacts(
        os=system,
        arch=architecture,
        name=platform.node() or "skep",
        unsupported_reason=partial(unsupported_reason, own=host_labels(extra_labels)),
    )


def find_program(name: str, path: str) -> str | None:
    """The program of that name on a PATH. Shells are searched for once: nobody replaces them during a run."""
    return _find_shell(name, path) if name in ("bash", "sh") else shutil.which(name, path=path)


@lru_cache(maxsize=256)
def _find_shell(name: str, path: str) -> str | None:
    return shutil.which(name, path=path)


def native_actions(
    request: RunRequest, trees: HostTrees | TreesInPlace, clock: SystemClock
) -> Callable[[str, str], NativeAction | None]:
    """What finds a native action by (owner/name, ref)."""
    blobs, entries, artifacts = open_stores(request)
    stores = ArtifactStores(blobs=blobs, artifacts=artifacts, clock=clock)
    marks = DependencyMarks(blobs, entries, clock)
    return natives_table(
        cache=CacheAction(blobs, entries, clock, housekeeping=partial(clean_up, request, clock)),
        checkout=Checkout(trees),
        download=DownloadArtifact(stores),
        merge=MergeArtifacts(stores),
        node=SetupNode(marks, tool_caches(request.environ)),
        python=SetupPython(marks, tool_caches(request.environ)),
        upload=UploadArtifact(stores),
    )


def open_stores(request: RunRequest) -> tuple[Blobs, CacheEntries, Artifacts]:
    """Where caches and artifacts of the repository are; native actions and toolkits share them."""
    root = request.paths.cache
    return Blobs(f"{root}/blobs"), CacheEntries(f"{root}/entries"), Artifacts(request.paths.artifacts)


def clean_up(request: RunRequest, clock: SystemClock) -> None:
    """Drops what has expired, and what no longer fits."""
    blobs, entries, artifacts = open_stores(request)
    artifacts.drop_expired(clock.now())
    evict(blobs, [entries], [artifacts], limit_bytes=request.settings.cache_limit_bytes)


def toolkit_services(request: RunRequest, clock: SystemClock) -> ToolkitServices:
    """The services of GitHub's toolkits for one run."""
    from skep.pipeline.services.toolkits import Stores, Toolkits

    blobs, entries, artifacts = open_stores(request)
    housekeeping = partial(clean_up, request, clock)
    stores = Stores(
        blobs=blobs,
        entries=entries,
        artifacts=artifacts,
        keys=f"{request.paths.state_dir}/oidc",
        clock=clock,
        housekeeping=housekeeping,
        report=request.warn,
    )
    return Toolkits(stores)


def tool_caches(environ: Mapping[str, str]) -> list[str]:
    """Folders of tools that a GitHub runner on this machine would use."""
    named = [environ.get(name, "") for name in ("RUNNER_TOOL_CACHE", "AGENT_TOOLSDIRECTORY")]
    return [folder for folder in (*named, "/opt/hostedtoolcache") if folder]
