"""Gives a job a Node of its own: a prefix of links around an installed one, where `npm install --global` and `corepack
enable` write without touching it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping

from skep.host.removal import remove_tree
from skep.model.errors import HostError

from .setup_node_find import FoundNode

_PACKAGES = {
    "npm": {"npm": "bin/npm-cli.js", "npx": "bin/npx-cli.js"},
    "corepack": {"corepack": "dist/corepack.js"},
}
_BESIDE = ("npm", "npx", "corepack", "yarn", "yarnpkg")


def provide_node(node: FoundNode, home: str) -> None:
    """Sees to it that `home` is a Node of the job's own. Steps may ask at once. Raises HostError."""
    if os.path.isdir(home):
        return
    parent, name = os.path.split(home)
    try:
        os.makedirs(parent, exist_ok=True)
        part = tempfile.mkdtemp(prefix=f".{name}-", dir=parent)
        _lay_out(node.executable, f"{part}/{name}")
        try:
            os.rename(f"{part}/{name}", home)
        except OSError:
            if not os.path.isdir(home):  # else another step of this job was quicker
                raise
        remove_tree(part)
    except OSError as error:
        raise HostError(
            f"cannot make a Node for the job in `{home}`: {error.strerror or error}",
            hint="is the disk full? see `skep doctor`",
        ) from error


def _lay_out(executable: str, root: str) -> None:
    prefix = os.path.dirname(os.path.dirname(executable))
    os.makedirs(f"{root}/bin")
    os.makedirs(f"{root}/lib/node_modules")
    os.symlink(executable, f"{root}/bin/node")
    for package, programs in _PACKAGES.items():
        source = f"{prefix}/lib/node_modules/{package}"
        if os.path.isdir(source):
            os.symlink(source, f"{root}/lib/node_modules/{package}")
            for name, script in programs.items():
                if os.path.exists(f"{source}/{script}"):
                    os.symlink(f"../lib/node_modules/{package}/{script}", f"{root}/bin/{name}")
    for name in _BESIDE:
        source, target = f"{os.path.dirname(executable)}/{name}", f"{root}/bin/{name}"
        if os.path.exists(source) and not os.path.lexists(target):
            os.symlink(os.path.realpath(source), target)


def node_variables(node: FoundNode, home: str, shared: str, env: Mapping[str, str]) -> dict[str, str]:
    """What makes npm install globally into `home`, still with the settings beside the real Node, and corepack keep its
    package managers for other jobs in the folder `shared`."""
    variables = {"npm_config_prefix": home}
    settings = f"{os.path.dirname(os.path.dirname(node.executable))}/etc/npmrc"
    if not any(name.lower() == "npm_config_globalconfig" for name in env) and os.path.exists(settings):
        variables["npm_config_globalconfig"] = settings
    if not env.get("COREPACK_HOME"):
        variables["COREPACK_HOME"] = f"{shared}/corepack"
    return variables
