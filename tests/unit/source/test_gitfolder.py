"""The private `.git` of a workspace: what comes along from the user's, and what must not."""

from __future__ import annotations

import os
import subprocess

import pytest

from skep.source.gitfolder import (
    alternate_line,
    config_text,
    read_local_git,
    without_credentials,
    write_git_folder,
)
from skep.source.listing import find_git
from skep.source.trees import WorkTrees

from .lab import COPIES, contents, expected, git, make_repository, write


def place(tmp_path: object, root: str) -> str:
    trees = WorkTrees(root, f"{tmp_path}/mirror", f"{tmp_path}/scratch", COPIES)
    target = f"{tmp_path}/placed"
    trees.place(target)
    trees.close()
    return target


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://user:secret@example.com/o/r.git", "https://example.com/o/r.git"),
        ("https://ghp_token@example.com/o/r", "https://example.com/o/r"),
        ("HTTPS://u:p@h/x?y@z", "HTTPS://h/x?y@z"),
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("https://u:p@ss@example.com/x", "https://example.com/x"),
        ("ssh://git:pw@example.com/x", "ssh://git@example.com/x"),
        ("git@example.com:o/r.git", "git@example.com:o/r.git"),
        ("/local/path@x", "/local/path@x"),
        ("", ""),
    ],
)
def test_an_address_loses_its_credentials(url: str, clean: str) -> None:
    assert without_credentials(url) == clean


def test_nothing_that_acts_or_is_secret_comes_along(tmp_path: object) -> None:
    root = f"{tmp_path}/root"
    make_repository(root)
    write(root, ".git/hooks/post-checkout", "#!/bin/sh\ntouch hooked\n", 0o755)
    write(root, "evil.inc", "[alias]\n\tincluded = !true\n")
    for key, value in {
        "alias.st": "!echo hi",
        "credential.helper": "store",
        "include.path": "../evil.inc",
        "core.hooksPath": "/tmp",
        "core.sshCommand": "false",
        "core.fsmonitor": "true",
        "http.https://example.com/.extraheader": "AUTHORIZATION: basic c2VjcmV0",
        "filter.x.clean": "false",
        "remote.origin.url": "https://me:secret@example.com/o/r.git",
        "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*",
        "branch.main.remote": "origin",
        "branch.main.merge": "refs/heads/main",
        "user.email": "me@example.com",
    }.items():
        git(root, "config", key, value)
    target = place(tmp_path, root)
    with open(f"{target}/.git/config", encoding="utf-8") as file:
        text = file.read()
    for word in ("alias", "credential", "include", "hooksPath", "ssh", "secret", "c2VjcmV0", "filter", "me@"):
        assert word.lower() not in text.lower()
    assert git(target, "remote", "get-url", "origin").strip() == "https://example.com/o/r.git"
    assert git(target, "config", "branch.main.merge").strip() == "refs/heads/main"
    assert not os.path.exists(f"{target}/.git/hooks")
    git(target, "checkout", "-q", "-b", "x")
    assert not os.path.exists(f"{target}/hooked")


def test_branches_tags_remotes_and_symbolic_refs_come_along(tmp_path: object) -> None:
    root = f"{tmp_path}/root"
    sha = make_repository(root)
    git(root, "branch", "topic/deep")
    git(root, "tag", "-a", "-m", "v1", "v1")
    git(root, "update-ref", "refs/remotes/origin/main", sha)
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    git(root, "pack-refs", "--all")
    git(root, "update-ref", "refs/stash", sha)
    target = place(tmp_path, root)
    names = git(target, "for-each-ref", "--format=%(refname)").split()
    assert names == [
        "refs/heads/main",
        "refs/heads/topic/deep",
        "refs/remotes/origin/HEAD",
        "refs/remotes/origin/main",
        "refs/tags/v1",
    ]
    assert git(target, "symbolic-ref", "refs/remotes/origin/HEAD").strip() == "refs/remotes/origin/main"
    assert git(target, "rev-parse", "v1^{commit}").strip() == sha


def test_a_detached_head_stays_detached(tmp_path: object) -> None:
    root = f"{tmp_path}/root"
    sha = make_repository(root)
    git(root, "checkout", "-q", "--detach")
    target = place(tmp_path, root)
    with open(f"{target}/.git/HEAD", encoding="utf-8") as file:
        assert file.read().strip() == sha
    assert git(target, "status", "--porcelain") == ""


def test_a_linked_worktree_is_placed_with_its_own_head_and_index(tmp_path: object) -> None:
    root, linked = f"{tmp_path}/root", f"{tmp_path}/linked"
    make_repository(root)
    git(root, "worktree", "add", "-q", "-b", "side", linked)
    write(linked, "a.txt", "side")
    git(linked, "commit", "-q", "-a", "-m", "second")
    write(linked, "new.txt", "staged")
    git(linked, "add", "new.txt")
    target = place(tmp_path, linked)
    assert git(target, "status", "--porcelain") == "A  new.txt\n"
    assert git(target, "log", "--format=%s").split() == ["second", "first"]
    assert git(target, "symbolic-ref", "HEAD").strip() == "refs/heads/side"


def test_a_shallow_clone_stays_shallow(tmp_path: object) -> None:
    origin, root = f"{tmp_path}/origin", f"{tmp_path}/root"
    make_repository(origin)
    write(origin, "a.txt", "2")
    git(origin, "commit", "-q", "-a", "-m", "second")
    git(str(tmp_path), "clone", "-q", "--depth=1", f"file://{origin}", root)
    target = place(tmp_path, root)
    assert git(target, "log", "--format=%s").split() == ["second"]
    assert git(target, "rev-parse", "--is-shallow-repository").strip() == "true"


def test_a_split_index_comes_along_whole(tmp_path: object) -> None:
    root = f"{tmp_path}/root"
    make_repository(root)
    git(root, "update-index", "--split-index")
    write(root, "new.txt", "x")
    git(root, "add", "new.txt")
    assert git(place(tmp_path, root), "status", "--porcelain") == "A  new.txt\n"


def test_a_sha256_repository_is_placed(tmp_path: object) -> None:
    root = f"{tmp_path}/root"
    os.makedirs(root)
    git(root, "init", "-q", "--object-format=sha256")
    write(root, "a.txt", "a")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    target = place(tmp_path, root)
    assert git(target, "status", "--porcelain") == ""
    assert len(git(target, "rev-parse", "HEAD").strip()) == 64


def test_git_sees_a_change_that_kept_size_and_second_of_the_index(tmp_path: object) -> None:
    """The copied index must not vouch for a file that was changed in the second in which the index was written."""
    root = f"{tmp_path}/root"
    make_repository(root)
    write(root, "a.txt", "b\n")
    found = os.stat(f"{root}/.git/index")
    os.utime(f"{root}/a.txt", ns=(found.st_mtime_ns, found.st_mtime_ns))
    assert git(place(tmp_path, root), "status", "--porcelain") == " M a.txt\n"


def test_a_submodule_is_an_empty_folder_until_it_is_wanted(tmp_path: object) -> None:
    inner, root = f"{tmp_path}/inner", f"{tmp_path}/root"
    make_repository(inner, {"in.txt": "in"})
    make_repository(root)
    git(root, "submodule", "add", "-q", inner, "libs/sub")
    git(root, "commit", "-q", "-m", "with a submodule")
    target = place(tmp_path, root)
    assert os.listdir(f"{target}/libs/sub") == []
    assert git(target, "status", "--porcelain") == ""


def test_submodules_are_placed_with_their_work_trees_and_missing_ones_named(tmp_path: object) -> None:
    deep, inner, root = (f"{tmp_path}/{name}" for name in ("deep", "inner", "root"))
    make_repository(deep, {"deep.txt": "deep"})
    make_repository(inner, {"in.txt": "in"})
    git(inner, "submodule", "add", "-q", deep, "deep")
    git(inner, "commit", "-q", "-m", "nested")
    make_repository(root)
    git(root, "submodule", "add", "-q", inner, "libs/sub")
    git(root, "commit", "-q", "-m", "with a submodule")
    write(root, "libs/sub/in.txt", "edited")
    trees = WorkTrees(root, f"{tmp_path}/mirror", f"{tmp_path}/scratch", COPIES)
    target = f"{tmp_path}/placed"
    trees.place(target)
    assert trees.place_submodules(target, recursive=True) == ("libs/sub/deep",)
    assert contents(f"{target}/libs/sub") == expected(f"{root}/libs/sub")
    git(f"{root}/libs/sub", "submodule", "update", "-q", "--init")
    trees.clear(target)
    trees.place(target)
    assert trees.place_submodules(target, recursive=True) == ()
    assert contents(f"{target}/libs/sub/deep") == {b"deep.txt": ("file", 0o644, b"deep")}
    assert git(target, "status", "--porcelain", "--ignore-submodules=dirty") == ""
    trees.close()


def test_the_objects_folder_may_have_any_name(tmp_path: object) -> None:
    root = f'{tmp_path}/"odd\nname'
    make_repository(root)
    target = place(tmp_path, root)
    assert git(target, "log", "--format=%s").strip() == "first"
    assert alternate_line('"x') == '"\\"x"\n'


def test_a_configuration_is_read_back_as_it_was_written(tmp_path: object) -> None:
    settings = [("core.x", 'a "b" \\ c\nd'), ('remote.we ird."x\\.url', " blank # ; "), ("core.x", "")]
    path = f"{tmp_path}/config"
    with open(path, "w", encoding="utf-8") as file:
        file.write(config_text(settings))
    listed = git(str(tmp_path), "config", "--file", path, "--list", "-z").split("\0")[:-1]
    assert [tuple(entry.split("\n", 1)) for entry in listed] == settings


def test_a_git_folder_without_index_can_be_checked_out(tmp_path: object) -> None:
    root, target = f"{tmp_path}/root", f"{tmp_path}/target"
    make_repository(root)
    found = read_local_git(root)
    assert found is not None
    os.makedirs(target)
    write_git_folder(f"{target}/.git", found.place, found.state, with_index=False)
    git(target, "checkout", "-q", "-f", "HEAD")
    assert contents(target) == contents(root)


def test_a_folder_inside_a_repository_is_not_its_top(tmp_path: object) -> None:
    root = f"{tmp_path}/root"
    make_repository(root)
    place_found = find_git(f"{root}/src")
    assert place_found is not None
    assert place_found.prefix == "src/"
    assert read_local_git(f"{root}/src") is None
    assert find_git(str(tmp_path)) is None or subprocess.run(
        ["git", "rev-parse"], cwd=str(tmp_path), check=False
    )
