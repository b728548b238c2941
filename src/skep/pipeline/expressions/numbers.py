"""Numbers to text and back, as GitHub's runner does it in .NET."""

import math
import re

# Char.IsWhiteSpace of .NET: Python's str.strip also takes the separators 0x1c to 0x1f
WHITESPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_PREFIXED = re.compile(r"0(?:x(?P<hex>[0-9a-fA-F]+)|o(?P<octal>[0-7]+))")
_INFINITIES = {"infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf}
_INT32_VALUES = 1 << 32


def parse_number(text: str) -> float:
    """The number a string means: trimmed, '' is 0, decimal, 0x and 0o of 32 bits, infinities in any case; else NaN.

    Source: `ExpressionUtility.ParseNumber`; 0xffffffff is -1, as Int32.TryParse has it, and longer is NaN.
    """
    text = text.strip(WHITESPACE)
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    prefixed = _PREFIXED.fullmatch(text)
    if prefixed is not None:
        digits = prefixed["hex"] or prefixed["octal"]
        return _int32(digits, 16 if prefixed["hex"] else 8)
    return _INFINITIES.get(text.lower(), math.nan) if text.isascii() else math.nan


def number_text(number: float) -> str:
    """The number with 15 significant digits (.NET's G15): `0.1`, `1E+15`, `-Infinity`, `NaN`; -0 is `0`."""
    if number == 0:
        return "0"
    if math.isfinite(number):
        return format(number, ".15g").upper()
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _int32(digits: str, base: int) -> float:
    value = int(digits, base)
    if value >= _INT32_VALUES:
        return math.nan
    return float(value - _INT32_VALUES if value >= _INT32_VALUES // 2 else value)
