"""Actions of other repositories: lock what they stand for, update, verify, mirror and list them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from skep.cli.loading import read_workflows
from skep.cli.log_text import plain_lines
from skep.cli.project import Project, add_setting_flags, open_project
from skep.cli.remote_opening import remote_opener
from skep.cli.remote_uses import Collected, collect, uses_of
from skep.cli.tables import render_table
from skep.host.files import atomic_write
from skep.model.errors import HostError, SkepError, UserError
from skep.pipeline.actions.lock import LOCK_FILE, Locked, render_lock
from skep.pipeline.actions.remote import RemoteReference, parse_reference
from skep.pipeline.natives.remote_places import read_lock
from skep.pipeline.natives.remote_shelf import RemoteShelf
from skep.pipeline.trigger import repository_facts
from skep.source.changes import read_repository
from skep.source.git import Git

_SHORT = 12
_SETTINGS = ("actions_mirrors", "actions_tokens", "actions_allowed", "actions_offline", "actions_timeout_s")

Row = dict[str, object]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `skep actions`."""
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    for name, about in (
        ("lock", f"write {LOCK_FILE}: what is in it stays, what is new is added, what nobody uses goes"),
        ("update", "lock anew what the names stand for now"),
        ("verify", "compare the lock with the files here and with where they come from"),
        ("mirror", "make bare repositories of everything that is used, to work without a network"),
        ("list", "everything that is used, what it stands for and where it comes from"),
    ):
        one = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
        if name == "update":
            one.add_argument(
                "names", nargs="*", metavar="NAME", help="`owner`, `owner/name` or a whole `uses`"
            )
        if name == "mirror":
            one.add_argument("folder", metavar="DIR", help="gets `owner/name.git` for each repository")
        one.add_argument("--json", action="store_true", help="print one JSON list")
        add_setting_flags(one, *_SETTINGS)


def run(args: argparse.Namespace) -> int:
    """Does it. 0; 1 when something is not as locked; 2 when something cannot be had."""
    work: Callable[[argparse.Namespace, Project], int] = _COMMANDS[args.what]
    return work(args, open_project(args))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    """What the project's workflows use."""

    shelf: RemoteShelf
    uses: tuple[str, ...]  # by the workflows themselves


def _used(project: Project, lock: Mapping[str, Locked] | None) -> _Used:
    git = Git(project.root, os.environ)
    facts = repository_facts(read_repository(git, user=os.environ.get("USER", "")))
    shelf = remote_opener(project, lock)(facts.server_url)
    read = read_workflows(project.root)
    for path in read.unreadable:
        print(plain_lines(f"warning: `{path}` has errors, and is left out; see `skep lint`"), file=sys.stderr)
    uses = [use.uses for workflow in read.workflows for use in uses_of(workflow, project.root)]
    return _Used(shelf=shelf, uses=tuple(dict.fromkeys(uses)))


def _collected(used: _Used) -> Collected:
    """Everything, fetched. Raises the first error when something cannot be had, all are printed."""
    found = collect(used.shelf, used.uses)
    for uses, error in found.failed.items():
        print(plain_lines(f"error: `{uses}`: {error}"), file=sys.stderr)
        if error.hint:
            print(plain_lines(f"hint: {error.hint}"), file=sys.stderr)
    if found.failed:
        raise UserError(
            f"{len(found.failed)} of the actions and workflows cannot be had; nothing was written"
        )
    return found


# --- lock and update -------------------------------------------------------------------------------------------------
def _lock(args: argparse.Namespace, project: Project) -> int:
    return _write_lock(args, project, read_lock(project.root))


def _update(args: argparse.Namespace, project: Project) -> int:
    before = read_lock(project.root)
    kept = {uses: entry for uses, entry in before.items() if not _is_named(uses, args.names)}
    if args.names and len(kept) == len(before):
        raise UserError(
            f"nothing in {LOCK_FILE} is called {', '.join(f'`{name}`' for name in args.names)}",
            hint="`skep actions list` shows what there is",
        )
    return _write_lock(args, project, kept)


def _is_named(uses: str, names: Iterable[str]) -> bool:
    reference, names = parse_reference(uses), [name.lower() for name in names]
    if not names or reference is None:
        return not names
    ways = (
        uses,
        uses.partition("@")[0],
        reference.repository,
        f"{reference.repository}@{reference.ref}",
        reference.owner,
    )
    return any(way.lower() in names for way in ways)


def _write_lock(args: argparse.Namespace, project: Project, kept: Mapping[str, Locked]) -> int:
    before = read_lock(project.root)
    found = _collected(_used(project, kept)).fetched.values()
    after = {one.uses: Locked(sha=one.sha, tree=one.tree) for one in found}
    if after != before:
        try:
            atomic_write(f"{project.root}/{LOCK_FILE}", render_lock(after).encode())
        except OSError as error:
            raise HostError(f"{LOCK_FILE} cannot be written: {error.strerror or error}") from error
    rows: list[Row] = [
        {
            "uses": uses,
            "sha": after[uses].sha if uses in after else None,
            "tree": after[uses].tree if uses in after else None,
            "before": before[uses].sha if uses in before else None,
            "change": _change(before.get(uses), after.get(uses)),
        }
        for uses in sorted(before.keys() | after.keys())
    ]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        if row["change"] != "same":
            was = f" (was {str(row['before'])[:_SHORT]})" if row["change"] == "changed" else ""
            print(f"{row['change']:<8} {row['uses']}  {str(row['sha'] or '')[:_SHORT]}{was}")
    print(f"{LOCK_FILE}: {len(after)} entries" + ("" if after != before else ", nothing has changed"))
    return 0


def _change(before: Locked | None, after: Locked | None) -> str:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "same" if before == after else "changed"


# --- verify ----------------------------------------------------------------------------------------------------------
def _verify(args: argparse.Namespace, project: Project) -> int:
    lock = read_lock(project.root)
    used = _used(project, None)
    shelf = used.shelf
    rows = [_verified(uses, entry, shelf) for uses, entry in sorted(lock.items())]
    rows += [
        {
            "uses": uses,
            "state": "not locked",
            "locked": None,
            "now": None,
            "hint": "`skep actions lock` adds it",
        }
        for uses in used.uses
        if (reference := parse_reference(uses)) is not None and str(reference) not in lock
    ]
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            print(f"{row['state']:<10} {row['uses']}" + (f"  {row['detail']}" if row.get("detail") else ""))
            if row["state"] != "ok" and row.get("hint"):
                print(f"{'':<10} hint: {row['hint']}")
        print(f"{sum(row['state'] == 'ok' for row in rows)} of {len(rows)} are as locked")
    return 0 if all(row["state"] == "ok" for row in rows) else 1


def _verified(uses: str, entry: Locked, shelf: RemoteShelf) -> Row:
    row: Row = {"uses": uses, "state": "ok", "locked": entry.sha, "now": None, "detail": "", "hint": ""}
    try:
        fetched = shelf.obtain(uses)
        reference = parse_reference(uses)
        assert reference is not None
        store = shelf.parts.store
        commit = store.find(reference.repository, fetched.sha)
        tree = store.verify(commit) if commit is not None else ""
        if commit is None or tree != entry.tree:
            if commit is not None:
                store.drop(commit)
            return {
                **row,
                "state": "damaged",
                "detail": f"its files are {tree or 'gone'}, and were locked as {entry.tree}",
                "hint": "they were removed from this machine; the next use gets them again",
            }
        return _compared_with_origin(row, reference, entry, shelf)
    except SkepError as error:
        return {**row, "state": "wrong", "detail": str(error), "hint": error.hint}
    except OSError as error:
        return {**row, "state": "damaged", "detail": str(error), "hint": "see `skep doctor`"}


def _compared_with_origin(row: Row, reference: RemoteReference, entry: Locked, shelf: RemoteShelf) -> Row:
    origin = shelf.parts.origin(reference.repository)
    if reference.is_sha or (shelf.policy.offline and origin.needs_network):
        return row
    now = shelf.parts.store.resolve(origin, reference.ref)
    if now == entry.sha:
        return {**row, "now": now}
    return {
        **row,
        "state": "moved",
        "now": now,
        "detail": f"`{reference.ref}` was {entry.sha} when it was locked, and is {now} at {origin.shown} now",
        "hint": f"runs go on with the locked commit; to take the new one: `skep actions update {row['uses']}`",
    }


# --- mirror and list -------------------------------------------------------------------------------------------------
def _mirror(args: argparse.Namespace, project: Project) -> int:
    used = _used(project, read_lock(project.root))
    target = os.path.abspath(args.folder)
    store, rows = used.shelf.parts.store, []
    for one in sorted(_collected(used).fetched.values(), key=lambda one: one.uses):
        commit = store.find(one.repository, one.sha)
        assert commit is not None, "it was fetched a moment ago"
        path = f"{target}/{one.repository}.git"
        store.export(commit, one.ref, path)
        rows.append({"uses": one.uses, "sha": one.sha, "path": path})
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        print(f"{row['uses']}  {row['sha'][:_SHORT]}  {row['path']}")
    print(f'\nto use them, in skep.toml:\n\n[actions.mirrors]\n"*" = {json.dumps(target)}')
    return 0


def _list(args: argparse.Namespace, project: Project) -> int:
    used = _used(project, None)
    lock = used.shelf.parts.lock
    rows = [_listed(uses, used.shelf) for uses in sorted({*used.uses, *lock})]
    if args.json:
        print(json.dumps(rows, indent=2))
    elif not rows:
        print("the workflows use nothing of other repositories, but what Skep does itself")
    else:
        shown = [
            (row["uses"], str(row["sha"] or "?")[:_SHORT], row["state"], row["from"], row["problem"] or "")
            for row in rows
        ]
        head = ("uses", "commit", "state", "from", "problem")
        print(plain_lines(render_table(head, [tuple(map(str, one)) for one in shown])))
    return 0


def _listed(uses: str, shelf: RemoteShelf) -> Row:
    reference = parse_reference(uses)
    assert reference is not None
    locked, store = shelf.locked(reference), shelf.parts.store
    sha = locked.sha if locked else reference.ref.lower() if reference.is_sha else ""
    sha = sha or store.remembered(reference.repository, reference.ref)
    here = bool(sha) and store.find(reference.repository, sha) is not None
    state = ("locked" if locked else "not locked") + (", here" if here else "")
    return {
        "uses": uses,
        "sha": sha or None,
        "tree": locked.tree if locked else None,
        "state": state,
        "from": shelf.parts.origin(reference.repository).shown,
        "problem": shelf.problem(uses),
    }


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Project], int]] = {
    "lock": _lock,
    "update": _update,
    "verify": _verify,
    "mirror": _mirror,
    "list": _list,
}
