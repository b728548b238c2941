"""Mends a file in place: edits are applied until none is left, and written only when the file can still be read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace

from skep.model.errors import HostError
from skep.pipeline.workflow.lint.check import LintResult
from skep.pipeline.workflow.lint.fixing import apply_edits

from .lint_project import LintedFile

_ROUNDS = 10  # edits that touch each other are applied one after the other


def fix_file(file: LintedFile, lint: Callable[[str, str], LintResult]) -> tuple[LintedFile, int]:
    """(the file as it is now, how many findings were mended). `lint` takes a path and a text.

    Raises HostError when the file cannot be written; then nothing of it has changed.
    """
    text, result, count = file.text, file.result, 0
    for _ in range(_ROUNDS):
        mended, done = apply_edits(text, result.findings)
        if mended == text:
            break
        after = lint(file.path, mended)
        if not after.readable:  # it would mend one thing and break another
            break
        text, result, count = mended, after, count + len(done)
    if count:
        _write(file.place, text)
    return replace(file, text=text, result=result), count


def _write(place: str, text: str) -> None:
    """Replaces the file as a whole, with its permissions; a link keeps pointing to it."""
    target = os.path.realpath(place)
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".skep-")
        with open(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
        os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise HostError(f"`{place}` cannot be written: {error.strerror}") from error
