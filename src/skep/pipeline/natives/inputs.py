"""The inputs of an action, read as the toolkit reads them. Source: actions/toolkit `core.ts`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from skep.model.errors import UserError

_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")


class Inputs:
    """Inputs by lower-case name; missing and empty ones are the same."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given

    def text(self, name: str, default: str = "") -> str:
        """The trimmed value, or `default`."""
        return self._given.get(name.lower(), "").strip() or default

    def required(self, name: str) -> str:
        """The trimmed value. Raises UserError when there is none."""
        value = self.text(name)
        if not value:
            raise UserError(
                f"Input required and not supplied: {name}", hint=f"give it: `with: {{ {name}: ... }}`"
            )
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A YAML 1.2 boolean. Raises UserError for any other word."""
        value = self.text(name)
        if not value:
            return default
        if value in (*_TRUE, *_FALSE):
            return value in _TRUE
        raise UserError(
            f'Input does not meet YAML 1.2 "Core Schema" specification: {name}\n'
            "Support boolean input list: `true | True | TRUE | false | False | FALSE`"
        )

    def is_true(self, name: str) -> bool:
        """Whether the value is the word `true`, as actions/cache asks."""
        return self.text(name) == "true"

    def number(self, name: str) -> int | None:
        """The whole number the value begins with, as JavaScript's parseInt; None when there is no value.
        Raises UserError when it begins with none."""
        value = self.text(name)
        if not value:
            return None
        found = re.match(r"[+-]?\d+", value)
        if not found:
            raise UserError(f"Invalid {name}")
        return int(found.group())

    def lines(self, name: str) -> list[str]:
        """The lines that are not blank, trimmed; blanks behind a leading `!` are dropped."""
        lines = (re.sub(r"^!\s+", "!", line).strip() for line in self.text(name).split("\n"))
        return [line for line in lines if line]

    def choice(self, name: str, allowed: Iterable[str], default: str) -> str:
        """One of the allowed words. Raises UserError for another."""
        value = self.text(name, default)
        known = list(allowed)
        if value not in known:
            raise UserError(
                f"Unrecognized {name} input. Provided: {value}. Available options: {','.join(known)}"
            )
        return value
