"""Which jobs this machine takes, by their `runs-on`."""

from __future__ import annotations

import pytest

from skep.pipeline.runners.labels import host_labels, unsupported_reason

X64 = host_labels(system="linux", machine="x86_64")
ARM = host_labels(system="linux", machine="aarch64")
MAC = host_labels(system="darwin", machine="arm64")
EXTENDED = host_labels(["GPU", "big-box", "group:Builders"], system="linux", machine="x86_64")


@pytest.mark.parametrize(
    ("own", "labels"),
    [
        (X64, "ubuntu-latest"),
        (X64, "Ubuntu-24.04"),
        (X64, "ubuntu-slim"),
        (X64, "self-hosted"),
        (X64, "self-hosted Linux X64"),
        (ARM, "ubuntu-24.04-arm"),
        (ARM, "ubuntu-latest"),
        (ARM, "self-hosted linux ARM64"),
        (MAC, "macos-latest"),
        (MAC, "self-hosted macOS arm64"),
        (EXTENDED, "self-hosted gpu Big-Box"),
    ],
)
def test_jobs_with_labels_of_this_machine_run(own: frozenset[str], labels: str) -> None:
    assert unsupported_reason(labels.split(), own=own) is None


@pytest.mark.parametrize(
    ("own", "labels", "reason"),
    [
        (X64, "windows-latest", "`windows-latest` needs Windows, and this machine runs Linux"),
        (X64, "self-hosted Windows", "`Windows` needs Windows, and this machine runs Linux"),
        (X64, "macos-14", "`macos-14` needs macOS, and this machine runs Linux"),
        (X64, "self-hosted linux arm64", "`arm64` needs another processor than this machine's (x64)"),
        (X64, "ubuntu-24.04-arm", "`ubuntu-24.04-arm` needs another processor than this machine's (x64)"),
        (ARM, "self-hosted x64", "`x64` needs another processor than this machine's (arm64)"),
        (MAC, "ubuntu-latest", "`ubuntu-latest` needs Linux, and this machine runs macOS"),
        (X64, "linux-gpu", "`linux-gpu` needs a machine with a GPU"),
        (X64, "gpu_t4", "`gpu_t4` needs a machine with a GPU"),
        (X64, "my-box", "this machine does not have the label `my-box`"),
        (X64, "ubuntu-latest my-box", "this machine does not have the label `my-box`"),
        (X64, "", "`runs-on` names no label"),
    ],
)
def test_other_jobs_are_refused_with_the_reason(own: frozenset[str], labels: str, reason: str) -> None:
    assert unsupported_reason(labels.split(), own=own) == reason


def test_a_runner_group_is_refused_unless_the_settings_name_it() -> None:
    assert unsupported_reason([], own=X64, group="Builders") == (
        "it needs the runner group `Builders`, which this machine is not in"
    )
    assert unsupported_reason([], own=EXTENDED, group="builders") is None
    assert unsupported_reason(["windows"], own=EXTENDED, group="Builders") == (
        "`windows` needs Windows, and this machine runs Linux"
    )


def test_this_very_machine_is_self_hosted() -> None:
    assert "self-hosted" in host_labels()
    assert {"linux", "macos"} & host_labels()
