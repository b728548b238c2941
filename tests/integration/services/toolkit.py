"""The services of one run with real stores, and GitHub's unmodified packages talking to them under node."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from skep.cache.artifacts import Artifacts
from skep.cache.blobs import Blobs
from skep.cache.entries import CacheEntries
from skep.events.facts import Fact
from skep.host.clock import SystemClock
from skep.model.ids import LegKey, RunId
from skep.pipeline.expressions.values import Value
from skep.pipeline.ports import JobBox, ToolkitJob
from skep.pipeline.services.toolkits import Stores, Toolkits
from tools import NPM_PACKAGES

PRELUDE = """
import fs from 'fs';
import path from 'path';
const ws = process.env.GITHUB_WORKSPACE;
const answer = {};
async function attempt(work) { try { return await work(); } catch (error) { return {error: error.message}; } }
process.on('exit', () => fs.writeFileSync(process.env.ANSWER, JSON.stringify(answer)));
"""
ARTIFACT = "import {DefaultArtifactClient} from '@actions/artifact';\nconst artifacts = new DefaultArtifactClient();\n"
CACHE = "import * as cache from '@actions/cache';\nprocess.chdir(ws);\n"
CORE = "import * as core from '@actions/core';\n"
NODE_S = 120.0


@dataclass
class Job:
    """One job: its places, and what its processes find in their environment."""

    box: JobBox
    asked: ToolkitJob
    env: dict[str, str]
    output: str = ""  # of the last process

    @property
    def workspace(self) -> Path:
        return Path(self.box.workspace)

    @property
    def base(self) -> str:
        return self.env["ACTIONS_RESULTS_URL"].rstrip("/")

    def start(self, script: str, **env: str) -> subprocess.Popen[str]:
        """A script in this job, running."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": self.box.home,
            "RUNNER_TEMP": self.box.temp,
            **self.env,
            **env,
        }
        environ |= {"GITHUB_WORKSPACE": self.box.workspace, "ANSWER": f"{self.box.root}/answer.json"}
        return subprocess.Popen(
            ["node", "--input-type=module", "-e", PRELUDE + script],
            cwd=NPM_PACKAGES.parent,
            env=environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, script: str, **env: str) -> Any:
        """What a script put into `answer`."""
        process = self.start(script, **env)
        self.output, _ = process.communicate(timeout=NODE_S)
        assert process.returncode == 0, self.output
        return json.loads(Path(self.box.root, "answer.json").read_text(encoding="utf-8"))


@dataclass
class Services:
    """The services of one run, and its jobs."""

    root: Path
    runner: asyncio.Runner
    toolkits: Toolkits
    stores: Stores
    facts: list[Fact] = field(default_factory=list)

    def job(
        self,
        name: str = "build",
        *,
        ref: str = "refs/heads/main",
        base_ref: str = "",
        environment: str = "",
        id_token: bool = False,
        action: bool = True,
        github: Mapping[str, Value] | None = None,
    ) -> Job:
        """A job with places of its own."""
        root = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.root))
        folders = {"workspace": root / "w" / "shop" / "shop", "temp": root / "t", "home": root / "h"}
        for folder in folders.values():
            folder.mkdir(parents=True)
        box = JobBox(
            leg=LegKey(f"ci.yml:{name}"),
            root=str(root),
            tool_cache="",
            commands=str(root),
            env={},
            **{key: str(folder) for key, folder in folders.items()},
        )
        event: Value = {"repository": {"default_branch": "main"}}
        context: dict[str, Value] = {"ref": ref, "base_ref": base_ref, "event": event, **(github or {})}
        asked = ToolkitJob(
            run_id=RunId("20261121T101530-4f2a"),
            leg=box.leg,
            box=box,
            github=context,
            environment=environment,
            may_have_id_token=id_token,
            publish=self.facts.append,
        )
        return Job(box=box, asked=asked, env=self.runner.run(self.toolkits.variables(asked, action=action)))

    def settle(self) -> list[Fact]:
        """All facts published so far."""
        self.runner.run(asyncio.sleep(0))
        return self.facts

    def leftovers(self) -> list[str]:
        """What unfinished uploads hold on the disk."""
        folder = Path(self.stores.blobs.root, "tmp")
        return sorted(os.listdir(folder)) if folder.is_dir() else []


@contextmanager
def running_services(root: Path) -> Iterator[Services]:
    """Services over fresh stores below `root`."""
    problems: list[str] = []
    stores = Stores(
        blobs=Blobs(str(root / "blobs")),
        entries=CacheEntries(str(root / "entries")),
        artifacts=Artifacts(str(root / "artifacts")),
        keys=str(root / "oidc"),
        clock=SystemClock(),
        report=problems.append,
    )
    with asyncio.Runner() as runner:
        toolkits = Toolkits(stores)
        try:
            yield Services(root=root, runner=runner, toolkits=toolkits, stores=stores)
        finally:
            runner.run(toolkits.close())
    assert problems == []


def other_run(job: Job) -> ToolkitJob:
    """The same job of another run."""
    return replace(job.asked, run_id=RunId("20261121T111530-77aa"))
