"""`actions/checkout`, v1 to v6, from what is on this machine: the user's tree, or another revision of its repository.

The workflow's own repository at what triggered the run is the user's tree as it is, with uncommitted changes: that is
what `skep run` tests. Any other ref of it is a real `git checkout`, with objects by reference. History is always whole,
so `fetch-depth`, `fetch-tags` and `filter` need nothing. Other repositories come from local mirrors, if any are given.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from skep.model.errors import UserError
from skep.pipeline.expressions.values import Value
from skep.pipeline.ports import NativeCall, NativeResult, Phase, PlacedTree
from skep.source.gitfolder import LocalGit
from skep.source.revisions import Revision, find_revision

from .checkout_credentials import forget_token, mask_token, store_token
from .checkout_inputs import CheckoutInputs, read_inputs

LOCAL_GIT = ("git", "-c", "advice.detachedHead=false", "-c", "protocol.file.allow=always")


class CheckoutTrees(Protocol):
    """What checkout needs of the user's tree: `ports.Trees`, and the repository behind it."""

    async def place(self, target: str) -> PlacedTree: ...
    async def clear(self, target: str) -> None: ...
    def in_place(self) -> bool:
        """Whether steps work in the user's own tree, which nobody may change here."""
        ...

    async def repository(self) -> LocalGit | None:
        """The user's repository; None for a folder without git."""
        ...

    async def read_repository(self, path: str) -> LocalGit | None:
        """Another repository on this machine; None when there is none."""
        ...

    async def write_git(self, git: LocalGit, target: str) -> None:
        """A private `.git` without index in `target`."""
        ...

    async def place_submodules(self, target: str, *, recursive: bool) -> Sequence[str]:
        """Places the work trees of submodules into a placed tree; the paths that were not there to place."""
        ...


class Checkout:
    """The action. One object serves all jobs of a run."""

    def __init__(self, trees: CheckoutTrees, mirrors: Mapping[str, str] | None = None) -> None:
        """`mirrors`: owner/name (lower case) -> folder of a repository on this machine."""
        self._trees = trees
        self._mirrors = dict(mirrors or {})

    async def __call__(self, call: NativeCall) -> NativeResult:
        """Does the action. Raises UserError for wrong inputs, HostError when the machine refuses."""
        if call.phase is Phase.POST:
            return await forget_token(call)
        inputs, warnings = read_inputs(call.inputs)
        for warning in warnings:
            call.log(f"::warning::{warning}")
        mask_token(call, inputs)
        target = _target(call.box.workspace, inputs.path)
        if _is_own_repository(inputs, call.github):
            return await self._own(call, inputs, target)
        return await self._foreign(call, inputs, target)

    # --- the workflow's own repository ----------------------------------------------------------------------------
    async def _own(self, call: NativeCall, inputs: CheckoutInputs, target: str) -> NativeResult:
        git = await self._trees.repository()
        if self._trees.in_place():
            _refuse_in_place(inputs, git, call.github)
        elif not _is_current(inputs.ref, call.github, git):
            return await self._revision(call, inputs, target, git)
        call.log(f"Syncing repository: {_text(call.github, 'repository')}")
        kept = self._trees.in_place() or (not inputs.clean and _is_checked_out(target))
        if not kept:
            await self._trees.clear(target)
            placed = await self._trees.place(target)
            call.log(f"Placed your tree as it is, by {placed.method}, in {placed.took_s * 1000:.0f} ms")
        if inputs.submodules != "none" and not self._trees.in_place():
            await self._submodules(target, recursive=inputs.submodules == "recursive")
        ok = await self._sparse(call, inputs, target)
        ref = "" if inputs.commit else inputs.ref or _text(call.github, "ref")
        return await self._result(call, inputs, target, ref, git.state.sha if git else "", ok=ok)

    async def _submodules(self, target: str, *, recursive: bool) -> None:
        missing = await self._trees.place_submodules(target, recursive=recursive)
        if missing:
            names = ", ".join(f"`{path}`" for path in missing)
            raise UserError(
                f"submodules are not on this machine: {names}",
                hint="run `git submodule update --init" + (" --recursive`" if recursive else "`"),
            )

    async def _sparse(self, call: NativeCall, inputs: CheckoutInputs, target: str) -> bool:
        if not inputs.sparse:
            return True
        if self._trees.in_place():
            call.log(
                "::warning::`sparse-checkout` is not done with --in-place: it would remove files of yours"
            )
            return True
        mode = "--cone" if inputs.cone else "--no-cone"
        ended = await call.run([*LOCAL_GIT, "sparse-checkout", "set", mode, "--", *inputs.sparse], target)
        return ended.exit_code == 0 or _failed(call, "git could not make the checkout sparse")

    # --- real checkouts -------------------------------------------------------------------------------------------
    async def _foreign(self, call: NativeCall, inputs: CheckoutInputs, target: str) -> NativeResult:
        folder = self._mirrors.get(inputs.repository.lower())
        git = await self._trees.read_repository(folder) if folder else None
        if git is None:
            raise UserError(
                f"the repository `{inputs.repository}` is not on this machine",
                hint="`skep run` works without a network; name a local clone of it as mirror",
            )
        return await self._revision(call, inputs, target, git)

    async def _revision(
        self, call: NativeCall, inputs: CheckoutInputs, target: str, git: LocalGit | None
    ) -> NativeResult:
        name = inputs.ref or (git.state.ref or git.state.sha if git else "")
        revision = find_revision(git.state, name) if git else None
        if git is None or revision is None:
            raise UserError(
                f"A branch or tag with the name '{name}' could not be found",
                hint="refs are looked for in your repository; `git fetch` brings those of the remote",
            )
        call.log(f"Checking out `{name}` from the objects in {git.place.root}")
        await self._trees.clear(target)
        await self._trees.write_git(git, target)
        ok = await _check_out(call, target, revision) and await self._sparse(call, inputs, target)
        if ok and inputs.submodules != "none":
            ok = await _update_submodules(call, target, git, recursive=inputs.submodules == "recursive")
        if inputs.lfs:
            call.log(
                "::warning::LFS files of another revision stay pointers: their content may not be on this machine"
            )
        ref = "" if inputs.commit else name
        return await self._result(call, inputs, target, ref, revision.commit, ok=ok)

    async def _result(
        self, call: NativeCall, inputs: CheckoutInputs, target: str, ref: str, commit: str, *, ok: bool
    ) -> NativeResult:
        state = store_token(call, inputs, target) if ok and not self._trees.in_place() else {}
        return NativeResult(ok=ok, outputs={"ref": ref, "commit": commit}, state=state, post=bool(state))


async def _check_out(call: NativeCall, target: str, revision: Revision) -> bool:
    onto = ["-B", revision.branch] if revision.branch else ["--detach"]
    ended = await call.run([*LOCAL_GIT, "checkout", "--quiet", "--force", *onto, revision.commit], target)
    return ended.exit_code == 0 or _failed(
        call, f"git could not check out `{revision.commit}`; is that commit in your repository?"
    )


async def _update_submodules(call: NativeCall, target: str, git: LocalGit, *, recursive: bool) -> bool:
    """Submodules from the repositories that the user's clone keeps of them."""
    settings = _kept_modules(os.path.join(git.place.common_dir, "modules"))
    more = ["--recursive"] if recursive else []
    argv = [*LOCAL_GIT, *settings, "submodule", "update", "--init", "--force", "--no-fetch", *more]
    ended = await call.run(argv, target)
    return ended.exit_code == 0 or _failed(call, "git could not check out the submodules from this machine")


def _kept_modules(modules: str) -> list[str]:
    """Settings that point each submodule to the repository in the user's `.git/modules`."""
    settings: list[str] = []
    for folder, folders, files in os.walk(modules):
        if "HEAD" in files and "objects" in folders:
            settings += ["-c", f"submodule.{os.path.relpath(folder, modules)}.url={folder}"]
            folders[:] = []
    return settings


def _is_checked_out(target: str) -> bool:
    return os.path.isdir(os.path.join(target, ".git"))


def _failed(call: NativeCall, message: str) -> bool:
    call.log(f"::error::{message}")
    return False


def _target(workspace: str, path: str) -> str:
    """The folder to fill. Raises UserError unless it is the workspace or below it, links followed."""
    target = os.path.normpath(os.path.join(workspace, path))
    inside = os.path.realpath(workspace)
    if not (os.path.realpath(target) + os.sep).startswith(inside + os.sep):
        raise UserError(f"Repository path '{target}' is not under '{workspace}'")
    return target


def _is_own_repository(inputs: CheckoutInputs, github: Mapping[str, Value]) -> bool:
    own_server = _text(github, "server_url").rstrip("/")
    if inputs.server_url and own_server and inputs.server_url.lower() != own_server.lower():
        return False
    return not inputs.repository or inputs.repository.lower() == _text(github, "repository").lower()


def _is_current(ref: str, github: Mapping[str, Value], git: LocalGit | None) -> bool:
    """Whether a `ref` input means the tree that is being tested."""
    if not ref:
        return True
    current = {
        _text(github, "ref"),
        _text(github, "ref_name"),
        _text(github, "sha"),
        _text(github, "head_ref"),
    }
    current.add(f"refs/heads/{_text(github, 'head_ref')}")
    if git is not None:
        current |= {git.state.sha, git.state.ref, git.state.ref.removeprefix("refs/heads/")}
    return ref in current - {"", "refs/heads/"} or (bool(git) and ref.lower() in current)


def _refuse_in_place(inputs: CheckoutInputs, git: LocalGit | None, github: Mapping[str, Value]) -> None:
    if not _is_current(inputs.ref, github, git):
        raise UserError(
            f"--in-place cannot check out `{inputs.ref}`: it would change your tree",
            hint="run without --in-place",
        )
    if os.path.normpath(inputs.path) != ".":
        raise UserError(
            f"--in-place cannot check out into `{inputs.path}`: it would write into your tree",
            hint="run without --in-place",
        )


def _text(github: Mapping[str, Value], name: str) -> str:
    value = github.get(name)
    return value if isinstance(value, str) else ""
