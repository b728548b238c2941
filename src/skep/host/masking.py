"""Text with secrets in, the same text with `***` for every secret out: whole values, and streams in chunks.

What is replaced: the union of all places where any form of any secret stands (`secret_forms`); places that overlap or
touch become one `***`, as in GitHub's runner.

How a stream is cut: after each chunk only the longest end that is a proper beginning of some literal is held back. State
between chunks: these held bytes, and how many of them an already written `***` covers (0: it ends right before them).
"""

from __future__ import annotations

from collections.abc import Iterable

from skep.host.literals import Literals, prepare
from skep.host.secret_forms import forms_of

REPLACEMENT = b"***"
_PIECE_BYTES = 1 << 16  # more at once gains nothing and costs memory
_NOT_COVERED = -1
_ONE_TABLE = 120  # below this many literals one table is prepared anew for each secret added


class Masker:
    """The secrets of a run. Streams and calls see a secret from the moment it was added; safe to share between threads
    when one of them adds."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.tables: tuple[Literals, ...] = ()
        self._add_all(secrets)

    def add(self, secret: str) -> None:
        """Masks `secret` and its encodings from now on; blank values and single characters are never masked."""
        self._add_all((secret,))

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

    def _add_all(self, secrets: Iterable[str]) -> None:
        forms = frozenset[bytes]().union(*(forms_of(secret) for secret in secrets))
        fresh = forms.difference(*(table.forms for table in self.tables))
        if fresh:
            # Tables grow as powers of two, so that thousands of secrets, added one by one, do not cost quadratic time.
            tables = list(self.tables)
            while tables and len(tables[-1].forms) <= max(2 * len(fresh), _ONE_TABLE):
                fresh |= tables.pop().forms
            self.tables = (*tables, prepare(fresh))


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
        rest = self._emit(text, self._places(text), len(text))
        self._covered = _NOT_COVERED
        return rest

    def _mask(self, chunk: bytes) -> bytes:
        text = self._held + chunk if self._held else chunk
        held_from = min([table.held_from(text) for table in self._masker.tables], default=len(text))
        places = self._places(text)
        if not places and self._covered == _NOT_COVERED:
            self._held = text[held_from:]
            return text[:held_from] if self._held else text
        self._held = text[held_from:]
        return self._emit(text, places, held_from)

    def _places(self, text: bytes) -> list[tuple[int, int]]:
        tables = self._masker.tables
        return sorted([place for table in tables for place in table.places(text)])

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
