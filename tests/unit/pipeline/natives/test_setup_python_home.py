"""Pythons of jobs: a prefix where CPython accepts one, else a virtual environment; copied whole or not at all."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from skep.model.errors import HostError
from skep.pipeline.natives.setup_python_home import has_pip, make_template, provide_python, template_name
from skep.pipeline.natives.setup_python_layout import copy_layout
from skep.pipeline.natives.setup_python_probe import PythonFacts, PythonProbe

ASK = "import sys, sysconfig; print(sys.prefix, sys.base_prefix, sysconfig.get_path('purelib'), sep='\\n')"


@pytest.fixture
def facts(tmp_path: Path) -> PythonFacts:
    found = PythonProbe(str(tmp_path / "facts")).ask(sys.executable)
    assert found is not None
    return found


def template(tmp_path: Path) -> Path:
    root = tmp_path / "template"
    root.mkdir()
    return root


def ask(root: Path) -> list[str]:
    return subprocess.check_output([root / "bin/python3", "-I", "-c", ASK], text=True).splitlines()


def without_ensurepip(facts: PythonFacts, tmp_path: Path) -> PythonFacts:
    """The same interpreter without the wheels that come with it."""
    library = tmp_path / "bare" / os.path.relpath(facts.stdlib, facts.prefix)
    library.mkdir(parents=True)
    for name in os.listdir(facts.stdlib):
        if name != "ensurepip":
            (library / name).symlink_to(f"{facts.stdlib}/{name}")
    include = tmp_path / "bare/include"
    return replace(facts, prefix=str(tmp_path / "bare"), stdlib=str(library), include=str(include))


def test_an_interpreter_that_takes_no_other_prefix_gets_a_virtual_environment(
    facts: PythonFacts, tmp_path: Path
) -> None:
    root = template(tmp_path)
    make_template(replace(facts, prefix="/"), str(root))  # its library then lies where it does not look
    prefix, base, packages = ask(root)
    assert (prefix, base) == (str(root), facts.prefix)
    assert packages.startswith(f"{root}/")
    assert has_pip(str(root))


def test_an_interpreter_without_pip_is_one_without_pip(facts: PythonFacts, tmp_path: Path) -> None:
    root = template(tmp_path)
    make_template(without_ensurepip(facts, tmp_path), str(root), wheel_folders=())
    assert ask(root)[0] == str(root)
    assert not has_pip(str(root))


def test_a_wheel_that_is_no_wheel_is_said(facts: PythonFacts, tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/pip-99.0-py3-none-any.whl").write_text("nothing")
    with pytest.raises(HostError, match="pip cannot be installed"):
        make_template(
            without_ensurepip(facts, tmp_path),
            str(template(tmp_path)),
            wheel_folders=[str(tmp_path / "wheels")],
        )


def test_a_program_that_is_no_python_is_said(facts: PythonFacts, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="does not work from another folder") as refused:
        make_template(replace(facts, executable="/bin/false"), str(template(tmp_path)))
    assert "uv python install" in refused.value.hint
    with pytest.raises(HostError, match="cannot make a Python"):
        make_template(replace(facts, executable="/no/such"), str(tmp_path / "template"))


@pytest.mark.skipif(
    not os.access("/usr/bin/python3", os.X_OK), reason="this machine has no Python of its system"
)
def test_packages_of_the_systems_python_stay_in_the_job_too(tmp_path: Path) -> None:
    own = PythonProbe(str(tmp_path / "facts")).ask("/usr/bin/python3")
    assert own is not None
    root = template(tmp_path)
    make_template(own, str(root))
    prefix, _, packages = ask(root)
    assert prefix == str(root)
    assert os.path.realpath(packages).startswith(f"{root}/")
    assert not list(root.rglob("EXTERNALLY-MANAGED"))


def test_a_replaced_interpreter_gets_another_template(facts: PythonFacts, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("one")
    before = template_name(replace(facts, executable=str(program)))
    program.write_text("another")
    assert template_name(replace(facts, executable=str(program))) != before


def test_steps_that_ask_at_once_get_the_same_python(facts: PythonFacts, tmp_path: Path) -> None:
    async def all_at_once() -> list[bool]:
        asked = (
            provide_python(facts, str(tmp_path / "templates"), str(tmp_path / "job/home")) for _ in range(4)
        )
        return await asyncio.gather(*asked)

    assert True in asyncio.run(all_at_once())
    assert os.listdir(tmp_path / "job") == ["home"]
    assert ask(tmp_path / "job/home")[0] == str(tmp_path / "job/home")


def test_a_cancelled_step_leaves_no_half_python(facts: PythonFacts, tmp_path: Path) -> None:
    async def cancelled() -> None:
        task = asyncio.ensure_future(
            provide_python(facts, str(tmp_path / "templates"), str(tmp_path / "job/home"))
        )
        await asyncio.sleep(0.3)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert [name for name in os.listdir(tmp_path / "templates") if ".part-" in name] == []
    assert not (tmp_path / "job/home").exists()


def test_a_copy_stops_when_told(facts: PythonFacts, tmp_path: Path) -> None:
    root = template(tmp_path)
    (root / "bin").mkdir()
    with pytest.raises(InterruptedError):
        copy_layout(str(root), str(tmp_path / "copy"), str(tmp_path / "copy"), lambda: True)


def test_a_job_without_room_is_an_error_of_this_machine(facts: PythonFacts, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "templates" / template_name(facts) / "bin").mkdir(parents=True)
    with pytest.raises(HostError, match="cannot make a Python for the job"):
        asyncio.run(provide_python(facts, str(tmp_path / "templates"), str(tmp_path / "file/home")))
