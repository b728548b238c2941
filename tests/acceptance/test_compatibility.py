"""Every row of docs/compatibility.md has an example, and does what it says, in one run of all examples."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
import yaml

from remote_repositories import make_bare
from skep.cli.compatibility import ROWS, Row
from skep.pipeline.actions.keys import USING
from skep.pipeline.engine.commands import REGISTERED
from skep.pipeline.expressions.names import BUILT_IN_FUNCTIONS, KNOWN_CONTEXTS, STATUS_FUNCTIONS
from skep.pipeline.natives.registry import VERSIONS
from skep.pipeline.natives.setup_places import file_stamp, own_architecture
from skep.pipeline.workflow.shapes import Shape
from skep.pipeline.workflow.step_keys import STEPS
from skep.pipeline.workflow.workflow_keys import WORKFLOW
from tools import PROJECT

from .skep_process import make_project

EXAMPLES: Mapping[str, str] = yaml.safe_load((PROJECT / "tests/cases/compatibility.yml").read_text())
CALLED = """
on: {workflow_call: {inputs: {who: {type: string}}, outputs: {said: {value: "${{ jobs.a.outputs.said }}"}}}}
jobs:
  a:
    runs-on: ubuntu-latest
    outputs: {said: "${{ inputs.who }}"}
    steps: [{run: 'test -n "${{ inputs.who }}"'}]
"""
COMPOSITE = """
name: c
description: d
inputs: {who: {description: w, default: you}}
outputs: {said: {description: s, value: "${{ steps.say.outputs.said }}"}}
runs:
  using: composite
  steps: [{id: say, shell: bash, run: 'echo "said=${{ inputs.who }}" >> "$GITHUB_OUTPUT"'}]
"""
SCRIPT = """
name: s
description: d
inputs: {expect: {description: a variable that is there, or state}}
runs: {using: node20, main: main.js, post: post.js}
"""
MAIN = """
const fs = require('fs');
fs.appendFileSync(process.env.GITHUB_STATE, 'kept=yes\\n');
const expect = process.env.INPUT_EXPECT;
if (expect && expect !== 'state' && !process.env[expect]) { console.log(`no ${expect}`); process.exit(1); }
"""
POST = "if (process.env.STATE_kept !== 'yes') process.exit(1);\n"


def workflow_of(example: str) -> str:
    """An example as a whole workflow."""
    if example.startswith("jobs:") or "\njobs:" in example:
        return example if "\non:" in f"\n{example}" else f"on: push\n{example}"
    body = f"steps:\n{example}" if example.startswith("- ") else example
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n{lines}"


def store_node_24(state: Path) -> None:
    """Puts a Node into Skep's tool cache that says it is 24: the machine may have an older one only."""
    folder = state / "tool-cache/node/24.0.0" / own_architecture()
    (folder / "bin").mkdir(parents=True)
    node = shutil.copy(os.path.realpath(str(shutil.which("node"))), folder / "bin/node")
    Path(f"{folder}.complete").touch()
    answers = state / "tool-cache/skep/node-versions"
    answers.mkdir(parents=True)
    (answers / f"{file_stamp(str(node))}.json").write_text('"24.0.0"')


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[tuple[str, str]]]:
    """Row's key -> (outcome, reason) of each job of its example."""
    home = tmp_path_factory.mktemp("compatibility")
    project = make_project(home, called=CALLED)
    for number, row in enumerate(ROWS):
        project.write(workflow_of(EXAMPLES[row.key]), f"row{number:03}.yml")
    files = {
        "composite/action.yml": COMPOSITE,
        "script/action.yml": SCRIPT,
        "script/main.js": MAIN,
        "script/post.js": POST,
    }
    files |= {
        "newest/action.yml": SCRIPT.replace("node20", "node24"),
        "newest/main.js": MAIN,
        "newest/post.js": POST,
    }
    for name, text in files.items():
        (project.root / name).parent.mkdir(exist_ok=True)
        (project.root / name).write_text(text)
    store_node_24(project.state)
    shared = make_bare(home / "octo", "shared")
    shared.commit({"composite/action.yml": COMPOSITE, ".github/workflows/greet.yml": CALLED}, tag="v1")
    make_bare(home / "octo", "boxed").commit({"Dockerfile": "FROM scratch\n"}, tag="v1")
    (project.root / "skep.toml").write_text('[actions.mirrors]\nocto = "../octo"\n')
    (home / "secrets").write_text("GIVEN_SECRET=a-secret-word\n")
    (home / "secrets").chmod(0o600)
    words = ["--var", "GIVEN_VAR=a-value", "--approve", "staging", "--secrets-file", str(home / "secrets")]
    ran = project.call("run", "--json", *words, timeout_s=300)
    found: dict[str, list[tuple[str, str]]] = {row.key: [] for row in ROWS}
    for line in ran.stdout.splitlines():
        fact = json.loads(line)
        if fact["fact"] in ("job_finished", "job_skipped") and str(fact["job"]).startswith("row"):
            number = int(str(fact["job"])[3:6])
            ended = str(fact.get("conclusion") or fact.get("outcome"))
            found[ROWS[number].key].append((ended, str(fact["reason"])))
    assert any(found.values()), (ran.stdout[-2000:], ran.stderr[-2000:])
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_a_row_does_what_the_page_says(row: Row, endings: Mapping[str, list[tuple[str, str]]]) -> None:
    ended = endings[row.key]
    assert ended, "its example did not start"
    if row.state == "not yet":
        assert any("here yet" in reason for _, reason in ended), ended
        assert all(outcome != "success" for outcome, _ in ended)
    else:
        assert {outcome for outcome, _ in ended} == {"success"}, ended


def test_every_example_belongs_to_a_row() -> None:
    assert sorted(EXAMPLES) == sorted(row.key for row in ROWS)


def keys_of(shapes: Iterable[Shape | None]) -> set[str]:
    return {key for shape in shapes if shape is not None for form in shape.forms for key in form.keys}


@pytest.mark.parametrize(
    ("area", "names"),
    [
        ("workflow", keys_of([WORKFLOW])),
        ("job", keys_of([WORKFLOW.forms[0].keys["jobs"].shape.forms[0].other])),
        ("step", keys_of([STEPS.items])),
        ("context", KNOWN_CONTEXTS),
        ("function", {*BUILT_IN_FUNCTIONS, *STATUS_FUNCTIONS, "hashfiles"}),
        ("command", REGISTERED),
        (
            "action",
            {
                *USING.values(),
                *("/".join(name.split("/")[:2]) for name in VERSIONS),
                "docker://",
                "owner/name@ref",
            },
        ),
    ],
)
def test_everything_that_the_code_knows_has_its_row(area: str, names: Iterable[str]) -> None:
    rows = {row.name if area != "function" else row.name.lower() for row in ROWS if row.area == area}
    assert rows == set(names)
