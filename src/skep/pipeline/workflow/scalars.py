"""The text of a plain YAML scalar in, its value out: the YAML 1.2 core schema.

Source: https://yaml.org/spec/1.2.2/#103-core-schema. `on`, `yes`, `12_345`, `2001-01-01` are strings.
"""

import re

SCALAR_TAGS = frozenset({"str", "bool", "int", "float", "null"})
"""Core tags of scalars, behind `tag:yaml.org,2002:`."""

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "null", "Null", "NULL", "~"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z|0x[0-9a-fA-F]+\Z|0o[0-7]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NUMBER_START = frozenset("+-.0123456789")


class WrongTagError(ValueError):
    """A scalar's text is not what its explicit tag says, such as `!!int x`."""


def resolve_plain(text: str) -> str | float | int | bool | None:
    """The value of an untagged plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INTEGER.match(text):
        return _integer(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def resolve_tagged(text: str, tag: str) -> str | float | int | bool | None:
    """The value of a plain scalar with a core tag (`int`, `float`, ...). Raises WrongTagError."""
    if tag == "str":
        return text
    value = resolve_plain(text)
    if tag == "null" and value is None:
        return None
    if tag == "bool" and isinstance(value, bool):
        return value
    if tag == "int" and _INTEGER.match(text):
        return value
    if tag == "float" and (_FLOAT.match(text) or (isinstance(value, float))):
        return value
    raise WrongTagError(text)


def _integer(text: str) -> int | float:
    if text.startswith("0x"):
        number = int(text[2:], 16)
    elif text.startswith("0o"):
        number = int(text[2:], 8)
    elif len(text) > 308:  # int() refuses thousands of digits, and GitHub's numbers are doubles
        return float(text)
    else:
        number = int(text)
    try:
        return number if abs(number) < 2**53 else float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
