"""`actions/checkout` done natively, on real repositories, with git running for real."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from skep.host.namespace import MountAbility
from skep.model.errors import UserError
from skep.model.ids import LegKey, RunId
from skep.pipeline.natives.checkout import Checkout, CheckoutTrees
from skep.pipeline.ports import JobBox, NativeCall, NativeResult, Phase, ProcessEnd
from skep.pipeline.runners.trees import HostTrees, TreesInPlace
from skep.source.trees import WorkTrees
from unit.source.lab import COPIES, contents, expected, git, inside, make_repository, write


@dataclass
class Job:
    """A job in a box of its own, in a run on the repository `root`."""

    top: str
    ability: MountAbility = COPIES
    in_place: bool = False
    mirrors: Mapping[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    head_ref: str = ""

    def __post_init__(self) -> None:
        self.work_trees = WorkTrees(self.root, f"{self.top}/mirror", f"{self.top}/scratch", self.ability)
        self.trees: CheckoutTrees = TreesInPlace(self.root) if self.in_place else HostTrees(self.work_trees)
        for name in ("workspace", "temp", "home", "tools", "commands"):
            os.makedirs(f"{self.top}/box/{name}", exist_ok=True)

    @property
    def root(self) -> str:
        return f"{self.top}/root"

    @property
    def workspace(self) -> str:
        return self.root if self.in_place else f"{self.top}/box/workspace"

    def use(self, **inputs: str) -> NativeResult:
        """One use of the action; inputs with `_` for `-`."""
        names = {name.replace("_", "-"): value for name, value in inputs.items()}
        return asyncio.run(Checkout(self.trees, self.mirrors)(self.call(Phase.MAIN, {}, names)))

    def post(self, state: Mapping[str, str]) -> NativeResult:
        """The post phase."""
        return asyncio.run(Checkout(self.trees, self.mirrors)(self.call(Phase.POST, state, {})))

    def call(self, phase: Phase, state: Mapping[str, str], inputs: Mapping[str, str]) -> NativeCall:
        sha = git(self.root, "rev-parse", "HEAD").strip()
        own = {
            "repository": "me/shop",
            "ref": "refs/heads/main",
            "ref_name": "main",
            "sha": sha,
            "head_ref": self.head_ref,
            "server_url": "https://github.com",
        }
        box = JobBox(
            leg=LegKey("ci.yml:a"),
            root=f"{self.top}/box",
            workspace=self.workspace,
            temp=f"{self.top}/box/temp",
            home=f"{self.top}/box/home",
            tool_cache=f"{self.top}/box/tools",
            commands=f"{self.top}/box/commands",
            env={},
        )
        return NativeCall(
            action="actions/checkout",
            ref="v4",
            phase=phase,
            inputs=inputs,
            env={},
            github=own,
            box=box,
            run_id=RunId("r"),
            leg=LegKey("ci.yml:a"),
            state=state,
            log=self.lines.append,
            publish=lambda _fact: None,
            run=self.run,
        )

    async def run(self, argv: Sequence[str], cwd: str) -> ProcessEnd:
        env = {"PATH": os.environ["PATH"], "HOME": f"{self.top}/box/home"}
        process = await asyncio.create_subprocess_exec(*argv, cwd=cwd, env=env, stdout=PIPE, stderr=STDOUT)
        output, _ = await process.communicate()
        self.lines.extend(output.decode().splitlines())
        return ProcessEnd(exit_code=process.returncode or 0)


@pytest.fixture
def job(tmp_path: object) -> Job:
    make_repository(f"{tmp_path}/root")
    return Job(str(tmp_path))


def head(folder: str) -> str:
    return git(folder, "rev-parse", "HEAD").strip()


def second_commit(root: str, branch: str = "") -> str:
    """A commit more, on a branch of its own if named; the tree goes back to main."""
    if branch:
        git(root, "checkout", "-q", "-b", branch)
    write(root, "a.txt", f"second on {branch}")
    write(root, "only-there.txt", "x")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "second")
    sha = head(root)
    if branch:
        git(root, "checkout", "-q", "main")
    return sha


def test_the_default_checkout_is_the_users_tree_as_it_is(job: Job) -> None:
    write(job.root, "a.txt", "uncommitted")
    write(job.root, "new.txt", "untracked")
    result = job.use()
    assert contents(job.workspace) == expected(job.root)
    assert result == NativeResult(outputs={"ref": "refs/heads/main", "commit": head(job.root)})


@pytest.mark.parametrize("ref", ["main", "refs/heads/main", "SHA", "UPPER", "topic"])
def test_a_ref_that_means_what_is_tested_is_the_users_tree(job: Job, ref: str) -> None:
    job.head_ref = "topic"
    write(job.root, "a.txt", "uncommitted")
    sha = head(job.root)
    given = {"SHA": sha, "UPPER": sha.upper()}.get(ref, ref)
    result = job.use(ref=given)
    assert contents(job.workspace)[b"a.txt"][2] == b"uncommitted"
    assert result.outputs == {"ref": "" if ref in ("SHA", "UPPER") else ref, "commit": sha}


@pytest.mark.parametrize("name", ["other", "refs/heads/other", "v1", "refs/tags/v1", "SHA"])
def test_another_ref_is_really_checked_out_without_what_is_uncommitted(job: Job, name: str) -> None:
    sha = second_commit(job.root, "other")
    git(job.root, "tag", "v1", "other")
    write(job.root, "a.txt", "uncommitted")
    before = contents(f"{job.root}/.git")
    result = job.use(ref=sha if name == "SHA" else name)
    assert result.ok, job.lines
    assert result.outputs["commit"] == sha == head(job.workspace)
    assert contents(job.workspace)[b"a.txt"][2] == b"second on other"
    assert git(job.workspace, "status", "--porcelain") == ""
    assert contents(f"{job.root}/.git") == before
    branch = git(job.workspace, "rev-parse", "--abbrev-ref", "HEAD").strip()
    assert branch == ("other" if "other" in name else "HEAD")


def test_a_branch_known_only_at_origin_is_checked_out(job: Job) -> None:
    sha = second_commit(job.root, "other")
    git(job.root, "update-ref", "refs/remotes/origin/far", sha)
    assert job.use(ref="far").outputs == {"ref": "far", "commit": sha}
    assert git(job.workspace, "rev-parse", "--abbrev-ref", "HEAD").strip() == "far"


@pytest.mark.parametrize("ref", ["nowhere", "refs/heads/nowhere", "refs/tags/no", "abc123"])
def test_an_unknown_ref_is_an_error_with_its_name(job: Job, ref: str) -> None:
    with pytest.raises(UserError, match=f"'{ref}' could not be found"):
        job.use(ref=ref)


def test_a_commit_that_is_not_here_fails_the_step_with_a_reason(job: Job) -> None:
    result = job.use(ref="0123456789" * 4)
    assert not result.ok
    assert any(line.startswith("::error::git could not check out") for line in job.lines)


def test_the_objects_are_referred_to_not_copied(job: Job) -> None:
    second_commit(job.root, "other")
    job.use(ref="other")
    assert [path for path in contents(f"{job.workspace}/.git/objects") if path != b"info/alternates"] == []


def test_an_input_of_an_unlikely_value_is_an_error(job: Job) -> None:
    for name, value in {
        "clean": "yes",
        "persist_credentials": "1",
        "submodules": "all",
        "fetch_depth": "many",
        "repository": "a/b/c",
        "lfs": "on",
        "show_progress": "maybe",
        "set_safe_directory": "no",
    }.items():
        with pytest.raises(UserError, match=value):
            job.use(**{name: value})


def test_true_and_false_may_be_written_in_any_case(job: Job) -> None:
    assert job.use(clean="TRUE", lfs="False", fetch_tags="true", submodules="FALSE", fetch_depth="0").ok


def test_an_unknown_input_is_a_warning(job: Job) -> None:
    assert job.use(fetch_deep="1").ok
    assert job.lines[0].startswith("::warning::Unexpected input(s) 'fetch-deep', valid inputs are [")


@pytest.mark.parametrize("path", ["..", "../other", "/etc", "a/../..", "link/x"])
def test_a_path_outside_the_workspace_is_refused(job: Job, path: str) -> None:
    os.symlink("/etc", f"{job.workspace}/link")
    with pytest.raises(UserError, match="is not under"):
        job.use(path=path)


def test_a_path_below_the_workspace_is_filled_beside_what_is_there(job: Job) -> None:
    write(job.workspace, "mine.txt", "of an earlier step")
    assert job.use(path="deep/shop").ok
    assert contents(f"{job.workspace}/deep/shop") == expected(job.root)
    assert b"mine.txt" in contents(job.workspace)


def test_earlier_contents_are_removed(job: Job) -> None:
    write(job.workspace, "mine.txt", "of an earlier step")
    job.use(clean="false")
    assert b"mine.txt" not in contents(job.workspace)


def test_without_clean_a_second_checkout_keeps_what_steps_made(job: Job) -> None:
    job.use()
    write(job.workspace, "built.o", "x")
    job.use(clean="false")
    assert b"built.o" in contents(job.workspace)
    job.use()
    assert b"built.o" not in contents(job.workspace)


def test_another_repository_needs_a_mirror(job: Job) -> None:
    with pytest.raises(UserError, match="`you/lib` is not on this machine") as caught:
        job.use(repository="you/lib")
    assert "mirror" in caught.value.hint


def test_another_repository_comes_from_its_mirror(job: Job) -> None:
    lib = f"{job.top}/lib"
    sha = make_repository(lib, {"lib.txt": "lib"})
    job.mirrors = {"you/lib": lib}
    result = job.use(repository="You/Lib", path="lib")
    assert result.outputs == {"ref": "refs/heads/main", "commit": sha}
    assert contents(f"{job.workspace}/lib") == {b"lib.txt": ("file", 0o644, b"lib")}


def test_the_same_name_on_another_server_is_another_repository(job: Job) -> None:
    with pytest.raises(UserError, match="not on this machine"):
        job.use(repository="me/shop", github_server_url="https://git.example.com")
    assert job.use(repository="ME/SHOP", github_server_url="https://github.com/").ok


def test_a_given_token_is_masked_kept_for_git_and_taken_out_by_post(job: Job) -> None:
    result = job.use(token="s3cret%value")
    assert result.post
    assert "::add-mask::s3cret%25value" in job.lines
    key = "http.https://github.com/.extraheader"
    assert git(job.workspace, "config", key).startswith("AUTHORIZATION: basic ")
    assert not any("s3cret" in str(value) for value in result.state.values())
    assert job.post(result.state).ok
    with open(f"{job.workspace}/.git/config", encoding="utf-8") as file:
        assert "AUTHORIZATION" not in file.read()
    assert job.post(result.state).ok


def test_no_token_is_kept_unless_given_and_wanted(job: Job) -> None:
    for inputs in ({}, {"token": ""}, {"token": "s3cret", "persist_credentials": "false"}):
        result = job.use(**inputs)
        assert not result.post
        with open(f"{job.workspace}/.git/config", encoding="utf-8") as file:
            assert "AUTHORIZATION" not in file.read()


def test_a_sparse_checkout_holds_only_what_was_asked_for(job: Job) -> None:
    write(job.root, "docs/x.md")
    git(job.root, "add", "-A")
    git(job.root, "commit", "-q", "-m", "docs")
    assert job.use(sparse_checkout="docs\n").ok, job.lines
    assert set(contents(job.workspace)) == {b"docs/x.md", b"a.txt"}  # cone mode keeps files of the top
    assert job.use(sparse_checkout="docs/\n", sparse_checkout_cone_mode="false").ok, job.lines
    assert set(contents(job.workspace)) == {b"docs/x.md"}


@pytest.mark.parametrize("ref", ["", "other"])
def test_submodules_come_only_when_wanted(job: Job, ref: str) -> None:
    inner = f"{job.top}/inner"
    make_repository(inner, {"in.txt": "in"})
    git(job.root, "submodule", "add", "-q", inner, "sub")
    git(job.root, "commit", "-q", "-m", "with a submodule")
    if ref:
        git(job.root, "branch", ref)
        git(job.root, "commit", "-q", "--allow-empty", "-m", "later")
    assert job.use(ref=ref).ok
    assert os.listdir(f"{job.workspace}/sub") == []
    assert job.use(ref=ref, submodules="true").ok, job.lines
    assert contents(f"{job.workspace}/sub") == {b"in.txt": ("file", 0o644, b"in")} or ref
    assert os.path.exists(f"{job.workspace}/sub/in.txt")


def test_a_submodule_that_is_not_here_is_named(job: Job) -> None:
    inner = f"{job.top}/inner"
    make_repository(inner)
    git(job.root, "submodule", "add", "-q", inner, "sub")
    git(job.root, "commit", "-q", "-m", "with a submodule")
    git(job.root, "submodule", "deinit", "-q", "-f", "sub")
    with pytest.raises(UserError, match="`sub`") as caught:
        job.use(submodules="true")
    assert "git submodule update --init" in caught.value.hint


def test_in_place_nothing_is_placed_or_removed_and_other_refs_are_refused(tmp_path: object) -> None:
    make_repository(f"{tmp_path}/root")
    job = Job(str(tmp_path), in_place=True)
    second_commit(job.root, "other")
    write(job.root, "new.txt", "untracked")
    before = contents(job.root)
    result = job.use(sparse_checkout="src", submodules="true", token="t")
    assert (result.ok, result.post) == (True, False)
    for inputs in ({"ref": "other"}, {"path": "sub"}):
        with pytest.raises(UserError, match="--in-place"):
            job.use(**inputs)
    assert contents(job.root) == before


def test_every_kind_of_checkout_works_in_overlays_too(job: Job) -> None:
    def work(ability: MountAbility) -> None:
        mounted = Job(job.top, ability)
        second_commit(mounted.root, "other")
        write(mounted.root, "a.txt", "uncommitted")
        assert mounted.use().ok
        assert mounted.use(path="other", ref="other").ok
        assert mounted.use(path="again").ok
        assert contents(f"{mounted.workspace}/again") == expected(mounted.root)
        assert contents(f"{mounted.workspace}/other")[b"a.txt"][2] == b"second on other"
        assert mounted.use(sparse_checkout="src", sparse_checkout_cone_mode="false").ok, mounted.lines
        assert set(contents(mounted.workspace)) == {b"src/b.py", b"a.txt"}  # git keeps what is uncommitted
        assert mounted.use(ref="other").ok
        assert contents(mounted.workspace)[b"a.txt"][2] == b"second on other"
        mounted.work_trees.close()

    inside(work, probe_in=job.top)
