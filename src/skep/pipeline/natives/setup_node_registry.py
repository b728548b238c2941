"""The inputs `registry-url` and `scope` of actions/setup-node: an `.npmrc` in the job's temp that reads NODE_AUTH_TOKEN.
Source: actions/setup-node `authutil.ts`."""

from __future__ import annotations

import os
import re

from skep.model.errors import HostError, UserError
from skep.pipeline.ports import NativeCall

from .inputs import Inputs
from .versions import read_version

_ADDRESS = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)
_SCOPE = re.compile(r"@?[A-Za-z0-9][\w.~-]*")
_OLD_STYLE = 5  # up to here `always-auth` is written, and a token is always set
_NO_TOKEN = "XXXXX-XXXXX-XXXXX-XXXXX"  # noqa: S105 - what the real action sets when there is none


def configure_registry(call: NativeCall) -> dict[str, str]:
    """Writes the settings; the variables that make npm read them. Raises UserError for what is no address or scope."""
    inputs = Inputs(call.inputs)
    address = inputs.text("registry-url")
    if not address:
        return {}
    scope = inputs.text("scope") or _owner(call, address)
    if not _ADDRESS.fullmatch(address):
        raise UserError(
            f"registry-url is no address: `{address[:80]}`", hint="write it as `https://host/path`"
        )
    if scope and not _SCOPE.fullmatch(scope):
        raise UserError(f"scope is no scope of packages: `{scope[:80]}`", hint="write it as `@name`")
    old_style = (read_version(call.ref, _OLD_STYLE + 1) or (0, 0))[0] <= _OLD_STYLE
    path = f"{call.box.temp}/.npmrc"
    _write(
        path, settings(_read(path), address, scope, inputs.text("always-auth", "false") if old_style else "")
    )
    variables = {"NPM_CONFIG_USERCONFIG": path, "npm_config_userconfig": path}
    token = call.env.get("NODE_AUTH_TOKEN") or (_NO_TOKEN if old_style else "")
    return {**variables, "NODE_AUTH_TOKEN": token} if token else variables


def settings(before: str, address: str, scope: str, always_auth: str) -> str:
    """The text of an `.npmrc`: what was there, without another registry for the same scope, and the new one."""
    address = address if address.endswith("/") else f"{address}/"
    named = f"@{scope.removeprefix('@')}".lower() + ":" if scope else ""
    kept = [line for line in before.splitlines() if not line.lower().startswith(f"{named}registry")]
    host = re.sub(r"^\w+:", "", address)
    lines = [*kept, f"{host}:_authToken=${{NODE_AUTH_TOKEN}}", f"{named}registry={address}"]
    if always_auth:
        lines.append(f"always-auth={'true' if always_auth == 'true' else 'false'}")
    return "\n".join(lines) + "\n"


def _owner(call: NativeCall, address: str) -> str:
    repository = call.github.get("repository")
    is_github = "npm.pkg.github.com" in address
    return repository.partition("/")[0] if is_github and isinstance(repository, str) else ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace", opener=_no_links) as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise HostError(f"cannot read `{path}`: {error.strerror}") from error


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", opener=_no_links) as file:
            file.write(text)
    except OSError as error:
        raise HostError(f"cannot write `{path}`: {error.strerror}") from error


def _no_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
