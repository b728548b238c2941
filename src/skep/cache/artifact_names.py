"""What an artifact and its files may be called. Source: actions/toolkit, `path-and-artifact-name-validation`."""

from __future__ import annotations

_IN_PATHS = {
    '"': 'Double quote "',
    ":": "Colon :",
    "<": "Less than <",
    ">": "Greater than >",
    "|": "Vertical bar |",
    "*": "Asterisk *",
    "?": "Question mark ?",
    "\r": "Carriage return \\r",
    "\n": "Line feed \\n",
}
_IN_NAMES = {**_IN_PATHS, "\\": "Backslash \\", "/": "Forward slash /"}
_WHY = (
    "These characters are not allowed in the {what} due to limitations with certain file systems such as NTFS. To "
    "maintain file system agnostic behavior, these characters are intentionally not allowed to prevent potential "
    "problems with downloads on different file systems."
)


def name_problem(name: str) -> str | None:
    """Why an artifact cannot be called so; None when it can."""
    if not name:
        return "Provided artifact name input during validation is empty"
    if name in (".", "..") or "\0" in name:
        return f"The artifact name is not valid: {name!r}."
    return _bad_character(name, _IN_NAMES, f"The artifact name is not valid: {name}.", "artifact name")


def path_problem(path: str) -> str | None:
    """Why a file cannot have this path within an artifact; None when it can."""
    if not path:
        return "Provided file path input during validation is empty"
    if path.startswith("/") or "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        return f"The path for one of the files in artifact is not valid: {path!r} leads out of the artifact."
    return _bad_character(
        path, _IN_PATHS, f"The path for one of the files in artifact is not valid: {path}.", "file's path"
    )


def _bad_character(text: str, characters: dict[str, str], problem: str, what: str) -> str | None:
    for character, shown in characters.items():
        if character in text:
            known = ", ".join(characters.values())
            why = _WHY.format(what=what)
            return f"{problem} Contains the following character: {shown}\n\nInvalid characters include: {known}\n\n{why}"
    return None
