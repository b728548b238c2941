"""GitHub's own @actions/glob and ours walk the same random trees with the same random patterns."""

import json
import os
import random
import subprocess
from pathlib import Path

from skep.host.glob import GlobOptions, find_matches, hash_files
from skep.model.errors import SkepError
from tools import NPM_PACKAGES, needs_tool

SCRIPT = """
import fs from 'fs';
import * as glob from '@actions/glob';
const answers = [];
for (const one of JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))) {
  process.chdir(one.root);
  try {
    const globber = await glob.create(one.patterns, one.options);
    answers.push({found: await globber.glob()});
  } catch (error) { answers.push({error: error.message}); }
}
fs.writeFileSync(process.argv[3], JSON.stringify(answers));
"""
HASH_SCRIPT = """
import fs from 'fs';
import * as glob from '@actions/glob';
const [folder, patterns] = process.argv.slice(2);
process.chdir(folder);
fs.writeFileSync(process.argv[4], await glob.hashFiles(patterns, folder, {followSymbolicLinks: false}));
"""
NAMES = "a b B ab a.py b.txt .h .hid.py x+y [a] a* é z-1 src [b -".split()  # noqa: SIM905 (read as a row)
SEGMENTS = (  # one row, blanks between
    "a b B ab * ** ? *.py a* [ab] [!a] [^a] [a-z]* .* src *b \\* [[]a] [b a] **a a** *** *.* é x+y [-] [*] +(a) {a,b} [.]h"
)


def _grow(folder: str, rng: random.Random, depth: int = 0, *, links: bool = True) -> None:
    os.makedirs(folder)
    for name in rng.sample(NAMES, rng.randint(1, 6)):
        path = os.path.join(folder, name)
        chance = rng.random()
        if chance < 0.4 and depth < 4:
            _grow(path, rng, depth + 1, links=links)
        elif chance < 0.5 and links:
            os.symlink(rng.choice(["..", ".", "nowhere", "a", "../a", "../..", "a.py"]), path)
        else:
            Path(path).write_text(name, encoding="utf-8")


def _pattern(rng: random.Random) -> str:
    text = "/".join(rng.choice(SEGMENTS.split()) for _ in range(rng.randint(1, 4)))
    text += rng.choice(["", "", "", "", "/"])
    return rng.choice(["", "", "", "", "./", "!", "!!"]) + text


def _case(rng: random.Random, roots: list[str]) -> dict[str, object]:
    return {
        "root": rng.choice(roots),
        "patterns": "\n".join(_pattern(rng) for _ in range(rng.randint(1, 4))),
        "options": {
            "followSymbolicLinks": rng.random() < 0.4,
            "implicitDescendants": rng.random() < 0.7,
            "excludeHiddenFiles": rng.random() < 0.2,
        },
    }


def _ours(case: dict[str, object]) -> list[str] | None:
    options = case["options"]
    assert isinstance(options, dict)
    chosen = GlobOptions(
        follow_symlinks=options["followSymbolicLinks"],
        implicit_descendants=options["implicitDescendants"],
        exclude_hidden=options["excludeHiddenFiles"],
    )
    try:
        return [found.path for found in find_matches([str(case["patterns"])], str(case["root"]), chosen)]
    except SkepError:
        return None


def _node(script: str, *arguments: str) -> None:
    path = NPM_PACKAGES.parent / f".{os.getpid()}.mjs"  # imports are looked up from the script's folder
    path.write_text(script, encoding="utf-8")
    try:
        subprocess.run(["node", str(path), *arguments], check=True, timeout=300)
    finally:
        path.unlink()


@needs_tool("node", "npm:@actions/glob")
def test_the_same_files_are_found_in_the_same_order(tmp_path: Path) -> None:
    rng = random.Random(20)
    # a link to ../.. of a root must not lead into the folders of other tests, whose files are many and change
    inner = tmp_path / "outer" / "inner"
    roots = [str(inner / f"{rng.choice(['w', 'w[1]', 'w*', 'w?x'])}{number}") for number in range(20)]
    for root in roots:
        _grow(root, rng)
    cases = [_case(rng, roots) for _ in range(400)]
    asked, answered = tmp_path / "asked.json", tmp_path / "answered.json"
    asked.write_text(json.dumps(cases), encoding="utf-8")
    _node(SCRIPT, str(asked), str(answered))
    answers = json.loads(answered.read_text(encoding="utf-8"))
    # a file used as a folder is an error there, and simply no match here
    known = [
        (case, answer) for case, answer in zip(cases, answers, strict=True) if "ENOTDIR" not in str(answer)
    ]
    different = [(case, answer) for case, answer in known if _ours(case) != answer.get("found")]
    assert different == []
    assert sum(bool(answer.get("found")) for _, answer in known) > 100


@needs_tool("node", "npm:@actions/glob")
def test_the_same_files_have_the_same_hash(tmp_path: Path) -> None:
    rng = random.Random(21)
    root = tmp_path / "w"
    _grow(str(root), rng, links=False)  # a broken link is an error, there as here
    for number, patterns in enumerate(["**/*.py", "a*\nb*\n!**/.h", "src\n**/b.txt", "nothing-here"]):
        answered = tmp_path / f"answer{number}"
        _node(HASH_SCRIPT, str(root), patterns, str(answered))
        assert hash_files([patterns], str(root)) == answered.read_text(encoding="utf-8")
