"""Version files of strangers' projects: read only where the job may read, and only what a version file can be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skep.model.errors import UserError
from skep.pipeline.natives.setup_files import LARGEST_BYTES, read_version_file

from .calls import Job, Shop


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Shop(tmp_path).job()


def read(job: Job, path: str) -> str | None:
    return read_version_file(job.box, path, "version file")


def test_a_file_is_read_by_its_path_in_the_workspace(job: Job) -> None:
    job.write({"sub/.nvmrc": "\ufeff20\n"})
    assert read(job, "sub/.nvmrc") == "20\n"
    assert read(job, str(job.workspace / "sub/.nvmrc")) == "20\n"
    assert read(job, "missing") is None


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "sub/../../secret", "link", "folder/secret", "a\nb", "a\0b"]
)
def test_nothing_outside_of_the_job_is_read(job: Job, path: str) -> None:
    outside = job.workspace.parent / "secret"
    outside.write_text("token")
    (job.workspace / "link").symlink_to(outside)
    (job.workspace / "folder").symlink_to(outside.parent)
    with pytest.raises(UserError, match=r"outside of the workspace|line end"):
        read(job, path)


def test_what_is_no_small_text_file_is_refused(job: Job) -> None:
    (job.workspace / "huge").write_bytes(b"3" * (LARGEST_BYTES + 1))
    (job.workspace / "bytes").write_bytes(b"\xff\xfe3")
    os.mkfifo(job.workspace / "pipe")
    (job.workspace / "folder").mkdir()
    for name, said in {
        "huge": "larger than",
        "bytes": "not UTF-8",
        "pipe": "not a file",
        "folder": "not a file",
    }.items():
        with pytest.raises(UserError, match=said):
            read(job, name)
