"""Block lists, Twirp calls and tokens: whatever text comes, a value or a refusal."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skep.pipeline.services.block_list import parse_block_id, parse_block_list
from skep.pipeline.services.http_values import HttpError
from skep.pipeline.services.tokens import Tokens, decode_segment, encode_segment
from skep.pipeline.services.twirp import Fields, TwirpError, parse_object, timestamp

ID = st.binary(min_size=1, max_size=64).map(lambda data: base64.b64encode(data).decode())
KIND = st.sampled_from(["Latest", "Uncommitted", "Committed"])


class SetClock:
    """A clock that stands."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


@settings(max_examples=100)
@given(st.lists(st.tuples(KIND, ID), max_size=20), st.sampled_from(["", "\n  ", "\ufeff"]))
def test_a_block_list_gives_its_ids_in_order(blocks: list[tuple[str, str]], space: str) -> None:
    inner = "".join(f"{space.strip(chr(0xFEFF))}<{kind}>{escape(block)}</{kind}>" for kind, block in blocks)
    text = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{inner}</BlockList>'
    assert parse_block_list(text.encode()) == [block for _, block in blocks]


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(alphabet="<>/BlockListLatest?!&;\"'= MDAw", max_size=80).map(str.encode),
    )
)
def test_any_bytes_are_a_block_list_or_refused(data: bytes) -> None:
    with suppress(HttpError):
        assert all(parse_block_id(block) for block in parse_block_list(data))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<BlockList>",
        "<Other/>",
        "<BlockList><Latest>MDAw</Latest><Other/></BlockList>",
        "<BlockList>text</BlockList>",
        "<BlockList><Latest><Latest>MDAw</Latest></Latest></BlockList>",
        "<BlockList><Latest></Latest></BlockList>",
        "<BlockList><Latest>not base64</Latest></BlockList>",
        "<BlockList><Latest>" + base64.b64encode(bytes(65)).decode() + "</Latest></BlockList>",
        '<!DOCTYPE BlockList [<!ENTITY a "MDAw">]><BlockList><Latest>&a;</Latest></BlockList>',
        '<!DOCTYPE BlockList SYSTEM "file:///etc/passwd"><BlockList/>',
        "<BlockList><Latest>&amp;a;</Latest></BlockList>",
        "<BlockList/><BlockList/>",
        "<BlockList>" + "<Latest>MDAw</Latest>" * 50_001 + "</BlockList>",
    ],
)
def test_a_block_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(HttpError) as refused:
        parse_block_list(text.encode())
    assert refused.value.status == 400


def test_an_entity_that_would_grow_without_end_is_never_expanded() -> None:
    entities = '<!ENTITY a0 "aaaaaaaaaa">' + "".join(
        f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 10)
    )
    text = f"<!DOCTYPE BlockList [{entities}]><BlockList><Latest>&a9;</Latest></BlockList>"
    with pytest.raises(HttpError, match="no document type"):
        parse_block_list(text.encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "a"]), inner, max_size=2)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(["name", "size_bytes", "sizeBytes", "restore_keys", "restoreKeys", "expires_at"])


@settings(max_examples=300)
@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_any_fields_have_their_type_or_are_refused(content: dict[str, None]) -> None:
    fields = Fields(parse_object(json.dumps(content).encode()))
    with suppress(TwirpError):
        fields.text("name").encode()
    with suppress(TwirpError):
        number = fields.number("size_bytes")
        assert number is None or 0 <= number < 2**63
    with suppress(TwirpError):
        assert all(text.encode() is not None for text in fields.texts("restore_keys"))
    with suppress(TwirpError):
        moment = fields.moment("expires_at")
        assert moment is None or isinstance(moment, float)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_refused(data: bytes) -> None:
    with suppress(TwirpError):
        assert isinstance(parse_object(data), dict)


@pytest.mark.parametrize(
    ("value", "number"),
    [("0", 0), (7, 7), (7.0, 7), ("9223372036854775807", 2**63 - 1), ({"value": "5"}, 5), (None, None)],
)
def test_numbers_of_64_bits_come_in_many_forms(value: object, number: int | None) -> None:
    assert Fields({"size": value}).number("size") == number  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "value", ["", "-1", "1.5", "٣", "9223372036854775808", 1.5, True, [], -1, float("nan")]
)
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(TwirpError):
        Fields({"size": value}).number("size")  # type: ignore[dict-item]


def test_times_are_read_as_they_are_written() -> None:
    assert Fields({"expires_at": timestamp(1_800_000_000.25)}).moment("expires_at") == 1_800_000_000.25
    assert Fields({"expiresAt": "2027-01-15T08:00:00Z"}).moment("expires_at") == 1_800_000_000.0


def test_a_token_holds_what_it_was_given_until_its_end() -> None:
    clock = SetClock()
    tokens = Tokens(clock)
    token = tokens.issue({"scp": "a:b"}, 10)
    claims = tokens.claims(token)
    assert claims is not None
    assert claims["scp"] == "a:b"
    assert Tokens(clock).claims(token) is None  # another run's secret
    clock.time += 10
    assert tokens.claims(token) is None


@settings(max_examples=300)
@given(st.data())
def test_no_changed_token_is_believed(data: st.DataObject) -> None:
    tokens = Tokens(SetClock(), b"secret")
    token = tokens.issue({"scp": "a"}, 10)
    at = data.draw(st.integers(0, len(token)))
    changed = token[:at] + data.draw(st.text(max_size=3)) + token[at + data.draw(st.integers(0, 3)) :]
    assert (tokens.claims(changed) is not None) == (changed == token)


@settings(max_examples=200)
@given(
    st.one_of(
        st.text(max_size=40), st.binary(max_size=30).map(lambda data: base64.urlsafe_b64encode(data).decode())
    )
)
def test_any_text_is_a_segment_or_nothing(text: str) -> None:
    assert decode_segment(text) is None or isinstance(decode_segment(text), dict)


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "HS512"}, {"alg": "RS256"}, {"typ": "JWT", "alg": "HS256"}]
)
def test_no_other_algorithm_is_looked_at(header: dict[str, str]) -> None:
    tokens = Tokens(SetClock(), b"secret")
    _, payload, signature = tokens.issue({}, 10).split(".")
    assert tokens.claims(f"{encode_segment({**header})}.{payload}.{signature}") is None
    assert tokens.claims(f"{encode_segment({**header})}.{payload}.") is None


@settings(max_examples=100)
@given(st.text(max_size=20), st.integers(-5, 5))
def test_an_address_is_allowed_as_signed_and_in_time(path: str, late_s: int) -> None:
    clock = SetClock()
    tokens = Tokens(clock, b"secret")
    path = f"/{path.replace('?', '')}".encode("utf-8", "replace").decode()
    query = dict(
        part.split("=") for part in tokens.sign_address(path, "read", 10).rpartition("?")[2].split("&")
    )
    clock.time += 10 + late_s
    assert tokens.allows(path, query, "read") is (late_s < 0)
    assert not tokens.allows(path, query, "write")
    assert not tokens.allows(path + "x", query, "read")
