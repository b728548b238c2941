"""Actions and a reusable workflow of other repositories, in bare repositories beside a project that uses them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from remote_repositories import Bare, make_bare

from .skep_process import SkepProject, make_project

GREET = """
name: greet
description: says hello
inputs:
  who: {description: whom, default: world}
outputs:
  said: {description: what, value: "${{ steps.say.outputs.said }}"}
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      run: |
        . "$GITHUB_ACTION_PATH/say.sh" "${{ inputs.who }}"
        echo "repository=$GITHUB_ACTION_REPOSITORY ref=$GITHUB_ACTION_REF"
    - uses: octo/count/deep@v1
      with: {label: inner}
"""
SAY = 'echo "said=hello $1" >> "$GITHUB_OUTPUT"\necho "hello $1"\n'
COUNT = """
name: count
description: counts its phases
inputs:
  label: {description: a label, required: true}
  token: {description: a token, default: "${{ github.token }}"}
outputs:
  phase: {description: the phase}
runs: {using: node20, pre: pre.js, main: main.js, post: post.js}
"""
PRE = """
const fs = require('fs');
fs.appendFileSync(process.env.GITHUB_STATE, 'begun=by-pre\\n');
console.log(`pre of ${process.env.INPUT_LABEL}`);
"""
MAIN = """
const fs = require('fs');
const { word } = require('./lib/word');
console.log(`main of ${process.env.INPUT_LABEL} ${word} state=${process.env.STATE_begun}`);
console.log(`repository=${process.env.GITHUB_ACTION_REPOSITORY} ref=${process.env.GITHUB_ACTION_REF}`);
fs.appendFileSync(process.env.GITHUB_OUTPUT, 'phase=main\\n');
fs.appendFileSync(process.env.GITHUB_STATE, 'ended=by-main\\n');
"""
POST = """
console.log(`post of ${process.env.INPUT_LABEL} ${process.env.STATE_begun} ${process.env.STATE_ended}`);
"""
SHARED = """
on:
  workflow_call:
    inputs:
      who: {type: string, required: true}
    outputs:
      said: {value: "${{ jobs.greet.outputs.said }}"}
jobs:
  greet:
    runs-on: ubuntu-latest
    outputs: {said: "${{ steps.greet.outputs.said }}"}
    steps:
      - id: greet
        uses: octo/hello/greet@v1
        with: {who: "${{ inputs.who }}"}
"""
NESTED = """
on:
  workflow_call:
jobs:
  inner:
    uses: ./.github/workflows/shared.yml
    with: {who: nested}
"""
COUNT_FILES = {
    f"deep/{name}": text
    for name, text in {
        "action.yml": COUNT,
        "pre.js": PRE,
        "main.js": MAIN,
        "post.js": POST,
        "lib/word.js": "exports.word = 'required';\n",
    }.items()
}
HELLO_FILES = {
    "greet/action.yml": GREET,
    "greet/say.sh": SAY,
    ".github/workflows/shared.yml": SHARED,
    ".github/workflows/nested.yml": NESTED,
}
MIRRORS = '[actions.mirrors]\nocto = "../octo"\n'


@dataclass(frozen=True)
class RemoteProject:
    """A project, and the repositories that it may use."""

    project: SkepProject
    hello: Bare
    count: Bare

    def settings(self, text: str) -> None:
        """Writes skep.toml."""
        (self.project.root / "skep.toml").write_text(text)

    def lock(self) -> str:
        """The text of skep.lock."""
        return (self.project.root / "skep.lock").read_text()

    def log(self) -> str:
        """What the last run printed."""
        return self.project.call("logs", "last").stdout


def make_remote_project(home: Path, workflow: str) -> RemoteProject:
    """A project with this workflow, whose mirror of `octo` has the actions above as v1."""
    project = make_project(home, ci=workflow)
    hello, count = make_bare(home / "octo", "hello"), make_bare(home / "octo", "count")
    hello.commit(HELLO_FILES, tag="v1")
    count.commit(COUNT_FILES, tag="v1")
    remote = RemoteProject(project, hello, count)
    remote.settings(MIRRORS)
    return remote
