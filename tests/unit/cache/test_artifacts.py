"""Artifacts of runs: names taken once, added to, replaced; nothing lost between processes, nothing outside of its target."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.cache.artifact_names import name_problem, path_problem
from skep.cache.artifacts import Artifact, ArtifactFile, Artifacts, artifact_id, with_files
from skep.cache.blobs import BlobDamaged, Blobs
from skep.cache.restore import restore_files
from skep.model.errors import HostError, UserError
from skep.model.ids import RunId

from .programs import finish, start

RUN, OTHER = RunId("run-1"), RunId("run-2")


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(str(tmp_path / "artifacts"))


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(str(tmp_path / "blobs"))


def a_file(path: str, digest: str = "d") -> ArtifactFile:
    return ArtifactFile(path=path, digest=digest, size_bytes=1, crc32=2)


def an_artifact(name: str = "n", *paths: str, at: float = 1.0) -> Artifact:
    files = tuple(a_file(path) for path in paths)
    return Artifact(
        name=name, id=7, files=files, archived=True, digest="ab", size_bytes=3, created_at=at, expires_at=9.5
    )


def test_an_artifact_comes_back_as_it_was_saved(artifacts: Artifacts) -> None:
    saved = an_artifact("näme with spaces.", "a/b", "é")
    assert artifacts.save(RUN, saved)
    assert artifacts.find(RUN, saved.name) == saved
    assert artifacts.find(OTHER, saved.name) is None
    assert saved.mark == "sha256:ab"


def test_a_name_is_taken_once_per_run_unless_replaced(artifacts: Artifacts) -> None:
    assert artifacts.save(RUN, an_artifact("n", "old"))
    assert not artifacts.save(RUN, an_artifact("n", "new"))
    assert artifacts.save(OTHER, an_artifact("n", "new"))
    assert artifacts.save(RUN, an_artifact("n", "new"), overwrite=True)
    found = artifacts.find(RUN, "n")
    assert found is not None
    assert found.files == (a_file("new"),)


def test_artifacts_of_a_run_are_listed_oldest_first_and_go_one_by_one_or_together(
    artifacts: Artifacts,
) -> None:
    for at, name in enumerate(("second", "third", "first")):
        artifacts.save(RUN, an_artifact(name, name, at=float(at == 1) + float(at < 2)))
    assert [one.name for one in artifacts.of_run(RUN)] == ["first", "second", "third"]
    assert artifacts.remove(RUN, "second")
    assert not artifacts.remove(RUN, "second")
    assert [one.name for one in artifacts.of_run(RUN)] == ["first", "third"]
    artifacts.remove_run(RUN)
    assert artifacts.of_run(RUN) == []


def test_artifacts_go_when_their_days_are_over(artifacts: Artifacts) -> None:
    artifacts.save(RUN, an_artifact("days"))  # until 9.5
    artifacts.save(OTHER, replace(an_artifact("with its run"), expires_at=0.0))
    assert artifacts.drop_expired(9.4) == 0
    assert artifacts.drop_expired(9.5) == 1
    assert artifacts.of_run(RUN) == []
    assert len(artifacts.of_run(OTHER)) == 1


def test_of_one_path_the_later_file_wins() -> None:
    before = an_artifact("n", "a", "b")
    assert with_files(before, [a_file("b", "new"), a_file("c")]) == (
        a_file("a"),
        a_file("b", "new"),
        a_file("c"),
    )


def test_ids_are_numbers_that_differ() -> None:
    ids = {
        artifact_id(RunId(run), name, at) for run in ("a", "b") for name in ("n", "m") for at in (1.0, 2.0)
    }
    assert len(ids) == 8
    assert all(0 < number < 2**48 for number in ids)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a\\b", 'a"b', "a:b", "a<b", "a>b", "a|b", "a*b", "a?b", "a\rb", "a\nb", "a\0b"],
)
def test_names_that_github_refuses_are_refused_with_the_reason(artifacts: Artifacts, name: str) -> None:
    problem = name_problem(name)
    assert problem
    with pytest.raises(UserError):
        artifacts.save(RUN, an_artifact(name, "a"))
    assert artifacts.of_run(RUN) == []


@pytest.mark.parametrize(
    "path", ["", "/a", "../a", "a/../b", "a/..", ".", "./a", "a//b", "a/", "a:b", "a*", "a\nb", "\0"]
)
def test_paths_that_no_artifact_may_hold_are_refused(artifacts: Artifacts, path: str) -> None:
    assert path_problem(path)
    with pytest.raises(UserError):
        artifacts.save(RUN, an_artifact("n", path))


@pytest.mark.parametrize("path", ["a", "a/b", "..a/b..", "a b", "é", "a\\b", ".hidden/x"])
def test_other_paths_are_fine(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "name": "n", "files": [["../x", "d", 1, 2]]}']
)
def test_a_manifest_that_cannot_be_trusted_is_no_artifact(artifacts: Artifacts, content: str) -> None:
    artifacts.save(RUN, an_artifact("n", "a"))
    (manifest,) = Path(artifacts.root).rglob("*.json")
    manifest.write_text(content)
    assert artifacts.find(RUN, "n") is None
    assert artifacts.of_run(RUN) == []
    assert list(artifacts.digests()) == []


def test_a_manifest_whose_path_climbs_is_no_artifact(artifacts: Artifacts) -> None:
    artifacts.save(RUN, an_artifact("n", "aaa"))
    (manifest,) = Path(artifacts.root).rglob("*.json")
    manifest.write_text(manifest.read_text().replace('"aaa"', '"../a"'))
    assert artifacts.find(RUN, "n") is None


SAVE_AND_ADD = """
    import sys
    from dataclasses import replace
    from skep.cache.artifacts import Artifact, ArtifactFile, Artifacts, with_files
    artifacts, me = Artifacts(sys.argv[1]), sys.argv[2]
    def one(name, *paths):
        files = tuple(ArtifactFile(path=path, digest=me, size_bytes=1, crc32=2) for path in paths)
        return Artifact(name=name, id=1, files=files, archived=True, digest="", size_bytes=1, created_at=1.0)
    for number in range(40):
        if artifacts.save("run-1", one(f"n{number}", "x")):
            print(number)
        with artifacts.adding("run-1"):
            before = artifacts.find("run-1", "shared") or one("shared")
            files = with_files(before, one("shared", f"{me}-{number}").files)
            assert artifacts.save("run-1", replace(before, files=files), overwrite=True)
"""


def test_of_processes_that_take_a_name_one_wins_and_no_addition_is_lost(artifacts: Artifacts) -> None:
    outputs = [finish(process) for process in [start(SAVE_AND_ADD, artifacts.root, str(n)) for n in range(4)]]
    assert sorted(int(line) for out in outputs for line in out.split()) == list(range(40))
    shared = artifacts.find(RUN, "shared")
    assert shared is not None
    assert {file.path for file in shared.files} == {
        f"{me}-{number}" for me in range(4) for number in range(40)
    }


# --- into a folder ---------------------------------------------------------------------------------------------------
def stored(blobs: Blobs, path: str, data: bytes = b"data") -> ArtifactFile:
    return ArtifactFile(path=path, digest=blobs.add(data).digest, size_bytes=len(data), crc32=0)


def test_files_are_restored_writable_and_private(blobs: Blobs, tmp_path: Path) -> None:
    target = tmp_path / "out/deep"
    files = [stored(blobs, "a/b/c"), stored(blobs, "a/d", b"other"), stored(blobs, "top")]
    assert restore_files(files, blobs, str(target)) == 3
    assert (target / "a/b/c").read_bytes() == b"data"
    assert (target / "a/d").read_bytes() == b"other"
    (target / "top").write_bytes(b"changed")
    blobs.verify(files[2].digest)
    assert (target / "top").stat().st_mode & 0o111 == 0


def test_files_replace_what_has_their_name_and_links_are_not_written_through(
    blobs: Blobs, tmp_path: Path
) -> None:
    target, victim = tmp_path / "out", tmp_path / "victim"
    victim.write_text("untouched")
    target.mkdir()
    (target / "link").symlink_to(victim)
    (target / "file").write_text("old")
    (target / "kept").write_text("kept")
    restore_files([stored(blobs, "link"), stored(blobs, "file")], blobs, str(target))
    assert victim.read_text() == "untouched"
    assert {path.name: path.read_text() for path in target.iterdir()} == {
        "link": "data",
        "file": "data",
        "kept": "kept",
    }


def test_a_link_among_the_folders_is_followed_inside_and_refused_outside(
    blobs: Blobs, tmp_path: Path
) -> None:
    target, outside = tmp_path / "out", tmp_path / "outside"
    (target / "real").mkdir(parents=True)
    outside.mkdir()
    (target / "inside").symlink_to("real")
    (target / "away").symlink_to(outside)
    (target / "up").symlink_to("..")
    restore_files([stored(blobs, "inside/a")], blobs, str(target))
    assert (target / "real/a").read_bytes() == b"data"
    for path in ("away/a", "up/a", "inside/../../a"):
        with pytest.raises(UserError):
            restore_files([stored(blobs, path)], blobs, str(target))
    assert os.listdir(outside) == []
    assert sorted(os.listdir(tmp_path)) == ["blobs", "out", "outside"]


def test_a_folder_in_the_way_is_said(blobs: Blobs, tmp_path: Path) -> None:
    (tmp_path / "out/name").mkdir(parents=True)
    with pytest.raises(HostError, match="is a folder"):
        restore_files([stored(blobs, "name")], blobs, str(tmp_path / "out"))
    (tmp_path / "out/file").write_text("x")
    with pytest.raises(HostError, match="cannot write below"):
        restore_files([stored(blobs, "file/name")], blobs, str(tmp_path / "out"))


def test_a_damaged_file_is_not_restored(blobs: Blobs, tmp_path: Path) -> None:
    file = stored(blobs, "a")
    os.chmod(blobs.path(file.digest), 0o644)
    Path(blobs.path(file.digest)).write_bytes(b"DATA")
    with pytest.raises(BlobDamaged):
        restore_files([file], blobs, str(tmp_path / "out"))
    assert os.listdir(tmp_path / "out") == []


@given(
    st.lists(st.sampled_from(["a", "b", "..", ".", "", "link", "up"]), min_size=1, max_size=5).map("/".join)
)
def test_whatever_the_path_nothing_is_written_outside(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    root = tmp_path_factory.mktemp("any")
    blobs = Blobs(str(root / "blobs"))
    target = root / "out"
    target.mkdir()
    (root / "outside").mkdir()
    (target / "link").symlink_to("../outside")
    (target / "up").symlink_to("../..")
    with suppress(UserError, HostError):
        restore_files([stored(blobs, path)], blobs, str(target))
    assert os.listdir(root / "outside") == []
    assert sorted(os.listdir(root)) == ["blobs", "out", "outside"]
