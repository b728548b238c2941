"""Commits of other repositories: fetched whole or not at all, from origins that are slow, gone, moved or hostile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from remote_repositories import Bare, git, make_bare
from skep.model.errors import HostError, SkepError, UserError
from skep.source.actions import ActionStore
from skep.source.remote_git import Origin, RemoteGit, without_password
from skep.source.tree_hash import tree_id

FILES = {
    "action.yml": "name: a\n",
    "bin/run*": "#!/bin/sh\n",
    "docs/here@": "../action.yml",
    "a b/ü.txt": "x",
}


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return make_bare(tmp_path / "octo", "hello")


@pytest.fixture
def store(tmp_path: Path) -> ActionStore:
    return ActionStore(str(tmp_path / "store"), timeout_s=30)


def origin_of(bare: Bare, **other: str) -> Origin:
    return Origin(
        repository="octo/hello", where=other.get("where", str(bare.path)), token=other.get("token", "")
    )


def left_behind(store: ActionStore) -> list[str]:
    folder = Path(store.root, "making")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_commit_is_a_read_only_folder_with_the_tree_that_git_names(bare: Bare, store: ActionStore) -> None:
    sha = bare.commit(FILES, tag="v1")
    got = store.obtain(origin_of(bare), store.resolve(origin_of(bare), "v1"))

    folder = Path(got.folder)
    assert (got.sha, got.tree, got.was_fetched) == (sha, git(bare.path, "rev-parse", f"{sha}^{{tree}}"), True)
    assert (folder / "docs/here").read_text() == "name: a\n"
    assert os.stat(folder / "bin/run").st_mode & 0o777 == 0o555
    assert os.stat(folder / "action.yml").st_mode & 0o777 == 0o444
    assert os.stat(folder / "a b").st_mode & 0o222 == 0
    assert store.verify(got) == got.tree
    assert left_behind(store) == []


def test_what_is_here_is_found_without_its_origin(bare: Bare, store: ActionStore) -> None:
    sha = bare.commit(FILES)
    store.obtain(origin_of(bare), sha)
    bare.path.rename(bare.path.with_name("elsewhere"))
    again = store.obtain(origin_of(bare), sha)
    assert (again.sha, again.was_fetched) == (sha, False)
    assert store.find("OCTO/Hello", sha) is not None, "owners and names compare without case"
    assert store.find("octo/other", sha) is None, "a commit counts for the repository it was fetched from"


@pytest.mark.parametrize("damage", ["changed", "added", "removed", "made executable"])
def test_damaged_files_are_made_anew_from_the_pack(bare: Bare, store: ActionStore, damage: str) -> None:
    sha = bare.commit(FILES)
    folder = Path(store.obtain(origin_of(bare), sha).folder)
    bare.path.rename(bare.path.with_name("elsewhere"))
    os.chmod(folder, 0o755)
    os.chmod(folder / "action.yml", 0o644)
    if damage == "changed":
        (folder / "action.yml").write_text("name: b\n")
    elif damage == "added":
        (folder / "more").write_text("x")
    elif damage == "removed":
        (folder / "action.yml").unlink()
    else:
        os.chmod(folder / "action.yml", 0o755)
    assert store.find("octo/hello", sha) is None
    mended = store.obtain(origin_of(bare), sha)
    assert sorted(os.listdir(mended.folder)) == ["a b", "action.yml", "bin", "docs"]
    assert store.verify(mended) == mended.tree
    assert store.find("octo/hello", sha) is not None


def test_a_tag_comes_before_a_branch_and_an_annotated_tag_is_peeled(bare: Bare, store: ActionStore) -> None:
    old, new = bare.commit(FILES, tag="v1"), bare.commit({"other": "x"}, branch="v1")
    git(bare.path, "tag", "-a", "-m", "a tag", "v2", new)
    origin = origin_of(bare)
    assert [store.resolve(origin, ref) for ref in ("v1", "v2", "main", "refs/heads/v1")] == [
        old,
        new,
        old,
        new,
    ]
    assert store.remembered("octo/hello", "v1") == old
    with pytest.raises(UserError, match="no tag or branch `v9`"):
        store.resolve(origin, "v9")
    with pytest.raises(UserError, match="no tag or branch `hello`"):
        store.resolve(origin, "hello")


def test_history_is_not_fetched(bare: Bare, store: ActionStore) -> None:
    bare.commit({"big": "x" * 100_000})
    sha = bare.commit(FILES)
    store.obtain(origin_of(bare), sha)
    pack = Path(store.root, "packs", f"{sha}.git")
    assert git(pack, "rev-list", "--count", sha) == "1"
    assert sum(path.stat().st_size for path in pack.rglob("*") if path.is_file()) < 50_000


def test_a_commit_that_is_not_there_or_is_none_is_said(bare: Bare, store: ActionStore) -> None:
    sha = bare.commit(FILES)
    git(bare.path, "tag", "-a", "-m", "a tag", "v2", sha)
    tag = git(bare.path, "rev-parse", "v2")
    with pytest.raises(UserError, match=f"no commit {'1' * 40}"):
        store.obtain(origin_of(bare), "1" * 40)
    with pytest.raises(UserError, match="is no commit but a tag"):
        store.obtain(origin_of(bare), tag)
    assert left_behind(store) == []


def test_a_mirror_that_is_gone_is_named(bare: Bare, store: ActionStore) -> None:
    gone = origin_of(bare, where="/nowhere/octo/hello")
    with pytest.raises(HostError, match="mirror of `octo/hello` is not there: `/nowhere/octo/hello`"):
        store.resolve(gone, "v1")
    with pytest.raises(HostError, match="mirror of `octo/hello` is not there"):
        store.obtain(gone, "1" * 40)


def test_a_mirror_that_is_slow_ends_at_its_time_limit(bare: Bare, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"git://127.0.0.1:{silent.getsockname()[1]}/hello"
        store = ActionStore(str(tmp_path / "slow"), timeout_s=0.3)
        with pytest.raises(HostError, match=r"no answer within 0\.3 s") as failed:
            store.resolve(origin_of(bare, where=where), "v1")
    assert "timeout_s" in failed.value.hint


def test_a_fetch_that_nobody_wants_any_more_is_ended(bare: Bare, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"git://127.0.0.1:{silent.getsockname()[1]}/hello"
        stop = threading.Event()
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(HostError):
            RemoteGit(str(tmp_path), timeout_s=600).resolve(origin_of(bare, where=where), "v1", stop.is_set)


def test_the_token_is_sent_to_its_server_and_is_in_no_command_line(bare: Bare, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port, seen = server.getsockname()[1], []

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                lines = [Path(f"/proc/{pid}/cmdline") for pid in os.listdir("/proc") if pid.isdigit()]
                seen.append(b"".join(_read(line) for line in lines))
                seen.append(connection.recv(65536))
                connection.sendall(
                    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )

        thread = threading.Thread(target=answer)
        thread.start()
        where = f"http://user:pass-word@127.0.0.1:{port}/hello"
        with pytest.raises(HostError, match="403") as failed:
            RemoteGit(str(tmp_path), timeout_s=30).resolve(origin_of(bare, where=where, token="hush"), "v1")
        thread.join()
    assert b"eC1hY2Nlc3MtdG9rZW46aHVzaA==" in seen[1], "the header `basic x-access-token:hush`"
    assert b"hush" not in seen[0]
    assert b"eC1hY2Nlc3M" not in seen[0]
    assert "pass-word" not in str(failed.value)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_password_in_a_url_is_not_shown() -> None:
    assert without_password("https://me:hush@example.invalid:8/x") == "https://example.invalid:8/x"
    assert without_password("git@example.invalid:x/y") == "git@example.invalid:x/y"


@pytest.mark.parametrize("name", ["..", ".", ".git", ".GIT", "../out", "/etc/out", "a/../../out", ""])
def test_a_tree_whose_paths_lead_out_is_refused_and_nothing_is_written(
    bare: Bare, store: ActionStore, tmp_path: Path, name: str
) -> None:
    inner = bare.raw_tree(("100644", "x", bare.blob("bad")))
    sha = bare.commit_tree(bare.raw_tree(("40000", name, inner)))
    with pytest.raises(SkepError):
        store.obtain(origin_of(bare), sha)
    assert left_behind(store) == []
    assert not (tmp_path / "out").exists()
    assert not Path(store.root, "trees").exists() or os.listdir(Path(store.root, "trees")) == []


@pytest.mark.parametrize(
    "files",
    [
        {"out@": "/etc/passwd"},
        {"a/out@": "../../x"},
        {"deep/down/root@": "../..", "out@": "deep/down/root/../x"},
        {"out@": ".."},
    ],
)
def test_a_link_that_leads_out_is_refused(bare: Bare, store: ActionStore, files: dict[str, str]) -> None:
    sha = bare.commit({"action.yml": "x", **files})
    with pytest.raises(UserError, match="leads out of its folder"):
        store.obtain(origin_of(bare), sha)
    assert store.find("octo/hello", sha) is None
    assert left_behind(store) == []


def test_a_link_through_another_entry_does_not_write_outside(
    bare: Bare, store: ActionStore, tmp_path: Path
) -> None:
    """Two entries of one name: a link out, then a folder that a careless writer would put there."""
    link, inner = bare.blob(str(tmp_path)), bare.raw_tree(("100644", "planted", bare.blob("bad")))
    sha = bare.commit_tree(bare.raw_tree(("120000", "a", link), ("40000", "a", inner)))
    with pytest.raises(SkepError):
        store.obtain(origin_of(bare), sha)
    assert not (tmp_path / "planted").exists()


def test_bytes_are_as_committed_and_no_filter_runs(bare: Bare, store: ActionStore, tmp_path: Path) -> None:
    attributes = "*.txt text eol=crlf ident\n*.bin filter=lfs\n"
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    sha = bare.commit({".gitattributes": attributes, "a.txt": "$Id$\n", "b.bin": pointer})
    got = store.obtain(origin_of(bare), sha)
    assert Path(got.folder, "a.txt").read_bytes() == b"$Id$\n"
    assert Path(got.folder, "b.bin").read_text() == pointer
    assert got.notes == ("its files in Git LFS are pointers only",)
    assert store.verify(got) == got.tree


def test_submodules_are_left_out_and_said(bare: Bare, store: ActionStore) -> None:
    one, tree = bare.blob("x"), "160000"
    inner = bare.raw_tree((tree, "sub", "1" * 40))
    sha = bare.commit_tree(
        bare.raw_tree((tree, "lib", "2" * 40), ("40000", "vendor", inner), ("100644", "x", one))
    )
    got = store.obtain(origin_of(bare), sha)
    assert got.notes == ("its submodules are not fetched: lib, vendor/sub",)
    assert store.verify(got) == got.tree


def test_many_at_once_fetch_once(bare: Bare, store: ActionStore) -> None:
    sha = bare.commit({f"f{number}": str(number) for number in range(200)})
    stores = [ActionStore(store.root, timeout_s=30) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda one: one.obtain(origin_of(bare), sha), stores))
    assert sum(one.was_fetched for one in found) == 1
    assert {one.tree for one in found} == {found[0].tree}
    assert left_behind(store) == []


KILLED = """
import sys
from skep.source.actions import ActionStore
from skep.source.remote_git import Origin
where, root, sha = sys.argv[1:]
print("begun", flush=True)
ActionStore(root, timeout_s=60).obtain(Origin(repository="octo/hello", where=where), sha)
"""


def test_a_killed_fetch_leaves_nothing_that_counts_and_the_next_one_cleans_up(
    bare: Bare, store: ActionStore
) -> None:
    sha = bare.commit({f"d{number % 9}/f{number}": "x" * number for number in range(600)})
    for delay_s in (0.02, 0.06, 0.12, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(bare.path), store.root, sha],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay_s)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = store.find("octo/hello", sha)
        assert found is None or store.verify(found) == found.tree
    got = store.obtain(origin_of(bare), sha)
    assert store.verify(got) == got.tree == git(bare.path, "rev-parse", f"{sha}^{{tree}}")
    assert left_behind(store) == []


def test_an_exported_commit_can_be_fetched_from_where_it_was_put(
    bare: Bare, store: ActionStore, tmp_path: Path
) -> None:
    sha = bare.commit(FILES, tag="v1")
    got = store.obtain(origin_of(bare), sha)
    target = tmp_path / "mirror/octo/hello.git"
    store.export(got, "v1", str(target))
    store.export(got, sha, str(target))
    other, place = ActionStore(str(tmp_path / "other")), origin_of(bare, where=str(target))
    assert other.obtain(place, other.resolve(place, "v1")).tree == got.tree


def test_repositories_with_sha_256_ids_work(tmp_path: Path, store: ActionStore) -> None:
    path = tmp_path / "new.git"
    path.mkdir()
    git(path, "init", "--quiet", "--bare", "--object-format=sha256", "-b", "main", ".")
    sha = Bare(path).commit(FILES, tag="v1")
    origin = Origin(repository="octo/new", where=str(path))
    got = store.obtain(origin, store.resolve(origin, "v1"))
    assert (got.sha, len(got.tree)) == (sha, 64)
    assert store.verify(got) == got.tree


def test_a_tree_id_is_that_of_git_for_any_folder(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    (folder / "a.b").mkdir(parents=True)
    (folder / "a").mkdir()
    for name in ("a/x", "a.b/x", "a0", "a-b", "z"):
        (folder / name).write_text(name)
    (folder / "link").symlink_to("a/x")
    (folder / "empty").mkdir()
    os.chmod(folder / "z", 0o755)
    expected_in = tmp_path / "git"

    def ask(*words: str) -> str:
        return git(folder, *words, GIT_DIR=str(expected_in), GIT_WORK_TREE=str(folder))

    ask("init", "--quiet")
    ask("add", "-A")
    assert tree_id(str(folder), {}) == ask("write-tree")
