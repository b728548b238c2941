"""Facts as JSON text and back, and the hash chain over a run's journal. Pure.

One entry of a journal is the canonical JSON of a fact: an object with sorted keys, no blanks, ASCII only,
the fact's name
under `fact` and its fields under their own names. The hash of an entry covers the hash before it, its
sequence number
(1, 2, ...) and its text; the hash before the first is `genesis(run_id)`, so that entries cannot be moved
to another run.
A chain finds changed, inserted, reordered and removed entries; that the *last* entries are missing is
found only by whoever
kept the head elsewhere (the store keeps it in the row of the run).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from hashlib import sha256
from operator import attrgetter
from typing import Any, get_args, get_origin, get_type_hints

from skep.events import facts
from skep.events.facts import Fact

NAME_KEY = "fact"
"""The key of a fact's name in its JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueFact(Fact):
    """A fact of a newer Skep: kept as it was written, never understood."""

    name: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a journal."""

    sequence: int
    text: str
    hash: str  # sha256, 64 hexadecimal digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first entry of a chain that is not what was written."""

    sequence: int
    reason: str


def snake_case(name: str) -> str:
    """`JobStarted` -> `job_started`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


FACTS: Mapping[str, type[Fact]] = {
    snake_case(kind.__name__): kind
    for kind in vars(facts).values()
    if isinstance(kind, type) and issubclass(kind, Fact) and kind is not Fact
}
"""Every fact of events/facts.py by its name in journals."""


# --- fact <-> dict <-> text ---------------------------------------------------------------------------------
def fact_name(fact: Fact) -> str:
    """The name of a fact in journals and `--json`."""
    return fact.name if isinstance(fact, OpaqueFact) else _writer(type(fact))[0]


def fact_to_dict(fact: Fact) -> dict[str, object]:
    """A JSON-ready object: the fields, and the name under `fact`. Tuples stand for JSON arrays."""
    if isinstance(fact, OpaqueFact):
        return {NAME_KEY: fact.name, "at": fact.at, **fact.fields}
    name, keys, mappings, values = _writer(type(fact))
    found: dict[str, Any] = dict(zip(keys, values(fact), strict=True))
    for key in mappings:
        found[key] = dict(found[key])
    found[NAME_KEY] = name
    return found


def fact_from_dict(data: Mapping[str, Any]) -> Fact:
    """The fact behind `fact_to_dict`'s object. Unknown names, and known names without a field they need,
    give an
    OpaqueFact; unknown fields of a known fact are dropped. Raises ValueError when it is no fact at all."""
    name, at = data.get(NAME_KEY), data.get("at")
    if not isinstance(name, str) or not isinstance(at, int | float):
        raise ValueError("a fact needs a name and a time")  # noqa: TRY004 - wrong text, not a wrong call
    kind = FACTS.get(name)
    if kind is not None:
        with suppress(
            TypeError, AttributeError
        ):  # a field is missing or has another shape: a newer Skep wrote it
            return kind(**_field_values(kind, data))
    return OpaqueFact(
        at=at, name=name, fields={key: value for key, value in data.items() if key not in (NAME_KEY, "at")}
    )


def encode_fact(fact: Fact) -> str:
    """The canonical JSON text of a fact."""
    return _dump(fact_to_dict(fact))


def decode_fact(text: str) -> Fact:
    """The fact of a journal's text. Raises ValueError when the text is damaged."""
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("a fact is a JSON object")  # noqa: TRY004 - wrong text, not a wrong call
    return fact_from_dict(data)


# --- the chain ----------------------------------------------------------------------------------------------
def genesis(run_id: str) -> str:
    """The hash before the first entry of a run's journal."""
    return sha256(b"skep journal 1\n" + run_id.encode("utf-8", "surrogatepass")).hexdigest()


def link(previous: str, sequence: int, text: str) -> str:
    """The hash of an entry, from the hash before it."""
    return sha256(f"{previous}\n{sequence}\n{text}".encode()).hexdigest()


def chain(previous: str, sequence: int, batch: Iterable[Fact]) -> list[Entry]:
    """Entries for facts that follow entry `sequence`, whose hash is `previous` (0 and `genesis` at the
    start)."""
    entries = []
    for fact in batch:
        sequence += 1
        text = encode_fact(fact)
        previous = link(previous, sequence, text)
        entries.append(Entry(sequence=sequence, text=text, hash=previous))
    return entries


def verify_chain(entries: Iterable[Entry], *, previous: str, sequence: int = 0) -> Broken | None:
    """The first entry that breaks the chain begun at `previous` (`genesis(run_id)` for a whole journal),
    or None."""
    for entry in entries:
        sequence += 1
        if entry.sequence != sequence:
            return Broken(
                sequence=sequence,
                reason=f"entry {sequence} is missing: entry {entry.sequence} stands in its place",
            )
        previous = link(previous, sequence, entry.text)
        if previous != entry.hash:
            return Broken(sequence=sequence, reason=f"entry {sequence} does not match its hash")
    return None


# --- how one class is written and read ----------------------------------------------------------------------
_Writer = tuple[str, tuple[str, ...], tuple[str, ...], Callable[[Any], tuple[object, ...]]]
_Reader = Mapping[str, Callable[[Any], object] | None]
_WRITERS: dict[type[Fact], _Writer] = {}
_READERS: dict[type[Fact], _Reader] = {}


def _writer(kind: type[Fact]) -> _Writer:
    writer = _WRITERS.get(kind)
    if writer is None:
        writer = _WRITERS[kind] = _make_writer(kind)
    return writer


def _make_writer(kind: type[Fact]) -> _Writer:
    hints = get_type_hints(kind)
    keys = tuple(sorted(hints))
    mappings = tuple(key for key in keys if get_origin(hints[key]) is Mapping)
    return snake_case(kind.__name__), keys, mappings, attrgetter(*keys)


def _reader(kind: type[Fact]) -> _Reader:
    reader = _READERS.get(kind)
    if reader is None:
        hints = get_type_hints(kind)
        reader = _READERS[kind] = {field.name: _from_json(hints[field.name]) for field in fields(kind)}
    return reader


def _field_values(kind: type[Fact], data: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, read in _reader(kind).items():
        if key in data:
            values[key] = data[key] if read is None else read(data[key])
    return values


def _from_json(hint: Any) -> Callable[[Any], object] | None:
    """What turns a JSON value into a field's value; None when it is the same."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return tuple
    if origin is Mapping and get_origin(arguments[1]) is tuple:
        return lambda value: {key: tuple(items) for key, items in value.items()}
    return None


_dump = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode
