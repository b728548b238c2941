"""What a step may see of this machine's environment: an allow-list, and where the tools' real homes are. Pure.

A job has a HOME of its own, so whatever a tool keeps in the user's home (toolchains, caches, package indexes) must be
named by a variable, or the tool would start from nothing. Everything that is let through is listed, so it can be printed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from skep.model.errors import UserError

ALLOWED_BY_PURPOSE = {
    "the machine and its user": "PATH LANG LANGUAGE TZ TZDIR USER LOGNAME",
    "proxies": "HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy ftp_proxy all_proxy no_proxy",
    "certificates": "SSL_CERT_FILE SSL_CERT_DIR NIX_SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE AWS_CA_BUNDLE "
    "NODE_EXTRA_CA_CERTS NODE_USE_SYSTEM_CA DENO_CERT GIT_SSL_CAINFO GIT_SSL_CAPATH",
    "where tools are": "JAVA_HOME GOROOT ANDROID_HOME ANDROID_SDK_ROOT DOTNET_ROOT",
    "package indexes": "GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE GOINSECURE GOTOOLCHAIN RUSTUP_DIST_SERVER "
    "RUSTUP_UPDATE_ROOT NVM_NODEJS_ORG_MIRROR COREPACK_NPM_REGISTRY YARN_NPM_REGISTRY_SERVER YARN_REGISTRY "
    "PYTHON_BUILD_MIRROR_URL",
}
ALLOWED = frozenset(name for names in ALLOWED_BY_PURPOSE.values() for name in names.split())

ALLOWED_PATTERN = re.compile(
    r"LC_[A-Z]+|(PIP|UV)_.*|CARGO_(NET|HTTP|SOURCE|REGISTRIES)_.*"
    # npm itself exports its whole configuration to the scripts it runs: only what says where packages come from
    r"|(?i:npm_config_)(?i:registry|userconfig|globalconfig|cache|cafile|ca|proxy|https?[-_]proxy|noproxy|strict[-_]ssl|.*:registry)",
    re.DOTALL,
)

WITHHELD_PATTERN = re.compile(
    r"UV_PUBLISH_.*|.*_(TOKEN|CREDENTIAL_PROVIDER)"  # rights to publish; reading an index stays possible
    # would change what a step's command does, not where it gets things from
    r"|PIP_(TARGET|PREFIX|ROOT|USER|REQUIRE_VIRTUALENV|PYTHON|NO_INDEX_VERSIONS)|PIP_CONFIG_FILE"
    r"|UV_(PROJECT|PROJECT_ENVIRONMENT|PYTHON|WORKING_DIR(ECTORY)?|ENV_FILE|INTERNAL__.*|RUN_RECURSION_DEPTH)"
)

TOOL_HOMES = (
    ("RUSTUP_HOME", "~/.rustup"),
    ("CARGO_HOME", "~/.cargo"),
    ("PYENV_ROOT", "~/.pyenv"),
    ("NVM_DIR", "~/.nvm"),
    ("FNM_DIR", "~data/fnm"),
    ("VOLTA_HOME", "~/.volta"),
    ("RBENV_ROOT", "~/.rbenv"),
    ("SDKMAN_DIR", "~/.sdkman"),
    ("ASDF_DATA_DIR", "~/.asdf"),
    ("MISE_DATA_DIR", "~data/mise"),
    ("GRADLE_USER_HOME", "~/.gradle"),
    ("PIP_CONFIG_FILE", "~config/pip/pip.conf"),
    ("PIP_CONFIG_FILE", "~/.pip/pip.conf"),
    ("PIP_CACHE_DIR", "~cache/pip"),
    ("UV_CACHE_DIR", "~cache/uv"),
    ("UV_PYTHON_INSTALL_DIR", "~data/uv/python"),
    ("npm_config_userconfig", "~/.npmrc"),
    ("npm_config_cache", "~/.npm"),
    ("YARN_CACHE_FOLDER", "~cache/yarn"),
    ("GOENV", "~config/go/env"),
    ("GOPATH", "~/go"),
    ("GOMODCACHE", "~/go/pkg/mod"),
    ("GOCACHE", "~cache/go-build"),
    ("PLAYWRIGHT_BROWSERS_PATH", "~cache/ms-playwright"),
)
"""Where tools look when the variable is not set; the first that exists counts. `~cache`, `~config`, `~data`: XDG folders."""

XDG = {
    "~cache": ("XDG_CACHE_HOME", "~/.cache"),
    "~config": ("XDG_CONFIG_HOME", "~/.config"),
    "~data": ("XDG_DATA_HOME", "~/.local/share"),
}

HOME_SEEDS = (
    (
        ".config/uv/uv.toml",
        "~config/uv/uv.toml",
    ),  # UV_CONFIG_FILE would switch the project's own settings off
    (".m2/settings.xml", "~/.m2/settings.xml"),
    (".yarnrc.yml", "~/.yarnrc.yml"),
)
"""Configuration that no variable can point to: copied into a job's HOME when the user has it."""

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVariable:
    """One variable a step gets from this machine, fit for printing."""

    name: str
    value: str  # user names and passwords in addresses are hidden; '' when `why` says that it is not set
    why: str


def job_environment(
    os_environ: Mapping[str, str],
    *,
    home: str,
    temp: str,
    extra: Sequence[str] = (),
    exists: Callable[[str], bool] = os.path.exists,
) -> tuple[dict[str, str], list[ShownVariable]]:
    """What a job's steps see of `os_environ`, and the same as a list sorted by name, for printing.

    `extra` are the values of `--env`: `NAME` lets one through, `NAME=VALUE` sets it; they win over everything.
    `exists` answers whether a path of the real home is there. Raises UserError for an option without a name.
    """
    env: dict[str, str] = {}
    shown: dict[str, ShownVariable] = {}

    def give(name: str, value: str, why: str, visible: str | None = None) -> None:
        env[name] = value
        shown[name] = ShownVariable(
            name=name, value=_presentable(value) if visible is None else visible, why=why
        )

    for name, value in os_environ.items():
        if is_allowed(name):
            give(name, value, "allowed")
    for name, value in _tool_homes(os_environ, exists):
        give(name, value, "your tools and caches")
    if not env.get("UV_LINK_MODE"):
        give("UV_LINK_MODE", "copy", "no file of a job shares bytes with your cache")
    give("HOME", home, "the job's own", "(the job's own)")
    give("TMPDIR", temp, "the job's own", "(the job's own)")
    for name, given in map(split_assignment, extra):
        if given is not None:
            give(name, given, "--env", "(as given)")
        elif name in os_environ:
            give(name, os_environ[name], "--env", "(let through)")
        else:
            shown[name] = ShownVariable(name=name, value="", why="--env, but it is not set here")
    return env, sorted(shown.values(), key=lambda variable: variable.name)


def home_seeds(
    os_environ: Mapping[str, str], exists: Callable[[str], bool] = os.path.exists
) -> list[tuple[str, str]]:
    """What to copy into a job's HOME: path within it, path of the user's file."""
    places = [(inside, _place(os_environ, place)) for inside, place in HOME_SEEDS]
    return [(inside, place) for inside, place in places if place and exists(place)]


def is_allowed(name: str) -> bool:
    """Whether a variable of the user is let through without `--env`."""
    if name in ALLOWED:
        return True
    return bool(ALLOWED_PATTERN.fullmatch(name)) and not WITHHELD_PATTERN.fullmatch(name)


def split_assignment(text: str) -> tuple[str, str | None]:
    """`NAME=VALUE` into its parts; `NAME` alone has None. Raises UserError."""
    name, sign, value = text.partition("=")
    if not name or "\0" in text:
        raise UserError(f"`--env` needs `NAME` or `NAME=VALUE`, not `{text}`")
    return name, value if sign else None


def _tool_homes(os_environ: Mapping[str, str], exists: Callable[[str], bool]) -> list[tuple[str, str]]:
    """Variables of `TOOL_HOMES`: as the user set them, else their default place in the real home when it exists."""
    homes: dict[str, str] = {}
    set_names = {name.lower(): value for name, value in os_environ.items() if value}
    for name, default in TOOL_HOMES:
        if name in homes:
            continue
        # npm takes any case; the others differ by more than case
        given = os_environ.get(name) or (set_names.get(name) if name.islower() else None)
        place = given or _place(os_environ, default)
        if given or (place and exists(place)):
            homes[name] = place
    if "GOPATH" in homes and "GOMODCACHE" not in os_environ:  # Go's rule: below the first GOPATH
        homes["GOMODCACHE"] = homes["GOPATH"].split(os.pathsep)[0] + "/pkg/mod"
    return list(homes.items())


def _place(os_environ: Mapping[str, str], path: str) -> str:
    """A path of the real home; '' when the user has none."""
    root, _, rest = path.partition("/")
    if root in XDG:
        variable, default = XDG[root]
        folder = os_environ.get(variable) or _place(os_environ, default)
        return f"{folder}/{rest}" if folder else ""
    real_home = os_environ.get("HOME", "")
    return f"{real_home}/{rest}" if real_home else ""


def _presentable(value: str) -> str:
    return _CREDENTIALS.sub("***", value)
