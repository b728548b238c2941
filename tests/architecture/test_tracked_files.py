"""What is committed says nothing about the machine it was written on."""

import re
from pathlib import Path

from tools import PROJECT

from .sources import tracked_files

# where packages come from is the machine's business: lock files carry hashes, never addresses
REGISTRY_HOSTS = re.compile(
    rb"https?://[^\s\"')>]*(?:pypi|pythonhosted|npmjs|yarnpkg|crates\.io|proxy\.golang|artifactory|nexus|jfrog)",
    re.IGNORECASE,
)
# paths of somebody's workplace; `/home/runner` is GitHub's own
MACHINE_PATHS = re.compile(rb"(?<![\w./-])/(?:work|root|Users|home/(?!runner\b)[a-z])/[\w.-]+")
OWN_PATTERNS = Path(__file__).resolve()


def _matches(pattern: re.Pattern[bytes]) -> list[str]:
    return [
        f"{path.relative_to(PROJECT)}: {found.group().decode(errors='replace')}"
        for path in tracked_files()
        if path.resolve() != OWN_PATTERNS
        for found in pattern.finditer(path.read_bytes())
    ]


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert _matches(REGISTRY_HOSTS) == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    assert _matches(MACHINE_PATHS) == []


def test_every_locked_requirement_has_a_hash_and_no_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (PROJECT / name).read_text(encoding="utf-8")
        entries = [entry for entry in re.split(r"\n(?=\S)", text) if entry and not entry.startswith("#")]
        assert entries
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
        assert "://" not in text


def test_the_lock_file_of_npm_carries_hashes_and_no_address() -> None:
    for lock in [path for path in tracked_files() if path.name == "package-lock.json"]:
        assert '"resolved"' not in lock.read_text(encoding="utf-8"), lock


def test_no_build_product_is_committed() -> None:
    wrong = [path for path in tracked_files() if {"node_modules", "__pycache__", ".venv"} & set(path.parts)]
    assert wrong == []
