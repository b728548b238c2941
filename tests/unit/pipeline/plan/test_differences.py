"""What would differ from GitHub: the files of tests/cases/differences say in their heads what must be told.

`# expect (the workflow|job ID): EFFECT RULE` for each difference; `# given ...` and `# lacks PROGRAMS` describe the machine.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.natives.known import is_native
from skep.pipeline.plan.differences import Difference, Machine, workflow_differences
from skep.pipeline.plan.hosted_tools import commands_in, said_to_install
from skep.pipeline.plan.job_differences import job_differences
from skep.pipeline.runners.labels import host_labels, unsupported_reason
from skep.pipeline.workflow.reader import read_workflow

CASES = Path(__file__).parents[3] / "cases" / "differences"
FILES = sorted(CASES.glob("*.yml"))
_EXPECT = re.compile(r"^# expect (?:job (\S+)|the workflow): (works|differs|cannot run) (\S+)$", re.MULTILINE)
_GIVEN = re.compile(r"^# given (\w+) ?(\S*)$", re.MULTILINE)
_LACKS = re.compile(r"^# lacks (.+)$", re.MULTILINE)


def machine_of(text: str) -> Machine:
    given_ = _GIVEN.findall(text)
    lacking = set(" ".join(_LACKS.findall(text)).split())
    own = host_labels((), system="linux", machine="x86_64")
    return Machine(
        unsupported_labels=lambda labels: unsupported_reason(labels, own=own),
        has_native=is_native,
        has_program=lambda name: name not in lacking,
        secrets={name for kind, name in given_ if kind == "secret"},
        variables={name for kind, name in given_ if kind == "variable"},
        has_token=("token", "") in given_,
        open_environments={name for kind, name in given_ if kind == "environment"},
    )


def told(text: str) -> list[Difference]:
    workflow, findings = read_workflow(text, ".github/workflows/case.yml", called=lambda _: None)
    assert workflow is not None, findings
    machine = machine_of(text)
    found = list(workflow_differences(workflow, machine))
    for job in workflow.jobs:
        found += job_differences(job, machine)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_differences_of_a_workflow_are_those_its_head_names(file: Path) -> None:
    text = file.read_text()
    found = told(text)
    assert sorted((one.job, one.effect.value, one.rule) for one in found) == sorted(_EXPECT.findall(text))
    for one in found:
        assert one.message
        assert one.mend
        assert 0 < one.where.line <= len(text.splitlines())


def test_names_of_secrets_and_tools_are_told() -> None:
    messages = " ".join(one.message for file in FILES for one in told(file.read_text()))
    for word in ("`ROOT_KEY`", "`DEPLOY_KEY`", "`vars.ACCOUNT`", "`kubectl`", "`terraform`", "`production`"):
        assert word in messages


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("npm ci && npm test", ["npm"]),
        ("sudo -E docker build .", ["sudo", "docker"]),
        ('x="$(jq .a b.json)"', ["jq"]),
        ("cat a | jq . | tee b", ["jq"]),
        ("./gradle build\n/usr/bin/npm x", []),
        ("echo npm", []),
        ("echo 'a; npm'", []),
        ("${{ matrix.tool }} npm", []),
        ("for f in *; do go vet $f; done", ["go"]),
        ("A=1 B=2 cargo build", ["cargo"]),
        ("! kubectl get x", ["kubectl"]),
        ("make \\\n  npm", ["make"]),
        ("cat <<END > x\nnpm ci\nEND\njq .", ["jq"]),
        ("cat <<-'A B'\nnpm ci", ["npm"]),
        ("${{ a }}npm; ${{ b }} && go build", ["go"]),
        ("", []),
    ],
)
def test_programs_are_found_where_a_script_calls_them(script: str, commands: list[str]) -> None:
    assert list(commands_in(script)) == commands


def test_what_a_script_installs_is_not_missed() -> None:
    assert {"jq", "cmake"} <= said_to_install("sudo apt-get -y install jq cmake\nnpm install")


@given(st.text(max_size=200))
def test_any_script_can_be_looked_at(script: str) -> None:
    assert isinstance(commands_in(script), tuple)
    assert isinstance(said_to_install(script), set)
