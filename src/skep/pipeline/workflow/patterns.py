"""Whether a filter pattern of branches, tags or paths can match anything.

Source: GitHub's "Filter pattern cheat sheet": `*`, `**`, `?` and `+` behind a character, `[a-z]`, `!`, `\\`.
"""

from __future__ import annotations


def pattern_problem(pattern: str) -> str:
    """What is wrong with a pattern; '' when nothing is."""
    body = pattern.removeprefix("!")
    if not body:
        return "it is empty"
    at = 0
    while at < len(body):
        character = body[at]
        if character == "\\":
            if at + 1 == len(body):
                return "nothing follows the `\\`"
            at += 2
        elif character == "[":
            end = body.find("]", at + 1)
            if end < 0:
                return "`[` is not closed"
            if problem := _class_problem(body[at + 1 : end]):
                return problem
            at = end + 1
        elif character in "?+" and at == 0:
            return f"nothing stands before the `{character}`"
        else:
            at += 1
    return ""


def _class_problem(inside: str) -> str:
    if not inside:
        return "`[]` matches nothing"
    for at in range(1, len(inside) - 1):
        if inside[at] == "-" and inside[at - 1] > inside[at + 1]:
            return f"the range `{inside[at - 1 : at + 2]}` is the wrong way round"
    return ""
