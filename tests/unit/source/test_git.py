"""Questions to real repositories, also odd ones."""

import os
from pathlib import Path

import pytest

from skep.model.errors import HostError, UserError
from skep.source.git import Git

from .repositories import a_clone, a_repository, commit, git, write

pytestmark = pytest.mark.usefixtures("no_git_settings")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "repo")


def test_head_branch_and_refs_of_a_repository(root: Path) -> None:
    first = commit(root, "a")
    second = commit(root, "b")
    git(root, "tag", "v1", first)
    git(root, "branch", "topic", first)
    there = Git(str(root), os.environ)
    assert there.is_repository()
    assert (there.resolve("HEAD"), there.branch()) == (second, "main")
    assert there.resolve("HEAD^") == first
    assert there.resolve("v1") == first
    assert there.merge_base("topic", "main") == first
    assert there.refs("refs/heads") == ("main", "topic")
    assert there.resolve("refs/tags/v1") == first
    assert there.resolve("refs/heads/v1") == ""
    assert not there.is_shallow()


def test_questions_without_an_answer_give_nothing(root: Path) -> None:
    commit(root, "a")
    there = Git(str(root), os.environ)
    assert there.resolve("no-such") == ""
    assert there.resolve("--all") == ""
    assert there.resolve("") == ""
    assert there.upstream() == ""
    assert there.ask("config", "--get", "no.such") == ""
    assert there.commits(["no-such"], 5) == ()
    assert there.refs("refs/tags") == ()


def test_a_repository_before_its_first_commit(root: Path) -> None:
    write(root, "a", "b")
    git(root, "add", "a")
    there = Git(str(root), os.environ)
    assert (there.resolve("HEAD"), there.branch()) == ("", "main")
    assert there.changed_files(there.empty_tree()) == ("a", "b")


def test_a_detached_head_is_on_no_branch(root: Path) -> None:
    sha = commit(root, "a")
    git(root, "checkout", "-q", "--detach")
    assert (Git(str(root), os.environ).branch(), Git(str(root), os.environ).resolve("HEAD")) == ("", sha)
    assert Git(str(root), os.environ).upstream() == ""


def test_outside_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    there = Git(str(tmp_path), {"PATH": os.environ["PATH"]})
    assert not there.is_repository()
    assert there.resolve("HEAD") == ""
    with pytest.raises(HostError, match="`git diff-index` failed: not a git repository"):
        there.changed_files("HEAD")


def test_a_repository_that_git_refuses_to_read_is_said_with_the_way_out(root: Path) -> None:
    environment = {**os.environ, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    with pytest.raises(UserError, match="another user owns it") as raised:
        Git(str(root), environment).is_repository()
    assert raised.value.hint.endswith(f"safe.directory {root}")


def test_a_broken_repository_is_an_error_not_a_missing_one(root: Path) -> None:
    (root / ".git" / "config").write_text("[core\n", encoding="utf-8")
    with pytest.raises(UserError, match="git cannot read"):
        Git(str(root), os.environ).is_repository()


def test_changed_files_are_staged_unstaged_deleted_and_untracked_but_not_ignored(root: Path) -> None:
    base = commit(root, "kept", "edited", "deleted", "staged", "moved", ".gitignore", text="ignored\n")
    write(root, "edited", "staged", "new", "folder/new", "ignored", text="other\n")
    git(root, "add", "staged")
    (root / "deleted").unlink()
    git(root, "mv", "moved", "renamed")
    found = Git(str(root), os.environ).changed_files(base)
    assert found == ("deleted", "edited", "folder/new", "moved", "new", "renamed", "staged")


def test_a_touched_file_has_not_changed(root: Path) -> None:
    write(root, "a", "b", '"quoted', "line\nend", "folder/c")
    os.symlink("a", root / "same-link")
    os.symlink("a", root / "other-link")
    base = commit(root)
    for name in ("same-link", "other-link"):
        (root / name).unlink()
    os.symlink("a", root / "same-link")
    os.symlink("b", root / "other-link")
    write(root, "b", text="other\n")
    for name in ("a", "b", "folder/c"):
        os.utime(root / name, (1, 1))
    assert Git(str(root), os.environ).changed_files(base) == ("b", "other-link")


def test_a_change_of_mode_or_kind_is_a_change(root: Path) -> None:
    base = commit(root, "a", "b")
    (root / "a").chmod(0o755)
    (root / "b").unlink()
    os.symlink("a", root / "b")
    assert Git(str(root), os.environ).changed_files(base) == ("a", "b")


def test_a_file_put_back_as_it_was_has_not_changed(root: Path) -> None:
    base = commit(root, "a", text="one\n")
    commit(root, "a", text="two\n")
    write(root, "a", text="one\n")
    assert Git(str(root), os.environ).changed_files(base) == ()


def test_line_ends_are_compared_as_git_stores_them(root: Path) -> None:
    git(root, "config", "core.autocrlf", "true")
    base = commit(root, "a", text="one\ntwo\n")
    (root / "a").write_bytes(b"one\r\ntwo\r\n")
    assert Git(str(root), os.environ).changed_files(base) == ()


def test_the_index_is_not_written(root: Path) -> None:
    base = commit(root, "a")
    before = (root / ".git" / "index").read_bytes()
    os.utime(root / "a", (1, 1))
    Git(str(root), os.environ).changed_files(base)
    assert (root / ".git" / "index").read_bytes() == before


def test_paths_that_are_not_utf8_or_have_line_ends(root: Path) -> None:
    base = commit(root, "a")
    odd = os.fsdecode(b"\xff\xfe.txt")
    write(root, "new\nline", "tab\there", 'quo"te', odd)
    assert set(Git(str(root), os.environ).changed_files(base)) == {"new\nline", "tab\there", 'quo"te', odd}


def test_a_folder_inside_sees_its_own_files_only(root: Path) -> None:
    base = commit(root, "top", "inner/old")
    write(root, "top", "inner/old", "inner/new", "other/new", text="y\n")
    assert Git(str(root / "inner"), os.environ).changed_files(base) == ("new", "old")


def test_a_worktree_and_a_submodule(root: Path, tmp_path: Path) -> None:
    sha = commit(root, "a")
    git(root, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    write(tmp_path / "tree", "b")
    tree = Git(str(tmp_path / "tree"), os.environ)
    assert (tree.branch(), tree.resolve("HEAD"), tree.changed_files(sha)) == ("other", sha, ("b",))
    outer = a_repository(tmp_path / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", root.as_uri(), "sub")
    before = commit(outer, message="with a submodule")
    write(outer / "sub", "dirty")
    assert Git(str(outer / "sub"), os.environ).changed_files(sha) == ("dirty",)
    assert (
        Git(str(outer), os.environ).changed_files(before) == ()
    )  # what lies in it cannot be pushed from here
    commit(outer / "sub", "c")
    assert Git(str(outer), os.environ).changed_files(before) == ("sub",)


def test_another_repository_inside_is_not_ours(root: Path) -> None:
    base = commit(root, "a")
    nested = a_repository(root / "nested")
    commit(nested, "x")
    assert Git(str(root), os.environ).changed_files(base) == ()


def test_a_shallow_clone_says_so(root: Path, tmp_path: Path) -> None:
    commit(root, "a")
    head = commit(root, "b")
    there = Git(str(a_clone(root, tmp_path / "clone", "--depth", "1")), os.environ)
    assert there.is_shallow()
    assert there.resolve("HEAD^") == ""
    assert there.upstream() == head
    assert there.commits(["HEAD"], 1)[0].parents == ()


def test_commits_come_newest_first_with_their_facts(root: Path) -> None:
    first = commit(root, "a", message="one")
    second = commit(root, "b", message="two\n\nwith a body\n")
    newest, oldest = Git(str(root), os.environ).commits(["HEAD"], 10)
    assert (newest.sha, newest.parents, newest.message) == (second, (first,), "two\n\nwith a body")
    assert (oldest.sha, oldest.parents) == (first, ())
    assert (newest.author_name, newest.author_email) == ("Ada", "ada@example.invalid")
    assert newest.committed_at == "2026-11-20T12:00:00+01:00"
    assert newest.tree == git(root, "rev-parse", "HEAD^{tree}")
    assert len(Git(str(root), os.environ).commits([f"{first}..{second}"], 10)) == 1


def test_a_repository_of_the_other_hash(tmp_path: Path) -> None:
    root = tmp_path / "sha256"
    root.mkdir()
    git(root, "init", "-q", "--object-format=sha256", "-b", "main")
    write(root, "a")
    there = Git(str(root), os.environ)
    assert len(there.empty_tree()) == 64
    assert there.changed_files(there.empty_tree()) == ("a",)


def test_no_program_of_the_user_runs(root: Path, tmp_path: Path) -> None:
    base = commit(root, "a.txt", text="one\n")
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\necho $0 $* >> {ran}\n", encoding="utf-8")
    script.chmod(0o755)
    for hook in ("post-index-change", "pre-commit", "reference-transaction"):
        (root / ".git" / "hooks").mkdir(exist_ok=True)
        os.symlink(script, root / ".git" / "hooks" / hook)
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "attributes").write_text("*.txt diff=own\n", encoding="utf-8")
    for name in ("core.fsmonitor", "diff.external", "diff.own.command", "diff.own.textconv", "core.pager"):
        git(root, "config", name, str(script))
    git(root, "config", "alias.diff", f"!{script}")
    git(root, "config", "core.hooksPath", str(root / ".git" / "hooks"))
    ran.unlink(missing_ok=True)  # configuring may have run the fsmonitor
    write(root, "a.txt", text="two\n")
    there = Git(str(root), {**os.environ, "GIT_EXTERNAL_DIFF": str(script), "GIT_PAGER": str(script)})
    assert there.changed_files(base) == ("a.txt",)
    assert there.commits(["HEAD"], 1)[0].sha == base
    assert not ran.exists()


def test_the_repository_of_a_git_hook_is_not_taken_for_ours(root: Path, tmp_path: Path) -> None:
    sha = commit(root, "a")
    other = a_repository(tmp_path / "other")
    commit(other, "b")
    environment = {
        **os.environ,
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": "x",
    }
    assert Git(str(root), environment).resolve("HEAD") == sha


@pytest.mark.parametrize("name", ["evil", "Ev=il", "e.v\udcffil"])
@pytest.mark.parametrize("key", ["clean", "process"])
def test_no_filter_of_the_repository_runs(root: Path, tmp_path: Path, name: str, key: str) -> None:
    commit(root, "a.txt")
    said = tmp_path / "said"
    with open(root / ".git/config", "ab") as config:
        config.write(os.fsencode(f'[filter "{name}"]\n\t{key} = "touch {said}; cat"\n'))
    (root / ".git/info/attributes").write_bytes(os.fsencode(f"*.txt filter={name}\n"))
    (root / "a.txt").write_text("y\n")
    (root / "a.txt").write_text("x\n")
    Git(str(root), os.environ).changed_files("HEAD")
    assert not said.exists()


def test_filters_of_the_user_count(root: Path, tmp_path: Path) -> None:
    commit(root, "a.txt", text="SECRET\n")
    (root / ".git/info/attributes").write_text("*.txt filter=up\n")
    settings = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "filter.up.clean",
        "GIT_CONFIG_VALUE_0": "tr a-z A-Z",
    }
    (root / "a.txt").write_text("secret\n")
    assert Git(str(root), {**os.environ, **settings}).changed_files("HEAD") == ()
    assert Git(str(root), os.environ).changed_files("HEAD") == ("a.txt",)
