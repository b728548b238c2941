"""Files by pattern, in the order GitHub's @actions/glob finds them, and `hashFiles` over them.

The walk goes depth first, a folder before what it holds, entries in the order of their names' bytes (as Node reads folders);
search paths in the order of their patterns. Cache keys depend on that order.
"""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from skep.model.errors import HostError, UserError

from .files import regular_only
from .glob_patterns import GlobPattern, State, read_patterns

HASH_LIMIT_S = 120.0
FOLLOW_OPTION = "--follow-symbolic-links"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class GlobMatch:
    """A path that matched; absolute."""

    path: str
    is_directory: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobOptions:
    """How to walk: GitHub's defaults for actions."""

    follow_symlinks: bool = True
    implicit_descendants: bool = True
    exclude_hidden: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    path: str
    level: int
    states: tuple[State, ...]
    is_directory: bool | None = None  # None: only a stat will tell


def glob_files(
    patterns: Sequence[str],
    root: str,
    *,
    follow_symlinks: bool = True,
    implicit_descendants: bool = True,
    exclude_hidden: bool = False,
    home: str | None = None,
) -> list[str]:
    """Absolute paths of all matches in GitHub's order; a folder's path ends in `/`.

    Each pattern may hold several lines. Relative ones start in `root` (absolute); `~` is `home`, else the user's.
    Raises UserError for a pattern that cannot be read, HostError for a folder that cannot.
    """
    options = GlobOptions(
        follow_symlinks=follow_symlinks,
        implicit_descendants=implicit_descendants,
        exclude_hidden=exclude_hidden,
    )
    found = find_matches(patterns, root, options, home=home)
    return [match.path + "/" if match.is_directory else match.path for match in found]


def find_matches(
    patterns: Sequence[str],
    root: str,
    options: GlobOptions,
    *,
    home: str | None = None,
    on_visit: Callable[[], None] = lambda: None,
) -> Iterator[GlobMatch]:
    """The matches one by one, as `glob_files` gives them; `on_visit` is called for every path looked at."""
    written = read_patterns("\n".join(patterns), root=root, home=home or os.path.expanduser("~"))
    effective: list[GlobPattern] = []
    for pattern in written:
        effective.append(pattern)
        if options.implicit_descendants and not pattern.covers_below:
            effective.append(pattern.below())
    chain: list[tuple[int, int]] = []
    stack = [
        _Item(path, 1, tuple(pattern.state_of(path) for pattern in effective))
        for path in reversed(_search_paths(effective))
        if os.path.lexists(path)
    ]
    while stack:
        item = stack.pop()
        on_visit()
        found, children = _visit(item, effective, options, chain)
        if found is not None:
            yield found
        stack.extend(reversed(children))


def hash_files(
    patterns: Sequence[str],
    root: str,
    follow_symlinks: bool = False,
    *,
    limit_s: float = HASH_LIMIT_S,
    clock: Callable[[], float] = time.monotonic,
    stopped: Callable[[], bool] = lambda: False,
) -> str:
    """GitHub's `hashFiles`: SHA-256 over the raw SHA-256 digests of the files, in hexadecimal; empty when none matches.

    Only files below `root` count. Raises UserError for a bad pattern or a broken link among the matches, HostError for what
    cannot be read, when `limit_s` seconds of `clock` are over, and when `stopped` says that nobody wants the answer.
    """
    root = root.rstrip("/") or "/"
    below = root if root == "/" else f"{root}/"
    check_time = _deadline(limit_s, clock, stopped)
    result = hashlib.sha256()
    has_match = False
    options = GlobOptions(follow_symlinks=follow_symlinks)
    for match in find_matches(patterns, root, options, on_visit=check_time):
        if match.is_directory or not match.path.startswith(below):
            continue
        digest = _digest(match.path, check_time)
        if digest is not None:
            has_match = True
            result.update(digest)
    return result.hexdigest() if has_match else ""


def hash_files_call(arguments: Sequence[str], root: str, stopped: Callable[[], bool] = lambda: False) -> str:
    """`hashFiles('a', 'b')` as expressions call it: `--follow-symbolic-links` may stand first. Raises like `hash_files`."""
    option = arguments[0] if arguments and arguments[0].startswith("--") else ""
    if option and option.lower() != FOLLOW_OPTION:
        raise UserError(
            f"`hashFiles` has no option `{option}`",
            hint=f"the only one is `{FOLLOW_OPTION}`, and it stands first",
        )
    patterns = arguments[1:] if option else arguments
    return hash_files(patterns, root, follow_symlinks=bool(option), stopped=stopped)


def _visit(
    item: _Item, patterns: Sequence[GlobPattern], options: GlobOptions, chain: list[tuple[int, int]]
) -> tuple[GlobMatch | None, list[_Item]]:
    as_file, as_directory = _matches(item, patterns)
    is_partial = any(
        state and not pattern.negated for pattern, state in zip(patterns, item.states, strict=True)
    )
    if not (as_file or as_directory or is_partial):
        return None, []
    is_directory = _is_directory(item, options, chain)
    if is_directory is None or (options.exclude_hidden and os.path.basename(item.path).startswith(".")):
        return None, []
    if not is_directory:
        return (GlobMatch(item.path, is_directory=False) if as_file else None), []
    found = GlobMatch(item.path, is_directory=True) if as_directory else None
    return found, _children(item, patterns, options)


def _matches(item: _Item, patterns: Sequence[GlobPattern]) -> tuple[bool, bool]:
    """Whether the path matches as a file, and as a folder: later patterns overrule earlier ones."""
    as_file = as_directory = False
    for pattern, state in zip(patterns, item.states, strict=True):
        if pattern.accepts(state):
            as_directory = not pattern.negated
            as_file = as_file if pattern.directories_only else not pattern.negated
    return as_file, as_directory


def _children(item: _Item, patterns: Sequence[GlobPattern], options: GlobOptions) -> list[_Item]:
    try:
        with os.scandir(item.path) as found:
            entries = sorted(found, key=_name_bytes)
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise HostError(f"cannot read the folder `{item.path}`: {exc.strerror}") from exc
    level = item.level + 1
    pairs = list(zip(patterns, item.states, strict=True))
    return [
        _Item(
            entry.path,
            level,
            tuple([pattern.step(state, entry.name) if state else 0 for pattern, state in pairs]),
            _known_type(entry, options),
        )
        for entry in entries
    ]


def _name_bytes(entry: os.DirEntry[str]) -> bytes:
    return os.fsencode(entry.name)


def _known_type(entry: os.DirEntry[str], options: GlobOptions) -> bool | None:
    """What the folder itself says of an entry; a link that is followed, and a folder on whose way loops count, need a stat."""
    if not options.follow_symlinks:
        return entry.is_dir(follow_symlinks=False)
    return False if entry.is_file(follow_symlinks=False) else None


def _is_directory(item: _Item, options: GlobOptions, chain: list[tuple[int, int]]) -> bool | None:
    """None for what is gone, a broken link, or a folder that is one of its own ancestors through a link."""
    if item.is_directory is not None:
        return item.is_directory
    try:
        status = os.stat(item.path, follow_symlinks=options.follow_symlinks)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise HostError(f"cannot read `{item.path}`: {exc.strerror}") from exc
    if not stat.S_ISDIR(status.st_mode):
        return False
    if options.follow_symlinks:
        del chain[item.level - 1 :]
        identity = (status.st_dev, status.st_ino)
        if identity in chain:
            return None
        chain.append(identity)
    return True


def _search_paths(patterns: Sequence[GlobPattern]) -> list[str]:
    """The places to start from, without those that lie in another one."""
    wanted = {pattern.search_path for pattern in patterns if not pattern.negated}
    paths = dict.fromkeys(pattern.search_path for pattern in patterns if not pattern.negated)
    return [path for path in paths if not any(parent in wanted for parent in _parents(path))]


def _parents(path: str) -> Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)
        yield path


def _deadline(limit_s: float, clock: Callable[[], float], stopped: Callable[[], bool]) -> Callable[[], None]:
    ends = clock() + limit_s

    def check() -> None:
        if stopped():
            raise HostError("`hashFiles` was stopped")
        if clock() > ends:
            raise HostError(
                f"`hashFiles` did not finish within {limit_s:g} s",
                hint="name the files more exactly: a leading folder keeps it out of others",
            )

    return check


def _digest(path: str, check_time: Callable[[], None]) -> bytes | None:
    """None for a link to a folder."""
    try:
        with open(path, "rb", opener=regular_only) as file:
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                check_time()
            return digest.digest()
    except IsADirectoryError:
        return None
    except FileNotFoundError as exc:
        raise UserError(f"`hashFiles` met a broken link: `{path}`", hint="exclude it: `!path`") from exc
    except OSError as exc:
        raise HostError(f"`hashFiles` cannot read `{path}`: {exc.strerror}") from exc
