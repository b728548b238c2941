"""Text with secrets in, the same text with `***` for every secret out: whole values, and streams in chunks.

What is replaced: the union of all places where any form of any secret stands (`secret_forms`); places that overlap or
touch become one `***`, as in GitHub's runner.

How a stream is cut: after each chunk only the longest end that is a proper beginning of some literal is held back. State
between chunks: these held bytes, and how many of them an already written `***` covers (0: it ends right before them).

Who masks what: the secrets given to a run are masked everywhere in it; what a job masks itself (`::add-mask::`) is
masked in that job alone, as on GitHub: each job has a child of the run's masker.
"""

from __future__ import annotations

from collections.abc import Iterable

from skep.host.growing_literals import GrowingLiterals
from skep.host.literals import Literals, prepare
from skep.host.secret_forms import forms_of
from skep.model.errors import UserError

REPLACEMENT = b"***"
_PIECE_BYTES = 1 << 16  # more at once gains nothing and costs memory
_NOT_COVERED = -1

JOB_VALUES = 20_000
"""How many values one job may mask, each line of one counted. Every value has to be looked for in all that follows."""
JOB_CHARACTERS = 4 * 1024**2
"""How long all values that one job masks may be together."""


class Masker:
    """The secrets of a run, or of one of its jobs. Streams and calls see a secret from the moment it was added; safe to
    share between threads when one of them adds."""

    def __init__(self, secrets: Iterable[str] = (), *, parent: Masker | None = None) -> None:
        """Masks `secrets`, and all that `parent` masks, now and later."""
        self._parent = parent
        self._added: set[str] = set()
        self._values = self._characters = 0
        self._growing = GrowingLiterals()
        self._tables: tuple[Literals | GrowingLiterals, ...] = ()
        if forms := frozenset[bytes]().union(*(forms_of(secret) for secret in secrets)):
            self._tables = (prepare(forms),)

    def child(self) -> Masker:
        """A masker for one job: masks what this one masks, and what is added to it, which this one does not learn."""
        return Masker(parent=self)

    @property
    def tables(self) -> tuple[Literals | GrowingLiterals, ...]:
        """What is looked for, in no order."""
        return self._tables if self._parent is None else self._parent.tables + self._tables

    def add(self, secret: str) -> None:
        """Masks `secret` and its encodings from now on; blank values and single characters are never masked.

        Raises UserError when a child masks too much already (`JOB_VALUES`, `JOB_CHARACTERS`); then the value is not masked.
        """
        if secret in self._added:
            return
        if self._parent is not None:
            self._count(secret)
        self._added.add(secret)
        fresh = set(forms_of(secret))
        for table in self.tables:
            fresh -= table.forms
        if fresh:
            self._growing.add(fresh)
            if not (self._tables and self._tables[-1] is self._growing):
                self._tables = (*self._tables, self._growing)

    def _count(self, secret: str) -> None:
        values = self._values + secret.count("\n") + secret.count("\r") + 1
        characters = self._characters + len(secret)
        if values > JOB_VALUES or characters > JOB_CHARACTERS:
            raise UserError(
                f"one job can mask {JOB_VALUES} values of together {JOB_CHARACTERS} characters, and no more: "
                "this one is not masked"
            )
        self._values, self._characters = values, characters

    def mask(self, text: str) -> str:
        """`text` with every secret replaced."""
        stream = self.stream()
        raw = text.encode("utf-8", "surrogatepass")
        return (stream.feed(raw) + stream.finish()).decode("utf-8", "surrogatepass")

    def contains_secret(self, text: str) -> bool:
        """Whether `mask` would change `text`."""
        raw = text.encode("utf-8", "surrogatepass")
        return any(True for table in self.tables for _ in table.places(raw))

    def stream(self) -> MaskStream:
        """A masker of one stream of bytes, in order."""
        return MaskStream(self)


class MaskStream:
    """Masks one stream, whatever its chunks. Not to be shared between threads."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = b""
        self._covered = _NOT_COVERED

    def feed(self, chunk: bytes) -> bytes:
        """What can be written after this chunk: everything but an end that may be the beginning of a secret."""
        if len(chunk) <= _PIECE_BYTES:
            return self._mask(chunk)
        starts = range(0, len(chunk), _PIECE_BYTES)
        return b"".join([self._mask(chunk[start : start + _PIECE_BYTES]) for start in starts])

    def finish(self) -> bytes:
        """What is still held back, masked. Feeding again begins a new stream."""
        text, self._held = self._held, b""
        places = sorted([place for table in self._masker.tables for place in table.places(text)])
        rest = self._emit(text, places, len(text))
        self._covered = _NOT_COVERED
        return rest

    def _mask(self, chunk: bytes) -> bytes:
        text = self._held + chunk if self._held else chunk
        tables = self._masker.tables
        held_from = min([table.held_from(text) for table in tables], default=len(text))
        places = sorted([place for table in tables for place in table.places(text)])
        if not places and self._covered == _NOT_COVERED:
            self._held = text[held_from:]
            return text[:held_from] if self._held else text
        self._held = text[held_from:]
        return self._emit(text, places, held_from)

    def _emit(self, text: bytes, places: list[tuple[int, int]], held_from: int) -> bytes:
        out: list[bytes] = []
        end = self._covered  # of the `***` written last
        for start, stop in places:
            if start > end:
                if start >= held_from:
                    break  # found again next time, with what follows it
                out += (text[max(end, 0) : start], REPLACEMENT)
            end = max(end, stop)
        if end < held_from:
            out.append(text[max(end, 0) : held_from])
        self._covered = max(end - held_from, _NOT_COVERED)
        return b"".join(out)
