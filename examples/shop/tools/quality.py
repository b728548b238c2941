"""`quality.py lint|types|security [--history]`: what can be checked without installing anything; more where the tools are there.

lint: every file compiles without a warning; ruff. types: every function is annotated; mypy. security: no secret and no call that
runs text as code; with --history also in all that git remembers. Each finding is one line `file:line: what is wrong`.
"""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SOURCES = ("shop", "tests", "tools")
SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY"),
    "an access key of AWS": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\bgh[opsur]_[0-9A-Za-z]{36}\b"),
    "a token of Slack": re.compile(r"\bxox[abpr]-[0-9A-Za-z-]{20,}"),
    "a password in an address": re.compile(r"\b[a-z]+://[^\s:/@]+:[^\s:/@${}]{6,}@"),
}
MEND = "take it from the environment, and change it where it is valid"
RUNS_TEXT = ("eval", "exec", "os.system", "pickle.load", "pickle.loads", "marshal.loads")

Finding = tuple[str, int, str]


def main() -> int:
    """1 when there is a finding."""
    parser = argparse.ArgumentParser(prog="quality", description=__doc__)
    parser.add_argument("check", choices=["lint", "types", "security"])
    parser.add_argument("--history", action="store_true", help="security: look through git's history, too")
    arguments = parser.parse_args()
    os.chdir(PROJECT)
    if arguments.check == "lint":
        findings, failed = (
            list(compile_all()),
            run_tool("ruff", "check", "--output-format=github", "--select=E4,E7,E9,F,B", *SOURCES),
        )
    elif arguments.check == "types":
        findings, failed = list(unannotated()), run_tool("mypy", "--no-incremental", *SOURCES)
    else:
        findings, failed = [*secrets_in_tree(), *risky_calls()], False
        if arguments.history and git("rev-parse", "HEAD"):
            findings += secrets_in_history()
        elif arguments.history:
            print("::warning title=No history here::this is no git work tree; only the files were looked at")
    for file, line, message in findings:
        where = f"file={file},line={line},"
        print(f"{file}:{line}: {message}")
        print(f"::error {where}title={arguments.check}::{message}")
    print(f"{arguments.check}: {len(findings)} findings in {len(list(sources()))} files")
    return 1 if findings or failed else 0


def sources() -> Iterator[Path]:
    """The Python files."""
    for folder in SOURCES:
        yield from sorted(Path(folder).rglob("*.py"))


def compile_all() -> Iterator[Finding]:
    """What the compiler refuses or warns of."""
    for path in sources():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                compile(path.read_bytes(), str(path), "exec")
            except SyntaxError as error:
                yield str(path), error.lineno or 1, error.msg
        for warning in caught:
            yield str(path), warning.lineno, str(warning.message)


def unannotated() -> Iterator[Finding]:
    """Functions of the shop whose parameters or result have no type."""
    for path in sorted(Path("shop").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                missing = [
                    one.arg for one in given if one.annotation is None and one.arg not in ("self", "cls")
                ]
                missing += ["the result"] if node.returns is None else []
                if missing:
                    yield str(path), node.lineno, f"`{node.name}`: no type for {', '.join(missing)}"


def secrets_in_tree() -> Iterator[Finding]:
    """Texts that look like secrets in files that git knows or would add; without git, in all files."""
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    names = list(filter(None, listed)) or [str(path) for path in sorted(Path().rglob("*")) if path.is_file()]
    for name in names:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # deleted, or no text
        for number, line in enumerate(text.splitlines(), 1):
            yield from ((name, number, f"looks like {kind}; {MEND}") for kind in kinds_of_secret(line))


def secrets_in_history() -> Iterator[Finding]:
    """The same in every line that a commit has added."""
    commit = file = ""
    for line in git(
        "log", "--all", "--unified=0", "--no-color", "--format=commit %h", "-p", "--", "."
    ).splitlines():
        if line.startswith("commit "):
            commit = line.split()[1]
        elif line.startswith("+++ b/"):
            file = line.removeprefix("+++ b/")
        elif line.startswith("+"):
            yield from (
                (file, 1, f"commit {commit} added what looks like {kind}; change it there where it is valid")
                for kind in kinds_of_secret(line)
            )


def kinds_of_secret(line: str) -> list[str]:
    """What a line seems to give away."""
    return [kind for kind, pattern in SECRETS.items() if pattern.search(line)]


def risky_calls() -> Iterator[Finding]:
    """Calls that run text as code or give it to a shell."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                shell = any(one.arg == "shell" and ast.unparse(one.value) != "False" for one in node.keywords)
                if name in RUNS_TEXT or shell:
                    yield (
                        str(path),
                        node.lineno,
                        f"`{name}`{' with a shell' if shell else ''} runs text as code; find a way without",
                    )


def run_tool(name: str, *words: str) -> bool:
    """Whether a tool that is there has failed; says so when it is not there."""
    if shutil.which(name) is None:
        print(
            f"::notice title=No {name} here::{name} is not on PATH; only what Python itself checks was checked"
        )
        return False
    return subprocess.run([name, *words], check=False).returncode != 0


def git(*words: str) -> str:
    """What git prints; nothing where there is no git work tree."""
    ran = subprocess.run(["git", *words], capture_output=True, check=False)
    return ran.stdout.decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main())
