"""Scripts around jobs and steps."""

from __future__ import annotations

from pathlib import Path

from .skep_process import SkepProject, make_project

WORKFLOW = """
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    defaults: {run: {shell: python}}
    steps:
      - name: first
        shell: bash
        run: echo "first $FROM_HOOK" >> LOG
      - name: second
        shell: bash
        run: exit 3
"""


def hooked(tmp_path: Path, **scripts: str) -> tuple[SkepProject, Path]:
    log = tmp_path / "log"
    project = make_project(tmp_path, ci=WORKFLOW.replace("LOG", str(log)))
    lines = ["[hooks]"]
    for name, text in scripts.items():
        (tmp_path / f"{name}.sh").write_text(text.replace("LOG", str(log)))
        lines.append(f'{name} = "{tmp_path}/{name}.sh"')
    (project.root / "skep.toml").write_text("\n".join(lines))
    return project, log


def test_hooks_run_around_jobs_and_steps_and_see_what_they_are_around(tmp_path: Path) -> None:
    project, log = hooked(
        tmp_path,
        job_started='echo "job of $GITHUB_WORKFLOW begins" >> LOG; echo FROM_HOOK=seen >> "$GITHUB_ENV"',
        job_completed='echo "job ends" >> LOG',
        step_started='echo "before $SKEP_STEP_NAME" >> LOG',
        step_completed='echo "after $SKEP_STEP_NAME: $SKEP_STEP_OUTCOME" >> LOG',
    )
    done = project.call("run")

    assert done.returncode == 1, done.stdout
    lines = [line for line in log.read_text().splitlines() if "Hook:" not in line]
    assert lines == [
        "job of .github/workflows/ci.yml begins",
        "before first",
        "first seen",
        "after first: success",
        "before second",
        "after second: failure",
        "job ends",
    ]


def test_a_hook_that_fails_fails_the_job_and_says_which(tmp_path: Path) -> None:
    project, log = hooked(tmp_path, job_started="exit 7")
    done = project.call("run")

    assert done.returncode == 1
    assert "Hook: job started" in done.stdout
    assert not log.exists()


def test_a_failing_step_hook_fails_its_step(tmp_path: Path) -> None:
    project, _ = hooked(tmp_path, step_completed='test "$SKEP_STEP_NAME" != first')
    done = project.call("run")

    assert done.returncode == 1
    assert "step_completed.sh` failed" in done.stdout


def test_github_names_of_job_hooks_work_too(tmp_path: Path) -> None:
    project, _ = hooked(tmp_path)
    script = tmp_path / "hook.sh"
    script.write_text("echo from the variable; exit 9")
    env = {**project.env, "ACTIONS_RUNNER_HOOK_JOB_STARTED": str(script)}
    done = SkepProject(project.root, env).call("run")

    assert "Process completed with exit code 9" in done.stdout
