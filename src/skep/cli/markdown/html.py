"""The HTML in Markdown as Markdown: what job summaries use becomes its Markdown, every other tag is dropped, its text stays. Pure.

Source of the set of elements: the summary writer of actions/toolkit (headings, tables, lists, details, images, quotations, code), and what
GitHub's sanitizer lets through. Text inside Markdown's own code is left alone. The time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from skep.cli.cells import one_line

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_PIECE = re.compile(
    r"``(?:[^`\n]|`(?!`))*``|`[^`\n]*`|<!--|<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]{0,20})(?P<rest>(?:\s[^<>]*)?)/?>|<[!?][a-zA-Z\[][^<>]*>"
)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,30})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_MARKS = {
    **dict.fromkeys(("b", "strong"), "**"),
    **dict.fromkeys(("i", "em"), "*"),
    **dict.fromkeys(("del", "s", "strike"), "~~"),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), "`"),
}
_BREAKS = {
    "p",
    "div",
    "section",
    "article",
    "center",
    "details",
    "dl",
    "dt",
    "dd",
    "figure",
    "picture",
    "header",
    "footer",
    "main",
}
_DROPPED = {"script", "style", "title", "svg", "head"}  # with what is in them
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}


def html_to_markdown(text: str) -> str:
    """The same text without HTML."""
    if "<" not in text:
        return text
    found: list[str] = []
    chunk: list[str] = []
    fence = ""
    in_pre = False
    for line in text.split("\n"):
        match = None if in_pre else _FENCE.match(line)
        if not fence:
            in_pre = _ends_in_pre(line, in_pre=in_pre)
        if fence:
            found.append(line)
            if match and match[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif match:
            found += [_Converter("\n".join(chunk)).convert()] if chunk else []
            chunk = []
            found.append(line)
            fence = match[1]
        else:
            chunk.append(line)
    if chunk:
        found.append(_Converter("\n".join(chunk)).convert())
    return "\n".join(found)


def _ends_in_pre(line: str, *, in_pre: bool) -> bool:
    """Whether `<pre>` is open at the end of a line: marks of Markdown mean nothing in it."""
    if "pre" not in line and "PRE" not in line:
        return in_pre
    opened, closed = line.lower().rfind("<pre"), line.lower().rfind("</pre")
    return opened > closed if opened != closed else in_pre


class _Converter:
    """Converts one text. Elements whose text must be seen as a whole collect it in a buffer of their own."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._buffers: list[tuple[str, list[str], str]] = [("", [], "")]  # element, text, attribute
        self._lists: list[str] = []
        self._rows: list[list[str]] | None = None
        self._skip = ""  # inside an element that is dropped whole, or `pre`
        self._no_comment_end = False

    def convert(self) -> str:
        at = 0
        while match := _PIECE.search(self._text, at):
            self._add(self._text[at : match.start()])
            at = match.end()
            if match[0] == "<!--":
                at = self._comment_end(at)
            elif match["name"]:
                self._tag(match["name"].lower(), match["rest"], closes=bool(match["close"]))
            elif match[0].startswith("`"):
                self._add(match[0])
        self._add(self._text[at:])
        while len(self._buffers) > 1:
            self._end(self._buffers[-1][0])
        if self._rows is not None:
            self._end_table()
        return "".join(self._buffers[0][1])

    def _add(self, text: str) -> None:
        if text and self._skip in ("", "pre"):
            self._buffers[-1][1].append(text)

    def _comment_end(self, at: int) -> int:
        end = -1 if self._no_comment_end else self._text.find("-->", at)
        if end < 0:
            self._no_comment_end = True
            return at
        return end + 3

    def _tag(self, name: str, rest: str, *, closes: bool) -> None:
        if self._skip:
            if closes and name == self._skip:
                self._skip = ""
                if name == "pre":
                    self._end(name)
            return
        if name in _DROPPED:
            self._skip = "" if closes else name
        elif name == "pre" and not closes:
            self._skip = name
            self._begin(name)
        elif name in _HEADINGS:
            self._add("\n\n" if closes else f"\n\n{_HEADINGS[name]} ")
        elif name in _MARKS:
            self._add(_MARKS[name])
        elif name in _BREAKS:
            self._add("\n\n")
        elif act := _ACTS.get(name):
            act(self, name, rest, closes)

    # --- elements that collect their text ---
    def _begin(self, name: str, attribute: str = "") -> None:
        if len(self._buffers) < 50:
            self._buffers.append((name, [], attribute))

    def _end(self, name: str) -> None:
        """Ends the open element of that name, and those that were left open in it."""
        if name not in [one for one, _, _ in self._buffers]:
            return
        while True:
            ended, parts, attribute = self._buffers.pop()
            self._buffers[-1][1].append(self._finished(ended, "".join(parts), attribute))
            if ended == name:
                return

    def _finished(self, name: str, text: str, attribute: str) -> str:
        if name == "a":
            return f"[{' '.join(text.split())}]({attribute})" if attribute else text
        if name == "pre":
            from html import unescape

            body = unescape(text).strip("\n").replace("~~~~", "~~~ ")
            return f"\n\n~~~~\n{body}\n~~~~\n\n"
        if name == "blockquote":
            return "\n\n" + "".join(f"> {line}\n" for line in text.strip().split("\n")) + "\n\n"
        if name == "summary":
            return f"\n\n**▸ {' '.join(text.split())}**\n\n" if text.strip() else "\n\n"
        if self._rows is not None and name in ("td", "th"):
            cell = " ".join(text.split()).replace("|", "\\|")
            (self._rows or [[]])[-1].append(cell)
            return ""
        return text

    def _collects(self, name: str, rest: str, closes: bool) -> None:
        if closes:
            self._end(name)
        else:
            url = _attribute(rest, "href") if name == "a" else ""
            self._begin(name, re.sub(r"[\s()<>]", "", url))

    # --- tables ---
    def _table(self, name: str, rest: str, closes: bool) -> None:
        if name == "table":
            if closes and self._rows is not None:
                self._end_table()
            elif not closes and self._rows is None:
                self._rows = []
        elif self._rows is not None and name == "tr":
            if not closes:
                self._rows.append([])
        elif self._rows is not None and name in ("td", "th"):
            self._rows = self._rows or [[]]
            self._collects(name, rest, closes)

    def _end_table(self) -> None:
        while self._buffers[-1][0] in ("td", "th"):
            self._end(self._buffers[-1][0])
        rows = [row for row in self._rows or [] if row]
        self._rows = None
        if rows:
            size = max(map(len, rows))
            lines = [f"| {' | '.join([*row, *[''] * (size - len(row))])} |" for row in rows]
            lines.insert(1, "|" + " --- |" * size)
            self._add("\n\n" + "\n".join(lines) + "\n\n")

    # --- the others ---
    def _list(self, name: str, _rest: str, closes: bool) -> None:
        if name == "li":
            if not closes:
                mark = "1." if self._lists[-1:] == ["ol"] else "-"
                self._add(f"\n{'    ' * max(min(len(self._lists), 8) - 1, 0)}{mark} ")
        elif not closes:
            self._lists.append(name)
            self._add("\n" if len(self._lists) > 1 else "\n\n")
        elif self._lists:
            self._lists.pop()
            self._add("\n" if self._lists else "\n\n")

    def _single(self, name: str, rest: str, closes: bool) -> None:
        if closes and name != "br":
            return
        if name == "br":
            self._add(" " if self._rows is not None else "  \n")
        elif name == "hr":
            self._add("\n\n---\n\n")
        elif name == "img":
            alt = one_line(_attribute(rest, "alt")).replace("[", "(").replace("]", ")")
            self._add(f"![{alt}](image)")
        elif _attribute(rest, "type").lower() == "checkbox":
            self._add("[x] " if "checked" in rest.lower() else "[ ] ")


_Act = Callable[[_Converter, str, str, bool], None]
_ACTS: dict[str, _Act] = {
    **dict.fromkeys(("table", "tr", "td", "th"), _Converter._table),
    **dict.fromkeys(("a", "blockquote", "summary"), _Converter._collects),
    **dict.fromkeys(("ul", "ol", "li"), _Converter._list),
    **dict.fromkeys(("br", "hr", "img", "input"), _Converter._single),
}


def _attribute(rest: str, wanted: str) -> str:
    for match in _ATTRIBUTE.finditer(rest):
        if match[1].lower() == wanted:
            return match[2] or match[3] or match[4] or ""
    return ""
