"""Masking a stream: lines per second by chunk size and kind of log, beside what one would write first; and memory."""

from __future__ import annotations

import random
import re
import resource
import string
import time
from collections.abc import Callable, Iterable

from skep.host.masking import Masker
from skep.host.secret_forms import forms_of

LINES = 200_000
SECRET_LENGTHS = (8, 12, 16, 20, 24, 32, 36, 40, 40, 64)
WORDS = (
    "building",
    "target",
    "module",
    "test",
    "passed",
    "in 0.3 s",
    "warning:",
    "cache restored",
    "tests/unit/",
    "ok",
)
Mask = Callable[[Iterable[bytes]], int]


def main() -> None:
    """Prints the figures."""
    rng = random.Random(20261120)
    tokens = ["".join(rng.choices(string.ascii_letters + string.digits, k=40)) for _ in range(10)]
    mixed = ["".join(rng.choices(string.ascii_letters + string.digits + '+/&"', k=n)) for n in SECRET_LENGTHS]
    hundreds = ["".join(rng.choices(string.ascii_letters, k=20)) for _ in range(300)]
    cases = {
        "10 tokens, none in the log": (tokens, 0),
        "10 tokens, in 1 line of 100": (tokens, 100),
        "10 tokens, in every line": (tokens, 1),
        "10 secrets of 8 to 64 characters, in 1 line of 100": (mixed, 100),
        "300 secrets, in 1 line of 100": (hundreds, 100),
    }
    for name, (secrets, every) in cases.items():
        text = a_log(rng, secrets, every)
        report(f"{name}; chunks of 64 KiB", ours(secrets), text, 65_536)
        if secrets is mixed:
            report(f"{name}; chunks of 4 KiB", ours(secrets), text, 4096)
            report(f"{name}; one line a chunk", ours(secrets), text, 0)
            report(f"{name}; one alternation instead", alternation(secrets), text[: len(text) // 20], 65_536)
            report(f"{name}; replace by each literal instead", replaces(secrets), text, 65_536)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = a_log(rng, tokens, 100)
    after_text = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(5):
        ours(tokens)(chunked(text, 65_536))
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - max(before, after_text)
    print(f"memory growth over 1,000,000 masked lines  {growth / 1024:.1f} MiB")
    started = time.process_time()
    Masker(mixed)
    print(f"preparing 10 secrets  {(time.process_time() - started) * 1e3:.1f} ms CPU")


def a_log(rng: random.Random, secrets: list[str], every: int) -> bytes:
    """Lines of about 85 characters; one of `every` ends with a secret."""
    lines = []
    for number in range(LINES):
        line = f"2026-11-20T10:{number % 60:02d}:00.{number:07d}Z {' '.join(rng.choices(WORDS, k=8))}"
        lines.append(f"{line} token={rng.choice(secrets)}" if every and number % every == 0 else line)
    return "\n".join(lines).encode() + b"\n"


def chunked(text: bytes, size: int) -> Iterable[bytes]:
    """The text in chunks of `size` bytes; 0: line by line."""
    if not size:
        return text.splitlines(keepends=True)
    return (text[at : at + size] for at in range(0, len(text), size))


def report(name: str, mask: Mask, text: bytes, size: int) -> None:
    """Prints lines per CPU second."""
    chunks = list(chunked(text, size))
    started = time.process_time()
    mask(chunks)
    took = time.process_time() - started
    lines = text.count(b"\n")
    print(f"{name}  {lines / took:,.0f} lines/s CPU  {len(text) / took / 1e6:.0f} MB/s")


def ours(secrets: list[str]) -> Mask:
    """Skep's stream."""
    masker = Masker(secrets)

    def mask(chunks: Iterable[bytes]) -> int:
        stream = masker.stream()
        return sum(len(stream.feed(chunk)) for chunk in chunks) + len(stream.finish())

    return mask


def alternation(secrets: list[str]) -> Mask:
    """One regular expression of all literals, longest first; blind to chunk borders."""
    forms = sorted({form for secret in secrets for form in forms_of(secret)}, key=len, reverse=True)
    pattern = re.compile(b"|".join(map(re.escape, forms)))
    return lambda chunks: sum(len(pattern.sub(b"***", chunk)) for chunk in chunks)


def replaces(secrets: list[str]) -> Mask:
    """bytes.replace by each literal in turn; blind to chunk borders and overlaps."""
    forms = sorted({form for secret in secrets for form in forms_of(secret)}, key=len, reverse=True)

    def mask(chunks: Iterable[bytes]) -> int:
        total = 0
        for chunk in chunks:
            masked = chunk
            for form in forms:
                masked = masked.replace(form, b"***")
            total += len(masked)
        return total

    return mask
