"""Artifacts between jobs of a run: upload, download, merge, by version, in GitHub's words."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from skep.cache.zipped import zip_bytes
from skep.events.facts import ArtifactStored
from skep.model.ids import RunId
from skep.pipeline.expressions.values import Value

from .calls import RUN, Job, Shop

UPLOAD, DOWNLOAD, MERGE = (
    "actions/upload-artifact",
    "actions/download-artifact",
    "actions/upload-artifact/merge",
)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def uploaded(shop: Shop, name: str, files: Mapping[str, str], ref: str = "v4", **more: str) -> Job:
    job = shop.job()
    job.write({f"dist/{path}": text for path, text in files.items()})
    assert shop.use(job, f"{UPLOAD}@{ref}", {"name": name, "path": "dist", **more}).ok
    return job


def downloaded(shop: Shop, ref: str = "v4", **inputs: str) -> dict[str, str]:
    job = shop.job()
    dashed = {name.replace("_", "-"): value for name, value in inputs.items()}
    assert shop.use(job, f"{DOWNLOAD}@{ref}", dashed).ok
    return job.files()


def test_what_one_job_uploads_another_downloads(shop: Shop) -> None:
    job = shop.job()
    job.write({"dist/a.txt": "a", "dist/sub/b.txt": "b"})
    (job.workspace / "dist/a.txt").chmod(0o755)
    result = shop.use(job, f"{UPLOAD}@v4", {"name": "site", "path": "dist/"})
    artifact = shop.artifacts.find(RUN, "site")
    assert artifact is not None
    assert result.outputs == {
        "artifact-id": str(artifact.id),
        "artifact-url": f"https://github.com/octo/shop/actions/runs/77/artifacts/{artifact.id}",
        "artifact-digest": artifact.digest,
    }
    zipped = b"".join(bytes(piece) for piece in zip_bytes(artifact.files, shop.blobs))
    assert (hashlib.sha256(zipped).hexdigest(), len(zipped)) == (artifact.digest, artifact.size_bytes)
    assert job.log == [
        "With the provided path, there will be 2 files uploaded",
        f"SHA256 digest of uploaded artifact zip is {artifact.digest}",
        f"Artifact site has been successfully uploaded! Final size is {len(zipped)} bytes. Artifact ID is {artifact.id}",
    ]
    (fact,) = job.facts
    assert isinstance(fact, ArtifactStored)
    assert (fact.name, fact.files, fact.digest) == ("site", 2, f"sha256:{artifact.digest}")
    other = shop.job()
    found = shop.use(other, f"{DOWNLOAD}@v4", {"name": "site", "path": "in"})
    assert found.outputs == {"download-path": f"{other.box.workspace}/in"}
    assert other.files("in") == {"a.txt": "a", "sub/b.txt": "b"}
    assert not os.access(other.workspace / "in/a.txt", os.X_OK)  # GitHub's zips keep no modes
    assert other.log == [
        "Downloading single artifact",
        "Preparing to download the following artifacts:",
        f"- site (ID: {artifact.id}, Size: {artifact.size_bytes}, Expected Digest: sha256:{artifact.digest})",
        "Total of 1 artifact(s) downloaded",
        "Download artifact has finished successfully",
    ]


FILES = {"a/x.txt": "x", "a/y.log": "y", "a/deep/z.txt": "z", "b/w.txt": "w", "top.txt": "t"}


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("top.txt", ["top.txt"]),
        ("a/x.txt", ["x.txt"]),
        ("a", ["x.txt", "y.log", "deep/z.txt"]),
        ("a/", ["x.txt", "y.log", "deep/z.txt"]),
        ("a/*.txt", ["x.txt"]),
        ("a/**/*.txt", ["x.txt", "deep/z.txt"]),
        ("**/*.txt", ["a/x.txt", "a/deep/z.txt", "b/w.txt", "top.txt"]),
        ("a\nb", ["a/x.txt", "a/y.log", "a/deep/z.txt", "b/w.txt"]),
        ("a/x.txt\na/deep", ["x.txt", "deep/z.txt"]),
        ("a/deep/z.txt\nb/w.txt", ["a/deep/z.txt", "b/w.txt"]),
        ("a\na/deep", ["x.txt", "y.log", "deep/z.txt"]),
        ("a\n!a/**/*.txt", ["y.log"]),
        ("a/x.txt\nmissing", ["a/x.txt"]),
        (".", list(FILES)),
    ],
)
def test_stored_paths_begin_below_the_least_common_ancestor(shop: Shop, path: str, stored: list[str]) -> None:
    job = shop.job()
    job.write(FILES)
    shop.use(job, f"{UPLOAD}@v4", {"name": "n", "path": path})
    artifact = shop.artifacts.find(RUN, "n")
    assert artifact is not None
    assert sorted(file.path for file in artifact.files) == sorted(stored)


def test_absolute_and_home_paths_can_be_uploaded(shop: Shop) -> None:
    job = shop.job()
    (job.home / "out").mkdir()
    (job.home / "out/a").write_text("home")
    (Path(job.box.temp) / "b").write_text("temp")
    shop.use(job, f"{UPLOAD}@v4", {"name": "one", "path": "~/out"})
    shop.use(job, f"{UPLOAD}@v4", {"name": "two", "path": f"~/out\n{job.box.temp}/b"})
    assert downloaded(shop, name="one") == {"a": "home"}
    assert downloaded(shop, name="two") == {"home/out/a": "home", "temp/b": "temp"}


def test_links_are_uploaded_as_what_they_point_to(shop: Shop) -> None:
    job = shop.job()
    job.write({"dist/real": "content", "other/inner": "inside"})
    (job.workspace / "dist/link").symlink_to("real")
    (job.workspace / "dist/folder").symlink_to("../other")
    (job.workspace / "dist/broken").symlink_to("nowhere")
    shop.use(job, f"{UPLOAD}@v4", {"name": "n", "path": "dist"})
    assert downloaded(shop, name="n") == {"real": "content", "link": "content", "folder/inner": "inside"}


@pytest.mark.parametrize(
    ("ref", "more", "hidden"),
    [
        ("v1", {}, True),
        ("v2.3.1", {}, True),
        ("v3.1.0", {}, True),
        ("v3", {}, False),
        ("v4.3.6", {}, True),
        ("v4.4.0", {}, False),
        ("v4", {}, False),
        ("v4", {"include-hidden-files": "true"}, True),
        ("v7", {}, False),
        ("a" * 40, {}, False),
    ],
)
def test_hidden_files_are_taken_by_version_or_when_asked(
    shop: Shop, ref: str, more: dict[str, str], hidden: bool
) -> None:
    uploaded(shop, "n", {"seen": "1", ".env": "2", ".git/config": "3"}, ref, **more)
    artifact = shop.artifacts.find(RUN, "n")
    assert artifact is not None
    assert {file.path for file in artifact.files} == ({"seen", ".env", ".git/config"} if hidden else {"seen"})


@pytest.mark.parametrize(
    ("ref", "choice", "ok", "begin"),
    [
        ("v4", {}, True, "::warning::"),
        ("v4", {"if-no-files-found": "warn"}, True, "::warning::"),
        ("v4", {"if-no-files-found": "error"}, False, "::error::"),
        ("v4", {"if-no-files-found": "ignore"}, True, ""),
        ("v1", {}, False, "::error::"),
    ],
)
def test_finding_nothing_is_what_the_input_says(
    shop: Shop, ref: str, choice: dict[str, str], ok: bool, begin: str
) -> None:
    job = shop.job()
    result = shop.use(job, f"{UPLOAD}@{ref}", {"name": "n", "path": "missing", **choice})
    assert result.ok is ok
    assert result.outputs == {}
    assert job.log == [
        f"{begin}No files were found with the provided path: missing. No artifacts will be uploaded."
    ]


def test_a_name_is_taken_once_since_version_4_unless_overwritten(shop: Shop) -> None:
    uploaded(shop, "n", {"a": "1"})
    job = shop.job()
    job.write({"b": "2"})
    inputs = {"name": "n", "path": "b"}
    assert "already exists on the workflow run" in shop.refusal(job, f"{UPLOAD}@v4", inputs)
    assert downloaded(shop, name="n") == {"a": "1"}
    shop.use(job, f"{UPLOAD}@v4", {**inputs, "overwrite": "true"})
    assert downloaded(shop, name="n") == {"b": "2"}


def test_until_version_3_a_second_upload_adds(shop: Shop) -> None:
    uploaded(shop, "n", {"a": "1", "b": "1"}, "v3")
    uploaded(shop, "n", {"b": "2", "c": "2"}, "v3")
    assert downloaded(shop, "v3", name="n") == {"a": "1", "b": "2", "c": "2"}


def test_the_name_is_artifact_when_none_is_given(shop: Shop) -> None:
    uploaded(shop, "", {"a": "1"})
    assert downloaded(shop, name="artifact") == {"a": "1"}


def test_an_unarchived_upload_is_one_file_under_its_own_name(shop: Shop) -> None:
    job = shop.job()
    job.write({"dist/app.jar": "jar", "dist/b": "b"})
    result = shop.use(job, f"{UPLOAD}@v7", {"name": "ignored", "path": "dist/app.jar", "archive": "false"})
    assert result.outputs["artifact-digest"] == hashlib.sha256(b"jar").hexdigest()
    assert downloaded(shop, "v8", name="app.jar") == {"app.jar": "jar"}
    reason = shop.refusal(job, f"{UPLOAD}@v7", {"path": "dist", "archive": "false"})
    assert (
        reason
        == "When 'archive' is set to false, only a single file can be uploaded. Found 2 files to upload."
    )


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, "Input required and not supplied: path"),
        ({"name": "a/b"}, "The artifact name is not valid: a/b."),
        ({"if-no-files-found": "explode"}, "Unrecognized if-no-files-found input. Provided: explode."),
        ({"retention-days": "soon"}, "Invalid retention-days"),
        ({"retention-days": "-1"}, "Invalid retention-days"),
        ({"compression-level": "10"}, "Invalid compression-level. Valid values are 0-9"),
        ({"overwrite": "yes"}, 'Input does not meet YAML 1.2 "Core Schema" specification: overwrite'),
        ({"path": "bad"}, "The path for one of the files in artifact is not valid: col:on."),
    ],
)
def test_wrong_uploads_fail_with_githubs_reason(shop: Shop, inputs: dict[str, str], reason: str) -> None:
    job = shop.job()
    job.write({"f": "f", "bad/col:on": "x"})
    full = {"path": "f", **inputs} if inputs else {}
    assert shop.refusal(job, f"{UPLOAD}@v4", full).startswith(reason)
    assert shop.artifacts.of_run(RUN) == []


def test_retention_is_kept(shop: Shop) -> None:
    uploaded(shop, "n", {"a": "1"}, retention_days="0", **{"retention-days": "3"})
    artifact = shop.artifacts.find(RUN, "n")
    assert artifact is not None
    assert artifact.expires_at - artifact.created_at == 3 * 86400


def test_jobs_upload_at_the_same_time(shop: Shop) -> None:
    names = [f"leg-{n}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: uploaded(shop, name, {"same": "same", name: name}), names))
        assert sorted(one.name for one in shop.artifacts.of_run(RUN)) == sorted(names)
        list(pool.map(lambda name: uploaded(shop, "all", {name: name}, "v3"), names))
    assert downloaded(shop, "v3", name="all") == {name: name for name in names}


# --- download --------------------------------------------------------------------------------------------------------
@pytest.fixture
def two(shop: Shop) -> Shop:
    uploaded(shop, "linux", {"app": "l", "same": "first"})
    uploaded(shop, "mac", {"tool": "m", "same": "second"})
    return shop


EACH = {"linux/app": "l", "linux/same": "first", "mac/tool": "m", "mac/same": "second"}


@pytest.mark.parametrize(
    ("ref", "inputs", "expected"),
    [
        ("v4", {}, EACH),
        ("v2", {}, EACH),
        ("v8", {}, EACH),
        ("v4", {"merge_multiple": "true"}, {"app": "l", "tool": "m", "same": "second"}),
        ("v4", {"pattern": "l*"}, {"linux/app": "l", "linux/same": "first"}),
        ("v5", {"pattern": "l*"}, {"app": "l", "same": "first"}),
        ("v8", {"pattern": "{linux,mac}"}, EACH),
        ("v8", {"pattern": "l*", "merge_multiple": "true"}, {"app": "l", "same": "first"}),
        ("v4", {"pattern": "nothing*"}, {}),
        ("v4", {"name": "mac"}, {"tool": "m", "same": "second"}),
        ("v1", {"name": "mac"}, {"mac/tool": "m", "mac/same": "second"}),
        ("v4", {"name": "mac", "path": "a/../b"}, {"b/tool": "m", "b/same": "second"}),
    ],
)
def test_where_downloads_go(two: Shop, ref: str, inputs: dict[str, str], expected: dict[str, str]) -> None:
    assert downloaded(two, ref, **inputs) == expected


def test_downloads_by_id(two: Shop) -> None:
    linux, mac = (str(one.id) for one in two.artifacts.of_run(RUN))
    assert downloaded(two, "v8", artifact_ids=linux) == {"app": "l", "same": "first"}
    assert downloaded(two, "v4", artifact_ids=linux) == {"linux/app": "l", "linux/same": "first"}
    assert downloaded(two, "v8", artifact_ids=f" {linux} , {mac} ,") == EACH
    job = two.job()
    two.use(job, f"{DOWNLOAD}@v8", {"artifact-ids": f"{linux},5"})
    assert "::warning::Could not find the following artifact IDs: 5" in job.log


def test_a_home_path_is_a_target(two: Shop) -> None:
    job = two.job()
    two.use(job, f"{DOWNLOAD}@v4", {"name": "mac", "path": "~/in"})
    assert (job.home / "in/tool").read_text() == "m"


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"name": "windows"}, "Unable to download artifact(s): Artifact not found for name: windows"),
        (
            {"name": "mac", "artifact-ids": "1"},
            "Unable to download artifact(s): Inputs 'name' and 'artifact-ids' cannot",
        ),
        (
            {"artifact-ids": "x"},
            "Unable to download artifact(s): Invalid artifact ID: 'x'. Must be a number.",
        ),
        ({"artifact-ids": ","}, "Unable to download artifact(s): No valid artifact IDs provided"),
        (
            {"artifact-ids": "5"},
            "Unable to download artifact(s): None of the provided artifact IDs were found",
        ),
        ({"merge-multiple": "1"}, "Input does not meet YAML 1.2"),
        ({"digest-mismatch": "shrug"}, "Unrecognized digest-mismatch input."),
        (
            {"github-token": "t", "repository": "a/b"},
            "Unable to download artifact(s): artifacts of another repository",
        ),
        ({"github-token": "t", "run-id": "5"}, "Unable to download artifact(s): only this run's artifacts"),
    ],
)
def test_wrong_downloads_fail_with_the_reason(two: Shop, inputs: dict[str, str], reason: str) -> None:
    assert two.refusal(two.job(), f"{DOWNLOAD}@v8", inputs).startswith(reason)


def test_this_runs_own_names_with_a_token_are_fine(two: Shop) -> None:
    inputs = {"name": "mac", "github_token": "t", "repository": "Octo/Shop", "run_id": "77"}
    assert downloaded(two, "v4", **inputs) == {"tool": "m", "same": "second"}


def test_another_runs_artifacts_are_not_found(two: Shop) -> None:
    job = two.job()
    call = replace(two.call(job, f"{DOWNLOAD}@v4", {}), run_id=RunId("another"))
    assert two.act(call).ok
    assert job.files() == {}
    assert "Total of 0 artifact(s) downloaded" in job.log


def test_a_link_in_the_target_cannot_lead_a_download_astray(shop: Shop) -> None:
    uploaded(shop, "n", {"sub/file": "new"})
    job = shop.job()
    outside = shop.root / "outside"
    outside.mkdir()
    (job.workspace / "sub").symlink_to(outside)
    reason = shop.refusal(job, f"{DOWNLOAD}@v4", {"name": "n"})
    assert "leads out of" in reason
    assert os.listdir(outside) == []


def test_a_damaged_artifact_fails_the_download(shop: Shop) -> None:
    uploaded(shop, "n", {"a": "content"})
    (blob,) = shop.blobs
    os.chmod(shop.blobs.path(blob.digest), 0o644)
    Path(shop.blobs.path(blob.digest)).write_text("c0ntent")
    job = shop.job()
    assert "was damaged" in shop.refusal(job, f"{DOWNLOAD}@v8", {"name": "n", "digest-mismatch": "ignore"})
    assert job.files() == {}


# --- merge -----------------------------------------------------------------------------------------------------------
def test_merging_makes_one_artifact_of_several(two: Shop) -> None:
    job = two.job()
    result = two.use(job, f"{MERGE}@v4", {})
    artifact = two.artifacts.find(RUN, "merged-artifacts")
    assert artifact is not None
    assert result.outputs["artifact-id"] == str(artifact.id)
    assert downloaded(two, name="merged-artifacts") == {"app": "l", "tool": "m", "same": "second"}
    assert [one.name for one in two.artifacts.of_run(RUN)] == ["linux", "mac", "merged-artifacts"]
    assert job.log[-1] == "The 2 artifact(s) have been successfully merged!"


def test_merging_into_folders_and_deleting_the_merged(two: Shop) -> None:
    inputs = {"name": "all", "separate-directories": "true", "delete-merged": "true"}
    two.use(two.job(), f"{MERGE}@v4", inputs)
    assert [one.name for one in two.artifacts.of_run(RUN)] == ["all"]
    assert downloaded(two, name="all") == EACH


def test_merging_nothing_is_what_the_input_says(two: Shop) -> None:
    inputs = {"pattern": "none-*"}
    job = two.job()
    assert not two.use(job, f"{MERGE}@v4", inputs).ok
    assert two.use(job, f"{MERGE}@v4", {**inputs, "if-no-files-found": "ignore"}).ok
    text = "No artifacts were found with the provided pattern: none-*."
    assert job.log == [f"::error::{text}", text]


def test_merging_leaves_hidden_files_out(shop: Shop) -> None:
    uploaded(shop, "n", {"a": "1", ".b": "2"}, **{"include-hidden-files": "true"})
    shop.use(shop.job(), f"{MERGE}@v4", {"name": "plain"})
    shop.use(shop.job(), f"{MERGE}@v4", {"name": "full", "pattern": "n", "include-hidden-files": "true"})
    assert downloaded(shop, name="plain") == {"a": "1"}
    assert downloaded(shop, name="full") == {"a": "1", ".b": "2"}


@pytest.mark.parametrize("github", [{}, {"server_url": None}])
def test_an_action_needs_nothing_of_the_github_context(shop: Shop, github: Mapping[str, Value]) -> None:
    job = shop.job()
    job.write({"f": "f"})
    call = replace(shop.call(job, f"{UPLOAD}@v4", {"path": "f"}), github=github)
    assert shop.act(call).ok
