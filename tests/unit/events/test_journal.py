"""Facts as JSON text and back, and the hash chain over them."""

import json
from dataclasses import fields, replace
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.events.facts import Fact, JobStarted, RunStarted
from skep.events.journal import (
    FACTS,
    NAME_KEY,
    Entry,
    OpaqueFact,
    chain,
    decode_fact,
    encode_fact,
    fact_from_dict,
    fact_name,
    fact_to_dict,
    genesis,
    snake_case,
    verify_chain,
)
from skep.testing.facts import run_body, run_started


def any_fact() -> st.SearchStrategy[Fact]:
    """Any fact of any class, every field filled."""
    finite = st.floats(allow_nan=False, allow_infinity=False)
    kinds: list[st.SearchStrategy[Any]] = []
    for kind in FACTS.values():
        hints = get_type_hints(kind)
        values = {
            one.name: finite if hints[one.name] is float else st.from_type(hints[one.name])
            for one in fields(kind)
        }
        kinds.append(st.builds(kind, **values))
    return st.one_of(kinds)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("JobStarted", "job_started"), ("Annotated", "annotated"), ("CancelRequested", "cancel_requested")],
)
def test_a_fact_is_named_as_its_class_in_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected
    assert expected in FACTS


def test_every_fact_class_is_registered_and_none_hides_the_name() -> None:
    classes = {kind.__name__ for kind in Fact.__subclasses__()} - {"OpaqueFact"}
    assert {kind.__name__ for kind in FACTS.values()} == classes
    assert all(NAME_KEY not in {one.name for one in fields(kind)} for kind in FACTS.values())


@given(any_fact())
def test_a_fact_survives_text_exactly(fact: Fact) -> None:
    text = encode_fact(fact)
    again = decode_fact(text)
    assert again == fact
    assert encode_fact(again) == text


@given(any_fact())
def test_the_object_of_a_fact_is_json_and_carries_its_name(fact: Fact) -> None:
    data = fact_to_dict(fact)
    assert data[NAME_KEY] == fact_name(fact)
    assert fact_from_dict(json.loads(json.dumps(data))) == fact


def test_text_is_canonical_sorted_without_blanks_and_ascii() -> None:
    text = encode_fact(replace(run_started(), ref="refs/heads/süd"))
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert text.isascii()


def test_bytes_that_are_no_text_survive_as_lone_surrogates() -> None:
    fact = replace(run_started(), root=b"/home/\xff".decode("utf-8", "surrogateescape"))
    assert decode_fact(encode_fact(fact)) == fact
    assert chain(genesis("r"), 0, [fact])


def test_a_fact_of_a_newer_skep_is_kept_as_it_was_written() -> None:
    text = '{"at":1.5,"fact":"job_dreamt","leg":"a","of":["sheep"]}'
    fact = decode_fact(text)
    assert fact == OpaqueFact(at=1.5, name="job_dreamt", fields={"leg": "a", "of": ["sheep"]})
    assert fact_name(fact) == "job_dreamt"
    assert encode_fact(fact) == text


def test_a_new_field_of_a_known_fact_is_dropped() -> None:
    data = fact_to_dict(run_started()) | {"mood": "good"}
    assert fact_from_dict(data) == run_started()


@pytest.mark.parametrize("change", [{"number": None}, {"argv": 7}])
def test_a_known_fact_in_another_shape_is_opaque(change: dict[str, object]) -> None:
    data = fact_to_dict(run_started())
    if change == {"number": None}:
        del data["number"]
    assert isinstance(fact_from_dict(data | ({} if "number" in change else change)), OpaqueFact)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"fact":"job_started"}', '{"fact":1,"at":2}', '{"at":'])
def test_damaged_text_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own messages
        decode_fact(text)


def a_chain() -> list[Entry]:
    return chain(genesis("r1"), 0, [run_started(), *run_body()])


def test_a_chain_as_written_is_whole() -> None:
    assert verify_chain(a_chain(), previous=genesis("r1")) is None


def test_a_chain_written_in_batches_is_the_same_chain() -> None:
    facts = [run_started(), *run_body()]
    first = chain(genesis("r1"), 0, facts[:5])
    assert first + chain(first[-1].hash, 5, facts[5:]) == a_chain()
    assert verify_chain(a_chain()[5:], previous=first[-1].hash, sequence=5) is None


@given(st.data())
def test_whatever_is_changed_the_first_bad_entry_is_named(data: st.DataObject) -> None:
    entries = a_chain()
    index = data.draw(st.integers(0, len(entries) - 2))
    how = data.draw(st.sampled_from(["text", "hash", "removed", "swapped", "repeated", "rehashed"]))
    one = entries[index]
    if how == "text":
        entries[index] = replace(one, text=one.text.replace("ci", "cj", 1) + " ")
    elif how == "hash":
        entries[index] = replace(one, hash="0" * 64)
    elif how == "removed":
        del entries[index]
    elif how == "swapped":
        entries[index : index + 2] = entries[index + 1], one
    elif how == "repeated":
        entries.insert(index, one)
        index += 1
    else:  # a forger who recomputes the entry's own hash breaks the next
        changed = chain(
            entries[index - 1].hash if index else genesis("r1"),
            index,
            [JobStarted(at=0, job=_K, leg=_K, name="x", runs_on=())],
        )
        entries[index] = changed[0]
        index += 1
    broken = verify_chain(entries, previous=genesis("r1"))
    assert broken is not None
    assert broken.sequence == index + 1


_K: Any = "ci.yml:x"


def test_entries_of_one_run_are_no_journal_of_another() -> None:
    broken = verify_chain(a_chain(), previous=genesis("r2"))
    assert broken is not None
    assert broken.sequence == 1


def test_a_run_started_names_the_event_and_keeps_it_beside_the_fact_name() -> None:
    data = fact_to_dict(run_started())
    assert (data[NAME_KEY], data["event"]) == ("run_started", "push")
    assert isinstance(fact_from_dict(data), RunStarted)
