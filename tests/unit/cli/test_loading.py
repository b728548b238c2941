"""Loading a project: files read, reusable workflows found, findings of what was asked for."""

import argparse
import os
from pathlib import Path

import pytest

from skep.cli.loading import (
    PlanOptions,
    add_plan_arguments,
    called_from,
    load_plan,
    plan_options,
    read_workflows,
)
from skep.model.errors import HostError, UserError
from unit.source.repositories import a_repository, commit, write

pytestmark = pytest.mark.usefixtures("no_git_settings")

JOBS = "jobs: {job: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = a_repository(tmp_path / "repo")
    write(root, ".github/workflows/ci.yml", text=f"name: CI\non: push\n{JOBS}")
    write(root, ".github/workflows/bad.yaml", text="on: push\njobs: 1\n")
    write(root, ".github/workflows/notes.txt", text="no workflow\n")
    commit(root, "a")
    return root


def test_yml_and_yaml_files_are_read_in_order_and_nothing_else(root: Path) -> None:
    (root / ".github/workflows/folder.yml").mkdir()
    write(root, ".github/workflows/also.yaml", text=f"on: push\n{JOBS}")
    read = read_workflows(str(root))
    assert [workflow.path for workflow in read.workflows] == [
        ".github/workflows/also.yaml",
        ".github/workflows/ci.yml",
    ]
    assert read.unreadable == (".github/workflows/bad.yaml",)
    assert {finding.where.path for finding in read.findings} == {".github/workflows/bad.yaml"}
    assert read.sources[".github/workflows/ci.yml"].startswith("name: CI")


def test_a_project_without_workflows_has_an_empty_plan(tmp_path: Path) -> None:
    loaded = load_plan(PlanOptions(root=str(tmp_path)))
    assert (loaded.plan.workflows, loaded.workflows, loaded.findings) == ((), (), ())
    assert not loaded.has_errors


def test_a_readable_workflow_is_planned_beside_an_unreadable_one(root: Path) -> None:
    loaded = load_plan(PlanOptions(root=str(root)))
    assert [item.key for item in loaded.plan.workflows] == ["ci.yml"]
    assert loaded.has_errors
    assert loaded.trigger.changed_paths == (
        ".github/workflows/bad.yaml", ".github/workflows/ci.yml", ".github/workflows/notes.txt", "a",
    )  # fmt: skip


def test_what_is_wrong_elsewhere_does_not_matter_to_a_chosen_workflow(root: Path) -> None:
    loaded = load_plan(PlanOptions(root=str(root), workflows=("ci",)))
    assert [item.key for item in loaded.plan.workflows] == ["ci.yml"]
    assert not loaded.has_errors


def test_a_chosen_workflow_that_cannot_be_read_is_its_findings(root: Path) -> None:
    loaded = load_plan(PlanOptions(root=str(root), workflows=("bad.yaml",), jobs=("x",)))
    assert loaded.plan.workflows == ()
    assert {finding.where.path for finding in loaded.findings} == {".github/workflows/bad.yaml"}
    assert load_plan(PlanOptions(root=str(root), jobs=("job",))).has_errors


def test_unknown_names_are_refused(root: Path) -> None:
    with pytest.raises(UserError, match="no workflow `cy`"):
        load_plan(PlanOptions(root=str(root), workflows=("cy",)))
    with pytest.raises(UserError, match="no job `x`"):
        load_plan(PlanOptions(root=str(root), jobs=("x",)))


def test_a_payload_file_is_read_and_its_absence_said(root: Path) -> None:
    (root / "event.json").write_text('{"ref": "refs/tags/v1"}', encoding="utf-8")
    assert (
        load_plan(PlanOptions(root=str(root), payload_path=str(root / "event.json"))).trigger.ref
        == "refs/tags/v1"
    )
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load_plan(PlanOptions(root=str(root), payload_path=str(root / "no.json")))


CALLER = "on: push\njobs: {call: {uses: ./.github/workflows/called.yml}}\n"
CALLED = f"on: workflow_call\n{JOBS}"


def test_a_reusable_workflow_of_the_project_is_read_with_its_caller(root: Path) -> None:
    write(root, ".github/workflows/ci.yml", text=CALLER)
    write(root, ".github/workflows/called.yml", text=CALLED)
    loaded = load_plan(PlanOptions(root=str(root), workflows=("ci.yml",)))
    (item,) = loaded.plan.workflows
    called = item.workflow.jobs[0].called
    assert called is not None
    assert [job.id for job in called.jobs] == ["job"]


def test_what_is_wrong_in_a_called_workflow_is_told_once(root: Path) -> None:
    write(root, ".github/workflows/ci.yml", ".github/workflows/other.yml", text=CALLER)
    write(
        root,
        ".github/workflows/called.yml",
        text="on: workflow_call\njobs: {job: {steps: [{run: 'true'}]}}\n",
    )
    loaded = load_plan(PlanOptions(root=str(root), workflows=("ci.yml",)))
    assert [finding.where.path for finding in loaded.findings] == [
        ".github/workflows/called.yml",
        ".github/workflows/ci.yml",
    ]


def test_no_file_outside_of_the_project_is_a_reusable_workflow(root: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside.yml", text=CALLED)
    os.symlink(tmp_path / "outside.yml", root / ".github/workflows/link.yml")
    os.symlink(tmp_path, root / "folder")
    called = called_from(str(root))
    assert called("./../outside.yml") is None
    assert called("./.github/workflows/../../../outside.yml") is None
    assert called("./.github/workflows/link.yml") is None
    assert called("./folder/outside.yml") is None
    assert called("./.github/workflows/no.yml") is None
    assert called("owner/repo/.github/workflows/x.yml@v1") is None
    assert called("./.github/workflows/ci.yml") is not None


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    write(tmp_path, ".github/workflows")
    with pytest.raises(HostError, match=r"`\.github/workflows` cannot be read: Not a directory"):
        read_workflows(str(tmp_path))


def test_options_become_values() -> None:
    parser = argparse.ArgumentParser()
    add_plan_arguments(parser)
    words = (
        "--event pull_request --base main --payload p.json --ref x --cron * --input a=1 --input b=x=y "
        "--var V= -W ci --workflow b --job j --matrix os:linux --matrix os:mac --matrix v:1:2"
    )
    options = plan_options(parser.parse_args(words.split()))
    assert (options.event, options.base, options.payload_path, options.ref, options.cron) == (
        "pull_request", "main", "p.json", "x", "*",
    )  # fmt: skip
    assert options.inputs == {"a": "1", "b": "x=y"}
    assert options.variables == {"V": ""}
    assert (options.workflows, options.jobs) == (("ci", "b"), ("j",))
    assert options.matrix == {"os": ("linux", "mac"), "v": ("1:2",)}


@pytest.mark.parametrize(
    "words", [["--input", "x"], ["--input", "=1"], ["--var", "x"], ["--matrix", "os"], ["--matrix", ":x"]]
)
def test_a_malformed_option_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_plan_arguments(parser)
    with pytest.raises(SystemExit) as raised:
        parser.parse_args(words)
    assert raised.value.code == 2
    assert f"`{words[1]}` is not" in capsys.readouterr().err
