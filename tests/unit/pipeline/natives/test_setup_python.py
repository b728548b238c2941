"""actions/setup-python around a real interpreter: a job gets a Python of its own, and the interpreter stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from skep.model.errors import UserError
from skep.model.outcome import Outcome
from skep.pipeline.natives.setup_python_layout import first_lines, lay_out_venv, point_script
from skep.pipeline.natives.setup_python_probe import PythonProbe

from .setups import PYTHON, SHORT, Workshop, make_wheel

USES = "actions/setup-python@v5"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("shop"))


def refusal(shop: Workshop, inputs: dict[str, str], **files: str) -> UserError:
    job = shop.job()
    job.write(files)
    with pytest.raises(UserError) as refused:
        shop.set_up(job, USES, inputs)
    return refused.value


def test_a_job_gets_the_python_it_asks_for(shop: Workshop) -> None:
    job = shop.job()
    result = shop.set_up(job, USES, {"python-version": SHORT})
    home = f"{job.box.root}/python/{PYTHON}"
    location = result.env["pythonLocation"]
    assert location.startswith(home)
    assert result.outputs == {"python-version": PYTHON, "python-path": f"{location}/bin/python"}
    assert list(result.paths) == [location, f"{location}/bin"]
    assert {result.env[name] for name in ("Python_ROOT_DIR", "Python2_ROOT_DIR", "Python3_ROOT_DIR")} == {
        location
    }
    assert result.env["PKG_CONFIG_PATH"] == f"{location}/lib/pkgconfig"
    assert result.env["LD_LIBRARY_PATH"] == f"{location}/lib"
    ask = "import sys; print(sys.prefix, sys.base_prefix, sys.version.split()[0], sys.flags.isolated, sep='\\n')"
    assert shop.run(job, result, "python", "-c", ask).splitlines() == [location, location, PYTHON, "0"]
    assert shop.run(job, result, "python3", "-m", "pip", "--version").startswith("pip ")
    assert f"Successfully set up CPython ({PYTHON})" in job.log


def test_what_a_job_installs_is_its_own(shop: Workshop, tmp_path: Path) -> None:
    before = sorted(os.listdir(sysconfig.get_path("purelib", vars={"base": sys.base_prefix})))
    scripts = sorted(os.listdir(f"{sys.base_prefix}/bin"))
    wheel = make_wheel(
        tmp_path,
        "skep-sample",
        "1.0",
        {
            "skep_sample.py": "def main():\n    print('sample runs')\n",
            "skep_sample-1.0.data/headers/sample.h": "",
            "skep_sample-1.0.data/data/share/sample/note": "",
            "skep_sample-1.0.dist-info/entry_points.txt": "[console_scripts]\nskep-sample = skep_sample:main\n",
        },
    )
    first, second = shop.job(), shop.job()
    one = shop.set_up(first, USES, {"python-version": SHORT})
    two = shop.set_up(second, USES, {"python-version": SHORT})
    shop.run(first, one, "pip", "install", "--quiet", "--no-index", str(wheel))
    assert shop.run(first, one, "skep-sample") == "sample runs"
    assert "skep-sample" not in shop.run(second, two, "pip", "list", "--format", "freeze")
    shop.run(second, two, "pip", "install", "--quiet", "--no-index", "--user", str(wheel))
    assert shop.run(
        second, two, "python", "-c", "import skep_sample; print(skep_sample.__file__)"
    ).startswith(second.box.home)
    shop.run(first, one, "pip", "uninstall", "--quiet", "--yes", "pip", "skep-sample")
    assert shop.run(second, two, "pip", "--version").startswith("pip ")
    assert sorted(os.listdir(sysconfig.get_path("purelib", vars={"base": sys.base_prefix}))) == before
    assert sorted(os.listdir(f"{sys.base_prefix}/bin")) == scripts


def test_environments_made_from_it_work(shop: Workshop) -> None:
    job = shop.job()
    result = shop.set_up(job, USES, {"python-version": SHORT})
    shop.run(job, result, "python", "-m", "venv", "--without-pip", "own")
    ask = "import sys, ssl, ctypes; print(sys.prefix); print(sys.base_prefix)"
    prefix, base = shop.run(job, result, "own/bin/python", "-c", ask).splitlines()
    assert (prefix, base) == (f"{job.workspace}/own", result.env["pythonLocation"])


def test_the_same_version_asked_for_twice_is_set_up_once(shop: Workshop) -> None:
    job = shop.job()
    result = shop.set_up(job, USES, {"python-version": f"3.x\n{SHORT}\n"})
    marker = Path(result.env["pythonLocation"], "installed by a step")
    marker.touch()
    again = shop.set_up(job, USES, {"python-version": PYTHON}, env=result.env)
    assert again.env["pythonLocation"] == result.env["pythonLocation"]
    assert again.env["LD_LIBRARY_PATH"] == result.env["LD_LIBRARY_PATH"]
    assert marker.exists()


def test_update_environment_false_only_tells_where_it_is(shop: Workshop) -> None:
    job = shop.job()
    result = shop.set_up(job, USES, {"python-version": SHORT, "update-environment": "false"})
    assert (dict(result.env), list(result.paths)) == ({}, [])
    assert shop.run(job, result, result.outputs["python-path"], "-c", "print(1)") == "1"


@pytest.mark.parametrize(
    ("inputs", "files"),
    [
        (
            {"python-version-file": "pyproject.toml"},
            {"pyproject.toml": f'[project]\nrequires-python = "~={SHORT}.0"'},
        ),
        ({"python-version-file": "sub/.tool-versions"}, {"sub/.tool-versions": f"python {PYTHON}\n"}),
        ({}, {".python-version": f"{PYTHON}\n"}),
        ({"python-version": SHORT, "python-version-file": "no such"}, {}),
    ],
)
def test_a_file_may_say_the_version(shop: Workshop, inputs: dict[str, str], files: dict[str, str]) -> None:
    job = shop.job()
    job.write(files)
    assert shop.set_up(job, USES, inputs).outputs["python-version"] == PYTHON


def test_without_any_version_the_one_in_path_is_wrapped(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    (shop.bin / "python").symlink_to(sys.executable)
    job = shop.job()
    assert shop.set_up(job, USES, {}).outputs["python-version"] == PYTHON
    assert any("`python-version` input is not set" in line for line in job.log)


def test_a_version_that_is_not_here_is_refused_with_the_way_out(shop: Workshop) -> None:
    refused = refusal(shop, {"python-version": "3.99"})
    assert str(refused) == "The version '3.99' with architecture 'x64' was not found on this machine".replace(
        "x64", refused.args[0].split("'")[3]
    )
    assert f"there are: {PYTHON} (pyenv)" in refused.hint
    assert "`uv python install 3.99`, or `pyenv install 3.99`" in refused.hint
    assert "did you mean `'3.10'`?" in refusal(shop, {"python-version": "3.1"}).hint


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"python-version": "pypy3.10"}, "CPython only"),
        ({"python-version": "3.12; ls"}, "no version of Python"),
        ({"python-version": SHORT, "architecture": "s390x"}, "cannot run here"),
        ({"python-version": SHORT, "update-environment": "perhaps"}, "YAML 1.2"),
        ({"python-version-file": "missing"}, "doesn't exist"),
        ({"python-version-file": "../../../../etc/passwd"}, "outside of the workspace"),
        ({"python-version": SHORT, "cache": "npm"}, "Caching for 'npm' is not supported"),
        ({"python-version": SHORT, "cache": "pip"}, "requirements.txt or"),
        ({"python-version": SHORT, "pip-version": "1; ls"}, "Invalid pip-version"),
        ({"python-version": SHORT, "pip-install": "'"}, "cannot be split"),
        (
            {"python-version": SHORT, "pip-install": "--no-index nothing-of-this-name"},
            "failed with exit code",
        ),
    ],
)
def test_wrong_inputs_are_refused(shop: Workshop, inputs: dict[str, str], said: str) -> None:
    assert said in str(refusal(shop, inputs))


def test_cache_hit_says_whether_these_lock_files_have_been_here(shop: Workshop) -> None:
    inputs = {"python-version": SHORT, "cache": "pip"}

    def use(lock: str, status: Outcome) -> tuple[str, str]:
        job = shop.job()
        job.write({"requirements.txt": lock})
        result = shop.set_up(job, USES, inputs)
        shop.end(job, USES, result, status)
        return result.outputs["cache-hit"], job.log[-1]

    assert use("six==1", Outcome.FAILURE)[0] == "false"
    hit, said = use("six==1", Outcome.SUCCESS)
    assert hit == "false"
    assert said.startswith("Cache saved with the key: setup-python-Linux-")
    hit, said = use("six==1", Outcome.SUCCESS)
    assert hit == "true"
    assert said.endswith("not saving cache.")
    assert use("six==2", Outcome.SUCCESS)[0] == "false"


def test_downloads_are_kept_where_all_runs_find_them(shop: Workshop) -> None:
    job = shop.job()
    job.write({"poetry.lock": ""})
    given = shop.set_up(
        job, USES, {"python-version": SHORT, "cache": "poetry"}, env={"POETRY_CACHE_DIR": "/mine"}
    )
    assert "POETRY_CACHE_DIR" not in given.env
    assert given.env["POETRY_VIRTUALENVS_PATH"].startswith(job.box.home)
    job.write({"requirements.txt": ""})
    assert (
        shop.set_up(job, USES, {"python-version": SHORT, "cache": "pip"})
        .env["PIP_CACHE_DIR"]
        .startswith(job.box.tool_cache)
    )


def test_uv_is_asked_for_what_is_missing(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    (tmp_path / "pyenv/versions" / PYTHON).unlink()
    folder = f"cpython-{PYTHON}-linux-{os.uname().machine}-gnu"
    uv = shop.bin / "uv"
    uv.write_text(
        f'#!/bin/sh\necho "uv $@"\n[ "$6" = {SHORT} ] && /bin/ln -s {sys.base_prefix} "$4/{folder}"\n'
    )
    uv.chmod(0o755)
    job = shop.job()
    with pytest.raises(UserError, match=r"3\.99"):
        shop.set_up(job, USES, {"python-version": "3.99"})
    assert job.log[-1].startswith("uv python install --install-dir ")
    assert shop.set_up(job, USES, {"python-version": SHORT}).outputs["python-version"] == PYTHON
    assert any("from uv" in line for line in job.log)


def test_broken_and_foreign_programs_are_passed_over(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shims = tmp_path / "shims"
    shims.mkdir()
    shop.machine["PATH"] += f":{shims}"
    for path, text in {
        shop.bin / "python3.42": "\x7fELF nonsense",
        shop.bin / "python3": "#!/bin/sh\necho 3.43.0",
        shims / "python3.44": "\x7fELF nonsense",
    }.items():
        path.write_text(text)
        path.chmod(0o755)
    for name in ("3.98.0", "3.97-dev", "miniconda3", "3.96.0"):
        (tmp_path / "pyenv/versions" / name / "bin").mkdir(parents=True)
    (tmp_path / "pyenv/versions/3.98.0/bin/python3").symlink_to("/bin/false")
    (tmp_path / "pyenv/versions/3.96.0/bin/python3").symlink_to(sys.executable)  # says another version
    with pytest.raises(UserError) as refused:
        shop.set_up(shop.job(), USES, {"python-version": ">=3.90"})
    assert "3.43" not in refused.value.hint
    assert shop.set_up(shop.job(), USES, {"python-version": "3.x"}).outputs["python-version"] == PYTHON


def test_a_virtual_environment_serves_where_a_prefix_cannot(tmp_path: Path) -> None:
    facts = PythonProbe(str(tmp_path / "facts")).ask(sys.executable)
    assert facts is not None
    root = tmp_path / "venv"
    lay_out_venv(facts, str(root))
    ask = "import sys; print(sys.prefix != sys.base_prefix)"
    assert subprocess.check_output([f"{root}/bin/python", "-c", ask], text=True) == "True\n"


@pytest.mark.parametrize("folder", ["plain", "with blank", "d" * 150, 'q"uote$x`'])
def test_scripts_run_from_any_folder(tmp_path: Path, folder: str) -> None:
    python = tmp_path / folder / "python3"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    script = tmp_path / "script"
    script.write_bytes(first_lines("/somewhere else/python3") + b"import sys\nprint('runs', sys.argv[1:])\n")
    script.chmod(0o755)
    point_script(str(script), str(python))
    assert subprocess.check_output([script, "a", "b"], text=True) == "runs ['a', 'b']\n"
