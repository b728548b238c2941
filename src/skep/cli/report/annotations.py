"""The annotations of a run, by file; what several jobs said is said once. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from skep.cli.cells import cell_width, one_line, wrap
from skep.cli.report.failures import failed_steps
from skep.cli.report.look import COLOURS, Look, count_text
from skep.cli.report.names import leg_name
from skep.events.facts import Annotated
from skep.events.fold import RunView

LIMIT = 50
_MESSAGE_LINES = 10
_ORDER = {"error": 0, "warning": 1, "notice": 2}


def render_annotations(view: RunView, look: Look) -> Iterator[str]:
    """Files in order with their annotations, then those without a file. An error without a file that a failed step shows
    in its last lines is not repeated."""
    groups = _grouped(view)
    if not groups:
        return
    yield look.paint("annotations", "1")
    names = {job.leg: leg_name(job) for job in view.jobs}
    shown: str | None = None
    for number, (first, legs) in enumerate(groups):
        if number == LIMIT and not look.whole:
            yield look.paint(f"  … {len(groups) - LIMIT:,} more: skep runs show {view.number}", "2")
            break
        if first.path != shown and first.path:
            yield f"  {one_line(first.path)}"
        shown = first.path
        yield from _entry(first, [names.get(leg, one_line(leg)) for leg in legs], look)
    yield ""


def _grouped(view: RunView) -> list[tuple[Annotated, list[str]]]:
    """Each annotation once with the legs that made it, in the order they are shown."""
    failed = {(job.leg, step.step) for job, step in failed_steps(view)} | {
        (job.leg, "job") for job in view.jobs if job.status == "failure"
    }
    found: dict[tuple[object, ...], tuple[Annotated, list[str]]] = {}
    for one in view.annotations:
        if one.level == "error" and not one.path and (one.leg, one.step) in failed:
            continue
        key = one.path, one.line, one.column, one.level, one.title, one.message
        _, legs = found.setdefault(key, (one, []))
        if one.leg not in legs:
            legs.append(one.leg)
    return sorted(
        found.values(),
        key=lambda item: (not item[0].path, item[0].path, item[0].line, _ORDER.get(item[0].level, 3)),
    )


def _entry(one: Annotated, names: list[str], look: Look) -> Iterator[str]:
    place = f"{one.line}:{one.column}" if one.line and one.column else f"{one.line}" if one.line else ""
    who = names[0] if len(names) == 1 else count_text(len(names), "job")
    lines = [line for line in one.message.splitlines() if line.strip()] or [""]
    if one.title:
        lines[0] = f"{one.title}: {lines[0]}" if lines[0] else one.title
    indent = "    " if one.path else "  "
    level = f"{one_line(one.level):<7}"
    head = f"{indent}{place:<7} " if one.path else indent
    room = max(look.width - len(head) - len(level) - 2, 20) if look.width else 10**6
    texts = [piece for line in lines[:_MESSAGE_LINES] for piece in wrap(one_line(line), room)]
    if cell_width(texts[-1]) + len(who) + 4 <= room and len(lines) <= _MESSAGE_LINES:
        texts[-1] = f"{texts[-1].rstrip()}  {look.paint(f'({who})', '2')}"
    else:
        texts.append(look.paint(f"({who})", "2"))
    yield f"{head}{look.paint(level, COLOURS.get(one.level, '36'))}  {texts[0]}"
    blank = " " * (len(head) + len(level) + 2)
    yield from (blank + text for text in texts[1:])
    if len(lines) > _MESSAGE_LINES:
        yield look.paint(f"{blank}… {count_text(len(lines) - _MESSAGE_LINES, 'more line')}", "2")
