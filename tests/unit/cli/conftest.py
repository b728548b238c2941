"""A project with records, and the command line called in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from skep.cli.main import main
from skep.events.facts import Fact
from skep.model.errors import StoreError
from skep.model.ids import LegKey, StepId
from skep.store.local.logs import FileLogStore
from skep.store.local.paths import StatePaths, state_paths
from skep.store.local.records import RunRecords
from skep.testing.facts import BUILD, NOON, TEST, run_body, run_started


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        """Its output as JSON."""
        return json.loads(self.out)


Call = Callable[..., Said]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, the current folder, with a state folder of its own."""
    root = tmp_path / "shop"
    (root / ".github" / "workflows").mkdir(parents=True)
    monkeypatch.chdir(root)
    monkeypatch.setenv("SKEP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "UTC")
    return root


@pytest.fixture
def paths(project: Path, tmp_path: Path) -> StatePaths:
    """The places of the project's records."""
    return state_paths(str(tmp_path / "state"), str(project))


@pytest.fixture
def skep(capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    """Calls `skep` with words."""

    def call(*words: str) -> Said:
        code = main(list(words))
        out, err = capfdbinary.readouterr()
        return Said(code=code, out=out.decode("utf-8", "surrogateescape"), err=err.decode())

    return call


def never(error: StoreError) -> None:
    """An `on_failure` that must not be called."""
    raise AssertionError(error)


LOGS = {BUILD: b"hello\n", TEST: b"\x1b[31mred\x1b[0m\n\x1b]0;x\x07\n1 != 2"}


@pytest.fixture
def recorded(paths: StatePaths) -> Callable[[list[Fact]], str]:
    """Records a run of these facts with the logs of LOGS; its id."""

    def record(facts: list[Fact]) -> str:
        records = RunRecords(paths)
        number = records.reserve(NOON, bytes).number
        started = run_started(f"20261120T1200{number:02}-000000", number=number)
        sink = records.begin(started, on_failure=never)
        store = FileLogStore(
            paths.run(started.run_id).logs,
            clock=lambda: NOON + 1.25,
            step_limit_bytes=1 << 20,
            on_failure=never,
        )
        for leg, text in LOGS.items():
            log = store.open(LegKey(leg))
            log.write(StepId("__run"), text)
            log.close()
        for fact in facts:
            sink.publish(fact)
        sink.close()
        records.close()
        return started.run_id

    return record


@pytest.fixture
def run_id(recorded: Callable[[list[Fact]], str]) -> str:
    """A finished run."""
    return recorded(run_body())
