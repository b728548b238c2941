"""A version file of the user's project, read with care: the project may be a stranger's pull request."""

from __future__ import annotations

import os
import stat
from typing import Final

from skep.model.errors import UserError
from skep.pipeline.ports import JobBox

LARGEST_BYTES: Final = 256 * 1024


def read_version_file(box: JobBox, path: str, what: str) -> str | None:
    """The text of a file of the job, `path` being relative to the workspace; None when there is none. `what` names it in
    messages: `python version file`.

    Raises UserError when it leads out of the job's folders (through links, too), is no regular file, is too large, or
    is not UTF-8.
    """
    if "\0" in path or "\n" in path:
        raise UserError(f"the {what} has a line end or a NUL in its name", hint="name one file")
    full = os.path.realpath(os.path.join(box.workspace, path))
    if not any(_is_within(full, os.path.realpath(root)) for root in (box.workspace, box.temp, box.home)):
        raise UserError(
            f"the {what} `{path}` is outside of the workspace",
            hint="name a file that the job has checked out",
        )
    try:
        handle = os.open(full, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"the {what} `{path}` cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UserError(f"the {what} `{path}` is not a file")
    with os.fdopen(handle, "rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise UserError(f"the {what} `{path}` is larger than {LARGEST_BYTES // 1024} kB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"the {what} `{path}` is not UTF-8 text") from error


def _is_within(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")
