"""A job sees an allow-list of the machine's environment, and the tools' real homes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.host.environment import TOOL_HOMES, home_seeds, is_allowed, job_environment, split_assignment
from skep.model.errors import UserError

names = st.text(st.characters(exclude_characters="=\0"), min_size=1)
ALLOWED = (  # noqa: SIM905 - easier to read
    "PATH LANG LC_ALL LC_CTYPE TZ USER HTTP_PROXY https_proxy no_proxy SSL_CERT_FILE PIP_CERT NODE_EXTRA_CA_CERTS "
    "PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS UV_INDEX_URL UV_INDEX_PRIVATE_PASSWORD UV_CACHE_DIR "
    "npm_config_registry NPM_CONFIG_REGISTRY npm_config_cafile npm_config_@me:registry GOPROXY CARGO_HTTP_CAINFO "
    "CARGO_REGISTRIES_MINE_INDEX JAVA_HOME"
).split()
WITHHELD = (  # noqa: SIM905
    "HOME TMPDIR SHELL AWS_SECRET_ACCESS_KEY GITHUB_TOKEN GH_TOKEN SSH_AUTH_SOCK GIT_AUTHOR_NAME GIT_DIR VIRTUAL_ENV "
    "PYTHONPATH LD_PRELOAD LD_LIBRARY_PATH BASH_ENV ENV NODE_OPTIONS NPM_TOKEN UV_PUBLISH_TOKEN UV_PUBLISH_PASSWORD "
    "CARGO_REGISTRIES_MINE_TOKEN npm_config_prefix npm_config_//r/:_authToken npm_lifecycle_event LC_ALLX_1 XPATH "
    "PIP_TARGET PIP_REQUIRE_VIRTUALENV UV_PROJECT_ENVIRONMENT UV_PYTHON CI GITHUB_ACTIONS RUNNER_TRACKING_ID XDG_CACHE_HOME"
).split()


def environment(os_environ: dict[str, str], *extra: str, existing: str = "") -> dict[str, str]:
    env, _ = job_environment(
        os_environ, home="/job/h", temp="/job/t", extra=extra, exists=lambda path: path in existing.split()
    )
    if env.get("UV_LINK_MODE") == "copy":  # always there, and tested by itself
        del env["UV_LINK_MODE"]
    return env


def test_uv_copies_out_of_the_users_cache_unless_told_otherwise() -> None:
    chosen, _ = job_environment({"UV_LINK_MODE": "symlink"}, home="/h", temp="/t")
    usual, shown = job_environment({}, home="/h", temp="/t")

    assert (chosen["UV_LINK_MODE"], usual["UV_LINK_MODE"]) == ("symlink", "copy")
    assert "shares bytes" in next(one.why for one in shown if one.name == "UV_LINK_MODE")


@pytest.mark.parametrize("name", ALLOWED)
def test_what_describes_the_machine_is_let_through(name: str) -> None:
    assert is_allowed(name)


@pytest.mark.parametrize("name", WITHHELD)
def test_what_is_the_users_own_is_not(name: str) -> None:
    assert not is_allowed(name)


def test_home_and_temp_are_the_jobs_own() -> None:
    env = environment({"HOME": "/home/me", "TMPDIR": "/home/me/tmp", "PATH": "/bin"})
    assert env == {"PATH": "/bin", "HOME": "/job/h", "TMPDIR": "/job/t"}


def test_tools_find_their_real_homes_where_these_exist() -> None:
    existing = "/home/me/.cargo /home/me/.pyenv /home/me/.cache/pip /home/me/.npmrc /home/me/.nvm"
    env = environment({"HOME": "/home/me"}, existing=existing)
    assert env == {
        "HOME": "/job/h",
        "TMPDIR": "/job/t",
        "CARGO_HOME": "/home/me/.cargo",
        "PYENV_ROOT": "/home/me/.pyenv",
        "NVM_DIR": "/home/me/.nvm",
        "PIP_CACHE_DIR": "/home/me/.cache/pip",
        "npm_config_userconfig": "/home/me/.npmrc",
    }


def test_a_tool_home_that_the_user_set_stays_as_it_is() -> None:
    env = environment(
        {
            "HOME": "/home/me",
            "CARGO_HOME": "/opt/cargo",
            "PIP_CONFIG_FILE": "/etc/my-pip.conf",
            "NPM_CONFIG_CACHE": "/npm",
        },
        existing="/home/me/.cargo",
    )
    assert env["CARGO_HOME"] == "/opt/cargo"
    assert env["PIP_CONFIG_FILE"] == "/etc/my-pip.conf"
    assert env["npm_config_cache"] == "/npm"


@pytest.mark.parametrize(
    ("os_environ", "existing", "expected"),
    [
        ({"HOME": "/u"}, "/u/.config/pip/pip.conf /u/.pip/pip.conf", "/u/.config/pip/pip.conf"),
        ({"HOME": "/u"}, "/u/.pip/pip.conf", "/u/.pip/pip.conf"),
        (
            {"HOME": "/u", "XDG_CONFIG_HOME": "/x"},
            "/x/pip/pip.conf /u/.config/pip/pip.conf",
            "/x/pip/pip.conf",
        ),
        ({}, "/.pip/pip.conf", None),
    ],
)
def test_pip_configuration_is_looked_for_where_pip_does(
    os_environ: dict[str, str], existing: str, expected: str | None
) -> None:
    assert environment(os_environ, existing=existing).get("PIP_CONFIG_FILE") == expected


@pytest.mark.parametrize(
    ("os_environ", "gopath", "modcache"),
    [
        ({"HOME": "/u"}, "/u/go", "/u/go/pkg/mod"),
        ({"HOME": "/u", "GOPATH": "/a:/b"}, "/a:/b", "/a/pkg/mod"),
        ({"HOME": "/u", "GOPATH": "/a", "GOMODCACHE": "/m"}, "/a", "/m"),
    ],
)
def test_go_modules_are_below_the_first_gopath(
    os_environ: dict[str, str], gopath: str, modcache: str
) -> None:
    env = environment(os_environ, existing="/u/go /u/go/pkg/mod")
    assert (env["GOPATH"], env["GOMODCACHE"]) == (gopath, modcache)


def test_env_options_let_through_and_set_and_win() -> None:
    env = environment(
        {"TOKEN": "t", "PATH": "/bin", "HOME": "/u"}, "TOKEN", "A=b=c", "EMPTY=", "PATH=/mine", "HOME", "GONE"
    )
    assert env == {"TOKEN": "t", "A": "b=c", "EMPTY": "", "PATH": "/mine", "HOME": "/u", "TMPDIR": "/job/t"}


@pytest.mark.parametrize("option", ["", "=x", "A\0B", "A=\0"])
def test_an_env_option_without_a_usable_name_is_refused(option: str) -> None:
    with pytest.raises(UserError, match="`--env` needs `NAME` or `NAME=VALUE`"):
        environment({}, option)


def test_the_list_names_all_that_is_given_and_hides_what_is_secret() -> None:
    env, shown = job_environment(
        {"PIP_INDEX_URL": "https://me:pw@index.example/simple", "NAMED": "secret", "PATH": "/bin"},
        home="/h",
        temp="/t",
        extra=["NAMED", "GIVEN=secret", "GONE"],
        exists=lambda _path: False,
    )
    assert [variable.name for variable in shown] == sorted([*env, "GONE"])
    said = {variable.name: (variable.value, variable.why) for variable in shown}
    assert said["PIP_INDEX_URL"] == ("https://***@index.example/simple", "allowed")
    assert said["PATH"] == ("/bin", "allowed")
    assert said["GONE"] == ("", "--env, but it is not set here")
    assert "secret" not in str(shown)


def test_configuration_without_a_variable_is_copied_into_the_new_home() -> None:
    exists = {"/u/.config/uv/uv.toml"}.__contains__
    assert home_seeds({"HOME": "/u"}, exists) == [(".config/uv/uv.toml", "/u/.config/uv/uv.toml")]
    assert home_seeds({}, exists) == []


@given(st.dictionaries(names, st.text()), st.lists(names))
def test_any_environment_gives_only_allowed_named_and_own_variables(
    os_environ: dict[str, str], extra: list[str]
) -> None:
    env, shown = job_environment(os_environ, home="/h", temp="/t", extra=extra, exists=lambda _path: False)
    named = {split_assignment(option)[0] for option in extra}
    known = named | {"HOME", "TMPDIR"} | {name for name, _ in TOOL_HOMES}
    assert all(is_allowed(name) or name in known for name in env)
    assert {variable.name for variable in shown} >= env.keys()


def test_tools_of_a_version_manager_work_in_another_home(tmp_path: Path) -> None:
    root = tmp_path / "real" / ".pyenv"
    (root / "versions/1.0/bin").mkdir(parents=True)
    (root / "shims").mkdir()
    tool = root / "versions/1.0/bin/tool"
    tool.write_text("#!/bin/sh\necho works\n")
    tool.chmod(0o755)
    shim = root / "shims/tool"
    shim.write_text('#!/bin/sh\nexec "${PYENV_ROOT:-$HOME/.pyenv}/versions/1.0/bin/tool"\n')
    shim.chmod(0o755)
    (tmp_path / "new").mkdir()
    env, _ = job_environment(
        {"HOME": f"{tmp_path}/real", "PATH": f"{root}/shims:{os.defpath}"},
        home=f"{tmp_path}/new",
        temp="/tmp",
    )
    assert subprocess.run(["tool"], env=env, capture_output=True, check=True).stdout == b"works\n"
