"""What of GitHub Actions holds here: one table, from which docs/compatibility.md is made and which a test runs row by row.

`works`: as on GitHub. `differs`: it runs, and the note says what is otherwise. `not yet`: what needs it is `unsupported`, and
says so; nothing is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

State = Literal["works", "differs", "not yet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One key, context, function, command, action or protocol. `tests/cases/compatibility.yml` has its example."""

    area: str
    name: str
    state: State
    note: str = ""

    @property
    def key(self) -> str:
        """What its example is called."""
        return f"{self.area}: {self.name}"


_TABLE: dict[str, tuple[tuple[str, State, str], ...]] = {
    "workflow": (
        ("name", "works", ""),
        ("run-name", "works", ""),
        ("description", "works", ""),
        ("on", "differs", "every event and filter is read; nothing fires by itself: `skep run --event`"),
        ("env", "works", ""),
        ("defaults", "works", ""),
        (
            "permissions",
            "differs",
            "checked, and narrowed for called workflows; a token you give keeps what it may do",
        ),
        ("concurrency", "differs", "among the runs of a project on this machine"),
        ("jobs", "works", ""),
    ),
    "job": (
        ("name", "works", ""),
        ("needs", "works", "without barriers between stages"),
        ("if", "works", ""),
        ("runs-on", "differs", "this machine, with what is installed; other systems are `unsupported`"),
        ("permissions", "differs", "see above"),
        (
            "environment",
            "differs",
            "a run asks for an approval (`--approve`); no wait timers, no secrets of its own",
        ),
        ("concurrency", "differs", "see above"),
        ("outputs", "works", ""),
        ("env", "works", ""),
        ("defaults", "works", ""),
        ("steps", "works", ""),
        ("timeout-minutes", "works", ""),
        ("cancel-timeout-minutes", "works", ""),
        ("strategy", "works", "matrix, include, exclude, fail-fast, max-parallel"),
        ("continue-on-error", "works", ""),
        ("uses", "works", "workflows of this and of other repositories, nested"),
        ("with", "works", ""),
        ("secrets", "works", ""),
        ("snapshot", "differs", "makes no image"),
        ("container", "not yet", "needs a container engine"),
        ("services", "not yet", "need a container engine"),
    ),
    "step": (
        ("name", "works", ""),
        ("id", "works", ""),
        ("if", "works", ""),
        ("run", "works", ""),
        ("shell", "works", "bash, sh, python, custom; `pwsh` where it is installed"),
        ("working-directory", "works", ""),
        ("uses", "works", ""),
        ("with", "works", ""),
        ("env", "works", ""),
        ("continue-on-error", "works", ""),
        ("timeout-minutes", "works", ""),
        ("background", "not yet", "read and checked"),
        ("wait", "not yet", "read and checked"),
        ("wait-all", "not yet", "read and checked"),
        ("cancel", "not yet", "read and checked"),
        ("parallel", "not yet", "read and checked"),
    ),
    "context": (
        ("env", "works", ""),
        ("github", "differs", "from git and the payload; `token` is empty unless `--token` names a variable"),
        ("inputs", "works", ""),
        ("job", "differs", "without containers"),
        ("jobs", "works", ""),
        ("matrix", "works", ""),
        ("needs", "works", ""),
        ("runner", "differs", "of this machine; `environment` is `self-hosted`"),
        ("secrets", "differs", "those you give: `--secret`, `--secrets-file`"),
        ("steps", "works", ""),
        ("strategy", "works", ""),
        ("vars", "differs", "those you give: `--var`"),
    ),
    "function": (
        *((name, "works", "") for name in ("contains", "startsWith", "endsWith", "format", "join", "toJSON")),
        *((name, "works", "") for name in ("fromJSON", "case", "hashFiles")),
        *((name, "works", "") for name in ("success", "failure", "always", "cancelled")),
    ),
    "command": (
        *(
            (name, "works", "")
            for name in ("debug", "notice", "warning", "error", "group", "endgroup", "echo")
        ),
        *((name, "works", "") for name in ("add-mask", "add-matcher", "remove-matcher", "stop-commands")),
        *((name, "works", "deprecated by GitHub") for name in ("set-output", "save-state")),
        *((name, "works", "only with ACTIONS_ALLOW_UNSECURE_COMMANDS") for name in ("set-env", "add-path")),
    ),
    "file": (
        *((name, "works", "") for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE")),
        ("GITHUB_STEP_SUMMARY", "works", "shown by `skep runs show`"),
    ),
    "action": (
        ("composite", "works", "local and of other repositories, nested"),
        ("node20", "works", "node12 and node16 too, as on GitHub; `pre`, `post`, state"),
        ("node24", "works", "on a Node of this machine, or one that pip brings"),
        ("docker", "not yet", "needs a container engine"),
        ("docker://", "not yet", "needs a container engine"),
        ("owner/name@ref", "works", "by git, kept by content, with a lock file: docs/how-to/actions.md"),
        ("actions/checkout", "differs", "the files of your work tree as they are now"),
        ("actions/cache", "works", "built in, also `/restore` and `/save`"),
        ("actions/upload-artifact", "works", "built in, also `/merge`"),
        ("actions/download-artifact", "works", "built in"),
        ("actions/setup-python", "differs", "a Python of this machine: docs/how-to/tools.md"),
        ("actions/setup-node", "differs", "a Node of this machine: docs/how-to/tools.md"),
    ),
    "protocol": (
        ("artifacts (v4)", "works", "for actions with GitHub's own client"),
        ("caches (v2, v1)", "works", "for actions with GitHub's own client"),
        ("OIDC", "differs", "tokens of an issuer on this machine, which no cloud trusts by itself"),
        (
            "GITHUB_API_URL",
            "differs",
            "GitHub's own; without a network or a token its calls fail in the action",
        ),
    ),
}
ROWS: tuple[Row, ...] = tuple(
    Row(area=area, name=name, state=state, note=note)
    for area, rows in _TABLE.items()
    for name, state, note in rows
)
"""Every row of the page, in its order."""

_TITLES = {
    "workflow": "Keys of a workflow",
    "job": "Keys of a job",
    "step": "Keys of a step",
    "context": "Contexts",
    "function": "Functions",
    "command": "Workflow commands",
    "file": "Files of a step",
    "action": "Actions",
    "protocol": "Protocols",
}


def compatibility_page() -> str:
    """docs/compatibility.md."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# Compatibility with GitHub Actions"
    yield ""
    yield "<!-- made by `python -m skep.cli.docs`; change src/skep/cli/compatibility.py -->"
    yield ""
    yield "Rule: a workflow that runs here gives the verdict that it would give on GitHub; what cannot run here is said, as a finding"
    yield "or as `unsupported` (exit code 2), never passed over. `skep doctor --workflows` tells it for your own workflows. A test runs"
    yield "an example of every row below."
    for area, title in _TITLES.items():
        yield ""
        yield f"## {title}"
        yield ""
        rows = [row for row in ROWS if row.area == area]
        plain = [f"`{row.name}`" for row in rows if row.state == "works" and not row.note]
        if plain:
            yield f"As on GitHub: {', '.join(plain)}."
        if len(plain) < len(rows):
            yield from ["", "| | | |", "|---|---|---|"] if plain else ["| | | |", "|---|---|---|"]
        for row in rows:
            if row.state != "works" or row.note:
                yield f"| `{row.name}` | {row.state} | {row.note} |"
    yield ""
    yield "## Different on purpose"
    yield ""
    yield "- `github.token` is empty unless `--token` names a variable that holds one; an action that would get an empty one is told of."
    yield "- The tools are those of your machine, not those of GitHub's images."
    yield "- A step sees an allow-list of your environment: [decision 4](decisions/0004-environment-allow-list.md)."
    yield ""
