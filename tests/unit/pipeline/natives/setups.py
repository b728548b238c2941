"""Calls of the setup actions with real processes, and the tools they find: this Python as pyenv's, wheels made on the spot."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import platform
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from skep.model.outcome import Outcome
from skep.pipeline.natives.setup_cache import DependencyMarks
from skep.pipeline.natives.setup_node import SetupNode
from skep.pipeline.natives.setup_python import SetupPython
from skep.pipeline.ports import NativeAction, NativeCall, NativeResult, Phase, ProcessEnd

from .calls import Job, Shop

PYTHON = platform.python_version()
SHORT = ".".join(PYTHON.split(".")[:2])


class Workshop(Shop):
    """A repository on a machine with one pyenv Python (ours), and on PATH a shell and the `programs` only."""

    def __init__(self, root: Path, programs: Sequence[str] = ()) -> None:
        super().__init__(root)
        self.bin = root / "machine/bin"
        self.bin.mkdir(parents=True)
        for program in ("/bin/sh", "/usr/bin/env", *programs):
            (self.bin / Path(program).name).symlink_to(program)
        marks = DependencyMarks(self.blobs, self.entries, self.clock)
        setups: dict[str, NativeAction] = {
            "actions/setup-python": SetupPython(marks),
            "actions/setup-node": SetupNode(marks),
        }
        self.actions.update(setups)
        versions = root / "pyenv/versions"
        versions.mkdir(parents=True)
        (versions / PYTHON).symlink_to(sys.base_prefix)
        self.machine = {"PATH": str(self.bin), "PYENV_ROOT": str(root / "pyenv")}

    def job(self) -> Job:
        """A new job, whose steps see this machine."""
        job = super().job()
        return replace(job, box=replace(job.box, env={**self.machine, "HOME": job.box.home}))

    def set_up(
        self, job: Job, uses: str, inputs: Mapping[str, str], env: Mapping[str, str] | None = None
    ) -> NativeResult:
        """The main phase, with real processes."""
        call = self.call(job, uses, inputs, env={**job.box.env, **(env or {})})
        return self.act(replace(call, run=process_runner(call)))

    def end(self, job: Job, uses: str, main: NativeResult, status: Outcome = Outcome.SUCCESS) -> None:
        """The post phase."""
        assert main.post
        self.act(self.call(job, uses, {}, phase=Phase.POST, state=main.state, status=status))

    def run(self, job: Job, result: NativeResult, *words: str) -> str:
        """What a later step's command prints; fails when it fails."""
        env = {**job.box.env, **result.env}
        env["PATH"] = ":".join([*reversed(result.paths), env["PATH"]])
        done = subprocess.run(words, cwd=job.workspace, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


class Runs:
    """Runs processes as the engine does: output to the step's log."""

    def __init__(self, call: NativeCall) -> None:
        self._call = call

    async def __call__(self, argv: Sequence[str], cwd: str) -> ProcessEnd:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(self._call.env),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        for line in said.decode(errors="replace").splitlines():
            self._call.log(line)
        return ProcessEnd(exit_code=process.returncode or 0)


def process_runner(call: NativeCall) -> Runs:
    """What `call.run` is with real processes."""
    return Runs(call)


def make_wheel(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    """A wheel of text files; those in a `bin` folder are programs."""
    base = f"{name.replace('-', '_')}-{version}"
    about = f"{base}.dist-info"
    texts = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in texts.items())
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{base}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**texts, f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100755 if "/bin/" in path else 0o100644) << 16
            archive.writestr(entry, text)
    return wheel


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
