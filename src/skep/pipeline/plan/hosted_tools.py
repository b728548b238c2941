"""Programs that GitHub's images bring along, found in scripts. Pure.

Source: the lists of installed software in actions/runner-images. Only names that are no words of a shell, and that a plain
Linux need not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_NAMES = """
ansible ansible-playbook ant aws az bazel bazelisk bicep brew buildah bun bundle bundler cargo chromedriver clang
clang-format cmake composer conda curl docker docker-compose dotnet eksctl fastlane firefox g++ gcc gcloud geckodriver gem gh
ghc git git-lfs go google-chrome gradle haveged helm heroku java javac jq julia kind kotlin kubectl kustomize lerna lftp
make mediainfo mercurial minikube mono msbuild mvn mysql netlify newman ninja node npm npx nvm oras packer parallel pip
pipx pnpm podman poetry psql pulumi pwsh pytest python python3 rake rbenv rsync ruby rustc rustup sbt shellcheck skopeo
sqlcmd sqlite3 stack sudo svn swift terraform tflint unzip vcpkg vercel wget xvfb-run yamllint yarn yq zip zstd
"""
HOSTED = frozenset(_NAMES.split())
"""Names of programs that workflows may take for granted."""

_PROVIDERS: dict[str, tuple[str, ...]] = {
    "actions/setup-dotnet": ("dotnet",),
    "actions/setup-go": ("go",),
    "actions/setup-java": ("java", "javac", "mvn", "gradle"),
    "actions/setup-node": ("node", "npm", "npx", "corepack", "yarn", "pnpm"),
    "actions/setup-python": ("python", "python3", "pip", "pytest", "poetry"),
    "astral-sh/setup-uv": ("uv", "uvx"),
    "azure/setup-helm": ("helm",),
    "azure/setup-kubectl": ("kubectl",),
    "dtolnay/rust-toolchain": ("cargo", "rustc", "rustup"),
    "hashicorp/setup-terraform": ("terraform",),
    "oven-sh/setup-bun": ("bun", "bunx"),
    "pnpm/action-setup": ("pnpm",),
    "ruby/setup-ruby": ("ruby", "gem", "bundle", "bundler", "rake"),
}
_INSTALL = re.compile(
    r"\b(?:apt-get|apt|brew|dnf|yum|apk|pip3?|pipx|npm|gem|cargo|go)\s+(?:-\S+\s+)*(?:install|add|i)\b([^\n;&|]*)"
)
_PARTS = re.compile(r"[\n;&|(){}`]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_WORDS_BEFORE = "sudo time env exec if then do else elif while until ! command"
_BEFORE_COMMANDS = frozenset(_WORDS_BEFORE.split())
_COMMENT = re.compile(r"(?:^|\s)#.*$", re.MULTILINE)
_HERE_DOCUMENT = re.compile(r"<<-?[ \t]*(['\"]?)(\w+)\1")
_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\$`]|\\.|\$(?!\())*+(?:\"|(?=[$`\\])|\Z)", re.DOTALL)
"""Quoted text; double quotes up to a command inside them. It cannot fail behind its first quote: that keeps it linear."""


def commands_in(script: str) -> tuple[str, ...]:
    """Names of hosted programs that a script calls, in order, each once. A guess: shells are not parsed here."""
    text = "\n".join(_outside_here_documents(_without_expressions(script).split("\n")))
    text = _COMMENT.sub("", _QUOTED.sub("x", text)).replace("\\\n", " ")
    return tuple(dict.fromkeys(name for part in _PARTS.split(text) for name in _called(part.split())))


def _without_expressions(script: str) -> str:
    """Each `${{ }}` as one letter."""
    first, *others = script.split("${{")
    return first + "".join("x" + other.partition("}}")[2] for other in others)


def _outside_here_documents(lines: list[str]) -> Iterator[str]:
    end = ""
    for line in lines:
        if end:
            end = "" if line.strip() == end else end
            continue
        yield line
        if found := _HERE_DOCUMENT.search(line):
            end = found[2]


def _called(words: list[str]) -> Iterator[str]:
    """`sudo` and the program of one simple command."""
    for word in words:
        if word in _BEFORE_COMMANDS or word.startswith("-") or _ASSIGNMENT.match(word):
            if word == "sudo":
                yield word
            continue
        if word in HOSTED:
            yield word
        return


def provided_by(uses: Iterable[str]) -> set[str]:
    """Programs that the `setup-*` actions of a job bring."""
    return {name for text in uses for name in _PROVIDERS.get(text.partition("@")[0].strip().lower(), ())}


def said_to_install(script: str) -> set[str]:
    """Words behind `apt-get install` and its kin: what a script brings itself."""
    return {word for match in _INSTALL.finditer(script) for word in match[1].split()}
