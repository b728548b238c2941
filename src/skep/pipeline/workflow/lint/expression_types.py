"""What is known of an expression's value before it has one.

A type says what the value will be; `ANY` says nothing is known, and nothing is ever said about it. Objects know their
properties; a strict object has no others, so a name it lacks is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import TypeAlias

from skep.pipeline.expressions.values import Value

_MAX_VALUES = 256  # a string's possible values are forgotten beyond this


@dataclass(frozen=True, slots=True)
class Plain:
    """Anything, null, a boolean or a number."""

    word: str

    def __str__(self) -> str:
        return self.word


ANY = Plain("any value")
NULL = Plain("null")
BOOLEAN = Plain("a boolean")
NUMBER = Plain("a number")


@dataclass(frozen=True, slots=True)
class Text:
    """A string; one of `values` when they are known (as written; GitHub compares without case)."""

    values: frozenset[str] | None = None

    def __str__(self) -> str:
        return "a string"


STRING = Text()


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """An array, its items of one type. `filtered`: what `*` gives, so a property is taken of every item."""

    item: Type
    filtered: bool = False

    def __str__(self) -> str:
        return "an array"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Object:
    """An object. Properties are found without case."""

    properties: Mapping[str, Type] = field(default_factory=dict)  # by lower-cased name
    names: tuple[str, ...] = ()  # as written, for hints
    rest: Type | None = None  # of properties that are not named; None: there are no others
    noun: str = "property"  # what its properties are: step, job, input
    why_absent: Mapping[str, str] = field(default_factory=dict)  # lower-cased name -> what to do about it
    why_none: str = ""  # what to do when nothing has properties here
    sure: bool = True  # False: our list may be out of date, so an unknown name is only a warning

    def __str__(self) -> str:
        return "an object"

    def property(self, name: str) -> Type | None:
        """The type of a property; None when there is none."""
        return self.properties.get(name.lower(), self.rest)

    def why(self, name: str) -> str:
        """What to do about a property that is not there; '' when nothing special is known."""
        return self.why_absent.get(name.lower(), self.why_none)


Type: TypeAlias = "Plain | Text | Array | Object"


def one_of(*values: str) -> Text:
    """A string that is one of these."""
    return Text(frozenset(values))


def object_of(
    properties: Mapping[str, Type],
    *,
    rest: Type | None = None,
    noun: str = "property",
    why_absent: Mapping[str, str] | None = None,
    sure: bool = True,
) -> Object:
    """An object with these properties, named as written."""
    return Object(
        properties={name.lower(): type_ for name, type_ in properties.items()},
        names=tuple(properties),
        rest=rest,
        noun=noun,
        why_absent=why_absent or {},
        sure=sure,
    )


def open_object(rest: Type = ANY) -> Object:
    """An object of which only the type of its properties is known."""
    return Object(rest=rest)


def is_collection(type_: Type) -> bool:
    """Whether the value is an object or an array for sure."""
    return isinstance(type_, Array | Object)


def joined(one: Type, other: Type) -> Type:
    """What is known of a value that is of one type or the other."""
    if one == other:
        return one
    if isinstance(one, Text) and isinstance(other, Text):
        if one.values is None or other.values is None:
            return STRING
        both = one.values | other.values
        return Text(both) if len(both) <= _MAX_VALUES else STRING
    if isinstance(one, Array) and isinstance(other, Array):
        return Array(joined(one.item, other.item), filtered=one.filtered and other.filtered)
    if isinstance(one, Object) and isinstance(other, Object):
        return _joined_objects(one, other)
    return ANY


def _joined_objects(one: Object, other: Object) -> Object:
    properties = dict(one.properties)
    for name, type_ in other.properties.items():
        before = properties.get(name, one.rest)
        properties[name] = type_ if before is None else joined(before, type_)
    rest = joined(one.rest, other.rest) if one.rest and other.rest else one.rest or other.rest
    return Object(
        properties=properties,
        names=tuple(dict.fromkeys((*one.names, *other.names))),
        rest=rest,
        noun=one.noun if one.noun == other.noun else "property",
        sure=one.sure and other.sure,
    )


def joined_all(types: Iterable[Type]) -> Type:
    """What is known of a value that is of one of these types; nothing when there are none."""
    found = list(types)
    return reduce(joined, found) if found else ANY


def type_of_value(value: Value) -> Type:
    """The type of a value that is there, such as a literal of a matrix. Objects are strict."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return one_of(value)
    if isinstance(value, Mapping):
        return object_of({name: type_of_value(item) for name, item in value.items()})
    return Array(joined_all(type_of_value(item) for item in value))
