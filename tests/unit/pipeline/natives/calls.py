"""Calls of native actions in real folders: a job's box, the stores of a repository, and what the action said."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from skep.cache.artifacts import Artifacts
from skep.cache.blobs import Blobs
from skep.cache.entries import CacheEntries
from skep.events.facts import Fact
from skep.model.errors import SkepError
from skep.model.ids import LegKey, RunId
from skep.model.outcome import Outcome
from skep.pipeline.expressions.values import Value
from skep.pipeline.natives.artifact_writing import ArtifactStores
from skep.pipeline.natives.cache import CacheAction
from skep.pipeline.natives.download_artifact import DownloadArtifact
from skep.pipeline.natives.merge_artifacts import MergeArtifacts
from skep.pipeline.natives.upload_artifact import UploadArtifact
from skep.pipeline.ports import JobBox, NativeAction, NativeCall, NativeResult, Phase, ProcessEnd

RUN = RunId("20261120T101530-4f2a")
GITHUB: Mapping[str, Value] = {
    "ref": "refs/heads/topic",
    "base_ref": "",
    "repository": "octo/shop",
    "run_id": "77",
    "server_url": "https://github.com",
    "event": {"repository": {"default_branch": "main"}},
}


class StillClock:
    """Each look at it is one second later."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        self.time += 1.0
        return self.time

    def monotonic(self) -> float:
        return self.now()


@dataclass
class Job:
    """One job: its folders, and what its actions said and published."""

    box: JobBox
    log: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return Path(self.box.workspace)

    @property
    def home(self) -> Path:
        return Path(self.box.home)

    def write(self, files: Mapping[str, str]) -> None:
        """Puts files into the workspace."""
        for name, text in files.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def files(self, folder: str = ".") -> dict[str, str]:
        """Every file of the workspace, or of a folder in it."""
        root = self.workspace / folder
        return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


class Shop:
    """One repository's stores and the actions over them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = Blobs(str(root / "blobs"))
        self.entries = CacheEntries(str(root / "entries"))
        self.artifacts = Artifacts(str(root / "artifacts"))
        self.clock = StillClock()
        stores = ArtifactStores(blobs=self.blobs, artifacts=self.artifacts, clock=self.clock)
        cache = CacheAction(self.blobs, self.entries, self.clock)
        self.actions: dict[str, NativeAction] = {
            "actions/cache": cache,
            "actions/cache/restore": cache,
            "actions/cache/save": cache,
            "actions/upload-artifact": UploadArtifact(stores),
            "actions/upload-artifact/merge": MergeArtifacts(stores),
            "actions/download-artifact": DownloadArtifact(stores),
        }
        self._jobs = 0

    def job(self) -> Job:
        """A new job with empty folders."""
        self._jobs += 1
        root = self.root / f"job {self._jobs} of {os.getpid()}"
        places = {name: str(root / name) for name in ("workspace", "temp", "home", "commands")}
        for place in places.values():
            Path(place).mkdir(parents=True, exist_ok=True)
        tools = self.root / "tools"
        tools.mkdir(exist_ok=True)
        leg = LegKey(f"ci.yml:job{self._jobs}")
        return Job(JobBox(leg=leg, root=str(root), tool_cache=str(tools), env={}, **places))

    def call(
        self,
        job: Job,
        uses: str,
        inputs: Mapping[str, str],
        *,
        phase: Phase = Phase.MAIN,
        state: Mapping[str, str] | None = None,
        status: Outcome = Outcome.SUCCESS,
        github: Mapping[str, Value] | None = None,
        env: Mapping[str, str] | None = None,
        run_id: RunId = RUN,
    ) -> NativeCall:
        """The call that the engine would make for `uses: <action>@<ref>`."""
        action, _, ref = uses.partition("@")

        async def run(argv: Sequence[str], cwd: str) -> ProcessEnd:
            raise AssertionError(f"no process is needed: {argv} in {cwd}")

        return NativeCall(
            action=action,
            ref=ref,
            phase=phase,
            inputs={name.lower(): value for name, value in inputs.items()},
            env={"HOME": job.box.home, **(env or {})},
            github={**GITHUB, **(github or {})},
            box=job.box,
            run_id=run_id,
            leg=job.box.leg,
            state=state or {},
            job_status=status,
            log=job.log.append,
            publish=job.facts.append,
            run=run,
        )

    def act(self, call: NativeCall) -> NativeResult:
        """What comes of a call."""
        return asyncio.run(_awaited(self.actions[call.action], call))

    def use(
        self,
        job: Job,
        uses: str,
        inputs: Mapping[str, str],
        *,
        github: Mapping[str, Value] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> NativeResult:
        """`act` over a `call` of the main phase."""
        return self.act(self.call(job, uses, inputs, github=github, env=env))

    def refusal(self, job: Job, uses: str, inputs: Mapping[str, str]) -> str:
        """Why an action cannot be done; fails when it can."""
        try:
            self.use(job, uses, inputs)
        except SkepError as refused:
            return str(refused)
        raise AssertionError(f"{uses} with {inputs} was done")


async def _awaited(action: NativeAction, call: NativeCall) -> NativeResult:
    return await action(call)
