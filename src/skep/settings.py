"""Settings: defaults < `skep.toml` or `[tool.skep]` of `pyproject.toml` < environment SKEP_* < flags, in one frozen value.

Every field carries its documentation; the reference page and the flags are made from it. The field `keep_days` is the key
`keep_days` of the file (or `days` in a table `[keep]`), SKEP_KEEP_DAYS in the environment, and the flag `--keep-days`.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from typing import Literal, TypeVar

from skep.model.finding import Finding, Location, Severity

T = TypeVar("T")
Kind = Literal["text", "path", "texts", "pairs", "count", "size", "number", "flag", "choice"]
SettingValue = str | int | float | tuple[str, ...]

WORKSPACES = ("auto", "overlay", "reflink", "copy")
TABLES = ("actions", "environments", "hooks", "keep", "lint")
"""Tables of the file whose keys are settings: `[keep] days` is `keep_days`."""

NEVER_IN_FILE = ("state_dir", "work_dir", "actions_tokens")
"""The file comes with the repository, and whoever wrote that must not say where Skep writes and deletes, or what it sends."""


def _setting(kind: Kind, default: T, doc: str, shown: str = "") -> T:
    """A field of `Settings`; `shown` is what the reference says of its default."""
    made: T = field(default=default, metadata={"kind": kind, "doc": doc, "default": shown})
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user has set, everything resolved: paths are absolute, `jobs` is at least 1."""

    state_dir: str = _setting(
        "path",
        "",
        "Folder of run records, logs and caches.",
        "`$XDG_STATE_HOME/skep`, else `~/.local/state/skep`",
    )
    work_dir: str = _setting(
        "path", "", "Folder in which jobs get their workspaces.", "in the state folder of the repository"
    )
    jobs: int = _setting("count", 0, "How many jobs run at once.", "the number of processors")
    workspace: str = _setting(
        "choice",
        "auto",
        "How a workspace gets its files: `overlay`, `reflink`, `copy`, or `auto`, the first that works.",
    )
    labels: tuple[str, ...] = _setting(
        "texts", (), "Labels of `runs-on`, beside its own, that this machine takes."
    )
    env_allow: tuple[str, ...] = _setting(
        "texts", (), "Environment variables of yours that steps may see (`NAME`), or get (`NAME=value`)."
    )
    secrets_file: str = _setting(
        "path",
        "",
        "File with a `NAME=value` line for each secret; keep it out of git. In the file: one below the project root.",
    )
    job_timeout_minutes: float = _setting("number", 360.0, "Limit of a job without `timeout-minutes`.")
    log_limit_bytes: int = _setting("size", 256 * 1024**2, "How much output of one step is kept.", "256 MiB")
    cache_limit_bytes: int = _setting(
        "size",
        10 * 1024**3,
        "How much `actions/cache` keeps; what was not used for longest goes first.",
        "10 GiB",
    )
    hooks_job_started: str = _setting(
        "path", "", "Script run before each job.", "`$ACTIONS_RUNNER_HOOK_JOB_STARTED`"
    )
    hooks_job_completed: str = _setting(
        "path", "", "Script run after each job.", "`$ACTIONS_RUNNER_HOOK_JOB_COMPLETED`"
    )
    hooks_step_started: str = _setting("path", "", "Script run before each step; it sees SKEP_STEP_NAME.")
    hooks_step_completed: str = _setting(
        "path", "", "Script run after each step; it sees SKEP_STEP_NAME and SKEP_STEP_OUTCOME."
    )
    actions_mirrors: tuple[str, ...] = _setting(
        "pairs",
        (),
        "Where actions of other repositories are fetched from: an owner, `owner/name` or `*`, and a URL of git or a folder"
        " (from the project root); below that of an owner lies a repository by each name.",
        "their server",
    )
    actions_tokens: tuple[str, ...] = _setting(
        "pairs",
        (),
        "Tokens for private ones: a host, `host/owner` or `host/owner/name`, and the variable that holds the token.",
    )
    actions_allowed: tuple[str, ...] = _setting(
        "texts",
        (),
        "Owners, `owner/name` or globs (`octo/*@v2`) whose actions and workflows may be used; those that Skep does itself"
        " always may.",
        "all",
    )
    actions_require_sha: bool = _setting(
        "flag", False, "Whether actions of other repositories must be named by a commit.", "false"
    )
    actions_require_lock: bool = _setting(
        "flag", False, "Whether actions of other repositories must be in skep.lock.", "false"
    )
    actions_offline: bool = _setting(
        "flag", False, "Whether actions are taken from this machine only, never from a network.", "false"
    )
    actions_timeout_s: float = _setting("number", 60.0, "How many seconds a fetch of an action may take.")
    environments_open: tuple[str, ...] = _setting(
        "texts", (), "Environments that jobs may deploy to without an approval."
    )
    keep_days: float = _setting("number", 30.0, "Runs older than this many days are dropped; 0: never.")
    keep_bytes: int = _setting(
        "size",
        2 * 1024**3,
        "The oldest runs are dropped while all take more than this; 0: no limit.",
        "2 GiB",
    )
    keep_count: int = _setting("count", 500, "The oldest runs are dropped while there are more; 0: no limit.")
    lint_ignore: tuple[str, ...] = _setting("texts", (), "Rules of `skep lint` that are not looked at.")
    lint_severity: tuple[str, ...] = _setting(
        "texts", (), "Severities of rules of `skep lint`, as `RULE=error`, `RULE=warning` or `RULE=notice`."
    )
    lint_labels: tuple[str, ...] = _setting(
        "texts", (), "Labels of your own runners, which `skep lint` must not call unknown."
    )
    lint_owners: tuple[str, ...] = _setting(
        "texts",
        ("actions", "github"),
        "Owners whose actions `skep lint` lets you name by a tag.",
        "`actions`, `github`",
    )


def read_settings(
    root: str, environ: Mapping[str, str], flags: Mapping[str, SettingValue] | None = None
) -> tuple[Settings, tuple[Finding, ...]]:
    """The settings for a project root, and what is wrong with the file or the environment. Wrong values leave the value
    below them standing. `flags` holds only those given, by field name. Relative paths are relative to what names them: the
    root for the file, the current folder for environment and flags. Raises OSError when the file is unreadable.
    """
    values: dict[str, SettingValue] = {}
    findings: list[Finding] = []
    for path, table in _file_tables(root, findings):
        _take_file(values, findings, path, table, root)
    _take_environment(values, findings, environ)
    values.update(flags or {})
    values.setdefault("state_dir", default_state_dir(environ))
    if not values.get("jobs"):
        values["jobs"] = (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        )
    for one in fields(Settings):
        if kind_of(one) == "path" and values.get(one.name):
            values[one.name] = os.path.abspath(os.path.expanduser(str(values[one.name])))
    return Settings(**values), tuple(findings)  # type: ignore[arg-type]  # every value went through parse_value


def default_state_dir(environ: Mapping[str, str]) -> str:
    """The state folder when nothing is set."""
    base = environ.get("XDG_STATE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.local/state"), "skep")


def kind_of(one: Field[object]) -> Kind:
    """What kind of value a field takes."""
    kind: Kind = one.metadata["kind"]
    return kind


def environment_name(name: str) -> str:
    """`keep_days` -> `SKEP_KEEP_DAYS`."""
    return f"SKEP_{name.upper()}"


def flag_name(name: str) -> str:
    """`keep_days` -> `--keep-days`."""
    return "--" + name.replace("_", "-")


def parse_value(one: Field[object], given: object) -> SettingValue:
    """The value of a field from text (environment, flag) or from TOML. Raises ValueError with what was expected."""
    kind = kind_of(one)
    if kind == "texts":
        words = given.replace(",", " ").split() if isinstance(given, str) else given
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return tuple(words)
        raise ValueError("a list of texts")
    if kind == "pairs":
        return _parse_pairs(given)
    if kind == "flag":
        return _parse_flag(given)
    if kind in ("count", "size", "number"):
        return _parse_number(kind, given)
    if not isinstance(given, str):
        raise ValueError("a text")  # noqa: TRY004 - wrong text of the user, not a wrong call
    if kind == "choice" and given not in WORKSPACES:
        raise ValueError(f"one of {', '.join(WORKSPACES)}")
    return given


def _parse_pairs(given: object) -> tuple[str, ...]:
    """A table of texts, or words `NAME=VALUE`, as the words."""
    if isinstance(given, dict):
        words = [f"{name}={value}" for name, value in given.items() if isinstance(value, str)]
        if len(words) == len(given) and all("=" not in name for name in given):
            return tuple(words)
    elif isinstance(given, str | list):
        found = given.replace(",", " ").split() if isinstance(given, str) else given
        if all(isinstance(word, str) and word.partition("=")[2] for word in found):
            return tuple(found)
    raise ValueError("a table of texts, or words `NAME=VALUE`")


def _parse_flag(given: object) -> bool:
    if isinstance(given, bool):
        return given
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(given, str) and given.lower() in known:
        return known[given.lower()]
    raise ValueError("true or false")


_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1024, "mi": 1024**2, "gi": 1024**3}


def _parse_number(kind: Kind, given: object) -> int | float:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError("a number")  # noqa: TRY004 - wrong text of the user, not a wrong call
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmg]?i?)b?)?\s*", str(given).lower())
    unit = match[2] or "" if match else ""
    if match is None or unit not in _UNITS or (unit and kind != "size"):
        raise ValueError("a size such as `500 MiB`" if kind == "size" else "a number of 0 or more")
    number = float(match[1]) * _UNITS[unit]
    if kind == "number":
        return number
    if number != int(number):
        raise ValueError("a whole number")
    return int(number)


def _file_tables(root: str, findings: list[Finding]) -> list[tuple[str, Mapping[str, object]]]:
    """The one table that holds settings, with its file's name; `skep.toml` hides `pyproject.toml`."""
    for name in ("skep.toml", "pyproject.toml"):
        path = os.path.join(root, name)
        if not os.path.exists(path):
            continue
        import tomllib  # only when there is a file: 5 ms

        data = _read(path)
        if name == "pyproject.toml" and b"tool.skep" not in data:
            continue
        try:
            text = data.decode()
            table: object = tomllib.loads(text)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            findings.append(_syntax(name, "the file is not UTF-8 text", line, 0))
            return []
        except tomllib.TOMLDecodeError as error:
            findings.append(_toml_finding(name, text, str(error)))
            return []
        if name == "pyproject.toml" and isinstance(table, dict):
            table = table.get("tool", {}).get("skep", {})
        return [(name, table)] if isinstance(table, dict) else []
    return []


_LIMIT_BYTES = 4 * 1024**2


def _read(path: str) -> bytes:
    """A file of the repository, whoever wrote that: only a plain one of a sane size. Raises OSError."""
    from skep.host.files import read_regular  # only when there is a file

    data = read_regular(path, _LIMIT_BYTES + 1)
    if len(data) > _LIMIT_BYTES:
        raise OSError(errno.EFBIG, f"larger than {_LIMIT_BYTES >> 20} MiB", path)
    return data


def _toml_finding(path: str, text: str, message: str) -> Finding:
    """tomllib says the place in words: `... (at line 3, column 5)`, `... (at end of document)`."""
    words, _, place = message.rpartition(" (at ")
    if match := re.fullmatch(r"line (\d+), column (\d+)\)", place):
        return _syntax(path, words, int(match[1]), int(match[2]))
    last = text.rpartition("\n")[2]
    return _syntax(path, words or message, text.count("\n") + 1, len(last) + 1)


def _syntax(path: str, message: str, line: int, column: int) -> Finding:
    return Finding(rule="toml-syntax", message=message, where=Location(path=path, line=line, column=column))


def _take_file(
    values: dict[str, SettingValue],
    findings: list[Finding],
    path: str,
    table: Mapping[str, object],
    root: str,
) -> None:
    known = {one.name: one for one in fields(Settings)}
    for key, given in _flat(table):
        name = key.replace(".", "_").replace("-", "_")
        where = _where(root, path, key)
        if name not in known:
            findings.append(_unknown(key, known, where, Severity.ERROR))
            continue
        try:
            value = parse_value(known[name], given)
        except ValueError as error:
            findings.append(_wrong(f"`{key}`", error, where))
            continue
        if kind_of(known[name]) == "path" and value:
            value = os.path.join(root, os.path.expanduser(str(value)))
        if name in NEVER_IN_FILE or (name == "secrets_file" and not _is_inside(root, str(given))):
            findings.append(_misplaced(key, name, where))
        else:
            values[name] = value


def _is_inside(root: str, path: str) -> bool:
    """Whether a path of the file, and wherever its links lead, lies below the project root."""
    if os.path.isabs(path) or path.startswith("~"):
        return False
    root = os.path.realpath(root)
    return os.path.commonpath([root, os.path.realpath(os.path.join(root, path))]) == root


def _take_environment(
    values: dict[str, SettingValue], findings: list[Finding], environ: Mapping[str, str]
) -> None:
    known = {environment_name(one.name): one for one in fields(Settings)}
    for key in sorted(name for name in environ if name.startswith("SKEP_")):
        where = Location(path="environment")
        if key in known:
            try:
                if environ[key]:
                    values[known[key].name] = parse_value(known[key], environ[key])
            except ValueError as error:
                findings.append(_wrong(f"`{key}`", error, where))
        elif get_close_matches(key, known, n=1, cutoff=0.85):  # others may use the prefix for their own ends
            findings.append(_unknown(key, known, where, Severity.WARNING))


def _flat(table: Mapping[str, object]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, dict) and key in TABLES:
            found += [(f"{key}.{inner}", given) for inner, given in value.items()]
        else:
            found.append((key, value))
    return found


def _where(root: str, path: str, key: str) -> Location:
    """Where a key stands: the first line that begins with it. tomllib itself gives no positions."""
    pattern = re.compile(rf"""\s*\[?(?:\w+\.)*(["']?){re.escape(key.rpartition(".")[2])}\1\s*[=.\]]""")
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if match := pattern.match(line):
                return Location(
                    path=path, line=number, column=len(line) - len(line.lstrip()) + 1, end_column=match.end()
                )
    return Location(path=path)


def _unknown(
    key: str, known: Sequence[str] | Mapping[str, object], where: Location, severity: Severity
) -> Finding:
    close = get_close_matches(key, [name.replace("_", ".", 1) if "." in key else name for name in known], n=1)
    hint = f"did you mean `{close[0]}`?" if close else "docs/reference/settings.md lists all settings"
    return Finding(
        rule="unknown-setting",
        message=f"there is no setting `{key}`",
        where=where,
        hint=hint,
        severity=severity,
    )


def _misplaced(key: str, name: str, where: Location) -> Finding:
    what = "cannot be set here" if name in NEVER_IN_FILE else "must be a path below the project root here"
    return Finding(
        rule="setting-place",
        message=f"`{key}` {what}: this file comes with the repository",
        where=where,
        hint=f"use {environment_name(name)} or {flag_name(name)}",
    )


def _wrong(what: str, error: ValueError, where: Location) -> Finding:
    return Finding(rule="setting-value", message=f"{what} must be {error}", where=where)
