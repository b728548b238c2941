"""GitHub's own @actions/expressions and ours evaluate the same random expressions.

Left out is where GitHub's servers and runner (C#) differ from that package, and we follow them: numbers beyond 15 digits, `ß`,
a trailing comma, and arguments that are evaluated only when they are needed.
"""

import json
import math
import os
import random
import subprocess
from pathlib import Path

from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, kind_of, to_json_text
from tools import NPM_PACKAGES, needs_tool

SCRIPT = """
import fs from 'fs';
import {Lexer, Parser, Evaluator} from '@actions/expressions';
import {reviver} from './node_modules/@actions/expressions/dist/data/reviver.js';
import {replacer} from './node_modules/@actions/expressions/dist/data/replacer.js';
const {contexts, texts} = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const values = JSON.parse(JSON.stringify(contexts), reviver);
const kinds = ['String', 'Array', 'Object', 'Boolean', 'Number', 'Object', 'Null'];
const answers = texts.map(text => {
  let tree;
  try {
    tree = new Parser(new Lexer(text).lex().tokens, Object.keys(contexts), []).parse();
  } catch { return ['unread']; }
  if (tree === undefined) return ['Null', 'null'];
  try {
    const value = new Evaluator(tree, values).evaluate();
    return [kinds[value.kind], value.kind === 4 ? String(value.value) : JSON.stringify(value, replacer)];
  } catch { return ['failed']; }
});
fs.writeFileSync(process.argv[3], JSON.stringify(answers));
"""
CONTEXTS: dict[str, Value] = {
    "github": {
        "ref": "refs/heads/main",
        "Event": {"a": [1, 2, {"x": "y", "n": None}], "b": {"x": "z", "A": [3, [4, 5]]}, "title": "Fix É"},
        "num": 42,
        "t": True,
        "e": "",
        "nul": None,
    },
    "arr": [[1, 2, 3], {"x": 1, "y": {"x": 2}}, "str", None, True, 7, []],
    "obj": {"0": "zero", "a": {"x": 1}, "b": {"x": [1, 2]}, "c": "s", "*": "star"},
    "none": [],
    "s": "Hello",
}
STRINGS = [
    "''",
    "'a'",
    "'A'",
    "' 1 '",
    "'0x10'",
    "'true'",
    "'x'",
    "'a''b'",
    "'{0}-{1}'",
    "'{0}'",
    "'{{}}'",
    "'é'",
]
LITERALS = [
    "'[1,2,{\"x\":3}]'",
    "'null'",
    "'1e2'",
    "'-0'",
    "0",
    "1",
    "-1",
    "3.5",
    ".5",
    "0xff",
    "0o17",
    "true",
    "null",
]
ACCESSES = [
    ".*",
    "[*]",
    ".a",
    ".x",
    ".Event",
    ".event",
    ".b",
    "[0]",
    "[1.7]",
    "[-1]",
    "['x']",
    "[true]",
    "[null]",
]
FUNCTIONS = {
    "contains": 2,
    "startsWith": 2,
    "endsWith": 2,
    "format": 2,
    "join": 2,
    "toJSON": 1,
    "fromJSON": 1,
    "case": 3,
}
NOISE = "()[].,*'!<>=&|-+0 1ax\"$_\t\n"


def _expression(rng: random.Random, depth: int) -> str:
    choice = rng.random()
    if depth <= 0 or choice < 0.2:
        return rng.choice([*STRINGS, *LITERALS, *CONTEXTS, "GITHUB"])
    if choice < 0.4:
        start = rng.choice([*CONTEXTS, f"({_expression(rng, depth - 1)})"])
        return start + "".join(rng.choice(ACCESSES) for _ in range(rng.randint(1, 3)))
    if choice < 0.5:
        return f"!({_expression(rng, depth - 1)})"
    if choice < 0.6:
        return f"({_expression(rng, depth - 1)})"
    if choice < 0.8:
        operator = rng.choice(["==", "!=", "<", "<=", ">", ">=", "&&", "||"])
        return f"{_expression(rng, depth - 1)} {operator} {_expression(rng, depth - 1)}"
    name, count = rng.choice(list(FUNCTIONS.items()))
    return f"{name}({', '.join(_expression(rng, depth - 1) for _ in range(count))})"


def _damaged(rng: random.Random, text: str) -> str:
    place = rng.randrange(len(text) + 1)
    return text[:place] + rng.choice(["", rng.choice(NOISE)]) + text[place + rng.randint(0, 1) :]


def _ours(text: str) -> tuple[str, Value]:
    try:
        value = compile_expression(text, contexts=frozenset(CONTEXTS)).evaluate(Scope(CONTEXTS))
    except ExpressionError as error:
        return ("failed" if error.kind == "evaluate" else "unread"), None
    return kind_of(value), value


def _agrees(text: str, answer: list[str]) -> bool:
    kind, value = _ours(text)
    if answer[0] in ("failed", "unread"):
        # read, but some argument failed that we did not need; a comma too much is only ours to refuse
        return kind == answer[0] or answer[0] == "failed"
    if kind != answer[0]:
        return kind == "unread" and ",)" in text.replace(" ", "")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        theirs = float(answer[1])
        return value == theirs or (math.isnan(value) and math.isnan(theirs))
    return to_json_text(value) == to_json_text(json.loads(answer[1]))


@needs_tool("node", "npm:@actions/expressions")
def test_random_expressions_have_githubs_value(tmp_path: Path) -> None:
    rng = random.Random(7)
    whole = [_expression(rng, rng.randint(1, 4)) for _ in range(3000)]
    texts = whole + [_damaged(rng, text) for text in whole]
    asked, answered = tmp_path / "asked.json", tmp_path / "answered.json"
    asked.write_text(json.dumps({"contexts": CONTEXTS, "texts": texts}), encoding="utf-8")
    script = NPM_PACKAGES.parent / f".{os.getpid()}.mjs"  # imports are looked up from the script's folder
    script.write_text(SCRIPT, encoding="utf-8")
    try:
        subprocess.run(["node", str(script), str(asked), str(answered)], check=True, timeout=300)
    finally:
        script.unlink()
    answers = json.loads(answered.read_text(encoding="utf-8"))
    different = [
        (text, answer) for text, answer in zip(texts, answers, strict=True) if not _agrees(text, answer)
    ]
    assert different == []
    assert sum(answer[0] not in ("failed", "unread") for answer in answers) > 2500
