"""The Markdown that steps wrote to GITHUB_STEP_SUMMARY, rendered for a terminal or as it was written. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from skep.cli.cells import one_line
from skep.cli.log_text import for_terminal
from skep.cli.markdown.render import render_markdown
from skep.cli.report.look import Look, count_text
from skep.cli.report.names import leg_name
from skep.events.fold import RunView

LINES = 40
TOTAL_LINES = 80
RENDERED_CHARACTERS = 200_000


def render_summaries(view: RunView, look: Look) -> Iterator[str]:
    """One block per job, in the order they were written; long ones cut, with the command that shows all."""
    names = {job.leg: leg_name(job) for job in view.jobs}
    texts: dict[str, list[str]] = {}
    for summary in view.summaries:
        texts.setdefault(summary.leg, []).append(summary.markdown)
    room = TOTAL_LINES
    for number, (leg, parts) in enumerate(texts.items()):
        if room <= 0 and not look.whole:
            others = count_text(len(texts) - number, "more job")
            yield look.paint(f"summaries of {others}: skep runs show {view.number} --summary", "2")
            yield ""
            return
        lines = _lines("\n\n".join(parts), look)
        yield look.paint(look.fit(f"summary of {names.get(leg, one_line(leg))}"), "1")
        shown = lines if look.whole else lines[: min(LINES, room)]
        yield from (f"  {line}".rstrip() for line in shown)
        if left := len(lines) - len(shown):
            yield look.paint(
                f"  … {count_text(left, 'more line')}: skep runs show {view.number} --summary", "2"
            )
        yield ""
        room -= len(shown) + 2


def _lines(markdown: str, look: Look) -> list[str]:
    if look.markdown:
        text, rest = markdown[:RENDERED_CHARACTERS], len(markdown) - RENDERED_CHARACTERS
        lines = render_markdown(text, width=max(look.width - 2, 20), colour=look.colour)
        return [*lines, f"… {rest:,} more characters"] if rest > 0 else lines
    lines = [for_terminal(line.encode("utf-8", "replace"), colour=False) for line in markdown.splitlines()]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
