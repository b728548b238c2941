"""Made workflows for bench.lint_differences: expressions in a frame whose contexts are known, and structures."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from skep.pipeline.workflow.reader import read_workflow

_FRAME = """\
on:
  push:
  issues:
  workflow_dispatch:
    inputs:
      flag:
        type: boolean
      level:
        type: choice
        options: [low, high]
      name:
        type: string
jobs:
  first:
    runs-on: ubuntu-latest
    outputs:
      version: x
    steps:
      - run: make
  build:
    needs: first
    runs-on: ubuntu-latest
    strategy:
      matrix:
        os: [ubuntu-latest, windows-latest]
        n: [1, 2]
        target: [{name: a, tags: [x, y]}]
    steps:
      - id: one
        run: make
"""
_PER_FILE = 10
CONTEXTS: dict[str, object] = {
    "github": {
        "sha": "abc",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "ref_name": "main",
        "event_name": "push",
        "actor": "mona",
        "event": {"issue": {"title": "t", "number": 3}, "commits": [{"message": "m"}]},
        "head_ref": "",
        "run_number": "7",
        "repository": "a/b",
    },
    "matrix": {"os": "ubuntu-latest", "n": 1, "target": {"name": "a", "tags": ["x", "y"]}},
    "needs": {"first": {"result": "success", "outputs": {"version": "x"}}},
    "steps": {"one": {"outcome": "success", "conclusion": "success", "outputs": {"made": "true"}}},
    "inputs": {"flag": True, "level": "low", "name": "n"},
    "runner": {"os": "Linux", "arch": "X64", "temp": "/t", "tool_cache": "/c", "name": "r"},
    "job": {"status": "success", "container": {}, "services": {}},
    "strategy": {"fail-fast": True, "job-index": 0, "job-total": 2, "max-parallel": 2},
    "env": {"X": "1"},
    "secrets": {"TOKEN": "s"},
    "vars": {"V": "v"},
}
"""Values of the types that the frame gives."""
OTHER_CONTEXTS: tuple[dict[str, object], ...] = (
    {
        **CONTEXTS,
        "github": {
            "sha": "",
            "ref": "refs/tags/v1",
            "ref_type": "tag",
            "event_name": "issues",
            "actor": "1",
            "event": {"issue": {"title": "", "number": 0}, "commits": []},
            "head_ref": "topic",
        },
        "matrix": {"os": "windows-latest", "n": 2, "target": {"name": "a", "tags": ["x", "y"]}},
        "needs": {"first": {"result": "failure", "outputs": {}}},
        "steps": {"one": {"outcome": "skipped", "conclusion": "cancelled", "outputs": {"made": "1"}}},
        "inputs": {"flag": False, "level": "high", "name": ""},
        "runner": {"os": "Windows", "arch": "ARM64", "temp": "", "name": "1"},
        "job": {"status": "failure", "container": {"id": "1"}, "services": {}},
        "strategy": {"fail-fast": False, "job-index": 1, "job-total": 1, "max-parallel": 1},
        "env": {"X": "true", "Y": "1"},
    },
    {
        **CONTEXTS,
        "github": {"event_name": "workflow_dispatch", "event": {}, "ref": "0", "sha": "true", "actor": "x"},
        "needs": {"first": {"result": "cancelled", "outputs": {"version": ""}}},
        "steps": {"one": {"outcome": "failure", "conclusion": "success", "outputs": {}}},
        "inputs": {},
        "runner": {"os": "macOS", "arch": "X86", "temp": "x", "name": ""},
        "job": {"status": "cancelled"},
        "env": {},
    },
)
"""Other values of the same types, with properties left out that may be absent."""

_NAMES: dict[str, tuple[str, ...]] = {
    "github": (
        "sha",
        "ref",
        "ref_type",
        "event_name",
        "event.issue.title",
        "event",
        "actor",
        "nope",
        "head_ref",
    ),
    "matrix": ("os", "n", "target", "target.name", "target.tags", "target.nope", "nope"),
    "needs": (
        "first",
        "first.result",
        "first.outputs.version",
        "first.outputs.nope",
        "build.result",
        "*.result",
    ),
    "steps": ("one", "one.outcome", "one.outputs.made", "one.nope", "later.outcome", "*.outcome"),
    "inputs": ("flag", "level", "name", "nope"),
    "runner": ("os", "arch", "temp", "nope"),
    "job": ("status", "nope", "container.id"),
    "strategy": ("job-index", "fail-fast", "nope"),
    "env": ("X", "Y"),
    "secrets": ("TOKEN",),
    "vars": ("V",),
}
_TAILS = ("", "", "", "", "", ".name", "[0]", ".*", "['os']", ".outputs")
_LITERALS = (
    *(
        "'success'",
        "'failed'",
        "'push'",
        "'ubuntu-latest'",
        "'ubuntu'",
        "'Linux'",
        "'linux'",
        "'low'",
        "'true'",
    ),
    *("'x'", "''", "'1'", "true", "false", "null", "0", "1", "2.5", "'{0}'", "'{0} {1}'", "'[1,2]'", "'{}'"),
)
_CALLS = {"contains": 2, "startsWith": 2, "endsWith": 2, "format": 2, "join": 1, "toJSON": 1, "fromJSON": 1}


@dataclass(frozen=True, slots=True)
class Made:
    """One file and its parts: each a stretch of lines that is looked at by itself."""

    text: str
    starts: dict[str, int] = field(default_factory=dict)  # part -> its first line
    is_whole: bool = False  # one part: the file

    def parts(self) -> list[str]:
        """The names of the parts."""
        return ["file"] if self.is_whole else list(self.starts)

    def part_at(self, line: int) -> str:
        """The part that a line belongs to; `frame` for one of the frame."""
        if self.is_whole:
            return "file"
        return next((part for part, start in reversed(self.starts.items()) if line >= start), "frame")

    def text_of(self, part: str) -> str:
        """The lines of a part."""
        if self.is_whole:
            return self.text
        start = self.starts[part] - 1
        return "\n".join(self.text.split("\n")[start : start + 3])

    def names(self, part: str, message: str) -> bool:
        """Whether a message of GitHub's parser is about a part: `(Line: 3, Col: 5): ...`."""
        if self.is_whole:
            return True
        line = message.partition("Line: ")[2].partition(",")[0]
        return line.isdigit() and self.part_at(int(line)) == part


def expression(chance: random.Random, depth: int) -> str:
    """A random expression on the contexts of the frame."""
    kind = chance.random()
    if depth <= 0 or kind < 0.3:
        return access(chance) if chance.random() < 0.75 else chance.choice(_LITERALS)
    if kind < 0.55:
        operator = chance.choice(("==", "!=", "==", "<", ">"))
        return (
            f"{access(chance)} {operator} {chance.choice((access(chance), *chance.choices(_LITERALS, k=4)))}"
        )
    if kind < 0.7:
        operator = chance.choice(("&&", "||"))
        return f"{expression(chance, depth - 1)} {operator} {expression(chance, depth - 1)}"
    if kind < 0.75:
        return f"!{access(chance)}"
    name, count = chance.choice(list(_CALLS.items()))
    given = [access(chance) if chance.random() < 0.6 else chance.choice(_LITERALS) for _ in range(count)]
    if name == "format":
        given[0] = chance.choice(_LITERALS)
    return f"{name}({', '.join(given)})"


def access(chance: random.Random) -> str:
    """A random path."""
    root = chance.choice(list(_NAMES))
    return f"{root}.{chance.choice(_NAMES[root])}{chance.choice(_TAILS)}"


def made_expressions(chance: random.Random, count: int) -> Iterator[Made]:
    """Files with that many expressions in all, in `run` and `if` by turns; one that cannot be read is alone in its file."""
    waiting: list[tuple[int, str]] = []
    for number in range(count):
        made = (number, expression(chance, chance.randint(0, 2)))
        if read_workflow(_file([made]).text, "x.yml")[0] is None:
            yield _file([made])
            continue
        waiting.append(made)
        if len(waiting) == _PER_FILE:
            yield _file(waiting)
            waiting = []
    if waiting:
        yield _file(waiting)


def _file(expressions: list[tuple[int, str]]) -> Made:
    text, starts = _FRAME, {}
    for number, made in expressions:
        starts[f"e{number}"] = text.count("\n") + 1
        if number % 2:
            text += f"      - run: |\n          echo ${{{{ {made} }}}}\n"
        else:
            text += f"      - if: |-\n          {made}\n        run: make\n"
    return Made(text, starts)


# --- structures -------------------------------------------------------------------------------------------------------
_ON = (
    *(
        "push",
        "[push, pull_request]",
        "pussh",
        "{push: {branches: [main]}}",
        "{push: {branches: [main, '[']}}",
    ),
    *(
        "{push: {branches: [a], branches-ignore: [b]}}",
        "{schedule: [{cron: '0 5 * * *'}]}",
        "{issues: {types: [opned]}}",
    ),
    *(
        "{schedule: [{cron: '61 5 * * *'}]}",
        "{workflow_dispatch: {inputs: {a: {type: choice}}}}",
        "{release: {paths: [a]}}",
    ),
    *(
        "workflow_call",
        "{pull_request: {types: opened}}",
        "{push: {tags: ['v*', 'a+b']}}",
        "{push: {paths: ['a b', '!c']}}",
    ),
)
_TOP = (
    *(
        "",
        "",
        "",
        "permissions: write-all\n",
        "permissions: {contents: raed}\n",
        "permissions: {content: read}\n",
    ),
    *(
        "env: {A: 1}\n",
        "env: {A B: 1}\n",
        "defaults: {run: {shell: bash}}\n",
        "concurrency: ci\n",
        "nmae: x\n",
        "name: x\n",
    ),
    *(
        "concurrency: {group: x, cancel-in-progress: ${{ github.ref == 'x' }}}\n",
        "run-name: ${{ github.nope }}\n",
    ),
)
_JOB = (
    *(
        "",
        "",
        "",
        "    needs: a\n",
        "    needs: [nope]\n",
        "    if: github.ref == 'x'\n",
        "    if: ${{ github.ref }} == 'x'\n",
    ),
    *(
        "    timeout-minutes: 5\n",
        "    timeout-minutes: five\n",
        "    strategy: {matrix: {a: [1, 1]}}\n",
        "    neds: a\n",
    ),
    *(
        "    strategy: {matrix: {a: []}}\n",
        "    strategy: {matrix: {a: [1], exclude: [{a: 2}]}}\n",
        "    env: {A: b}\n",
    ),
    *(
        "    environment: {name: x, url: ${{ steps.s.outputs.u }}}\n",
        "    outputs: {o: ${{ steps.nope.outputs.u }}}\n",
    ),
    *(
        "    container: {image: alpine, credentials: {username: a, password: b}}\n",
        "    continue-on-error: maybe\n",
    ),
    *(
        "    strategy: {fail-fast: yes, matrix: {a: [1]}}\n",
        "    permissions: {id-token: read}\n",
        "    if: false\n",
    ),
    *(
        "    name: ${{ secrets.A }}\n",
        "    services: {db: {image: pg, ports: ['1:2']}}\n",
        "    concurrency: {}\n",
    ),
)
_RUNS_ON = (
    *(
        "ubuntu-latest",
        "ubuntu-latest",
        "ubuntu-lastest",
        "[self-hosted, gpu]",
        "macos-12",
        "${{ matrix.nope }}",
        "[]",
    ),
    *("windows-latest", "{group: x}", "[ubuntu-latest, windows-latest]"),
)
_STEP = (
    *(
        "{run: make}",
        "{run: make}",
        "{id: s, run: make}",
        "{id: '1s', run: make}",
        "{uses: actions/checkout@v3}",
        "{}",
    ),
    *(
        "{uses: actions/checkout}",
        "{uses: './x', with: {a: 1}}",
        "{uses: actions/checkout@v3, with: {nope: 1}}",
    ),
    *(
        "{uses: actions/cache@v3, with: {path: x}}",
        "{run: make, shell: basch}",
        "{run: make, shell: bash}",
        "{name: x}",
    ),
    *(
        "{run: 'echo \"::set-output name=a::b\"'}",
        "{run: make, uses: a/b@c}",
        "{run: make, with: {a: 1}}",
        "{id: s, run: x}",
    ),
    *("{run: make, timeout-minutes: ${{ inputs.x }}}", "{uses: 'docker://a:1'}", "{run: make, if: 'true'}"),
    *(
        "{run: 'echo ${{ github.event.issue.title }}'}",
        "{run: make, env: ${{ github }}}",
        "{run: make, if: always() }",
    ),
    *(
        "{run: make, working-directory: a}",
        "{run: make, continue-on-error: ${{ true }}}",
        "{run: 'echo ${{ secrets.A }}'}",
    ),
    *(
        "{run: make, if: secrets.A}",
        "{run: 'echo ${{ github.ref }'}",
        "{run: 'echo ${{ }}'}",
        "{run: 'echo ${{ nope.a }}'}",
    ),
    *(
        "{run: 'echo ${{ matrix.a }}'}",
        "{run: 'echo ${{ needs.a.result }}'}",
        "{run: 'echo ${{ hashFiles() }}'}",
    ),
)


def made_structures(chance: random.Random, count: int) -> Iterator[Made]:
    """Small files of two jobs of which one part, or two, is taken from the lists, right or wrong."""
    for _ in range(count):
        slots = {"on": _ON, "top": _TOP, "job": _JOB, "runs-on": _RUNS_ON, "step": _STEP, "second": _STEP}
        wild = set(chance.choices(list(slots), k=chance.choice((1, 1, 2))))
        part = {name: chance.choice(values) if name in wild else values[0] for name, values in slots.items()}
        yield Made(
            f"on: {part['on']}\n{part['top']}jobs:\n"
            f"  a:\n    runs-on: {_RUNS_ON[0]}\n    steps:\n      - {part['step']}\n"
            f"  b:\n    runs-on: {part['runs-on']}\n{part['job']}    steps:\n      - {part['second']}\n",
            is_whole=True,
        )
