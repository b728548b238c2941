"""A secret in, every text under which it may show up in a log out.

The rules are those of GitHub's runner (actions/runner, `ValueEncoders` and `Worker.InitializeSecretMasker`), and a few
forms more: base64 inside longer base64, which GitHub masks only at the end of the encoded text, percent-encoding as
browsers and forms write it, JSON with `\\uXXXX`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 2  # a single character would blank out every log
_SHORTEST_SECTION = 6  # GitHub's least length of what PowerShell prints of a command that it split at `&`
_LONGEST_UNQUOTED = 8  # GitHub's longest quoted value that is not also masked without its quotes
_FEWEST_DIGITS = 6  # fewer base64 digits than this stand in any text
_LINES = re.compile(r"[\r\n]+")
_XML = str.maketrans({"<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "&": "&amp;"})
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def forms_of(secret: str) -> frozenset[bytes]:
    """Everything to mask for one secret, in UTF-8: the trimmed value, each of its lines, and all their encodings.

    Empty when there is nothing to mask: values of blanks, or of one character. Forms that span lines are left out when a
    line is masked for itself: the secret then never shows whole, and no line waits for the next one to be written.
    """
    whole = secret.strip()
    lines = {line for line in map(str.strip, _LINES.split(whole)) if len(line) >= SHORTEST}
    forms = frozenset(
        form for value in {whole, *lines} if len(value) >= SHORTEST for form in _encodings(value)
    )
    return frozenset(form for form in forms if b"\n" not in form and b"\r" not in form) if lines else forms


def _encodings(value: str) -> Iterator[bytes]:
    raw = value.encode("utf-8", "surrogatepass")
    yield raw
    for text in {*_escapes(value), *_sections(value)}:
        if len(text) >= SHORTEST:
            yield text.encode("utf-8", "surrogatepass")
    yield from _base64_forms(raw)


def _escapes(value: str) -> Iterator[str]:
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(value)[1:-1]
    yield value.replace('"', '\\"')
    yield value.replace("'", "''")
    yield value.translate(_XML)
    encodable = value.encode("utf-8", "surrogatepass")
    yield quote(encodable, safe="")
    yield quote(encodable, safe="!'()*")
    yield quote_plus(encodable)


def _sections(value: str) -> Iterator[str]:
    if len(value) > _LONGEST_UNQUOTED and value[0] == value[-1] == '"':
        yield value[1:-1]
    if "&" not in value:
        return
    if "&+" in value:  # PowerShell colours the character behind: it stands alone
        end = value.index("&+") + 2
        sections = value[:end], value[end + 1 :]
    else:
        end = value.rindex("&") + 1
        sections = value[:end], value[end:]
    yield from (section for section in sections if len(section) >= _SHORTEST_SECTION)


def _base64_forms(raw: bytes) -> Iterator[bytes]:
    for shift in range(3):
        whole = base64.b64encode(raw[shift:] if len(raw) > shift else raw)
        forms = {whole}
        sure = _sure_digits(raw, shift)
        forms.update(form for form in (whole.rstrip(b"="), sure) if len(form) >= _FEWEST_DIGITS)
        for form in forms:
            yield form
            yield form.translate(_URL_SAFE)


def _sure_digits(raw: bytes, before: int) -> bytes:
    """The base64 digits that `raw` alone decides when `before` bytes (modulo 3) precede it and anything follows."""
    digits = base64.b64encode(b"\0" * before + raw)
    first = -(-before * 8 // 6)
    return digits[first : (before + len(raw)) * 8 // 6]
