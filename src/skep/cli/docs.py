"""Reference pages made from the code, so that they cannot lie. `python -m skep.cli.docs` writes them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import fields

from skep.cli.command_page import commands_page
from skep.cli.compatibility import compatibility_page
from skep.settings import NEVER_IN_FILE, TABLES, Settings, environment_name, flag_name, kind_of

KIND_WORDS = {
    "text": "text",
    "path": "path",
    "texts": "list of texts",
    "pairs": "table of texts",
    "flag": "`true` or `false`",
    "count": "whole number",
    "size": "bytes, or text such as `500 MiB`",
    "number": "number",
    "choice": "text",
}


WORD_FORMS = {
    "texts": " (words with blanks or commas between)",
    "pairs": " (words `NAME=VALUE` with blanks or commas between)",
}


def settings_page() -> str:
    """docs/reference/settings.md."""
    lines = [
        "# Settings",
        "",
        "<!-- made by `python -m skep.cli.docs`; change src/skep/settings.py -->",
        "",
        "Each setting has a default; `skep.toml` in the project root, or `[tool.skep]` of its `pyproject.toml` when there is",
        "no `skep.toml`, overrides it; then the environment; then a flag. Paths in the file are relative to the project root.",
        "A key that does not exist, or a value of the wrong kind, stops the command with its file and line.",
        "",
    ]
    for one in fields(Settings):
        default = one.metadata["default"] or _shown(one.default)
        table, _, rest = one.name.partition("_")
        key = f"`{one.name}`, or `{rest}` in `[{table}]`" if table in TABLES else f"`{one.name}`"
        in_file = f"{key} ({KIND_WORDS[kind_of(one)]})"
        if one.name in NEVER_IN_FILE:
            in_file = "no, for that comes with the repository"
        lines += [
            f"## {one.name}",
            "",
            f"{one.metadata['doc']} Default: {default}.",
            "",
            f"- file: {in_file}",
            f"- environment: `{environment_name(one.name)}`" + WORD_FORMS.get(kind_of(one), ""),
            f"- flag: `{flag_name(one.name)}`" + (", `-j`" if one.name == "jobs" else ""),
            "",
        ]
    return "\n".join(lines)


def lint_page() -> str:
    """docs/reference/lint.md."""
    from skep.pipeline.workflow.lint.check import OWN_RULES
    from skep.pipeline.workflow.lint.registry import RULES

    lines = [
        "# Rules of `skep lint`",
        "",
        "<!-- made by `python -m skep.cli.docs`; change src/skep/pipeline/workflow/lint/rules -->",
        "",
        "`skep lint` first reads a workflow as `skep run` does; what GitHub would refuse is an error, and then only the rules that",
        "look at one step or script by itself go on. Errors make the exit code 1; warnings and notices do not. A finding is",
        "silenced on its line, or on the line before, by a comment with a reason; a comment without a reason (`bad-suppression`)",
        "or without effect (`unused-suppression`) is a warning itself:",
        "",
        "```yaml",
        "runs-on: big-machine # skep: ignore[unknown-label] a runner of ours",
        "```",
        "",
        "For a whole project, in `skep.toml`:",
        "",
        "```toml",
        "[lint]",
        'ignore = ["excessive-permissions"]',
        'severity = ["unpinned-action=error"]',
        'labels = ["big-machine"]  # of your own runners',
        'owners = ["actions", "github", "our-organisation"]  # whose actions may be named by a tag',
        "```",
        "",
    ]
    for rule in RULES.values():
        assert rule.id not in OWN_RULES
        lines += [
            f"## {rule.id}",
            "",
            f"{rule.severity.capitalize()}: {rule.summary}."
            + (" `--fix` mends some." if rule.fixable else ""),
            "",
            rule.explanation,
            "",
        ]
    return "\n".join(lines)


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/compatibility.md": compatibility_page,
    "docs/reference/commands.md": commands_page,
    "docs/reference/settings.md": settings_page,
    "docs/reference/lint.md": lint_page,
}
"""Every page made here, by its path in the repository."""


def main() -> None:
    """Writes all pages below the current folder, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=".", help="folder of the repository")
    root = parser.parse_args().root
    for path, page in PAGES.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(page())


def _shown(value: object) -> str:
    if value in ("", ()):
        return "none"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    main()
