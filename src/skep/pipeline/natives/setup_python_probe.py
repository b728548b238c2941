"""What an interpreter is: asked once, remembered as long as its file stays the same."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass

from skep.host.files import atomic_write
from skep.host.process import run_sync
from skep.model.errors import HostError

from .setup_places import file_stamp
from .setup_ranges import ToolVersion

ANSWER_S = 20.0
_QUESTIONS = """
import json, os, sys, sysconfig
own = getattr(sys, "_base_executable", None) or sys.executable
level = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(sys.version_info[3], "")
print(json.dumps({
    "implementation": sys.implementation.name,
    "numbers": list(sys.version_info[:3]),
    "level": level,
    "serial": sys.version_info[4],
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "executable": os.path.realpath(own),
    "prefix": os.path.realpath(sys.base_prefix),
    "stdlib": os.path.realpath(sysconfig.get_path("stdlib", "posix_prefix")),
    "include": os.path.realpath(sysconfig.get_path("include", "posix_prefix")),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonFacts:
    """One CPython on this machine, links and virtual environments seen through. All paths absolute."""

    numbers: tuple[int, int, int]
    level: str  # a, b, rc; '' for a release
    serial: int
    free_threaded: bool
    executable: str
    prefix: str
    stdlib: str  # .../lib/python3.12
    include: str  # .../include/python3.12

    @property
    def version(self) -> ToolVersion:
        """Its version."""
        major, minor, patch = self.numbers
        pre = (self.level, self.serial) if self.level else None
        return ToolVersion(major=major, minor=minor, patch=patch, pre=pre)

    @property
    def name(self) -> str:
        """What its program is called: `python3.12`, `python3.13t`."""
        return f"python{self.numbers[0]}.{self.numbers[1]}{'t' if self.free_threaded else ''}"


class PythonProbe:
    """Asks interpreters. Answers are kept in `folder`, for later runs. Threads may share it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._known: dict[str, PythonFacts | None] = {}
        self._lock = threading.Lock()

    def ask(self, executable: str) -> PythonFacts | None:
        """The facts; None for what is no working CPython 3."""
        stamp = file_stamp(executable)
        if not stamp:
            return None
        with self._lock:
            if stamp not in self._known:
                self._known[stamp] = self._remembered(stamp) or self._asked(stamp, executable)
            return self._known[stamp]

    def _remembered(self, stamp: str) -> PythonFacts | None:
        try:
            with open(f"{self._folder}/{stamp}.json", "rb") as file:
                facts = _read(json.loads(file.read(65_536)))
        except (OSError, ValueError):
            return None
        return facts if facts and os.access(facts.executable, os.X_OK) else None

    def _asked(self, stamp: str, executable: str) -> PythonFacts | None:
        try:
            done = run_sync(
                [executable, "-I", "-S", "-c", _QUESTIONS],
                cwd="/",
                env={"PATH": os.defpath},
                timeout_s=ANSWER_S,
            )
            facts = _read(json.loads(done.stdout)) if done.exit_code == 0 else None
        except (HostError, ValueError):
            return None
        if facts:
            os.makedirs(self._folder, exist_ok=True)
            atomic_write(
                f"{self._folder}/{stamp}.json",
                json.dumps({**asdict(facts), "implementation": "cpython"}).encode(),
            )
        return facts


def _read(answer: object) -> PythonFacts | None:
    match answer:
        case {
            "implementation": "cpython",
            "numbers": [int(major), int(minor), int(patch)],
            "level": str(level),
            "serial": int(serial),
            "free_threaded": bool(free_threaded),
            "executable": str(executable),
            "prefix": str(prefix),
            "stdlib": str(stdlib),
            "include": str(include),
        } if major == 3:
            return PythonFacts(
                numbers=(major, minor, patch),
                level=level,
                serial=serial,
                free_threaded=free_threaded,
                executable=executable,
                prefix=prefix,
                stdlib=stdlib,
                include=include,
            )
    return None
