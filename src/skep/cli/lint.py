"""Check workflow files: what GitHub would refuse, and what it would run otherwise than meant.

Without PATHS all workflows of the project and the local actions they use are checked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from skep.model.errors import UserError
from skep.model.finding import Severity
from skep.pipeline.workflow.lint.options import LintOptions
from skep.pipeline.workflow.lint.registry import RULES
from skep.settings import Settings

from .findings import render_findings
from .lint_fixing import fix_file
from .lint_formats import as_json, as_sarif, github_lines
from .lint_project import LintedFile, LintProject, group_by_root, seen_from
from .project import add_setting_flags, open_project

FORMATS = ("text", "json", "sarif", "github")
_WIDTH = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="files, or folders (default: all workflows of the project)"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="how findings are printed")
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--fix", action="store_true", help="mend in the files what can be mended safely")
    parser.add_argument(
        "--rule", action="append", default=[], metavar="RULE", help="only findings of this rule; may repeat"
    )
    parser.add_argument("--list-rules", action="store_true", help="print all rules")
    parser.add_argument(
        "--explain", default="", metavar="RULE", help="print why a rule exists, and what to do"
    )
    add_setting_flags(parser, "lint_ignore", "lint_severity", "lint_labels", "lint_owners")


def run(args: argparse.Namespace) -> int:
    """Prints findings. 1 when one is an error."""
    if args.list_rules:
        _list_rules(as_object=args.json or args.format == "json")
        return 0
    if args.explain:
        print(explanation(_known_rule(args.explain)))
        return 0
    only = frozenset(_known_rule(rule) for rule in args.rule)
    files, mended = _lint_all(args, only)
    _print(files, "json" if args.json else args.format)
    _print_summary(files, mended)
    return 1 if any(finding.is_error for file in files for finding in file.result.findings) else 0


def _lint_all(args: argparse.Namespace, only: frozenset[str]) -> tuple[list[LintedFile], int]:
    """Every file, in the order of projects and names, and how many findings were mended."""
    here = os.getcwd()
    files: list[LintedFile] = []
    mended = 0
    groups = group_by_root(args.paths, here)
    for root, paths in groups.items():
        settings = open_project(args, root=root).settings
        project = LintProject(root=root, options=lint_options(settings, only))
        linted = project.lint(paths)
        if args.fix:
            fixed = [fix_file(file, project.lint_text) for file in linted]
            linted = [file for file, _ in fixed]
            mended += sum(count for _, count in fixed)
        prefix = "" if len(groups) == 1 else _prefix(root, here)
        files += [seen_from(file, prefix) for file in linted]
    return files, mended


def _prefix(root: str, here: str) -> str:
    relative = os.path.relpath(root, os.path.realpath(here)).replace(os.sep, "/")
    return "" if relative == "." else f"{relative}/"


def lint_options(settings: Settings, only: frozenset[str] = frozenset()) -> LintOptions:
    """The options of the rules as the settings say. Raises UserError for rules and severities that do not exist."""
    return LintOptions(
        labels=settings.lint_labels + settings.labels,
        trusted_owners=settings.lint_owners,
        ignored=frozenset(_known_rule(rule) for rule in settings.lint_ignore),
        severities=_severities(settings.lint_severity),
        only=only,
    )


def _severities(given: Sequence[str]) -> Mapping[str, Severity]:
    found: dict[str, Severity] = {}
    for text in given:
        rule, _, word = text.partition("=")
        if word not in tuple(Severity):
            raise UserError(
                f"`{text}` sets no severity",
                hint=f"write `{rule or 'RULE'}=error`, `=warning` or `=notice`",
            )
        found[_known_rule(rule)] = Severity(word)
    return found


def _known_rule(rule: str) -> str:
    if rule in RULES:
        return rule
    near = get_close_matches(rule, RULES, n=1)
    raise UserError(
        f"there is no rule `{rule}`",
        hint=f"did you mean `{near[0]}`?" if near else "`skep lint --list-rules` prints all",
    )


# --- output -----------------------------------------------------------------------------------------------------------
def _print(files: Sequence[LintedFile], form: str) -> None:
    if form == "json":
        print(json.dumps(as_json(files), indent=2, ensure_ascii=True))
    elif form == "sarif":
        print(json.dumps(as_sarif(files), indent=2, ensure_ascii=True))
    elif form == "github":
        print("".join(f"{_encodable(line)}\n" for line in github_lines(files)), end="")
    else:
        findings = [finding for file in files for finding in file.result.findings]
        if findings:
            colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
            sources = {file.path: file.text for file in files}
            print(_encodable(render_findings(findings, sources, colour=colour)))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _print_summary(files: Sequence[LintedFile], mended: int) -> None:
    """Counts, to stderr."""
    sys.stdout.flush()
    counts = Counter(finding.severity for file in files for finding in file.result.findings)
    words = [_count(counts[severity], str(severity)) for severity in Severity if counts[severity]]
    parts = [f"{', '.join(words) or 'nothing found'} in {_count(len(files), 'file')}"]
    if silenced := sum(len(file.result.silenced) for file in files):
        parts.append(f"{silenced} silenced")
    if mended:
        parts.append(f"{mended} mended")
    fixable = sum(1 for file in files for finding in file.result.findings if finding.edits)
    if fixable:
        parts.append(f"`--fix` mends {fixable}")
    print("; ".join(parts), file=sys.stderr)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _list_rules(*, as_object: bool) -> None:
    if as_object:
        rows = [
            {"rule": rule.id, "severity": rule.severity, "summary": rule.summary, "fixable": rule.fixable}
            for rule in RULES.values()
        ]
        print(json.dumps(rows, indent=2))
        return
    width = max(len(rule) for rule in RULES)
    for rule in RULES.values():
        print(f"{rule.id:<{width}}  {rule.severity:<7}  {rule.summary}{' (--fix)' if rule.fixable else ''}")


def explanation(rule: str) -> str:
    """What `--explain` prints."""
    info = RULES[rule]
    lines = [
        f"{info.id}: {info.summary}",
        "",
        *textwrap.wrap(info.explanation, _WIDTH, break_long_words=False, break_on_hyphens=False),
        "",
        f"severity: {info.severity}" + (", some findings can be mended with `--fix`" if info.fixable else ""),
        f"silence it on a line: `# skep: ignore[{info.id}] reason`",
        f'switch it off, in skep.toml: `[lint]` with `ignore = ["{info.id}"]`',
        f'weigh it otherwise: `[lint]` with `severity = ["{info.id}=notice"]`',
    ]
    return "\n".join(lines)
