"""`skep run` with actions that use GitHub's packages, unmodified: artifacts, caches and tokens from end to end."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import NPM_PACKAGES, needs_tool

from .skep_process import SkepProject, make_project

ACTION = "name: a\nruns: {using: node20, main: main.mjs}\n"
WORKFLOW = """
on: push
permissions: {id-token: write}
jobs:
  make:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: mkdir deps && echo fetched > deps/x && echo built > result.txt
      - uses: ./actions/make
      - uses: actions/upload-artifact@v4
        with: {name: native, path: result.txt}
      - run: test -z "$ACTIONS_RUNTIME_TOKEN" && test -n "$ACTIONS_ID_TOKEN_REQUEST_URL"
      - run: |
          curl -sf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=me" | grep -q value
          echo "it is $ACTIONS_ID_TOKEN_REQUEST_TOKEN."
  use:
    needs: make
    permissions: {}
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: test -z "$ACTIONS_ID_TOKEN_REQUEST_URL"
      - uses: actions/download-artifact@v4
        with: {name: toolkit, path: got}
      - uses: actions/cache/restore@v4
        with: {path: deps, key: toolkit-1, fail-on-cache-miss: true}
      - run: grep built got/result.txt && grep fetched deps/x
      - uses: ./actions/use
"""
MAKE = """
import {DefaultArtifactClient} from '@actions/artifact';
import * as cache from '@actions/cache';
import * as core from '@actions/core';
if (!cache.isFeatureAvailable()) throw new Error('no cache');
await new DefaultArtifactClient().uploadArtifact('toolkit', ['result.txt'], '.');
await cache.saveCache(['deps'], 'toolkit-1');
core.setOutput('token', await core.getIDToken('aud'));
"""
USE = """
import {DefaultArtifactClient} from '@actions/artifact';
import * as cache from '@actions/cache';
import fs from 'fs';
const client = new DefaultArtifactClient();
const {artifact} = await client.getArtifact('native');
await client.downloadArtifact(artifact.id, {path: 'native', expectedHash: artifact.digest});
if (fs.readFileSync('native/result.txt', 'utf8') !== 'built\\n') throw new Error('not built');
if (await cache.restoreCache(['deps'], 'x', ['toolkit-']) !== 'toolkit-1') throw new Error('no cache');
"""


def project_with_actions(home: Path, **scripts: str) -> SkepProject:
    project = make_project(home, ci=WORKFLOW)
    for name, script in scripts.items():
        folder = project.root / "actions" / name
        folder.mkdir(parents=True)
        (folder / "action.yml").write_text(ACTION, encoding="utf-8")
        (folder / "main.mjs").write_text(script, encoding="utf-8")
    return project


@needs_tool("node", "npm:@actions/artifact", "npm:@actions/cache", "npm:@actions/core", "openssl", "curl")
def test_actions_on_the_toolkits_and_native_ones_work_in_one_run(tmp_path: Path) -> None:
    project = project_with_actions(tmp_path, make=MAKE, use=USE)
    # Node looks for packages in the folders above a script: work folders below this one find ours.
    (tmp_path / "node_modules").symlink_to(NPM_PACKAGES)
    done = project.call("run", "--work-dir", str(tmp_path / "work"))
    assert done.returncode == 0, done.stdout + done.stderr
    logs = project.call("logs").stdout
    assert "Artifact toolkit successfully finalized" in logs + done.stdout
    assert "it is ***." in logs + done.stdout
    assert os.listdir(project.state / "oidc") != []


def test_a_run_without_such_actions_starts_no_service(tmp_path: Path) -> None:
    workflow = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: env\n      - run: echo x > f\n"
    workflow += "      - uses: actions/upload-artifact@v4\n        with: {path: f}\n"
    project = make_project(tmp_path, ci=workflow)
    check = (
        "import sys, threading; from skep.cli.main import main; code = main(['run']);"
        "print([name for name in sys.modules if name.startswith('skep.pipeline.services')],"
        " [thread.name for thread in threading.enumerate() if 'skep-services' in thread.name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", check],
        cwd=project.root,
        env=dict(project.env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.rstrip().endswith("[] []"), done.stdout + done.stderr
    assert "ACTIONS_" not in done.stdout


SAVE_LARGE = """
import {DefaultArtifactClient} from '@actions/artifact';
import * as cache from '@actions/cache';
import crypto from 'crypto';
import fs from 'fs';
fs.writeFileSync(process.env.LARGE + '/big', crypto.randomBytes(40_000_000));
const failure = await new DefaultArtifactClient().uploadArtifact('big', [process.env.LARGE + '/big'], process.env.LARGE)
  .then(() => 'stored', error => error.message);
const cached = await cache.saveCache([process.env.LARGE + '/big'], 'big');
fs.writeFileSync(process.env.LARGE + '/said', `artifact: ${failure}\ncache: ${cached}\n`);
"""


@needs_tool("node", "npm:@actions/artifact", "npm:@actions/cache", "unshare")
@pytest.mark.skipif(os.geteuid() != 0, reason="not run: only root can mount a small disk")
def test_a_store_that_fills_up_refuses_in_plain_words_and_keeps_nothing(tmp_path: Path) -> None:
    project = project_with_actions(tmp_path, make=SAVE_LARGE)
    (tmp_path / "node_modules").symlink_to(NPM_PACKAGES)
    disk, large = tmp_path / "disk", tmp_path / "large"
    disk.mkdir()
    large.mkdir()
    project.write(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n"
        f"      - uses: ./actions/make\n        env: {{LARGE: {large}}}\n"
    )
    words = f"run --work-dir {tmp_path}/work"
    script = f"mount -t tmpfs -o size=30m none {disk} && {sys.executable} -m skep.cli.main {words}; find {disk} -size +1000k"
    done = subprocess.run(
        [shutil.which("unshare") or "", "-m", "sh", "-c", script],
        cwd=project.root,
        env={**project.env, "SKEP_STATE_DIR": str(disk / "state"), "RUNNER_TEMP": str(large)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = (large / "said").read_text(encoding="utf-8")
    assert "No space left on device. free some space" in said, done.stdout + done.stderr
    assert "cache: -1" in said
    assert "Traceback" not in done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith(str(disk))] == []
    assert "goes on without its records" not in done.stderr  # what was refused gave its room back
