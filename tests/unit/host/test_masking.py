"""Masking: no form of a secret gets through, whatever the chunks, and nothing else changes."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterable, Sequence
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skep.host.growing_literals import GrowingLiterals
from skep.host.literals import prepare, stretches_of
from skep.host.masking import JOB_CHARACTERS, JOB_VALUES, Masker
from skep.host.secret_forms import forms_of
from skep.model.errors import UserError

TOKEN = "ghp_R4nd0mT0kenOfSomeLength"


def stream_through(masker: Masker, chunks: Iterable[bytes]) -> bytes:
    stream = masker.stream()
    return b"".join([stream.feed(chunk) for chunk in chunks]) + stream.finish()


def masked_by_hand(forms: Iterable[bytes], text: bytes) -> bytes:
    """The rule as it is told: mark every byte of every occurrence; each marked stretch becomes one `***`."""
    marked = bytearray(len(text))
    starts_touching = set()
    for form in forms:
        for start in range(len(text) - len(form) + 1):
            if text.startswith(form, start):
                marked[start : start + len(form)] = b"\1" * len(form)
                starts_touching.add(start)
    out = bytearray()
    for at, byte in enumerate(text):
        if not marked[at]:
            out.append(byte)
        elif at == 0 or not marked[at - 1]:
            out += b"***"
    return bytes(out)


def occurrences(literals: Iterable[bytes], text: bytes) -> Iterable[tuple[int, int]]:
    return ((at, at + len(one)) for one in literals for at in range(len(text)) if text.startswith(one, at))


def covered(places: Iterable[tuple[int, int]]) -> set[int]:
    return {at for start, stop in places for at in range(start, stop)}


@st.composite
def chunked_texts(draw: st.DrawFn) -> tuple[list[str], bytes, list[bytes]]:
    """Secrets over a tiny alphabet (so that they overlap), a text rich in them, and the text in chunks."""
    secret = st.text(alphabet="abé\n&", min_size=2, max_size=40)
    secrets = draw(st.lists(secret, min_size=1, max_size=4))
    forms = sorted(form for value in secrets for form in forms_of(value)) or [b"ab"]
    piece = st.one_of(
        st.sampled_from(forms),
        st.builds(lambda form, n: form[:n], st.sampled_from(forms), st.integers(1, 30)),
        st.binary(max_size=5),
        st.just(b"\n"),
    )
    text = b"".join(draw(st.lists(piece, max_size=8)))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edges = [0, *cuts, len(text)]
    return secrets, text, [text[a:b] for a, b in pairwise(edges)]


@given(chunked_texts())
@settings(max_examples=150)
def test_any_chunking_gives_the_text_masked_at_once_and_no_secret_remains(
    case: tuple[list[str], bytes, list[bytes]],
) -> None:
    secrets, text, chunks = case
    forms = frozenset(form for value in secrets for form in forms_of(value))
    out = stream_through(Masker(secrets), chunks)
    assert out == masked_by_hand(forms, text)
    assert not any(form in out for form in forms)
    assert not any(len(value.strip()) > 1 and value.strip().encode() in out for value in secrets)


@given(st.randoms(use_true_random=False), st.integers(1, 5))
@settings(max_examples=20)
def test_many_secrets_of_all_lengths_in_long_texts_are_found_as_by_plain_search(
    rng: random.Random, kind: int
) -> None:
    alphabet = string.ascii_letters + string.digits
    secrets = [
        "".join(rng.choices(alphabet, k=rng.choice((2, 3, 5, 8, 13, 30, 70, 300)))) for _ in range(3 * kind)
    ]
    forms = [form for value in secrets for form in forms_of(value)]
    noise = ["".join(rng.choices(alphabet + " ", k=rng.randrange(40))).encode() for _ in range(30)]
    text = b"".join(rng.choice((rng.choice(forms), rng.choice(noise))) for _ in range(60))
    table = prepare(forms)
    assert covered(table.places(text)) == covered(occurrences(forms, text))
    step = rng.randrange(1, 50)
    chunks = [text[at : at + step] for at in range(0, len(text), step)]
    assert stream_through(Masker(secrets), chunks) == Masker(secrets).mask(text.decode()).encode()


@pytest.mark.parametrize(
    "shown",
    [
        TOKEN,
        base64.b64encode(TOKEN.encode()).decode(),
        base64.b64encode(b"x" + TOKEN.encode()).decode()[4:],
        base64.b64encode(TOKEN.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(TOKEN.encode()).decode(),
    ],
)
def test_the_value_and_its_base64_forms_disappear(shown: str) -> None:
    assert Masker([TOKEN]).mask(f"<{shown}>") == "<***>"


@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user:"])
@pytest.mark.parametrize("after", ["", "\n", " and more"])
def test_base64_of_a_text_around_the_secret_shows_nothing_that_the_secret_alone_decides(
    before: str, after: str
) -> None:
    encoded = base64.b64encode(f"{before}{TOKEN}{after}".encode()).decode()
    masked = Masker([TOKEN]).mask(encoded)
    left, _, right = masked.partition("***")
    assert len(left) <= -(-len(before) * 8 // 6)
    assert len(right) <= -(-len(after) * 8 // 6) + 4


def test_escaped_forms_disappear() -> None:
    secret = "pa\"ss'w<o>r&d\\é\tx"
    masker = Masker([secret])
    escaped = {
        "json": json.dumps(secret)[1:-1],
        "json, unescaped letters": json.dumps(secret, ensure_ascii=False)[1:-1],
        "uri": quote(secret, safe=""),
        "xml": "pa&quot;ss&apos;w&lt;o&gt;r&amp;d\\é\tx",
        "command line": secret.replace('"', '\\"'),
        "expression": secret.replace("'", "''"),
    }
    assert {kind: masker.mask(f"[{text}]") for kind, text in escaped.items()} == dict.fromkeys(
        escaped, "[***]"
    )


@pytest.mark.parametrize(
    ("secret", "shown", "masked"),
    [
        ("part1&part2&part3", "part1&part2& ! part3", "*** ! part3"),  # the rest is shorter than 6
        ("part1&part2&section3", "part1&part2& ! section3", "*** ! ***"),
        ("part1&+section2&p3", "part1&+ ! ection2&p3", "*** ! ***"),
        ("ab&section", "ab& ! section", "ab& ! ***"),
        ('"quoted-value"', "quoted-value", "***"),
        ('"short"', "short", "short"),
        ("  padded-value \n", "padded-value", "***"),
        ("first line\nsecond line\r\n{\n", "second line { first line", "*** { ***"),
    ],
)
def test_parts_of_a_secret_that_tools_print_alone_disappear(secret: str, shown: str, masked: str) -> None:
    assert Masker([secret]).mask(shown) == masked


@pytest.mark.parametrize("secret", ["", " ", "\n\t ", "x", " x ", "\r\n"])
def test_blank_and_one_character_values_are_not_masked(secret: str) -> None:
    masker = Masker()
    masker.add(secret)
    assert masker.tables == ()
    assert masker.mask("x  y\n\t \r\n") == "x  y\n\t \r\n"


@pytest.mark.parametrize(
    ("literal", "text", "stretches"),
    [
        (b"ab", b"xabxabab-ab", [(1, 3), (4, 8), (9, 11)]),
        (b"aaa", b"aaaaaaa aa aaa", [(0, 7), (11, 14)]),
        (b"aba", b"ababababa", [(0, 9)]),
        (b"abab", b"abababXab", [(0, 6)]),
        (b"a", b"aa" * 50_000, [(0, 100_000)]),
        (b"a", b"", []),
    ],
)
def test_occurrences_that_touch_are_one_stretch(
    literal: bytes, text: bytes, stretches: list[tuple[int, int]]
) -> None:
    assert list(stretches_of(literal, text)) == stretches


def test_a_text_of_one_letter_and_secrets_of_it_cost_little() -> None:
    masker = Masker().child()
    for length in range(2, 2000):
        masker.add("a" * length)
    stream = masker.stream()
    out = stream.feed(b"a" * 65_536 + b"\n")
    assert out == b"***\n"


def test_many_secrets_that_begin_alike_are_told_apart() -> None:
    masker = Masker().child()
    secrets = [f"token-of-the-same-kind-{number:06d}-{number:06d}" for number in range(3000)]
    for secret in secrets:
        masker.add(secret)
    text = "\n".join(f"token-of-the-same-kind-x{number:06d}" for number in range(1500))
    assert masker.mask(text) == text
    assert masker.mask("<" + "><".join(secrets) + ">") == "<" + "><".join(["***"] * len(secrets)) + ">"


def test_touching_and_overlapping_places_become_one_replacement() -> None:
    masker = Masker(["abab", "babX"])
    assert masker.mask("-ababab-") == "-***-"
    assert masker.mask("-abababX-") == "-***-"
    assert masker.mask("-abababab-abab-") == "-***-***-"


def test_only_an_end_that_may_begin_a_secret_is_held_back() -> None:
    stream = Masker(["secret-value"]).stream()
    assert stream.feed(b"a whole line\n") == b"a whole line\n"
    assert stream.feed(b"a prompt: ") == b"a prompt: "
    assert stream.feed(b"the sec") == b"the "
    assert stream.feed(b"ond") == b"second"
    assert stream.feed(b"secret-") == b""
    assert stream.feed(b"value") == b"***"
    assert stream.feed(b"secret-value") == b""  # it touches the one before
    assert stream.feed(b"!sec") == b"!"
    assert stream.finish() == b"sec"
    assert stream.finish() == b""


def test_a_long_secret_is_held_back_to_its_end_only() -> None:
    secret = "".join(random.Random(7).choices(string.ascii_letters, k=5000))
    stream = Masker([secret]).stream()
    out = [stream.feed(b"x" + secret[:4000].encode()), stream.feed(secret[4000:].encode()), stream.feed(b"y")]
    assert out == [b"x", b"***", b"y"]


def test_lines_of_a_secret_of_many_lines_do_not_wait_for_each_other() -> None:
    stream = Masker(["first line\nsecond line\n{\n"]).stream()
    assert [stream.feed(line) for line in (b"first line\n", b"second line\n", b"{\n")] == [
        b"***\n",
        b"***\n",
        b"{\n",
    ]


def test_a_secret_of_many_lines_each_of_one_character_is_masked_as_a_whole() -> None:
    assert Masker(["a\nb\nc"]).mask("x a\nb\nc a") == "x *** a"


def test_a_secret_added_while_a_stream_runs_is_masked_from_then_on() -> None:
    masker = Masker(["first-secret"])
    stream = masker.stream()
    assert stream.feed(b"late-secret fir") == b"late-secret "
    masker.add("late-secret")
    assert stream.feed(b"st-secret late-sec") == b"*** "
    assert stream.feed(b"ret\n") == b"***\n"


def test_thousands_of_secrets_added_one_by_one_are_all_masked() -> None:
    rng = random.Random(3)
    secrets = [
        "".join(rng.choices(string.ascii_letters, k=rng.choice((2, 3, 5, 6, 7, 20)))) for _ in range(900)
    ]
    masker = Masker()
    for secret in secrets:
        masker.add(secret)
    assert len(masker.tables) == 1
    assert masker.mask(" ".join(secrets)) == " ".join(["***"] * len(secrets))


@pytest.mark.parametrize("alphabet", ["ab", string.hexdigits])
@pytest.mark.parametrize("seed", range(6))
def test_many_literals_that_came_one_by_one_are_found_as_by_plain_search(seed: int, alphabet: str) -> None:
    rng = random.Random(seed)
    literals = {
        "".join(rng.choices(alphabet, k=rng.choice((1, 2, 3, 4, 6, 7, 8, 11, 30, 300)))).encode()
        for _ in range(400)
    }
    table = GrowingLiterals()
    for literal in literals:
        table.add([literal])
    ordered = sorted(literals)
    text = b"".join(rng.choice((rng.choice(ordered), b"-", b"\n")) for _ in range(40))
    assert covered(table.places(text)) == covered(occurrences(literals, text))
    held = {
        at
        for at in range(len(text))
        if any(len(one) > len(text) - at and one.startswith(text[at:]) for one in literals)
    }
    assert table.held_from(text) == min(held, default=len(text))


def test_a_child_masks_what_its_parent_does_and_keeps_its_own_to_itself() -> None:
    run = Masker(["run-secret"])
    one, other = run.child(), run.child()
    one.add("own-secret")
    run.add("late-secret")
    text = "run-secret own-secret late-secret"
    assert one.mask(text) == "*** *** ***"
    assert other.mask(text) == run.mask(text) == "*** own-secret ***"
    assert not other.contains_secret("own-secret")


def test_a_job_masks_a_limited_number_of_values_each_line_of_one_counted() -> None:
    masker = Masker().child()
    for number in range(JOB_VALUES - 3):
        masker.add(f"v{number}-secret")
    masker.add("v0-secret")  # known already
    masker.add("three\nmore\nlines")
    with pytest.raises(UserError, match="this one is not masked"):
        masker.add("too-much")
    assert masker.mask("v0-secret lines too-much") == "*** *** too-much"


def test_a_job_masks_a_limited_number_of_characters() -> None:
    masker = Masker().child()
    masker.add("x" * JOB_CHARACTERS)
    with pytest.raises(UserError, match="this one is not masked"):
        masker.add("secret")


def test_bytes_that_are_no_text_pass_unchanged() -> None:
    noise = bytes(range(256)) * 3
    assert stream_through(Masker([TOKEN]), [noise[:100], TOKEN.encode(), noise[100:]]) == (
        noise[:100] + b"***" + noise[100:]
    )


def test_a_value_knows_whether_it_holds_a_secret() -> None:
    masker = Masker([TOKEN])
    encoded = base64.b64encode(TOKEN.encode()).decode()
    cases: Sequence[tuple[str, bool]] = [
        ("plain", False),
        (TOKEN, True),
        (f"x{encoded}", True),
        (TOKEN[:-1], False),
    ]
    assert [masker.contains_secret(text) for text, _ in cases] == [expected for _, expected in cases]
    assert not Masker().contains_secret(TOKEN)


def test_lone_surrogates_survive() -> None:
    assert Masker(["secret\ud800value"]).mask("a\udfff secret\ud800value b") == "a\udfff *** b"
