"""What may stand at a place in a workflow: kinds of scalars, items, keys, and the contexts of expressions there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .availability import NOWHERE, Availability


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a value may be. Several kinds may be allowed at once; with none, only expressions are."""

    null: bool = False
    boolean: bool = False
    number: bool = False
    text: bool = False
    non_empty: bool = False
    values: tuple[str, ...] = ()  # the only texts allowed; () = any
    items: Shape | None = None  # a sequence of these
    forms: tuple[Form, ...] = ()  # a mapping in one of these forms
    available: Availability = NOWHERE  # to expressions here and below

    def described(self) -> str:
        """What is allowed, in words: `a string, a list or a mapping`."""
        words = [
            *(["nothing"] if self.null else []),
            *(["true or false"] if self.boolean else []),
            *(["a number"] if self.number else []),
            *(
                ["a non-empty string" if self.non_empty else "a string"]
                if self.text and not self.values
                else []
            ),
            *(["one of " + ", ".join(f"`{value}`" for value in self.values)] if self.values else []),
            *(["a list"] if self.items is not None else []),
            *(["a mapping"] if self.forms else []),
        ]
        return " or ".join(words) if len(words) < 3 else ", ".join(words[:-1]) + " or " + words[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A known key of a mapping."""

    shape: Shape
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form of a mapping: its known keys, and what any other key holds (None: no others)."""

    keys: Mapping[str, Key]
    other: Shape | None = None

    def __hash__(self) -> int:
        return id(self)


TEXT = Shape(text=True)
NAME = Shape(text=True, non_empty=True)
BOOLEAN = Shape(boolean=True)
NUMBER = Shape(number=True)


def one_of(*values: str) -> Shape:
    """One of these texts."""
    return Shape(text=True, values=values)


def list_of(item: Shape) -> Shape:
    """A sequence."""
    return Shape(items=item)


def names() -> Shape:
    """A name or a list of names."""
    return Shape(text=True, non_empty=True, items=NAME)


def mapping(
    needed: Mapping[str, Shape] | None = None, /, *, other: Shape | None = None, **optional: Shape
) -> Shape:
    """A mapping in one form; `_` in keyword names stands for `-`."""
    return Shape(forms=(form(needed, other=other, **optional),))


def form(
    needed: Mapping[str, Shape] | None = None, /, *, other: Shape | None = None, **optional: Shape
) -> Form:
    """One form of a mapping; `_` in keyword names stands for `-`."""
    keys = {name: Key(shape=shape, required=True) for name, shape in (needed or {}).items()}
    keys |= {name.replace("_", "-").strip("-"): Key(shape=shape) for name, shape in optional.items()}
    return Form(keys=keys, other=other)


def with_contexts(shape: Shape, available: Availability) -> Shape:
    """The shape where expressions may use these contexts and functions too."""
    return replace(shape, available=available)


def or_null(shape: Shape) -> Shape:
    """The shape, or nothing at all."""
    return replace(shape, null=True)


class _Free(Shape):
    """Any value: its items and entries are of the same shape. A class, because a frozen value cannot hold itself."""

    __slots__ = ()


FREE = _Free(null=True, boolean=True, number=True, text=True)
"""Any value of any depth."""
object.__setattr__(FREE, "items", FREE)
object.__setattr__(FREE, "forms", (Form(keys={}, other=FREE),))
